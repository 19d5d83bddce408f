"""Documents that come from elsewhere are read whole or refused in one clear sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel

from sdqa.bundle import Bundle, Run, documents, sensitivity
from sdqa.errors import BundleError, FaultError, GoldenMissing, ModelError, SdqaError
from sdqa.gate.manifest import MANIFEST_FILE, Manifest, read_manifest
from sdqa.gate.tolerances import Tolerances
from sdqa.models.lock import LOCK_NAME, read_lock


class Note(BaseModel):
    schema_version: Literal[2] = 2
    text: str


def read(path: Path, limit: int = 1000) -> Note:
    return documents.read(path, Note, BundleError, name="the note", limit=limit, missing="no note", hint="write one")


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "note.json"
    documents.write(path, Note(text="grün").model_dump())
    assert path.read_bytes().decode() == '{\n "schema_version": 2,\n "text": "grün"\n}\n'
    assert read(path) == Note(text="grün")
    with pytest.raises(ValueError, match="not JSON compliant"):
        documents.write(path, {"psnr": float("nan")})
    assert read(path).text == "grün"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "the note is not JSON"),
        (b"\xff\xfe\xfa", "the note is not JSON"),
        (b"[" * 400_000, "the note is not JSON"),
        (b"[]", "schema version None, this sdqa reads 2"),
        (b'{"schema_version": 1, "text": "old"}', "schema version 1, this sdqa reads 2"),
        (b'{"schema_version": 2, "text": 3}', r"the note does not follow its schema: \$\.text: "),
        (b'{"schema_version": 2, "text": ' + b"[" * 70 + b"]" * 70 + b"}", "the note is nested deeper than 64 levels"),
        (b'{"schema_version": 2, "text": -1' + b"0" * 30 + b"}", "the note holds a whole number of more than 64 bits"),
        (b'{"schema_version": 2, "text": "a", "text": "b"}', "the note is not JSON: 'text' is there twice"),
        (b'{"schema_version": 2, "text": {"a": {}, "b": 1, "a": 1}}', "'a' is there twice"),
        (b'{"schema_version": 2, "text": "\\ud800"}', "the note holds half a character"),
        (b'{"schema_version": 2, "\\udfff": {}}', "the note holds half a character"),
        (b'"' + b"x" * 600_000 + b'"', "the note is larger than 500000 bytes"),
    ],
)
def test_every_flaw_is_one_error_with_place_and_hint(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "note.json"
    path.write_bytes(content)
    with pytest.raises(BundleError, match=message) as caught:
        read(path, limit=500_000)
    assert (caught.value.where, caught.value.hint) == (str(path), "write one")
    with pytest.raises(BundleError, match="no note"):
        read(tmp_path / "nothing.json")


READERS: tuple[tuple[Callable[[Path], object], str, type[SdqaError]], ...] = (
    (lambda path: Bundle(path.parent).read(), "run.json", BundleError),
    (lambda path: read_manifest(path.parent), MANIFEST_FILE, GoldenMissing),
    (Tolerances.load, "tolerances.json", GoldenMissing),
    (sensitivity.read, "sensitivity.json", FaultError),
    (read_lock, LOCK_NAME, ModelError),
)


@pytest.mark.parametrize("content", [b"", b"[" * 400_000, b"[]", b'{"schema_version": 1}', b'{"schema_version": "1"}'])
@pytest.mark.parametrize(("reader", "name", "error"), READERS)
def test_no_document_of_ours_can_be_anything_but_itself(
    tmp_path: Path, reader: Callable[[Path], object], name: str, error: type[SdqaError], content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error):
        reader(tmp_path / name)


def test_all_schemas_name_the_version_that_is_read() -> None:
    for schema in (Run, Manifest, Tolerances, sensitivity.Sensitivity):
        assert schema.model_fields["schema_version"].default == 1
