"""Cut a package in two, each with about half of the weights: Apple's UnetChunk1 and UnetChunk2 for small phones.

The program's message is cut as it is, between two operations: no constant is decoded, so that compressed weights stay
compressed bit for bit, and a full-size U-Net needs little memory. Values that cross the cut become outputs of the first
package and inputs of the second, in fp32, which holds fp16 exactly. The Swift package hands the second chunk the first
one's outputs together with the original inputs, by name.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdqa.convert.package import PackageFolder
from sdqa.convert.sidecar import write_modules
from sdqa.errors import ConversionError
from sdqa.mil.package import Package, open_package
from sdqa.mil.records import read_modules

FLOAT16, FLOAT32, INT32, STRING = 10, 11, 23, 2
"""MIL.proto, enum DataType."""
_ARRAY_CODES = {FLOAT16: 65568, FLOAT32: 65568, INT32: 131104}
"""What a crossing value of each type is declared as in the description (fp16 crosses as fp32)."""
WINDOW = (0.45, 0.55)
"""The cut lies where this share of the weights is before it; inside, as few bytes as possible cross."""
_RECORD = struct.Struct("<IIQQQ")
_ALIGNMENT = 64


@dataclass(frozen=True)
class Cut:
    """Where a program is cut."""

    index: int
    """Operations before this one are in the first chunk."""
    crossing: tuple[str, ...]
    """Values computed before and used after, sorted."""
    share: float
    """Share of the weight bytes before the cut."""


def chunk_package(package: Path, destination: Path, *, stem: str = "Unet") -> tuple[Path, Path]:
    """Write `<stem>Chunk1.mlpackage` and `<stem>Chunk2.mlpackage` with their sidecars.

    Raises:
        ConversionError: the program cannot be cut near its middle.
        PackageError: the package is damaged.
    """
    opened = open_package(package)
    function = opened.model.mlProgram.functions["main"]
    operations = list(function.block_specializations[function.opset].operations)
    cut = find_cut(operations, opened)
    modules = read_modules(package)
    paths = []
    for number, part in enumerate((operations[: cut.index], operations[cut.index :]), start=1):
        target = destination / f"{stem}Chunk{number}.mlpackage"
        _write_chunk(opened, operations, part, cut, number == 1, target)
        if modules:
            write_modules(target, modules)
        paths.append(target)
    return paths[0], paths[1]


def find_cut(operations: Sequence[Any], package: Package) -> Cut:
    """The cut with the fewest crossing bytes among those that halve the weights.

    Raises:
        ConversionError: no cut inside the window has only fp16, fp32 and int32 tensors crossing.
    """
    types = {output.name: output.type for operation in operations for output in operation.outputs}
    last_use: dict[str, int] = {}
    for index, operation in enumerate(operations):
        for name in _names_used(operation):
            last_use[name] = index
    sizes = [sum(_blob_size(package, value) for value in _blobs(operation)) for operation in operations]
    total, before = sum(sizes) or 1, 0
    alive: dict[str, int] = {}
    best: tuple[int, Cut] | None = None
    for index, operation in enumerate(operations):
        before += sizes[index]
        if not _is_constant(operation):
            alive.update((output.name, last_use.get(output.name, index)) for output in operation.outputs)
        alive = {name: last for name, last in alive.items() if last > index}
        share = before / total
        if _is_constant(operation) or not WINDOW[0] <= share <= WINDOW[1] or not alive:
            continue
        crossing = tuple(sorted(alive))
        if all(_can_cross(types[name]) for name in crossing):
            weight = sum(_tensor_bytes(types[name]) for name in crossing)
            if best is None or weight < best[0]:
                best = (weight, Cut(index + 1, crossing, share))
    if best is None:
        raise ConversionError("the program cannot be cut near the middle of its weights", where=package.name)
    return best[1]


def _write_chunk(
    package: Package, operations: Sequence[Any], part: Sequence[Any], cut: Cut, first: bool, target: Path
) -> None:
    model = type(package.model)()
    model.CopyFrom(package.model)
    function = model.mlProgram.functions["main"]
    block = function.block_specializations[function.opset]
    types = {output.name: output.type for operation in operations for output in operation.outputs}
    constants = {
        output.name: operation for operation in operations if _is_constant(operation) for output in operation.outputs
    }
    body = [operation for operation in part if not _is_constant(operation)]
    del block.operations[:]
    added: set[str] = set()
    if not first:
        for name in cut.crossing:
            if types[name].tensorType.dataType == FLOAT16:
                block.operations.extend(_cast(type(body[0]), _public(name), name, types[name], "fp16"))
    for operation in body:
        for constant in _constants_of(operation, constants, added):
            block.operations.append(constant)
        block.operations.append(operation)
    if first:
        for name in cut.crossing:
            if types[name].tensorType.dataType == FLOAT16:
                block.operations.extend(_cast(type(body[0]), name, _public(name), types[name], "fp32"))
        del block.outputs[:]
        block.outputs.extend(_crossing_name(name, types) for name in cut.crossing)
        _declare(model.description.output, cut.crossing, types, replace=True)
    used = {name for operation in block.operations for name in _names_used(operation)}
    _keep_inputs(model, function, used)
    if not first:
        for name in cut.crossing:
            value = function.inputs.add(name=_crossing_name(name, types))
            value.type.CopyFrom(types[name])
            if types[name].tensorType.dataType == FLOAT16:
                value.type.tensorType.dataType = FLOAT32
        _declare(model.description.input, cut.crossing, types, replace=False)
    with PackageFolder(target) as folder:
        _copy_weights(package, block.operations, folder.weights / "weight.bin")
        folder.write_model(model)


def _keep_inputs(model: Any, function: Any, used: set[str]) -> None:
    """Drop the original inputs that a chunk does not read."""
    for features in (function.inputs, model.description.input):
        kept = [item for item in features if item.name in used]
        copies = [type(item).FromString(item.SerializeToString()) for item in kept]
        del features[:]
        features.extend(copies)


def _declare(features: Any, crossing: Sequence[str], types: dict[str, Any], *, replace: bool) -> None:
    if replace:
        del features[:]
    for name in crossing:
        feature = features.add(name=_crossing_name(name, types))
        array = feature.type.multiArrayType
        array.dataType = _ARRAY_CODES[types[name].tensorType.dataType]
        array.shape.extend(dimension.constant.size for dimension in types[name].tensorType.dimensions)


def _public(name: str) -> str:
    return f"{name}_crossing"


def _crossing_name(name: str, types: dict[str, Any]) -> str:
    return _public(name) if types[name].tensorType.dataType == FLOAT16 else name


def _cast(kind: type[Any], source: str, result: str, value_type: Any, dtype: str) -> list[Any]:
    """A dtype constant and the cast that uses it."""
    constant, cast = kind(type="const"), kind(type="cast")
    label = f"{result}_dtype"
    text = constant.attributes["val"]
    text.type.tensorType.dataType = STRING
    text.immediateValue.tensor.strings.values.append(dtype)
    constant.outputs.add(name=label).type.tensorType.dataType = STRING
    cast.inputs["x"].arguments.add(name=source)
    cast.inputs["dtype"].arguments.add(name=label)
    output = cast.outputs.add(name=result)
    output.type.CopyFrom(value_type)
    output.type.tensorType.dataType = FLOAT16 if dtype == "fp16" else FLOAT32
    for operation, name in ((constant, label), (cast, f"{result}_cast")):
        attribute = operation.attributes["name"]
        attribute.type.tensorType.dataType = STRING
        attribute.immediateValue.tensor.strings.values.append(name)
    return [constant, cast]


def _is_constant(operation: Any) -> bool:
    return str(operation.type) == "const" or str(operation.type).startswith("constexpr_")


def _names_used(operation: Any) -> Iterator[str]:
    """Names of the values an operation reads, nested blocks included."""
    for argument in operation.inputs.values():
        for binding in argument.arguments:
            if binding.WhichOneof("binding") == "name":
                yield binding.name
    for block in operation.blocks:
        yield from block.outputs
        for nested in block.operations:
            yield from _names_used(nested)


def _constants_of(operation: Any, constants: dict[str, Any], added: set[str]) -> Iterator[Any]:
    """The constants an operation needs that its chunk does not have yet, what they are made of first."""
    for name in _names_used(operation):
        constant = constants.get(name)
        if constant is not None and name not in added:
            added.update(output.name for output in constant.outputs)
            yield from _constants_of(constant, constants, added)
            yield constant


def _blobs(operation: Any) -> Iterator[Any]:
    """Every value of an operation that lies in a weight file."""
    values = list(operation.attributes.values())
    values += [binding.value for argument in operation.inputs.values() for binding in argument.arguments]
    for value in values:
        if value.WhichOneof("value") == "blobFileValue":
            yield value
    for block in operation.blocks:
        for nested in block.operations:
            yield from _blobs(nested)


def _blob_size(package: Package, value: Any) -> int:
    return _record(package, value)[2]


def _record(package: Package, value: Any) -> tuple[int, int, int, int, int]:
    reference = value.blobFileValue
    path = package.weight_file(reference.fileName).path
    with path.open("rb") as file:
        file.seek(reference.offset)
        sentinel, code, size, start, padding = _RECORD.unpack(file.read(_RECORD.size))
    return sentinel, code, size, start, padding


def _copy_weights(package: Package, operations: Sequence[Any], target: Path) -> None:
    """Copy the blobs that operations use into a weight file of their own, and point the operations at it."""
    moved: dict[tuple[str, int], int] = {}
    with target.open("wb") as out:
        out.write(b"\0" * _ALIGNMENT)
        for operation in operations:
            for value in _blobs(operation):
                reference = value.blobFileValue
                key = (reference.fileName, reference.offset)
                if key not in moved:
                    moved[key] = out.tell()
                    sentinel, code, size, start, padding = _record(package, value)
                    record = _RECORD.pack(sentinel, code, size, out.tell() + _ALIGNMENT, padding)
                    out.write(record.ljust(_ALIGNMENT, b"\0"))
                    with package.weight_file(reference.fileName).path.open("rb") as source:
                        source.seek(start)
                        _copy_bytes(source, out, size)
                    out.write(b"\0" * (-size % _ALIGNMENT))
                reference.fileName = "@model_path/weights/weight.bin"
                reference.offset = moved[key]
        out.seek(0)
        out.write(struct.pack("<II", len(moved), 2))


def _copy_bytes(source: Any, out: Any, size: int) -> None:
    while size:
        piece = source.read(min(size, 1 << 24))
        if not piece:
            raise ConversionError("a weight file ends inside a blob")
        out.write(piece)
        size -= len(piece)


def _can_cross(value_type: Any) -> bool:
    tensor = value_type.tensorType
    fixed = all(dimension.WhichOneof("dimension") == "constant" for dimension in tensor.dimensions)
    return value_type.WhichOneof("type") == "tensorType" and tensor.dataType in _ARRAY_CODES and fixed


def _tensor_bytes(value_type: Any) -> int:
    total = 2 if value_type.tensorType.dataType == FLOAT16 else 4
    for dimension in value_type.tensorType.dimensions:
        total *= dimension.constant.size
    return total
