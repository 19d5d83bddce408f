"""Convolutions and linear maps with weights laid out once for the processor, instead of anew for each call.

oneDNN keeps weights in blocked layouts of its own; torch's eager operations reorder them on every call, which for deep
layers with small images is most of the work. The operators used here are those torch's own compiler uses. Where they do
not exist, or a layer is of another form, nothing is packed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from sdqa.mil.constants import Constant
from sdqa.mil.graph import Node
from sdqa.mil.registry import Implementation
from sdqa.mil.types import OPEN, ValueType
from sdqa.mil.weights import Weights

SMALLEST_WEIGHT = 1 << 12
"""Weights of fewer elements are not worth packing."""
FEWEST_ROWS = 16
"""Linear maps of fewer rows than this are bound by reading the weight, whatever its layout."""

MOST_ELEMENTS = 1 << 30
"""Layers with larger results are left to the plain operation, which is guarded against what cannot be held."""

Pack = Callable[[torch.Tensor], Any]


@dataclass
class Packed:
    """One layer with a constant weight: packed while the memory limit permits, and plain beyond it."""

    weights: Weights
    weight: Constant
    bias: Constant | None
    pack: Pack
    run: Callable[[torch.Tensor, Any, torch.Tensor | None], torch.Tensor]
    plain: Implementation
    others: dict[str, Constant]
    """The remaining arguments, for the plain operation."""

    def __call__(self, x: torch.Tensor) -> Any:
        """The layer's result."""
        bias = None if self.bias is None else self.weights.operand(self.bias)
        if x.dtype == torch.float32 and x.numel():
            packed = self.weights.packed(self.weight, self.pack)
            if packed is not None:
                return self.run(x, packed, None if bias is None else torch.as_tensor(bias, dtype=torch.float32))
        given = {key: self.weights.operand(constant) for key, constant in self.others.items()}
        if bias is not None:
            given["bias"] = bias
        return self.plain(x=x, weight=self.weights.operand(self.weight), **given)


def packed_layer(node: Node, types: dict[str, ValueType], plain: Implementation, weights: Weights) -> Packed | None:
    """The packed form of a convolution or a linear map; None where it has none.

    Args:
        types: the declared types of values by name.
        plain: the operation's own implementation.
    """
    if not AVAILABLE or weights.precision == "native" or node.type not in ("conv", "linear"):
        return None
    x = node.single("x")
    value_type = types.get(x) if isinstance(x, str) else None
    constants = {key: node.single(key) for key in node.inputs if key != "x"}
    weight = constants.pop("weight", None)
    bias = constants.pop("bias", None)
    if (
        value_type is None
        or value_type.any_rank
        or OPEN in value_type.shape
        or value_type.dtype not in ("fp16", "fp32")
    ):
        return None
    if not isinstance(weight, Constant) or {weight.type.dtype, value_type.dtype} - {"fp16", "fp32"}:
        return None
    if not (bias is None or isinstance(bias, Constant)) or (weight.type.elements or 0) < SMALLEST_WEIGHT:
        return None
    others = {key: constant for key, constant in constants.items() if isinstance(constant, Constant)}
    if len(others) != len(constants):
        return None
    shape, sizes = value_type.shape, weight.type.shape
    if node.type == "linear":
        rows = int(np.prod(shape[:-1]))
        if rows < FEWEST_ROWS or len(sizes) != 2 or len(shape) < 2 or rows * sizes[0] > MOST_ELEMENTS:
            return None
        return Packed(weights, weight, bias, lambda w: _pack_linear(w, rows), _linear, plain, others)
    geometry = _geometry(others, shape, sizes)
    if geometry is None:
        return None
    return Packed(weights, weight, bias, lambda w: _pack_conv(w, geometry, shape), _Conv(geometry), plain, others)


@dataclass(frozen=True)
class _Geometry:
    padding: list[int]
    stride: list[int]
    dilation: list[int]
    groups: int


