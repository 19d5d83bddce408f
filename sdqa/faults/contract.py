"""Packages whose interface or files changed: what an app finds out when it loads them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.errors import FaultError
from sdqa.faults.injection import Effect
from sdqa.faults.registry import fault

if TYPE_CHECKING:
    from sdqa.faults.package_editor import PackageEditor


@fault(
    "output-renamed",
    component="packaging",
    stage="packaging",
    package="unet",
    rows=(25,),
    severities={"marked": "var_1339"},
)
def output_renamed(name: str) -> Effect:
    """The U-Net's output has the name that the converter made up."""

    def edit(editor: PackageEditor) -> None:
        old = editor.block.outputs[0]
        editor.definition(old).outputs[0].name = name
        editor.block.outputs[0] = name
        for feature in editor.package.model.description.output:
            if feature.name == old:
                feature.name = name

    return Effect(edit=edit)


@fault(
    "input-renamed",
    component="packaging",
    stage="packaging",
    package="vae_decoder",
    rows=(25,),
    severities={"marked": "latents"},
)
def input_renamed(name: str) -> Effect:
    """The VAE decoder's input has another name than the app gives it."""

    def edit(editor: PackageEditor) -> None:
        old = editor.function.inputs[0].name
        editor.function.inputs[0].name = name
        for operation in editor.operations():
            editor.rename_inputs(operation, {old: name})
        for feature in editor.package.model.description.input:
            if feature.name == old:
                feature.name = name

    return Effect(edit=edit)


@fault(
    "input-shape",
    component="packaging",
    stage="packaging",
    package="unet",
    rows=(7, 25),
    severities={"mild": 2, "marked": 4, "severe": 64},
)
def input_shape(factor: int) -> Effect:
    """The package declares latents of another size than the app makes."""

    def edit(editor: PackageEditor) -> None:
        for feature in editor.package.model.description.input:
            if feature.name == "sample":
                for index in (2, 3):
                    feature.type.multiArrayType.shape[index] *= factor
        for value in editor.function.inputs:
            if value.name == "sample":
                for dimension in value.type.tensorType.dimensions[2:]:
                    dimension.constant.size *= factor

    return Effect(edit=edit)


@fault(
    "weights-truncated",
    component="packaging",
    stage="packaging",
    package="unet",
    rows=(25,),
    severities={"mild": 0.95, "marked": 0.5, "severe": 0.01},
)
def weights_truncated(share: float) -> Effect:
    """The weight file ends early, as after an interrupted download."""

    def files(folder: Path) -> None:
        for path in sorted(folder.rglob("weight.bin")):
            data = path.read_bytes()
            path.unlink()
            path.write_bytes(data[: int(share * len(data))])

    return Effect(files=files)


@fault(
    "program-damaged",
    component="packaging",
    stage="packaging",
    package="vae_decoder",
    rows=(25,),
    severities={"mild": 0.999, "marked": 0.5, "severe": 0.0},
)
def program_damaged(share: float) -> Effect:
    """The program's file ends early."""

    def files(folder: Path) -> None:
        for path in sorted(folder.rglob("*.mlmodel")):
            data = path.read_bytes()
            path.unlink()
            path.write_bytes(data[: int(share * len(data))])

    return Effect(files=files)


@fault(
    "weights-of-another",
    component="packaging",
    stage="packaging",
    package="unet",
    rows=(25,),
    severities={"mild": 64, "marked": 256, "severe": 1024},
)
def weights_of_another(shift: int) -> Effect:
    """The weight file is not the one that the program was written for: everything lies elsewhere (level: bytes)."""

    def files(folder: Path) -> None:
        for path in sorted(folder.rglob("weight.bin")):
            data = path.read_bytes()
            path.unlink()
            path.write_bytes(data[:64] + b"\0" * shift + data[64:])

    return Effect(files=files)


@fault(
    "manifest-lost",
    component="packaging",
    stage="packaging",
    package="text_encoder",
    rows=(25,),
    severities={"marked": "Manifest.json", "severe": "model.mlmodel"},
)
def manifest_lost(name: str) -> Effect:
    """A file of the package is not there."""

    def files(folder: Path) -> None:
        paths = sorted(folder.rglob(name))
        if not paths:
            raise FaultError(f"the package has no {name}", where=folder.name)
        for path in paths:
            path.unlink()
        if name == "Manifest.json":
            for path in sorted(folder.rglob("*.mlmodel")):
                path.rename(path.with_suffix(".bak"))

    return Effect(files=files)
