"""The same computation by other operations: in halves, there and back, a factor elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from math import frexp
from typing import Any

import numpy as np

from sdqa.faults.control_registry import editing
from sdqa.faults.injection import Effect
from sdqa.faults.package_editor import PackageEditor
from sdqa.mil.types import BY_CODE
from tests.faults.held_out.picking import users_of
from tests.faults.held_out.registry import harmless

Random = np.random.Generator
_CODE_OF = {data_type.name: code for code, data_type in BY_CODE.items()}
SOME = 3
"""Of a package's layers that are written otherwise."""


def _some(editor: PackageEditor, random: Random, *kinds: str) -> list[Any]:
    """A few operations of some kinds whose results are not the program's own."""
    found = [one for one in editor.operations(*kinds) if one.outputs[0].name not in editor.block.outputs]
    return [found[index] for index in random.permutation(len(found))[:SOME]]


def _values(editor: PackageEditor, random: Random) -> list[str]:
    """Results of a few convolutions and linear layers that something uses."""
    layers = _some(editor, random, "conv", "linear")
    return [one.outputs[0].name for one in layers if users_of(editor, one.outputs[0].name)]


def _resize(editor: PackageEditor, value: str, sizes: Sequence[int]) -> None:
    """Declare another shape for a computed value."""
    declared = editor.type_of(value).tensorType
    del declared.dimensions[:]
    declared.rank = len(sizes)
    for size in sizes:
        declared.dimensions.add().constant.size = size


def _in_halves(editor: PackageEditor, operation: Any, axis: int) -> None:
    """Compute a layer's outputs in two layers of half its width, and join them."""
    result = operation.outputs[0].name
    rest = {
        argument: editor.inputs_of(operation, argument)
        for argument in operation.inputs
        if argument not in ("weight", "bias")
    }
    tensors = {
        argument: editor.read(name)
        for argument in ("weight", "bias")
        if (name := editor.constant_of(operation, argument)) is not None
    }
    parts = []
    for rows in np.array_split(np.arange(len(tensors["weight"])), 2):
        own = {argument: editor.constant(values[rows], before=operation) for argument, values in tensors.items()}
        part = editor.insert(operation.type, {**rest, **own}, result, before=operation)
        editor.type_of(part).tensorType.dimensions[axis].constant.size = len(rows)
        parts.append(part)
    for argument in list(operation.inputs):
        del operation.inputs[argument]
    operation.type = "concat"
    editor.bind(operation, "values", *parts)
    editor.bind(operation, "axis", editor.constant(axis, before=operation))
    editor.bind(operation, "interleave", editor.constant(False, before=operation))


@harmless("held-convolutions-in-halves", component="vae_decoder")
def convolutions_in_halves(random: Random) -> Effect:
    """Some convolutions are two, each for half of the channels, and a concatenation."""

    def edit(editor: PackageEditor, random: Random) -> None:
        for operation in _some(editor, random, "conv"):
            _in_halves(editor, operation, axis=1)

    return editing(edit, random)


@harmless("held-matrices-in-halves", component="unet")
def matrices_in_halves(random: Random) -> Effect:
    """Some linear layers are two, each for half of the features, and a concatenation."""

    def edit(editor: PackageEditor, random: Random) -> None:
        for operation in _some(editor, random, "linear"):
            _in_halves(editor, operation, axis=len(editor.shape_of(operation.outputs[0].name)) - 1)

    return editing(edit, random)


@harmless("held-cast-and-back", component="vae_decoder")
def cast_and_back(random: Random) -> Effect:
    """Some values are cast to single precision and back."""

    def edit(editor: PackageEditor, random: Random) -> None:
        for value in _values(editor, random):
            before = editor.dtype_of(value)
            there = editor.insert_after(value, "cast", dtype="fp32")
            editor.type_of(there).tensorType.dataType = _CODE_OF["fp32"]
            back = editor.insert_after(there, "cast", dtype=before)
            editor.type_of(back).tensorType.dataType = _CODE_OF[before]

    return editing(edit, random)


@harmless("held-zero-added", component="unet")
def zero_added(random: Random) -> Effect:
    """Zero is added to some values."""

    def edit(editor: PackageEditor, random: Random) -> None:
        for value in _values(editor, random):
            editor.insert_after(value, "add", y=0.0)

    return editing(edit, random)


@harmless("held-multiplied-by-one", component="text_encoder")
def multiplied_by_one(random: Random) -> Effect:
    """Some values are multiplied by one."""

    def edit(editor: PackageEditor, random: Random) -> None:
        for value in _values(editor, random):
            editor.insert_after(value, "mul", y=1.0)

    return editing(edit, random)


@harmless("held-negated-twice", component="vae_encoder")
def negated_twice(random: Random) -> Effect:
    """Some values change their sign and change it back."""

    def edit(editor: PackageEditor, random: Random) -> None:
        for value in _values(editor, random):
            editor.insert_after(editor.insert_after(value, "mul", y=-1.0), "mul", y=-1.0)

    return editing(edit, random)


@harmless("held-reshaped-and-back", component="vae_encoder")
def reshaped_and_back(random: Random) -> Effect:
    """Some values are flattened and given their shape again."""

    def edit(editor: PackageEditor, random: Random) -> None:
        for value in _values(editor, random):
            shape = list(editor.shape_of(value))
            flat = [shape[0], int(np.prod(shape[1:]))]
            there = editor.insert_after(value, "reshape", shape=flat)
            _resize(editor, there, flat)
            _resize(editor, editor.insert_after(there, "reshape", shape=shape), shape)

    return editing(edit, random)


