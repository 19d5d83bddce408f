"""Operations that steer the program or hold more than tensors: branches, loops, states, lists and class labels."""

from __future__ import annotations

from typing import Any

import torch

from sdqa.mil.arguments import Argument, as_bool, as_int, as_ints, as_str, as_tensor
from sdqa.mil.containers import MAX_LIST_LENGTH, StateCell, TensorList, shares_memory
from sdqa.mil.registry import Context, op
from sdqa.mil.types import BY_NAME


@op("cond", movement=True, wants_context=True)
def cond(pred: Argument, context: Context) -> tuple[Any, ...]:
    """Run the first nested block where `pred` holds, the second where not."""
    return context.blocks[0 if as_bool(pred) else 1]([])


@op("while_loop", movement=True, wants_context=True)
def while_loop(loop_vars: list[Argument], context: Context) -> tuple[Any, ...]:
    """Run the second nested block on the loop variables for as long as the first gives true."""
    holds, body = context.blocks
    values = tuple(value if isinstance(value, TensorList) else as_tensor(value) for value in loop_vars)
    while as_bool(holds(values)[0]):  # the executor counts the runs of blocks, and ends a loop that does not end
        values = body(values)
    return values


@op("read_state", movement=True)
def read_state(input: StateCell) -> torch.Tensor:
    """The state's value now."""
    return input.value


@op("write_state", movement=True)
def write_state(input: StateCell, data: Argument) -> tuple[torch.Tensor, ...]:
    """Replace the state's value; the operation has no result."""
    tensor = as_tensor(data)
    if tensor.shape != input.value.shape:
        raise ValueError(f"a state of shape {list(input.value.shape)} is given {list(tensor.shape)}")
    if not shares_memory(tensor, input.value):
        input.value = tensor.to(input.value.dtype, copy=True)
    return ()


@op("coreml_update_state", movement=True)
def coreml_update_state(state: StateCell, value: Argument) -> torch.Tensor:
    """Replace the state's value, and give it back."""
    write_state(state, value)
    return state.value


@op("make_list", movement=True)
def make_list(
    elem_shape: Argument, init_length: Argument = 1, dynamic_length: Argument = True, dtype: Argument = "fp32"
) -> TensorList:
    """An empty list; open dimensions of the elements are known when the first one is written."""
    sizes = [] if isinstance(elem_shape, list) and not elem_shape else _known_sizes(elem_shape)
    carrier = BY_NAME[as_str(dtype)].carrier
    if carrier is None:
        raise TypeError(f"a list cannot hold {as_str(dtype)}")
    length = as_int(init_length)
    if not 0 <= length <= MAX_LIST_LENGTH:
        raise ValueError(f"a list cannot have {length} elements")
    return TensorList((None,) * length, as_bool(dynamic_length), torch.zeros(sizes, dtype=carrier))


def _known_sizes(shape: Argument) -> list[int]:
    """A shape without open dimensions, or that of a scalar where there are some (they come as symbols, in text)."""
    if isinstance(shape, str) or (isinstance(shape, list) and any(isinstance(item, str) for item in shape)):
        return []
    sizes = as_ints(shape)
    return [] if any(size < 0 for size in sizes) else sizes


@op("list_length", movement=True)
def list_length(ls: TensorList) -> torch.Tensor:
    """How many elements the list has, as int32."""
    return torch.tensor(len(ls.items), dtype=torch.int32)


@op("list_read", movement=True)
def list_read(ls: TensorList, index: Argument) -> torch.Tensor:
    """One element."""
    return ls.read(as_int(index))


@op("list_write", movement=True)
def list_write(ls: TensorList, index: Argument, value: Argument) -> TensorList:
    """A list with one element replaced."""
    return ls.write(as_int(index), as_tensor(value))


@op("list_gather", movement=True)
def list_gather(ls: TensorList, indices: Argument) -> torch.Tensor:
    """Some elements, stacked along a new first axis."""
    return torch.stack([ls.read(index) for index in as_ints(indices)])


@op("list_scatter", movement=True)
def list_scatter(ls: TensorList, indices: Argument, value: Argument) -> TensorList:
    """A list with some elements replaced by the slices of a tensor along its first axis."""
    for index, item in zip(as_ints(indices), as_tensor(value), strict=True):
        ls = ls.write(index, item)
    return ls


@op("classify", movement=True)
def classify(probabilities: Argument, classes: list[Any]) -> tuple[Any, dict[Any, float]]:
    """The most probable class's label, and every label's probability."""
    values = as_tensor(probabilities).reshape(-1).float()
    labels = classes if isinstance(classes, list) else as_tensor(classes).reshape(-1).tolist()
    if len(labels) != values.numel():
        raise ValueError(f"{values.numel()} probabilities for {len(labels)} classes")
    return labels[int(values.argmax())], dict(zip(labels, values.tolist(), strict=True))
