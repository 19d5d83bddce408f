"""Harmless edits of a package: the same computation, written differently, or different by less than rounding."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sdqa.faults.control_registry import editing, negative_control
from sdqa.faults.injection import Effect
from sdqa.faults.selection import kernels

if TYPE_CHECKING:
    from sdqa.faults.package_editor import PackageEditor

Random = np.random.Generator


@negative_control("saved-again")
def saved_again(random: Random) -> Effect:
    """The program is read and written again."""
    return editing(lambda _editor, _random: None, random)


@negative_control("metadata")
def metadata(random: Random) -> Effect:
    """Author, licence, version and user-defined metadata differ."""

    def edit(editor: PackageEditor, random: Random) -> None:
        metadata = editor.package.model.description.metadata
        metadata.author, metadata.license = f"author {random.integers(1000)}", "none"
        metadata.versionString = f"1.0.{random.integers(1000)}"
        metadata.shortDescription = "converted again"
        metadata.userDefined["com.example.note"] = str(random.integers(1_000_000))

    return editing(edit, random)


@negative_control("manifest-identifiers")
def manifest_identifiers(random: Random) -> Effect:
    """The manifest's random identifiers are others."""
    fresh = [str(uuid.UUID(bytes=random.bytes(16))).upper() for _ in range(8)]

    def files(folder: Path) -> None:
        path = folder / "Manifest.json"
        manifest = json.loads(path.read_text(encoding="utf-8"))
        names = dict(zip(manifest["itemInfoEntries"], fresh, strict=False))
        manifest["itemInfoEntries"] = {names[old]: entry for old, entry in manifest["itemInfoEntries"].items()}
        manifest["rootModelIdentifier"] = names[manifest["rootModelIdentifier"]]
        path.unlink()
        path.write_text(json.dumps(manifest, indent=4), encoding="utf-8")

    return Effect(files=files)


@negative_control("operations-renamed")
def operations_renamed(random: Random) -> Effect:
    """Operations and the values between them have other names."""

    def edit(editor: PackageEditor, random: Random) -> None:
        kept = set(editor.block.outputs)
        prefix = f"v{random.integers(1_000_000)}_"
        names = {}
        for operation in editor.operations():
            for output in operation.outputs:
                if output.name not in kept:
                    names[output.name] = output.name = prefix + output.name
                    names[output.name.removeprefix(prefix)] = output.name
            if "name" in operation.attributes:
                strings = operation.attributes["name"].immediateValue.tensor.strings.values
                strings[0] = prefix + strings[0]
        for operation in editor.operations():
            editor.rename_inputs(operation, names)

    return editing(edit, random)


@negative_control("constants-renamed")
def constants_renamed(random: Random) -> Effect:
    """Small constants have other names; weights keep the ones that lead back to the checkpoint."""

    def edit(editor: PackageEditor, random: Random) -> None:
        prefix = f"c{random.integers(1_000_000)}_"
        names = {}
        for operation in editor.block.operations:
            if operation.type == "const" and operation.attributes["val"].WhichOneof("value") == "immediateValue":
                name = operation.outputs[0].name
                names[name] = operation.outputs[0].name = prefix + name
                operation.attributes["name"].immediateValue.tensor.strings.values[0] = prefix + name
        for operation in editor.block.operations:
            editor.rename_inputs(operation, names)

    return editing(edit, random)


@negative_control("operations-reordered")
def operations_reordered(random: Random) -> Effect:
    """Operations stand in another order that respects what each needs."""

    def edit(editor: PackageEditor, random: Random) -> None:
        waiting = list(editor.block.operations)
        defined = {value.name for value in editor.function.inputs}
        needs = [editor.all_inputs(operation) for operation in waiting]
        order: list[Any] = []
        left = list(range(len(waiting)))
        while left:
            ready = [index for index in left if needs[index] <= defined]
            for index in random.permutation(ready):
                order.append(waiting[index])
                defined |= {output.name for output in waiting[index].outputs}
            chosen = set(ready)
            left = [index for index in left if index not in chosen]
        copies = [type(operation).FromString(operation.SerializeToString()) for operation in order]
        del editor.block.operations[:]
        editor.block.operations.extend(copies)

    return editing(edit, random)


@negative_control("operands-exchanged")
def operands_exchanged(random: Random) -> Effect:
    """Sums and products of two computed values have their operands exchanged."""

    def edit(editor: PackageEditor, _: Random) -> None:
        for operation in editor.operations("add", "mul"):
            x, y = editor.inputs_of(operation, "x"), editor.inputs_of(operation, "y")
            if not editor.is_constant(x[0]) and not editor.is_constant(y[0]):
                editor.bind(operation, "x", *y)
                editor.bind(operation, "y", *x)

    return editing(edit, random)


def _some_values(editor: PackageEditor, random: Random, count: int) -> list[str]:
    """Results of convolutions and linear layers that something uses."""
    used = set().union(*(editor.all_inputs(operation) for operation in editor.operations()))
    values = [op.outputs[0].name for op in editor.operations("conv", "linear") if op.outputs[0].name in used]
    return [values[index] for index in random.permutation(len(values))[:count]]