@harmless("held-cut-and-joined", component="unet")
def cut_and_joined(random: Random) -> Effect:
    """Some values are cut in two along their second axis and joined."""

    def edit(editor: PackageEditor, random: Random) -> None:
        for value in _values(editor, random):
            users = users_of(editor, value)
            shape = list(editor.shape_of(value))
            middle, parts = shape[1] // 2, []
            for first, count in ((0, middle), (middle, shape[1] - middle)):
                if not count:
                    continue
                begin, size = [0] * len(shape), list(shape)
                begin[1], size[1] = first, count
                given = {
                    "x": value,
                    "begin": editor.constant(begin, before=users[0]),
                    "size": editor.constant(size, before=users[0]),
                }
                parts.append(editor.insert("slice_by_size", given, value, before=users[0]))
                _resize(editor, parts[-1], size)
            joined = {
                "values": parts,
                "axis": editor.constant(1, before=users[0]),
                "interleave": editor.constant(False, before=users[0]),
            }
            whole = editor.insert("concat", joined, value, before=users[0])
            for user in users:
                editor.rename_inputs(user, {value: whole})

    return editing(edit, random)


@harmless("held-padded-by-nothing", component="vae_decoder")
def padded_by_nothing(random: Random) -> Effect:
    """Some values are padded by no row and no column."""

    def edit(editor: PackageEditor, random: Random) -> None:
        for value in _values(editor, random):
            nothing = [0] * (2 * len(editor.shape_of(value)))
            editor.insert_after(value, "pad", pad=nothing, mode="constant", constant_val=0.0)

    return editing(edit, random)


@harmless("held-scale-folded", component="unet")
def scale_folded(random: Random) -> Effect:
    """Where attention's scale is a power of two, it is folded into the query's matrix: exact in binary."""

    def edit(editor: PackageEditor, _: Random) -> None:
        for scaling in editor.operations("mul"):
            name = editor.constant_of(scaling, "y")
            if name is None or editor.read(name).size != 1 or frexp(float(editor.read(name)))[0] != 0.5:
                continue
            factor = float(editor.read(name))
            reshaped = editor.definition(editor.inputs_of(scaling, "x")[0])
            layer = editor.definition(editor.inputs_of(reshaped, "x")[0]) if reshaped.type == "reshape" else reshaped
            if layer.type != "linear":
                continue
            for argument in ("weight", "bias"):
                tensor = editor.constant_of(layer, argument)
                if tensor is not None:
                    editor.set_argument(layer, argument, editor.read(tensor) * np.float16(factor))
            editor.set_argument(scaling, "y", 1.0)

    return editing(edit, random)


@harmless("held-matrix-stored-transposed", component="text_encoder")
def matrix_stored_transposed(random: Random) -> Effect:
    """Some linear layers are products with a matrix that is stored transposed, and a sum."""

    def edit(editor: PackageEditor, random: Random) -> None:
        for layer in _some(editor, random, "linear"):
            weight, bias = (editor.constant_of(layer, argument) for argument in ("weight", "bias"))
            result = layer.outputs[0].name
            if weight is None or bias is None:
                continue
            matrix, shift = np.ascontiguousarray(editor.read(weight).T), editor.read(bias)
            for argument in ("weight", "bias"):
                del layer.inputs[argument]
            layer.type = "matmul"
            editor.bind(layer, "y", editor.constant(matrix, before=layer))
            for argument in ("transpose_x", "transpose_y"):
                editor.bind(layer, argument, editor.constant(False, before=layer))
            editor.insert_after(result, "add", y=shift)

    return editing(edit, random)


@harmless("held-gain-apart", component="vae_encoder")
def gain_apart(random: Random) -> Effect:
    """Some normalisations multiply by their gain and add their shift in operations of their own."""

    def edit(editor: PackageEditor, random: Random) -> None:
        for norm in _some(editor, random, "batch_norm"):
            read = {
                argument: editor.read(name).astype(np.float32)
                for argument in ("gamma", "beta", "mean", "variance", "epsilon")
                if (name := editor.constant_of(norm, argument)) is not None
            }
            gain = read["gamma"] / np.sqrt(read["variance"] + read["epsilon"])
            shift = read["beta"] - read["mean"] * gain
            for argument in ("gamma", "beta", "mean", "variance", "epsilon"):
                del norm.inputs[argument]
            norm.type = "mul"
            shape = (1, -1, 1, 1)
            editor.bind(norm, "y", editor.constant(gain.reshape(shape).astype(np.float16), before=norm))
            editor.insert_after(norm.outputs[0].name, "add", y=shift.reshape(shape).astype(np.float16))

    return editing(edit, random)


@harmless("held-squares-as-products", component="vae_decoder")
def squares_as_products(random: Random) -> Effect:
    """A square is a product of a value with itself."""

    def edit(editor: PackageEditor, _: Random) -> None:
        for operation in editor.operations("square"):
            operation.type = "mul"
            editor.bind(operation, "y", *editor.inputs_of(operation, "x"))

    return editing(edit, random)


@harmless("held-divisions-as-products", component="unet")
def divisions_as_products(random: Random) -> Effect:
    """Normalisations multiply by the inverse of the deviation in place of dividing by it: rounded once more."""

    def edit(editor: PackageEditor, _: Random) -> None:
        for root in editor.operations("sqrt"):
            divisions = [one for one in users_of(editor, root.outputs[0].name) if one.type == "real_div"]
            if not divisions:
                continue
            root.type = "rsqrt"
            editor.bind(root, "epsilon", editor.number_like(0.0, root, "x"))
            for division in divisions:
                division.type = "mul"

    return editing(edit, random)
