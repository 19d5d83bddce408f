"""Two ways to evaluate one MIL operation: this project's, and coremltools' own value inference."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from sdqa import compat
from sdqa.mil.registry import Context, operation


def tensor(value: Any) -> Any:
    """Arrays as tensors, as the executor passes them; everything else as it is."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        return torch.from_numpy(value.copy())
    if isinstance(value, list) and any(isinstance(item, np.ndarray) for item in value):
        return [tensor(item) for item in value]
    return value


def run(name: str, **arguments: Any) -> Any:
    """This project's result, as numpy."""
    found = operation(name)
    assert found is not None, name
    if found.wants_context:
        arguments.setdefault("context", context())
    result = found.run(**{key: value if key == "context" else tensor(value) for key, value in arguments.items()})
    return tuple(part.numpy() for part in result) if isinstance(result, tuple) else result.numpy()


def context(seed: int = 0) -> Context:
    """A call context with a seeded generator."""
    return Context(torch.Generator().manual_seed(seed), "declared")


def inferred(name: str, opset: str = "iOS17", **arguments: Any) -> Any:
    """coremltools' result on constants, as numpy; fails if coremltools does not infer this operation."""
    compat.prepare_coremltools()
    import coremltools as ct
    from coremltools.converters.mil.mil import Builder, Function

    with Function({}, opset_version=getattr(ct.target, opset)):
        result = getattr(Builder, name)(**arguments)
        parts = result if isinstance(result, tuple | list) else (result,)
        values = tuple(part.val for part in parts)
    assert all(value is not None for value in values), f"coremltools does not infer {name}"
    return values if isinstance(result, tuple | list) else values[0]


def same(actual: Any, expected: Any, *, rtol: float = 1e-5, atol: float = 1e-6) -> None:
    """Equal shapes and values within tolerance; tuples part by part."""
    if isinstance(expected, tuple):
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            same(one, other, rtol=rtol, atol=atol)
        return
    other = np.asarray(expected)
    assert np.shape(actual) == other.shape
    np.testing.assert_allclose(np.asarray(actual, np.float64), other.astype(np.float64), rtol=rtol, atol=atol)


def numbers(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Reproducible fp32 numbers, uniform in [low, high)."""
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)
