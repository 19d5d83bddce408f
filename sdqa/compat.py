"""Every workaround for a third-party version, in one place.

Each function says which versions need it; `tests/test_compat.py` fails when one is no longer needed: then it may go.
Call them before the first import of the library they serve; they are idempotent and cheap.
"""

from __future__ import annotations

import functools
import gc
import importlib
import importlib.machinery
import importlib.util
import os
import sys
import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sdqa.signals import later

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


_OFFLINE_BY_DEFAULT = "SDQA_HUB_OFFLINE_BY_DEFAULT"
"""Set in the environment beside what `prepare_hub` sets there, so that a child process knows that no user did."""
_OFFLINE_BY_USER = (
    os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"} and _OFFLINE_BY_DEFAULT not in os.environ
)
"""What the user's environment says, before `prepare_hub` gives it a default."""


@contextmanager
def hub_online() -> Iterator[None]:
    """Let huggingface_hub use the network, which `prepare_hub` keeps it from, unless the user did that.

    The library reads HF_HUB_OFFLINE once, when it is imported (huggingface_hub 1 and 2).
    """
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = _OFFLINE_BY_USER
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


@contextmanager
def uncollected() -> Iterator[None]:
    """Import large libraries without looking for garbage meanwhile (CPython before 3.14, torch 2, transformers 5).

    Some thousands of modules are made that all stay; looking through them again and again takes a fifth of the time.
    Nor are they interrupted: half of torch cannot be imported again, and may take the process with it.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        with later():
            yield
    finally:
        if was_on:
            gc.enable()


_LATER = {"scipy.stats": (), "scipy.integrate": (), "scipy.optimize": ("linear_sum_assignment",)}
"""Module → functions of it that libraries take out while they are imported."""


@functools.cache
def prepare_scipy() -> None:
    """Load parts of scipy when something of them is first used (scipy 1, diffusers 0.3x, transformers 5).

    Six schedulers import scipy.stats for beta sigmas, for which hardly a suite asks; it takes a second. Another asks
    for integrals, and the losses of transformers, with which nobody trains here, for an assignment: half a second. The
    standard library's lazy modules do not help: `inspect`, which torch calls, asks every module for its file, and that
    loads them.
    """
    for name, taken in _LATER.items():
        spec = importlib.util.find_spec(name) if importlib.util.find_spec("scipy") else None
        if name not in sys.modules and spec is not None:
            _load_later(name, taken, spec)


def _load_later(name: str, taken: tuple[str, ...], spec: importlib.machinery.ModuleSpec) -> None:
    """Put a module in place that becomes the one of its name when something of it is used."""

    def real(attribute: str) -> Any:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        return getattr(importlib.import_module(name), attribute)

    def first_use(attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        if attribute in taken and sys.modules.get(name) is stand_in:
            return lambda *given, **named: real(attribute)(*given, **named)
        return real(attribute)

    stand_in: Any = types.ModuleType(name)
    stand_in.__spec__, stand_in.__file__, stand_in.__path__ = spec, spec.origin, spec.submodule_search_locations
    stand_in.__getattr__ = first_use
    sys.modules[name] = stand_in
    package, _, part = name.rpartition(".")
    setattr(importlib.import_module(package), part, stand_in)


@functools.cache
def prepare_hub() -> None:
    """Keep the model libraries quiet and away from the network unless the user has set it up otherwise."""
    prepare_hub_environment()
    with uncollected():
        prepare_scipy()
        prepare_torchvision()


@functools.cache
def prepare_hub_environment() -> None:
    """What `prepare_hub` does for huggingface_hub alone: nothing here loads torch."""
    if "HF_HUB_OFFLINE" not in os.environ:
        os.environ["HF_HUB_OFFLINE"] = os.environ[_OFFLINE_BY_DEFAULT] = "1"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


_TABLES = "sdqa_open_clip_tables"
"""The name under which open_clip's tables are loaded a second time, apart from the package."""


@functools.cache
def open_clip_tables() -> Any:
    """open_clip's table of pretrained tags without its networks (open_clip 3: importing the package loads torch).

    Its module is executed under a parent of its own, without `safetensors.torch`, which it can do without.

    Returns:
        A module with `list_pretrained_tags_by_model` and `get_pretrained_cfg`; its folder is `folder`.

    Raises:
        ImportError: open_clip is not installed, or is another version that cannot be taken apart so.
    """
    from pathlib import Path

    prepare_hub_environment()
    spec = importlib.util.find_spec("open_clip")
    if spec is None or spec.origin is None:
        raise ImportError("open_clip is not installed")
    folder = Path(spec.origin).parent
    parent = types.ModuleType(_TABLES)
    parent.__path__ = [str(folder)]
    sys.modules[_TABLES] = parent
    absent = "safetensors.torch" not in sys.modules
    if absent:
        sys.modules["safetensors.torch"] = None  # type: ignore[assignment] # as if it were not installed
    try:
        tables: Any = importlib.import_module(f"{_TABLES}.pretrained")
    finally:
        if absent:
            del sys.modules["safetensors.torch"]
    tables.folder = folder
    return tables


