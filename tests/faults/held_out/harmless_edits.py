"""Packages that compute the same and are written otherwise: other names, other files, other operations."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from sdqa.faults.control_registry import editing
from sdqa.faults.injection import Effect
from sdqa.faults.messages import set_name
from sdqa.faults.package_editor import PackageEditor
from sdqa.faults.selection import kernels
from tests.faults.held_out.registry import harmless

Random = np.random.Generator


def _immediates(editor: PackageEditor) -> list[Any]:
    """Definitions of constants whose values stand in the program itself."""
    return [
        one
        for one in editor.block.operations
        if one.type == "const" and one.attributes["val"].WhichOneof("value") == "immediateValue"
    ]


@harmless("held-names-numbered", component="unet")
def names_numbered(random: Random) -> Effect:
    """Operations and values are numbered in their order, as another exporter names them."""

    def edit(editor: PackageEditor, _: Random) -> None:
        kept, names = set(editor.block.outputs), dict[str, str]()
        for number, operation in enumerate(editor.operations()):
            for place, output in enumerate(operation.outputs):
                if output.name not in kept:
                    names[output.name] = f"n{number}_{place}"
                    output.name = f"n{number}_{place}"
            if "name" in operation.attributes:
                operation.attributes["name"].immediateValue.tensor.strings.values[0] = f"n{number}"
        for operation in editor.operations():
            editor.rename_inputs(operation, names)

    return editing(edit, random)


@harmless("held-names-absent", component="vae_decoder")
def names_absent(random: Random) -> Effect:
    """Operations have no names of their own, only their results have."""

    def edit(editor: PackageEditor, _: Random) -> None:
        for operation in editor.operations():
            operation.attributes.pop("name", None)

    return editing(edit, random)


@harmless("held-constants-duplicated", component="unet")
def constants_duplicated(random: Random) -> Effect:
    """Whoever shared a small constant has one of its own."""

    def edit(editor: PackageEditor, _: Random) -> None:
        defined = {one.outputs[0].name: one for one in _immediates(editor)}
        uses = Counter(name for one in editor.operations() for name in editor.all_inputs(one))
        for number, operation in enumerate(editor.operations()):
            for name in sorted(editor.all_inputs(operation)):
                if name in defined and uses[name] > 1:
                    copy = type(operation).FromString(defined[name].SerializeToString())
                    copy.outputs[0].name = own = f"{name}_of_{number}"
                    copy.attributes.pop("name", None)
                    set_name(copy, own)
                    index = list(editor.block.operations).index(operation)
                    editor.block.operations.insert(index, copy)
                    editor.rename_inputs(operation, {name: own})

    return editing(edit, random)


@harmless("held-constants-shared", component="vae_encoder")
def constants_shared(random: Random) -> Effect:
    """Small constants of the same value are one constant."""

    def edit(editor: PackageEditor, _: Random) -> None:
        first, names = dict[bytes, str](), dict[str, str]()
        for one in _immediates(editor):
            value = one.outputs[0].type.SerializeToString() + one.attributes["val"].SerializeToString()
            name = one.outputs[0].name
            if first.setdefault(value, name) != name:
                names[name] = first[value]
        for operation in editor.operations():
            editor.rename_inputs(operation, names)
        for one in _immediates(editor):
            if one.outputs[0].name in names:
                editor.block.operations.remove(one)

    return editing(edit, random)


@harmless("held-weights-reversed", component="text_encoder")
def weights_reversed(random: Random) -> Effect:
    """All kernels lie in the weight file the other way round, behind what nobody reads."""

    def edit(editor: PackageEditor, _: Random) -> None:
        for name in reversed(kernels(editor)):
            editor.move(name)

    return editing(edit, random)


@harmless("held-negative-zeros", component="unet")
def negative_zeros(random: Random) -> Effect:
    """Weights and biases that are zero are minus zero."""

    def edit(editor: PackageEditor, _: Random) -> None:
        for name in [*kernels(editor), *editor.weights(argument="bias")]:
            values = editor.read(name)
            if (values == 0).any():
                editor.write(name, np.where(values == 0, np.array(-0.0, values.dtype), values))

    return editing(edit, random)


@harmless("held-other-version", component="vae_decoder")
def other_version(_: Random) -> Effect:
    """The package says that another version of the converter made it, from another version of torch."""

    def edit(editor: PackageEditor) -> None:
        told = editor.package.model.description.metadata.userDefined
        told["com.github.apple.coremltools.version"] = "8.3.0"
        told["com.github.apple.coremltools.source"] = "torch==2.5.0"
        told["com.github.apple.coremltools.conversion_date"] = "2025-01-01"

    return Effect(edit=edit)


@harmless("held-finder-file", component="vae_encoder")
def finder_file(_: Random) -> Effect:
    """A file manager has left a file of its own in the package."""
    return Effect(files=lambda folder: _write(folder / ".DS_Store", b"\0\0\0\1Bud1"))


@harmless("held-manifest-compact", component="unet")
def manifest_compact(_: Random) -> Effect:
    """The manifest is written on one line, its keys the other way round."""

    def files(folder: Path) -> None:
        path = folder / "Manifest.json"
        manifest = json.loads(path.read_text(encoding="utf-8"))
        turned = dict(reversed(manifest.items()))
        _write(path, json.dumps(turned, separators=(",", ":")).encode())

    return Effect(files=files)


def _write(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)  # never through a hard link
    path.write_bytes(content)


@harmless("held-left-behind", component="text_encoder")
def left_behind(random: Random) -> Effect:
    """Some values are computed that nobody uses."""

    def edit(editor: PackageEditor, random: Random) -> None:
        layers = editor.operations("linear")
        for index in random.permutation(len(layers) - 1)[:4]:
            value = layers[index].outputs[0].name
            editor.insert("relu", {"x": value}, value, before=layers[-1])

    return editing(edit, random)
