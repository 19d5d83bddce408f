"""The protobuf messages of a program, read and written a field at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy.typing as npt

from sdqa.mil.types import BY_CODE, DataType

Array = npt.NDArray[Any]
_CODE_OF = {data_type.name: code for code, data_type in BY_CODE.items()}


def names(operation: Any) -> Iterator[str]:
    """The names bound to any of an operation's arguments."""
    for argument in operation.inputs.values():
        for binding in argument.arguments:
            if binding.WhichOneof("binding") == "name":
                yield binding.name


def set_name(operation: Any, name: str) -> None:
    """Give an operation its own name, as errors and diagnoses show it."""
    attribute = operation.attributes["name"]
    declare(attribute.type.tensorType, "string", ())
    attribute.immediateValue.tensor.strings.values.append(name)


def declare(tensor_type: Any, type_name: str, shape: Sequence[int]) -> None:
    """Fill a tensor's type: its element ("fp16", "int32", "string", …) and its sizes."""
    tensor_type.dataType = _CODE_OF[type_name]
    tensor_type.rank = len(shape)
    for size in shape:
        tensor_type.dimensions.add().constant.size = size


def set_immediate(tensor: Any, values: Array, data_type: DataType) -> None:
    """Write values into the program itself; of fp16 and narrower types, their bytes."""
    tensor.Clear()
    flat = values.reshape(-1)
    if data_type.name == "fp32":
        tensor.floats.values.extend(float(value) for value in flat)
    elif data_type.name == "bool":
        tensor.bools.values.extend(bool(value) for value in flat)
    elif data_type.name == "int32":
        tensor.ints.values.extend(int(value) for value in flat)
    else:
        tensor.bytes.values = flat.tobytes()
