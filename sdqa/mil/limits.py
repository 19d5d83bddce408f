"""How large a value may become, judged before it is computed.

A package can ask for more memory than there is with a few bytes: a fill of a trillion elements, a tile, a broadcast.
What an operation is about to make is estimated from its arguments, and refused above what this machine could hold
(`sdqa.mil.capacity`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch

from sdqa.mil.arguments import as_float, as_int, as_ints

Arguments = Mapping[str, Any]
Estimate = Callable[[Arguments], float]


def _elements(arguments: Arguments, name: str = "x") -> int:
    value = arguments.get(name)
    if isinstance(value, torch.Tensor):
        return value.numel()
    return int(getattr(value, "size", 1))


def _shape(arguments: Arguments, name: str) -> tuple[int, ...]:
    return tuple(getattr(arguments.get(name), "shape", ()))


def _product(values: list[int]) -> int:
    return math.prod(max(value, 0) for value in values)


def _broadcast(arguments: Arguments) -> float:
    return _spread(_shape(arguments, "x"), _shape(arguments, "y"))


def _spread(x: tuple[int, ...], y: tuple[int, ...]) -> float:
    """How many elements two shapes have together, broadcast."""
    if x == y:
        return math.prod(x)
    longest = max(len(x), len(y))
    x, y = (1,) * (longest - len(x)) + x, (1,) * (longest - len(y)) + y
    return math.prod(max(sizes) for sizes in zip(x, y, strict=True))


def _matmul(arguments: Arguments) -> float:
    x, y = _shape(arguments, "x"), _shape(arguments, "y")
    if len(x) < 2 or len(y) < 2:
        return 0
    # whichever axes are contracted, the result is no larger than the batch times the larger of each pair
    return _spread(x[:-2], y[:-2]) * max(x[-2:]) * max(y[-2:])


def _range(arguments: Arguments) -> float:
    start, end, step = (as_float(arguments[name]) for name in ("start", "end", "step"))
    return abs((end - start) / step) if step else math.inf


def _pad(arguments: Arguments) -> float:
    sizes, pads = list(_shape(arguments, "x")), as_ints(arguments["pad"])
    for index in range(min(len(pads) // 2, len(sizes))):
        sizes[-1 - index] += sum(pads[len(pads) - 2 * index - 2 : len(pads) - 2 * index])
    return _product(sizes)


def _scaled(arguments: Arguments) -> float:
    height, width = (as_float(arguments.get(f"scale_factor_{side}", 1)) for side in ("height", "width"))
    return _elements(arguments) * max(height, 0) * max(width, 0)


def _target(prefix: str, suffix: str) -> Estimate:
    def estimate(arguments: Arguments) -> float:
        height, width = (as_int(arguments.get(f"{prefix}{side}{suffix}", 1)) for side in ("height", "width"))
        planes = math.prod(_shape(arguments, "x")[:-2])
        boxes = max(_elements(arguments, "roi"), _elements(arguments, "boxes"), 1)
        return planes * boxes * max(height, 0) * max(width, 0)

    return estimate


def _resize(arguments: Arguments) -> float:
    x, wanted = _shape(arguments, "x"), as_ints(arguments["shape"])
    kept = x[: len(x) - len(wanted)]
    return math.prod(kept) * math.prod(max(size, 1) for size in wanted)


def _conv_transpose(arguments: Arguments) -> float:
    x, weight = _shape(arguments, "x"), _shape(arguments, "weight")
    strides = as_ints(arguments.get("strides", [1] * (len(x) - 2)))
    dilations = as_ints(arguments.get("dilations", [1] * (len(x) - 2)))
    spatial = [
        size * stride + kernel * dilation
        for size, stride, kernel, dilation in zip(x[2:], strides, weight[2:], dilations, strict=False)
    ]
    groups = as_int(arguments.get("groups", 1))
    return x[0] * weight[1] * groups * _product(spatial) if len(x) > 2 and len(weight) > 2 else 0


def _conv(arguments: Arguments) -> float:
    x, pads = _shape(arguments, "x"), as_ints(arguments.get("pad", []))
    sizes = [size + sum(pads[2 * axis : 2 * axis + 2]) for axis, size in enumerate(x[2:])]
    return math.prod(x[:1]) * max([*_shape(arguments, "weight")[:1], *x[1:2]], default=0) * _product(sizes)


def _gather(arguments: Arguments) -> float:
    x = _shape(arguments, "x")
    axis = as_int(arguments.get("axis", 0))
    slice_size = math.prod(size for index, size in enumerate(x) if index != axis % max(len(x), 1))
    return _elements(arguments, "indices") * slice_size


def _gather_nd(arguments: Arguments) -> float:
    indices, x = _shape(arguments, "indices"), _shape(arguments, "x")
    depth = as_int(arguments.get("batch_dims", 0)) + (indices[-1] if indices else 0)
    return math.prod(indices[:-1]) * math.prod(x[depth:])


def _windows(arguments: Arguments) -> float:
    return _elements(arguments) * max(as_int(arguments["size"]), 1) / max(as_int(arguments.get("stride", 1)), 1)


def _batched(arguments: Arguments) -> float:
    paddings = as_ints(arguments["paddings"])
    sizes = list(_shape(arguments, "x"))
    for axis in range(min(len(paddings) // 2, max(len(sizes) - 2, 0))):
        sizes[2 + axis] += sum(paddings[2 * axis : 2 * axis + 2])
    return _product(sizes)


ESTIMATES: dict[str, Estimate] = {
    "fill": lambda a: _product(as_ints(a["shape"])),
    "random_uniform": lambda a: _product(as_ints(a["shape"])),
    "random_normal": lambda a: _product(as_ints(a["shape"])),
    "random_bernoulli": lambda a: _product(as_ints(a["shape"])),
    "random_categorical": lambda a: _elements(a) * max(as_int(a.get("size", 1)), 0),
    "tile": lambda a: _elements(a) * _product(as_ints(a["reps"])),
    "one_hot": lambda a: _elements(a, "indices") * max(as_int(a["one_hot_vector_size"]), 0),
    "range_1d": _range,
    "pad": _pad,
    "upsample_nearest_neighbor": _scaled,
    "upsample_bilinear": _scaled,
    "resize_nearest_neighbor": _target("target_size_", ""),
    "resize_bilinear": _target("target_size_", ""),
    "crop_resize": _target("target_", ""),
    "affine": _target("output_", ""),
    "resize": _resize,
    "resample": lambda a: math.prod(_shape(a, "x")[:2]) * _elements(a, "coordinates") / 2,
    "sliding_windows": _windows,
    "space_to_batch": _batched,
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "matmul": _matmul,
    "linear": lambda a: math.prod(_shape(a, "x")[:-1]) * math.prod(_shape(a, "weight")[:1]),
    "gather": _gather,
    "gather_nd": _gather_nd,
    **dict.fromkeys(
        (
            *("add", "sub", "mul", "real_div", "floor_div", "mod", "pow", "maximum", "minimum"),
            *("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"),
            *("logical_and", "logical_or", "logical_xor"),
        ),
        _broadcast,
    ),
}
"""By operation, at least how many elements its result will have."""
