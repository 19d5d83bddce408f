"""`sdqa.lock`: which revision of a hub model was used, and the digest of every file of it."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sdqa.errors import ModelError
from sdqa.store import write_atomically

LOCK_NAME = "sdqa.lock"
SCHEMA_VERSION = 1


class LockEntry(BaseModel):
    """One source, pinned."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    revision: str = Field(pattern=r"^[0-9a-f]{40}$")
    """The commit that the requested revision named when it was first resolved."""
    files: dict[str, str]
    """sha256 of each file, by its path in the repository."""


class _Lock(BaseModel):
    model_config = ConfigDict(extra="forbid")

    schema_version: int = SCHEMA_VERSION
    models: dict[str, LockEntry] = {}


def read_lock(path: Path) -> dict[str, LockEntry]:
    """Entries by source; none when there is no file yet.

    Raises:
        ModelError: the file is garbled or of a newer schema.
    """
    try:
        content = _Lock.model_validate_json(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise ModelError(f"the lock cannot be read: {error}", where=str(path)) from error
    if content.schema_version != SCHEMA_VERSION:
        raise ModelError(f"the lock has schema version {content.schema_version}", where=str(path))
    return content.models


def record_in_lock(path: Path, source: str, entry: LockEntry) -> None:
    """Add an entry, keeping the others; the file is replaced in one step, one writer at a time."""
    from filelock import FileLock

    with FileLock(f"{path}.lock"):
        entries = {**read_lock(path), source: entry}
        models = {name: entries[name].model_dump() for name in sorted(entries)}
        text = json.dumps({"schema_version": SCHEMA_VERSION, "models": models}, indent=2) + "\n"
        write_atomically(path, text.encode())
    Path(f"{path}.lock").unlink(missing_ok=True)
