"""coremltools: quiet, and with a torch frontend that is in repair."""

from __future__ import annotations

import functools
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sdqa.compat.collector import uncollected


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
