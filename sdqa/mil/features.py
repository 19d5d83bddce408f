"""What a function takes and gives, as its package describes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sdqa.errors import PackageError
from sdqa.mil.graph import Function
from sdqa.mil.package import Package
from sdqa.mil.types import OPEN, ValueType

COLOR_SPACES = {10: "grayscale", 20: "rgb", 30: "bgr", 40: "grayscale_float16"}


@dataclass(frozen=True)
class Feature:
    """One input, output or state of a function."""

    name: str
    kind: str
    """"tensor", "image", "state", "label", "probabilities"."""
    dtype: str
    """MIL's name of the element type; empty for labels and probabilities."""
    shape: tuple[int, ...]
    """-1 where any size fits (within `ranges`)."""
    choices: tuple[tuple[int, ...], ...] = ()
    """The shapes that are allowed, where the package enumerates them."""
    ranges: tuple[tuple[int, int | None], ...] = ()
    """Per dimension the smallest and largest size, where the package gives them; None: no largest."""
    optional: bool = False
    default: float = 0.0
    """What an optional input is filled with when it is left out."""
    default_shape: tuple[int, ...] = ()
    color_space: str = ""
    """Images: "rgb", "bgr", "grayscale" or "grayscale_float16"."""

    def admits(self, shape: tuple[int, ...]) -> bool:
        """Whether an input of the given shape is acceptable."""
        if len(shape) != len(self.shape) or any(
            want not in (OPEN, got) for want, got in zip(self.shape, shape, strict=True)
        ):
            return False
        if self.choices:
            return shape in self.choices
        return all(
            low <= size and (high is None or size <= high)
            for (low, high), size in zip(self.ranges, shape, strict=False)
        )

    def expectation(self) -> str:
        """The acceptable shapes, in words."""
        if self.choices:
            return "one of " + ", ".join(str(list(choice)) for choice in self.choices[:8])
        sizes = []
        for index, size in enumerate(self.shape):
            low, high = self.ranges[index] if index < len(self.ranges) else (0, None)
            sizes.append(str(size) if size != OPEN else f"{low}–{'…' if high is None else high}")
        return f"[{', '.join(sizes)}]"


def describe_inputs(package: Package, function: Function) -> tuple[Feature, ...]:
    """The function's inputs and states, in the program's order.

    Raises:
        PackageError: if the description contradicts the program.
    """
    described = {item.name: item for item in description_of(package, function, "input")}
    return tuple(_input(package, value.name, value.type, described.get(value.name)) for value in function.inputs)


def describe_outputs(package: Package, function: Function) -> tuple[Feature, ...]:
    """The function's outputs, in the program's order.

    Raises:
        PackageError: if the description contradicts the program.
    """
    described = {item.name: item for item in description_of(package, function, "output")}
    types = output_types(function)
    return tuple(_output(package, name, types[name], described.get(name)) for name in function.output_names)


def output_types(function: Function) -> dict[str, ValueType]:
    """The types of a function's outputs, by name, in the program's order."""
    types = {value.name: value.type for node in function.body.nodes for value in node.outputs}
    types |= {value.name: value.type for value in function.inputs}
    types |= {name: constant.type for name, constant in function.body.constants.items()}
    return {name: types[name] for name in function.output_names}


def description_of(package: Package, function: Function, field: str) -> Sequence[Any]:
    """What the package says of a function's `input`s, `output`s or `state`s."""
    description = package.model.description
    for item in description.functions:
        if item.name == function.name:
            return list(getattr(item, field))
    return list(getattr(description, field)) if not description.functions else []


def _input(package: Package, name: str, value_type: ValueType, described: Any) -> Feature:
    if value_type.kind == "state":
        if value_type.elements is None:
            raise PackageError(f"the state {name!r} has no fixed shape", where=package.name)
        return Feature(name, "state", value_type.dtype, value_type.shape)
    if value_type.kind != "tensor" or value_type.dtype == "string":
        raise PackageError(f"the input {name!r} is no tensor of numbers", where=package.name)
    if described is None:
        return Feature(name, "tensor", value_type.dtype, value_type.shape)
    kind = described.type.WhichOneof("Type")
    if kind == "imageType":
        space = COLOR_SPACES.get(described.type.imageType.colorSpace)
        if space is None or len(value_type.shape) != 4:
            raise PackageError(f"the image input {name!r} has no colour space or is not of rank 4", where=package.name)
        shape = _image_shape(described.type.imageType, space, value_type.shape)
        choices, ranges = _image_flexibility(described.type.imageType, shape)
        return Feature(name, "image", value_type.dtype, shape, choices=choices, ranges=ranges, color_space=space)
    array = described.type.multiArrayType
    choices, ranges = _flexibility(array)
    default = array.WhichOneof("defaultOptionalValue")
    return Feature(
        name,
        "tensor",
        value_type.dtype,
        value_type.shape,
        choices=choices,
        ranges=ranges,
        optional=described.type.isOptional,
        default=float(getattr(array, default)) if default else 0.0,
        default_shape=tuple(array.shape),
    )


def _flexibility(array: Any) -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, int | None], ...]]:
    kind = array.WhichOneof("ShapeFlexibility")
    if kind == "enumeratedShapes":
        return tuple(tuple(item.shape) for item in array.enumeratedShapes.shapes), ()
    if kind == "shapeRange":
        sizes = array.shapeRange.sizeRanges
        return (), tuple((item.lowerBound, None if item.upperBound < 0 else item.upperBound) for item in sizes)
    return (), ()


def _image_shape(image: Any, space: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """An image's shape: one picture of so many channels, whatever a program leaves open; its size where it is fixed."""
    flexible = image.WhichOneof("SizeFlexibility") is not None
    known = (1, 3 if space in ("rgb", "bgr") else 1, image.height, image.width)
    sizes = zip(shape, known, strict=True)
    return tuple(
        want if size == OPEN and want > 0 and (axis < 2 or not flexible) else size
        for axis, (size, want) in enumerate(sizes)
    )


def _image_flexibility(
    image: Any, shape: tuple[int, ...]
) -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, int | None], ...]]:
    kind = image.WhichOneof("SizeFlexibility")
    if kind == "enumeratedSizes":
        sizes = [(image.height, image.width), *((item.height, item.width) for item in image.enumeratedSizes.sizes)]
        return tuple((*shape[:2], height, width) for height, width in dict.fromkeys(sizes)), ()
    if kind == "imageSizeRange":
        planes = [(size, size) for size in shape[:2]]
        bounds = (image.imageSizeRange.heightRange, image.imageSizeRange.widthRange)
        return (), (*planes, *((item.lowerBound, None if item.upperBound < 0 else item.upperBound) for item in bounds))
    return (), ()


def _output(package: Package, name: str, value_type: ValueType, described: Any) -> Feature:
    if value_type.kind == "dictionary":
        return Feature(name, "probabilities", "", ())
    if value_type.kind != "tensor":
        return Feature(name, value_type.kind, value_type.dtype, value_type.shape)
    if value_type.dtype == "string" or (
        described is not None and described.type.WhichOneof("Type") in ("int64Type", "stringType")
    ):
        return Feature(name, "label", "", ())
    if described is not None and described.type.WhichOneof("Type") == "imageType":
        space = COLOR_SPACES.get(described.type.imageType.colorSpace)
        if space is None or len(value_type.shape) != 4:
            raise PackageError(f"the image output {name!r} has no colour space or is not of rank 4", where=package.name)
        return Feature(name, "image", value_type.dtype, value_type.shape, color_space=space)
    return Feature(name, "tensor", value_type.dtype, value_type.shape)
