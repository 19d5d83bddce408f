"""Each workaround is still needed: when one of these fails, the workaround it names may go."""

from __future__ import annotations

import subprocess
import sys

from sdqa import compat


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=120)


def test_torchvision_imports_beside_cpu_torch() -> None:
    result = run(
        "from sdqa import compat; compat.prepare_torchvision(); import torchvision; print(torchvision.__version__)"
    )
    assert result.returncode == 0, result.stderr


def test_torchvision_workaround_is_needed_only_where_the_extension_cannot_load() -> None:
    bare = run("import torchvision")
    needed = run("from sdqa import compat; print(compat.prepare_torchvision() is not None)").stdout.strip() == "True"
    assert needed == (bare.returncode != 0)


def test_coremltools_cast_still_needs_repair() -> None:
    import numpy as np

    compat.prepare_coremltools()
    if tuple(int(part) for part in np.__version__.split(".")[:2]) < (2, 4):
        return
    import inspect

    import coremltools.converters.mil.frontend.torch.ops as ops

    source = inspect.getsource(sys.modules[ops.__name__])
    assert "res = mb.const(val=dtype(x.val), name=node.name)" in source, (
        "coremltools has changed _cast: try without _repair_cast"
    )


def test_coremltools_alias_is_registered_once() -> None:
    compat.prepare_coremltools()
    compat._register_alias()
    from coremltools.converters.mil.frontend.torch.torch_op_registry import _TORCH_OPS_REGISTRY

    assert "alias" in _TORCH_OPS_REGISTRY.name_to_func_mapping


def test_kmeans_palettization_is_available() -> None:
    compat.prepare_coremltools()
    import coremltools._deps as deps

    assert deps._HAS_SKLEARN
