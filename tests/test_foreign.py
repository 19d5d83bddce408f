"""Files that are not what they are taken for, named with what to do."""

from __future__ import annotations

import gzip
import json
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from sdqa.address import Address, read_address
from sdqa.errors import SdqaError
from sdqa.foreign import recognise
from sdqa.generate.pictures import read_picture
from sdqa.mil.given import read_arrays
from sdqa.models.json_file import read_json
from sdqa.models.weights import read_shapes
from sdqa.plan.load import load_suite

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4" * 64 + b"\nsize 1719957504\n"


def onnx_bytes() -> bytes:
    """The fields of a ModelProto as exporters write them: version, producer, its version, graph, opset."""

    def text(number: int, content: bytes) -> bytes:
        return bytes([number << 3 | 2, len(content)]) + content

    graph = text(1, b"\x0a\x01x\x12\x01y") + text(2, b"main_graph")
    return b"\x08\x08" + text(2, b"pytorch") + text(3, b"2.4.0") + text(7, graph) + text(8, b"\x10\x11")


def safetensors_bytes() -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(4)


@pytest.mark.parametrize(
    ("content", "kind", "advice"),
    [
        (POINTER, "lfs", "git lfs pull"),
        (b"", "empty", "download"),
        (onnx_bytes(), "onnx", "convert"),
        (safetensors_bytes(), "safetensors", "convert"),
        (pickle.dumps({"state_dict": {}}, protocol=2), "pickle", "safetensors"),
        (pickle.dumps([1, 2], protocol=4), "pickle", "safetensors"),
        (gzip.compress(b"x"), "gzip", "unpack"),
        (b"\x1c\0\0\0TFL3" + bytes(40), "tflite", "convert"),
        (b"\x89HDF\r\n\x1a\n" + bytes(40), "hdf5", "convert"),
        (b"GGUF\3\0\0\0", "gguf", "convert"),
        (b"<!DOCTYPE html><html>", "html", "download"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "png", "meant"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_files_are_named_for_what_they_are(tmp_path: Path, content: bytes, kind: str, advice: str) -> None:
    (tmp_path / "file").write_bytes(content)
    found = recognise(tmp_path / "file")
    assert found is not None
    assert found.kind == kind
    assert advice in found.hint
    assert recognise(tmp_path / "file", expected=kind) is None


def test_archives_are_named_by_what_is_in_them(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "package.zip", "w") as archive:
        archive.writestr("Unet.mlpackage/Manifest.json", "{}")
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as archive:
        archive.writestr("model/data.pkl", b"")
    np.savez(tmp_path / "arrays.npz", x=np.zeros(3))
    with tarfile.open(tmp_path / "package.tar", "w") as tar:
        tar.add(tmp_path / "arrays.npz", "arrays.npz")
    kinds = {path.name: recognise(path) for path in tmp_path.iterdir()}
    assert {name: found and found.kind for name, found in kinds.items()} == {
        "package.zip": "zip",
        "model.pt": "torch",
        "arrays.npz": "npz",
        "package.tar": "tar",
    }


def test_folders_of_packages_are_listed(tmp_path: Path) -> None:
    for name in ("B.mlpackage", "sub/A.mlpackage", "A.mlpackage", "A.mlpackage/inner.mlpackage"):
        (tmp_path / name).mkdir(parents=True)
    found = recognise(tmp_path)
    assert found is not None
    assert found.hint == "inside are: A.mlpackage, B.mlpackage, sub/A.mlpackage: name one"


@pytest.mark.parametrize(
    ("file", "kind"),
    [("coremldata.bin", "mlmodelc"), ("model_index.json", "diffusers"), ("saved_model.pb", "saved_model")],
)
def test_folders_are_named_by_what_lies_in_them(tmp_path: Path, file: str, kind: str) -> None:
    (tmp_path / file).write_bytes(b"x")
    found = recognise(tmp_path)
    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize("content", [b"\x80\0\0\0\2\0\0\0" + bytes(56), b"{}", b"[package]", b"\x08\x07\x12\x02\x0a\0"])
def test_nothing_is_claimed_of_what_is_not_recognised(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert recognise(tmp_path / "file") is None
    assert recognise(tmp_path / "absent") is None


def test_addresses(tmp_path: Path) -> None:
    assert read_address("models/Unet.mlpackage#style_b") == Address(Path("models/Unet.mlpackage"), "style_b")
    assert read_address("Unet.mlpackage") == Address(Path("Unet.mlpackage"))
    (tmp_path / "issue#4.mlpackage").mkdir()
    assert read_address(tmp_path / "issue#4.mlpackage").function is None


def test_every_border_asks(tmp_path: Path) -> None:
    """Suites, pictures, configurations and weights: the same words everywhere."""
    path = tmp_path / "file"
    path.write_bytes(POINTER)
    for opened in (
        lambda: load_suite(path),
        lambda: read_picture(path, 16),
        lambda: read_json(path, "folder:x"),
        lambda: read_shapes(path),
        lambda: read_arrays(path),
    ):
        with pytest.raises(SdqaError, match="is a Git LFS pointer") as caught:
            opened()
        assert "git lfs pull" in str(caught.value)