@functools.cache
def prepare_coremltools() -> None:
    """Import coremltools quietly and repair its torch frontend.

    - coremltools 9.0 with numpy >= 2.4: `_cast` calls `int()` on a one-element array, which numpy now refuses.
    - coremltools 9.0: `alias`, which `torch.export` emits, has no translation.
    - coremltools 9.0: the check for fp16 overflow writes out five 64-bit indices for every weight: 1.2 GB for one
      convolution of Stable Diffusion, and a third of the conversion's time.
    """
    os.environ.setdefault("TQDM_DISABLE", "1")
    with uncollected(), quiet_coremltools():
        import coremltools  # noqa: F401
    _repair_cast()
    _register_alias()
    _silence_progress()
    _lighten_overflow_check()


@contextmanager
def quiet_coremltools() -> Iterator[None]:
    """Silence coremltools' version notices, missing-proxy warnings and progress bars."""
    import logging

    loggers = [logging.getLogger(name) for name in ("coremltools", "coremltools.converters")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", RuntimeWarning)  # of numpy: an overflow is not about coremltools
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _repair_cast() -> None:
    import numpy as np
    from coremltools.converters.mil.frontend.torch import ops
    from coremltools.converters.mil.mil import Builder as mb

    def cast(context: Any, node: Any, dtype: Any, dtype_name: str) -> None:
        x = ops._get_inputs(context, node, expected=1)[0]
        if any(size != 1 for size in x.shape):
            raise ValueError("input to cast must be either a scalar or a length 1 tensor")
        if x.can_be_folded_to_const():
            scalar = dtype(np.asarray(x.val).reshape(-1)[0])
            result = x if isinstance(x.val, dtype) else mb.const(val=scalar, name=node.name)
        else:
            if len(x.shape) > 0:
                x = mb.squeeze(x=x, name=f"{node.name}_item")
            result = mb.cast(x=x, dtype=dtype_name, name=node.name)
        context.add(result, node.name)

    ops._cast = cast


def _register_alias() -> None:
    from coremltools.converters.mil.frontend.torch import ops
    from coremltools.converters.mil.frontend.torch.torch_op_registry import _TORCH_OPS_REGISTRY, register_torch_op

    if "alias" in _TORCH_OPS_REGISTRY.name_to_func_mapping:
        return

    def alias(context: Any, node: Any) -> None:
        context.add(ops._get_inputs(context, node)[0], torch_name=node.name)

    register_torch_op(alias)


def _silence_progress() -> None:
    """coremltools always shows progress bars, and TQDM_DISABLE is of no use once tqdm has been imported."""
    for name, attribute in (
        ("coremltools.converters.mil.frontend.torch.ops", "_tqdm"),
        ("coremltools.converters.mil.mil.passes.pass_pipeline", "tqdm"),
        ("coremltools.optimize.coreml._quantization_passes", "tqdm"),
    ):
        module = sys.modules[name]
        bar = getattr(module, attribute)
        if not isinstance(bar, functools.partial):
            setattr(module, attribute, functools.partial(bar, disable=True))


def _lighten_overflow_check() -> None:
    import numpy as np
    from coremltools.converters.mil.mil.passes.defs.quantization import FP16ComputePrecision

    infinite, largest = 1e38, 65504  # coremltools' own: what is above the first stands for infinity

    def overflows(value: Any) -> bool:
        array = np.asarray(value)
        highest, lowest = np.max(array, initial=0.0), np.min(array, initial=0.0)
        if -largest <= lowest and highest <= largest:
            return False
        size = np.abs(array)
        return bool(np.max(size, initial=0.0, where=size < infinite) > largest)

    def fp16_overflow(operation: Any) -> bool:
        for given in operation.inputs.values():
            for var in given if isinstance(given, (list, tuple)) else [given]:
                constant = var.op is not None and var.op.op_type == "const"
                if constant and var.is_tensor_or_scalar_of(dtype="fp32") and overflows(var.op.val.val):
                    return True
        return False

    FP16ComputePrecision.fp16_overflow = staticmethod(fp16_overflow)