def _geometry(others: dict[str, Constant], shape: tuple[int, ...], sizes: tuple[int, ...]) -> _Geometry | None:
    """What a two-dimensional convolution with the same padding on both sides is; None for any other."""
    if len(shape) != 4 or len(sizes) != 4:
        return None

    def integers(key: str, default: list[int]) -> list[int]:
        constant = others.get(key)
        return default if constant is None else [int(value) for value in np.asarray(constant.read()).reshape(-1)]

    pad_type = others["pad_type"].read() if "pad_type" in others else "valid"
    stride, dilation = integers("strides", [1, 1]), integers("dilations", [1, 1])
    groups = integers("groups", [1])
    if len(stride) != 2 or len(dilation) != 2 or len(groups) != 1 or min(*stride, *dilation, *groups) < 1:
        return None
    if groups[0] * sizes[1] != shape[1] or sizes[0] % groups[0]:
        return None
    if pad_type == "valid":
        padding = [0, 0]
    elif pad_type == "custom":
        pad = integers("pad", [0, 0, 0, 0])
        if len(pad) != 4 or pad[0] != pad[1] or pad[2] != pad[3] or min(pad) < 0:
            return None
        padding = [pad[0], pad[2]]
    elif pad_type in ("same", "same_lower") and stride == [1, 1]:
        reach = [(kernel - 1) * step for kernel, step in zip(sizes[2:], dilation, strict=True)]
        if any(size % 2 for size in reach):
            return None
        padding = [size // 2 for size in reach]
    else:
        return None
    for axis in (0, 1):
        if shape[2 + axis] + 2 * padding[axis] < (sizes[2 + axis] - 1) * dilation[axis] + 1:
            return None
    if shape[0] * sizes[0] * (shape[2] + 2 * padding[0]) * (shape[3] + 2 * padding[1]) > MOST_ELEMENTS:
        return None
    return _Geometry(padding, stride, dilation, groups[0])


def _pack_conv(weight: torch.Tensor, geometry: _Geometry, shape: tuple[int, ...]) -> Any:
    reorder: Any = torch._C._nn.mkldnn_reorder_conv2d_weight  # its stub lacks the size of the image
    return reorder(
        weight.to_mkldnn(), geometry.padding, geometry.stride, geometry.dilation, geometry.groups, list(shape)
    )


@dataclass(frozen=True)
class _Conv:
    geometry: _Geometry

    def __call__(self, x: torch.Tensor, packed: Any, bias: torch.Tensor | None) -> torch.Tensor:
        shape = self.geometry
        # channels last is the layout in which the packed kernels read and write without reordering images
        x = x.contiguous(memory_format=torch.channels_last)
        result: torch.Tensor = torch.ops.mkldnn._convolution_pointwise(
            x, packed, bias, shape.padding, shape.stride, shape.dilation, shape.groups, "none", [], ""
        )
        return result


def _pack_linear(weight: torch.Tensor, rows: int) -> Any:
    return torch.ops.mkldnn._reorder_linear_weight(weight, rows)


def _linear(x: torch.Tensor, packed: Any, bias: torch.Tensor | None) -> torch.Tensor:
    result: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, packed, bias, "none", [], "")
    return result


def _works() -> bool:
    """Whether the operators exist here and give what the plain ones give."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    try:
        x, weight = torch.ones(16, 8), torch.eye(8) * 2
        image, kernel = torch.ones(1, 8, 4, 4), torch.ones(8, 8, 1, 1)
        geometry = _Geometry([0, 0], [1, 1], [1, 1], 1)
        flat = _linear(x, _pack_linear(weight, 16), None)
        deep = _Conv(geometry)(image, _pack_conv(kernel, geometry, (1, 8, 4, 4)), None)
    except (AttributeError, NotImplementedError, RuntimeError, TypeError):
        return False
    return bool((flat == 2).all() and (deep == 8).all())


AVAILABLE = _works()
