"""A header is read without the library where it keeps every rule of the format, and by the library where it may not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from sdqa.errors import ModelError
from sdqa.models.plain_header import plain_header
from sdqa.models.weights import StoredTensor, read_header

TENSORS = {
    "b.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a": np.zeros((), np.float16),
    "none": np.zeros((0, 4), np.int64),
}


def with_header(text: str, data: bytes) -> bytes:
    return len(text.encode()).to_bytes(8, "little") + text.encode() + data


def by_library(path: Path) -> dict[str, StoredTensor]:
    with safe_open(path, framework="numpy") as file:
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        return {name: StoredTensor(tuple(one.get_shape()), str(one.get_dtype())) for name, one in slices.items()}


def test_a_plain_header_says_what_the_library_says(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(save(TENSORS, metadata={"format": "pt"}))
    found = plain_header(path)
    assert found is not None
    assert {name: StoredTensor(*one) for name, one in found.items()} == by_library(path) == read_header(path)
    assert list(found) == list(by_library(path))


def one(**changed: object) -> str:
    return json.dumps({"x": {"dtype": "F16", "shape": [2], "data_offsets": [0, 4], **changed}})


@pytest.mark.parametrize(
    ("header", "data"),
    [
        (one(), b"\0" * 5),  # a byte that no tensor has
        (one(), b"\0" * 3),
        (one(shape=[3]), b"\0" * 4),
        (one(data_offsets=[1, 5]), b"\0" * 5),  # a hole
        (one(data_offsets=[4, 0]), b"\0" * 4),
        (one(dtype="F15"), b"\0" * 4),
        (one(shape=[-2]), b"\0" * 4),
        (one(shape=[True, 2]), b"\0" * 4),
        (one(shape="2"), b"\0" * 4),
        ("[]", b""),
        ("{", b""),
        ('{"__metadata__": {"a": 1}}', b""),
        ("[" * 5000, b""),
    ],
)
def test_what_breaks_a_rule_is_the_librarys_to_refuse(header: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(with_header(header, data))
    assert plain_header(path) is None
    with pytest.raises(SafetensorError):
        by_library(path)
    with pytest.raises(ModelError, match="is not a safetensors file"):
        read_header(path)


def test_a_header_that_is_longer_than_the_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes((2**40).to_bytes(8, "little") + b"{}")
    assert plain_header(path) is None


def test_a_name_that_is_there_twice_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(with_header(f'{{"x": {{}}, {one()[1:]}', b"\0" * 4))
    assert plain_header(path) is None
    with pytest.raises(ModelError):
        read_header(path)
