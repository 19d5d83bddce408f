"""Opening packages: what is refused, and that nothing outside the package is read."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from sdqa import mil
from sdqa.errors import PackageError, UnsupportedPackage
from sdqa.mil import schema
from tests.test_foreign import onnx_bytes

from .packages import MODEL, WEIGHTS, edit


def test_importing_the_runtime_loads_neither_torch_nor_coremltools() -> None:
    code = (
        "import sys, sdqa.mil, sdqa.mil.cli; print([m for m in ('torch', 'coremltools', 'numpy') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_loading_does_not_import_coremltools(network: Path) -> None:
    code = f"import sys; from sdqa import mil; mil.load({str(network)!r}); print('coremltools' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_a_package_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="no such package"):
        mil.load(tmp_path / "absent.mlpackage")


def test_a_compiled_model_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "x.mlmodelc").mkdir()
    with pytest.raises(UnsupportedPackage, match="compiled"):
        mil.load(tmp_path / "x.mlmodelc")


@pytest.mark.parametrize("kind", ["neuralNetwork", "customModel", "treeEnsembleRegressor"])
def test_models_of_other_kinds_are_refused(tmp_path: Path, kind: str) -> None:
    model = schema.new_model()
    getattr(model, kind).SetInParent()
    (tmp_path / "x.mlmodel").write_bytes(model.SerializeToString())
    with pytest.raises(UnsupportedPackage, match="only ML Programs"):
        mil.load(tmp_path / "x.mlmodel")


def test_an_empty_message_is_no_model(damaged: Path) -> None:
    (damaged / MODEL).write_bytes(b"")
    with pytest.raises(PackageError, match="empty"):
        mil.load(damaged)


def test_a_truncated_message(damaged: Path) -> None:
    raw = (damaged / MODEL).read_bytes()
    (damaged / MODEL).write_bytes(raw[: len(raw) // 2])
    with pytest.raises(PackageError):
        mil.load(damaged)


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"rootModelIdentifier": "x", "itemInfoEntries": {"x": 3}}', "[" * 99999]
)
def test_a_broken_manifest(damaged: Path, content: str) -> None:
    (damaged / "Manifest.json").write_text(content)
    with pytest.raises(PackageError, match="root model"):
        mil.load(damaged)


def test_a_package_without_its_manifest_is_none(damaged: Path) -> None:
    (damaged / "Manifest.json").unlink()
    with pytest.raises(PackageError, match=r"has no Manifest\.json: Core ML opens none") as caught:
        mil.load(damaged)
    assert "whole package again" in caught.value.hint


def test_what_a_manifest_names_is_there_and_what_is_there_is_named(damaged: Path) -> None:
    path = damaged / "Manifest.json"
    whole = json.loads(path.read_text())
    root = whole["rootModelIdentifier"]
    weights = next(key for key in whole["itemInfoEntries"] if key != root)
    mil.load(damaged)
    path.write_text(json.dumps({**whole, "itemInfoEntries": {root: whole["itemInfoEntries"][root]}}))
    with pytest.raises(PackageError, match=r"does not name the weights \(weight\.bin\)"):
        mil.load(damaged)
    elsewhere = {**whole["itemInfoEntries"], weights: {"path": "com.apple.CoreML/elsewhere"}}
    path.write_text(json.dumps({**whole, "itemInfoEntries": elsewhere}))
    with pytest.raises(PackageError, match=r"names 'com\.apple\.CoreML/elsewhere', missing"):
        mil.load(damaged)
    path.write_text(json.dumps({**whole, "rootModelIdentifier": weights}))
    with pytest.raises(PackageError, match="'weights' is missing"):
        mil.load(damaged)


@pytest.mark.parametrize(
    "leads", ["../../outside.mlmodel", "/etc/hostname", "com.apple.CoreML/../../../outside.mlmodel"]
)
def test_a_manifest_cannot_lead_out_of_the_package(damaged: Path, leads: str) -> None:
    shutil.copy(damaged / MODEL, damaged.parent / "outside.mlmodel")
    manifest = json.loads((damaged / "Manifest.json").read_text())
    manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"] = leads
    (damaged / "Manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(PackageError, match="outside the package"):
        mil.load(damaged)


def test_a_link_cannot_lead_out_of_the_package(damaged: Path) -> None:
    outside = damaged.parent / "outside.bin"
    (damaged / WEIGHTS).rename(outside)
    (damaged / WEIGHTS).symlink_to(outside)
    with pytest.raises(PackageError, match="outside the package"):
        mil.load(damaged)


def test_a_weight_file_name_cannot_lead_out_of_the_package(damaged: Path) -> None:
    shutil.copy(damaged / WEIGHTS, damaged.parent / "outside.bin")

    def redirect(model: Any) -> None:
        for operation in model.mlProgram.functions["main"].block_specializations["CoreML7"].operations:
            if operation.type == "const" and operation.attributes["val"].WhichOneof("value") == "blobFileValue":
                operation.attributes["val"].blobFileValue.fileName = "@model_path/../../../outside.bin"

    edit(damaged, redirect)
    with pytest.raises(PackageError, match="outside the package"):
        mil.load(damaged)


def test_a_missing_weight_file(damaged: Path) -> None:
    (damaged / WEIGHTS).unlink()
    with pytest.raises(PackageError, match="missing"):
        mil.load(damaged)


@pytest.mark.parametrize("kept", [0, 40, 64, 128, 1000])
def test_a_truncated_weight_file(damaged: Path, kept: int) -> None:
    (damaged / WEIGHTS).write_bytes((damaged / WEIGHTS).read_bytes()[:kept])
    with pytest.raises(PackageError, match=r"weight\.bin"):
        mil.load(damaged)


def test_a_blob_record_that_is_none(damaged: Path) -> None:
    raw = bytearray((damaged / WEIGHTS).read_bytes())
    raw[64:68] = b"\0\0\0\0"
    (damaged / WEIGHTS).write_bytes(bytes(raw))
    with pytest.raises(PackageError, match="no blob record"):
        mil.load(damaged)


@pytest.mark.parametrize("at", [64 + 4, 64 + 8, 64 + 16], ids=["type", "size", "offset"])
def test_a_blob_record_that_disagrees_with_the_program(damaged: Path, at: int) -> None:
    raw = bytearray((damaged / WEIGHTS).read_bytes())
    raw[at : at + 4] = b"\xff\xff\xff\x7f"
    (damaged / WEIGHTS).write_bytes(bytes(raw))
    with pytest.raises(PackageError, match="the blob at offset"):
        mil.load(damaged)


@pytest.mark.parametrize("file", [MODEL, WEIGHTS, Path("Manifest.json")], ids=["model", "weights", "manifest"])
def test_a_pointer_of_git_lfs_is_named(damaged: Path, file: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "4" * 64 + "\nsize 1719957504\n"
    (damaged / file).write_text(pointer)
    with pytest.raises(PackageError, match=r"Git LFS pointer[\s\S]*git lfs pull"):
        mil.load(damaged)


@pytest.mark.parametrize("file", [MODEL, WEIGHTS], ids=["model", "weights"])
def test_archives_inside_a_package_are_named(damaged: Path, file: Path) -> None:
    with zipfile.ZipFile(damaged.parent / "x.zip", "w") as archive:
        archive.writestr("x", "x" * 100)
    shutil.copy(damaged.parent / "x.zip", damaged / file)
    with pytest.raises(PackageError, match=r"zip archive[\s\S]*unzip it"):
        mil.load(damaged)


def test_a_zip_or_an_onnx_model_instead_of_a_package(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "Unet.mlpackage.zip", "w") as archive:
        archive.writestr("Unet.mlpackage/Manifest.json", "{}")
    (tmp_path / "model.onnx").write_bytes(onnx_bytes())
    with pytest.raises(PackageError, match=r"zip archive[\s\S]*unzip it"):
        mil.load(tmp_path / "Unet.mlpackage.zip")
    with pytest.raises(UnsupportedPackage, match=r"model\.onnx is an ONNX model"):
        mil.load(tmp_path / "model.onnx")


def test_a_folder_of_packages_is_listed(network: Path, tmp_path: Path) -> None:
    for name in ("B.mlpackage", "A.mlpackage"):
        shutil.copytree(network, tmp_path / "outer.mlpackage" / name)
    with pytest.raises(PackageError, match=r"inside are: A\.mlpackage, B\.mlpackage: name one"):
        mil.load(tmp_path / "outer.mlpackage")


def test_an_empty_folder_and_the_inside_of_a_package(damaged: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(PackageError, match="in it are: nothing"):
        mil.load(tmp_path / "empty")
    with pytest.raises(PackageError, match=r"the inside of a package[\s\S]*give damaged\.mlpackage"):
        mil.load(damaged / "Data")


def test_a_compiled_model_under_another_name(tmp_path: Path) -> None:
    (tmp_path / "x.mlpackage").mkdir()
    (tmp_path / "x.mlpackage" / "coremldata.bin").write_bytes(b"x")
    with pytest.raises(UnsupportedPackage, match="compiled model"):
        mil.load(tmp_path / "x.mlpackage")
