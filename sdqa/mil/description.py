"""What a package's description says of its program and the program does not bear out.

Core ML reads names, types and shapes from the description and computes with the program; this runtime computes with the
program alone. So a contradiction shows nothing here, and fails or misreads memory on a device.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from sdqa.mil.features import description_of, output_types
from sdqa.mil.graph import Function
from sdqa.mil.package import Package
from sdqa.mil.pipeline import is_pipeline
from sdqa.mil.types import OPEN, ValueType

ARRAY_TYPES = {65552: "fp16", 65568: "fp32", 65600: "fp64", 131104: "int32", 131080: "int8"}
"""Core ML's codes of an array's element type."""
OPSET_VERSIONS = {"CoreML5": 6, "CoreML6": 7, "CoreML7": 8, "CoreML8": 9, "CoreML9": 10}
"""The specification version that each set of operations came with."""
LATER_VERSION = 9
"""The specification version that functions and states came with."""
IMAGE_AXES = {10: 1, 20: 3, 30: 3, 40: 1}
"""Channels by colour space."""


def contradictions(package: Package, function: Function) -> tuple[str, ...]:
    """Everything in the description of a function, and of the package, that its program contradicts, as sentences.

    Of a pipeline nothing: its description is what joins its models.
    """
    if is_pipeline(package.model):
        return ()
    states = [value for value in function.inputs if value.type.kind == "state"]
    inputs = {value.name: value.type for value in function.inputs if value.type.kind != "state"}
    return (
        *_versions(package, function, bool(states)),
        *_functions(package),
        *_changeable(package, function),
        *_features("input", description_of(package, function, "input"), inputs),
        *_features("output", description_of(package, function, "output"), output_types(function)),
        *_features("state", description_of(package, function, "state"), {one.name: one.type for one in states}),
    )


def _versions(package: Package, function: Function, states: bool) -> Iterator[str]:
    """Of the specification, against what the program uses."""
    said, opset = package.model.specificationVersion, function.opset
    if said < OPSET_VERSIONS[opset]:
        yield f"its specification version is {said}, its program's operations ({opset}) need {OPSET_VERSIONS[opset]}"
    elif said < LATER_VERSION and (states or len(package.model.mlProgram.functions) > 1):
        what = "states" if states else "several functions"
        yield f"its specification version is {said}, {what} need {LATER_VERSION}"


def _functions(package: Package) -> Iterator[str]:
    described = [item.name for item in package.model.description.functions]
    there = sorted(package.model.mlProgram.functions)
    if described and sorted(described) != there:
        yield f"its description names the functions {', '.join(described)}, its program has {', '.join(there)}"


def _changeable(package: Package, function: Function) -> Iterator[str]:
    """What would compute something else on a device: weights that are trained there, inputs that nobody has to give."""
    if package.model.isUpdatable:
        yield "its description says that it is updatable, a program has no weights that a device trains"
    for item in description_of(package, function, "input"):
        array = item.type.multiArrayType
        if item.type.isOptional and array.WhichOneof("defaultOptionalValue") is None:
            yield f"its description has the input {item.name!r} as optional, without the value that it then has"


def _features(kind: str, described: Sequence[Any], types: dict[str, ValueType]) -> Iterator[str]:
    """Names first; then the type of each that both have."""
    names = Counter(item.name for item in described)
    verb = {"input": "takes", "output": "gives", "state": "keeps"}[kind]
    for name, count in names.items():
        if name not in types:
            yield f"its description names the {kind} {name!r}, its program {verb} {', '.join(types) or 'none'}"
        elif count > 1:
            yield f"its description names the {kind} {name!r} {count} times"
    for name in sorted(types.keys() - names.keys()):
        yield f"its program {verb} {name!r}, which its description does not name"
    for item in described:
        if item.name in types:
            yield from _type(kind, item, types[item.name])


def _type(kind: str, item: Any, actual: ValueType) -> Iterator[str]:
    """Element type and shape of one feature."""
    which = item.type.WhichOneof("Type")
    if actual.kind not in ("tensor", "state") or actual.dtype == "string":
        return  # text and probabilities, which have neither
    if which == "imageType":
        yield from _image(kind, item, actual)
    elif which in ("multiArrayType", "stateType"):
        array = item.type.stateType.arrayType if which == "stateType" else item.type.multiArrayType
        said = ARRAY_TYPES.get(array.dataType, "")
        if said and said != actual.dtype:
            yield f"its description has the {kind} {item.name!r} as {said}, its program as {actual.dtype}"
        for shape in _shapes(array):
            if not _agree(shape, actual):
                yield f"its description has the {kind} {item.name!r} as {list(shape)}, its program as {_shown(actual)}"
                return


def _image(kind: str, item: Any, actual: ValueType) -> Iterator[str]:
    image = item.type.imageType
    if image.WhichOneof("SizeFlexibility") is not None or image.colorSpace not in IMAGE_AXES:
        return
    said = (1, IMAGE_AXES[image.colorSpace], image.height, image.width)
    if not _agree(said, actual):
        what = f"an image of {list(said)}, its program as {_shown(actual)}"
        yield f"its description has the {kind} {item.name!r} as {what}"


def _shapes(array: Any) -> Iterator[tuple[int, ...]]:
    """The shapes that a description allows: its own, or each that it enumerates; of a range both ends."""
    kind = array.WhichOneof("ShapeFlexibility")
    if kind == "enumeratedShapes":
        yield from (tuple(one.shape) for one in array.enumeratedShapes.shapes)
    elif kind == "shapeRange" and array.shapeRange.sizeRanges:
        ranges = array.shapeRange.sizeRanges
        yield tuple(one.lowerBound for one in ranges)
        yield tuple(OPEN if one.upperBound < 0 else one.upperBound for one in ranges)
    elif array.shape:
        yield tuple(array.shape)


def _agree(said: tuple[int, ...], actual: ValueType) -> bool:
    """Whether the program can be given that; a scalar is described as one number."""
    if actual.any_rank or not actual.shape:
        return actual.any_rank or said == (1,)
    return len(said) == len(actual.shape) and all(
        have == OPEN or want == have for want, have in zip(said, actual.shape, strict=True)
    )


def _shown(actual: ValueType) -> str:
    return "[" + ", ".join("open" if size == OPEN else str(size) for size in actual.shape) + "]"
