"""`sdqa.lock`: which revision of a hub model was used, and the digest of every file of it."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from sdqa.bundle import documents
from sdqa.errors import ModelError
from sdqa.store import write_atomically

LOCK_NAME = "sdqa.lock"
SCHEMA_VERSION = 1
MAX_BYTES = 4 * 2**20


class LockEntry(BaseModel):
    """One source, pinned."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    revision: str = Field(pattern=r"^[0-9a-f]{40}$")
    """The commit that the requested revision named when it was first resolved."""
    files: dict[str, str]
    """sha256 of each file, by its path in the repository."""


class _Lock(BaseModel):
    model_config = ConfigDict(extra="forbid")

    schema_version: int = SCHEMA_VERSION
    models: dict[str, LockEntry]


def read_lock(path: Path) -> dict[str, LockEntry]:
    """Entries by source; none when there is no file yet.

    Raises:
        ModelError: the file is garbled, too large or of another schema version.
    """
    if not path.exists():
        return {}
    missing = "the lock cannot be read"
    return documents.read(path, _Lock, ModelError, name="the lock", limit=MAX_BYTES, missing=missing).models


def record_in_lock(path: Path, source: str, entry: LockEntry) -> None:
    """Add an entry, keeping the others; the file is replaced in one step, one writer at a time."""
    from filelock import FileLock

    with FileLock(f"{path}.lock"):
        entries = {**read_lock(path), source: entry}
        models = {name: entries[name].model_dump() for name in sorted(entries)}
        text = json.dumps({"schema_version": SCHEMA_VERSION, "models": models}, indent=2) + "\n"
        write_atomically(path, text.encode())
    Path(f"{path}.lock").unlink(missing_ok=True)