@negative_control("identities-inserted")
def identities_inserted(random: Random) -> Effect:
    """Operations that do nothing stand behind some layers."""

    def edit(editor: PackageEditor, random: Random) -> None:
        for value in _some_values(editor, random, 5):
            editor.insert_after(value, "identity")

    return editing(edit, random)


@negative_control("scaled-and-back")
def scaled_and_back(random: Random) -> Effect:
    """Some values are doubled and halved again: exact in binary."""

    def edit(editor: PackageEditor, random: Random) -> None:
        for value in _some_values(editor, random, 3):
            doubled = editor.insert_after(value, "mul", y=2.0)
            editor.insert_after(doubled, "mul", y=0.5)

    return editing(edit, random)


@negative_control("activations-unfused")
def activations_unfused(random: Random) -> Effect:
    """SiLU is written as a product with a sigmoid: rounded once more."""

    def edit(editor: PackageEditor, _: Random) -> None:
        for operation in editor.operations("silu"):
            value = editor.inputs_of(operation, "x")[0]
            gate = editor.insert("sigmoid", {"x": value}, value, before=operation)
            operation.type = "mul"
            editor.bind(operation, "y", gate)

    return editing(edit, random)


@negative_control("bias-unfused")
def bias_unfused(random: Random) -> Effect:
    """Some convolutions add their bias in an operation of its own."""

    def edit(editor: PackageEditor, random: Random) -> None:
        operations = [op for op in editor.operations("conv") if editor.constant_of(op, "bias")]
        for index in sorted(random.permutation(len(operations))[:4]):
            operation = operations[index]
            name, result = editor.constant_of(operation, "bias"), operation.outputs[0].name
            if name is None or result in editor.block.outputs:
                continue
            bias = editor.read(name)
            del operation.inputs["bias"]
            editor.insert_after(result, "add", y=bias.reshape(1, -1, 1, 1))

    return editing(edit, random)


@negative_control("linear-as-matmul")
def linear_as_matmul(random: Random) -> Effect:
    """Some linear layers are written as a matrix product and a sum."""

    def edit(editor: PackageEditor, random: Random) -> None:
        operations = [op for op in editor.operations("linear") if editor.constant_of(op, "bias")]
        for index in sorted(random.permutation(len(operations))[:4]):
            operation = operations[index]
            name, result = editor.constant_of(operation, "bias"), operation.outputs[0].name
            if name is None or result in editor.block.outputs:
                continue
            bias = editor.read(name)
            del operation.inputs["bias"]
            operation.type = "matmul"
            editor.bind(operation, "y", *editor.inputs_of(operation, "weight"))
            del operation.inputs["weight"]
            editor.bind(operation, "transpose_x", editor.constant(False, before=operation))
            editor.bind(operation, "transpose_y", editor.constant(True, before=operation))
            editor.insert_after(result, "add", y=bias)

    return editing(edit, random)


@negative_control("weights-moved")
def weights_moved(random: Random) -> Effect:
    """Some weights lie elsewhere in the weight file; the old places hold what nobody reads."""

    def edit(editor: PackageEditor, random: Random) -> None:
        names = kernels(editor)
        for index in random.permutation(len(names))[:6]:
            editor.move(names[index])

    return editing(edit, random)


@negative_control("weights-dense")
def weights_dense(random: Random) -> Effect:
    """Weights are written again with the values that they have, uncompressed where they were compressed."""

    def edit(editor: PackageEditor, _: Random) -> None:
        for name in kernels(editor):
            editor.write(name, editor.read(name))

    return editing(edit, random)


@negative_control("constant-unused")
def constant_unused(random: Random) -> Effect:
    """A small constant that nothing uses is left behind."""

    def edit(editor: PackageEditor, random: Random) -> None:
        editor.constant(int(random.integers(100)), before=editor.operations()[0])

    return editing(edit, random)


@negative_control("last-digit")
def last_digit(random: Random) -> Effect:
    """Every weight is off by up to half a unit in the last place of half precision."""

    def edit(editor: PackageEditor, random: Random) -> None:
        for name in kernels(editor):
            weight = editor.read(name).astype(np.float32)
            editor.write(name, weight * (1 + random.uniform(-1, 1, weight.shape).astype(np.float32) * 2**-11))

    return editing(edit, random)


@negative_control("subnormals-flushed")
def subnormals_flushed(random: Random) -> Effect:
    """Weights below the smallest normal number of half precision are zero."""

    def edit(editor: PackageEditor, _: Random) -> None:
        for name in kernels(editor):
            weight = editor.read(name)
            editor.write(name, np.where(np.abs(weight) < 2**-14, 0, weight))

    return editing(edit, random)


@negative_control("transposed-twice")
def transposed_twice(random: Random) -> Effect:
    """Some values are transposed and transposed back."""

    def edit(editor: PackageEditor, random: Random) -> None:
        for value in _some_values(editor, random, 3):
            rank = len(editor.shape_of(value))
            order = [*range(rank - 2), rank - 1, rank - 2]
            there = editor.insert_after(value, "transpose", perm=order)
            editor.swap_last_axes(there)
            back = editor.insert_after(there, "transpose", perm=order)
            editor.swap_last_axes(back)

    return editing(edit, random)
