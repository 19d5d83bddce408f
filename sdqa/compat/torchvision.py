"""torchvision: its CUDA build beside a CPU build of torch."""

from __future__ import annotations

import functools
import importlib.util
import os
from typing import Any

TORCHVISION_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


@functools.cache
def prepare_torchvision() -> Any:
    """Let torchvision's CUDA build import beside a CPU build of torch (torchvision 0.28 with torch 2.13).

    torchvision registers fake kernels for operators that its C++ extension defines; the extension of the CUDA build
    cannot be loaded without CUDA, so the registration raises "operator torchvision::nms does not exist". Declaring the
    operators first is enough: nothing in sdqa calls them. Where the extension does load, nothing is declared.

    Returns:
        The library handle that keeps the declarations alive, or None when torchvision is absent or sound.
    """
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return None
    import torch

    if torch.cuda.is_available() or _extension_loads(os.path.dirname(spec.origin)):
        return None
    library: Any = torch.library.Library(  # type: ignore[no-untyped-call]
        "torchvision", "FRAGMENT"
    )
    for schema in TORCHVISION_OPERATORS:
        name = schema.split("(", 1)[0]
        if not torch._C._dispatch_has_kernel(f"torchvision::{name}"):
            library.define(schema)
    return library


def _extension_loads(folder: str) -> bool:
    """Whether torchvision's C++ extension can be loaded into this process."""
    import ctypes

    candidates = [name for name in os.listdir(folder) if name.startswith("_C.") and not name.endswith(".py")]
    for name in candidates:
        try:
            ctypes.CDLL(os.path.join(folder, name))
        except OSError:
            return False
    return bool(candidates)
