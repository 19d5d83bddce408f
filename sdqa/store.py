"""Content-addressed store: everything expensive is made once, under the digest of what it was made from.

An entry is a folder `<root>/<kind>/<key digest>/` holding `key.json` (what it was made from), `manifest.json` (size and
sha256 of every file) and the files. It is built in a temporary folder beside its place and renamed into it, so a reader
sees either nothing or all of it; a lock per entry keeps two processes from building the same thing. An entry whose
files do not match its manifest is built again.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdqa.errors import StoreError

KEY_FILE = "key.json"
MANIFEST_FILE = "manifest.json"
DEFAULT_ROOT = Path(".sdqa") / "store"


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_of(value: Any) -> str:
    """sha256 of a value's canonical JSON, hexadecimal."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """sha256 of a file's bytes, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def tree_digest(folder: Path) -> str:
    """sha256 over the sorted relative names and digests of all files below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return digest_of([[path.relative_to(folder).as_posix(), file_digest(path)] for path in files])


@functools.cache
def source_digest(*rooms: str) -> str:
    """Digest of the source code of rooms of this package (`"convert"`, `"mil"`): changed code makes new entries."""
    package = Path(__file__).parent
    parts: list[list[str]] = []
    for room in sorted(rooms):
        place = package / room
        files = sorted(place.rglob("*.py")) if place.is_dir() else [package / f"{room}.py"]
        parts.extend([path.relative_to(package).as_posix(), file_digest(path)] for path in files)
    return digest_of(parts)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file in one step; a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        os.chmod(temporary, 0o644)  # mkstemp's 0600 would keep others from reading a report that a container wrote
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@dataclass(frozen=True)
class Entry:
    """A built entry: its folder, its digest, and whether this call had to build it."""

    path: Path
    digest: str
    fresh: bool


class Store:
    """See the module's text. Safe for several processes on one machine."""

    def __init__(self, root: Path = DEFAULT_ROOT) -> None:
        self.root = root

    def place(self, kind: str, key: Mapping[str, Any]) -> Path:
        """Where the entry made from `key` is or would be."""
        return self.root / kind / digest_of(key)[:40]

    def find(self, kind: str, key: Mapping[str, Any]) -> Entry | None:
        """The entry made from `key`, if it is there and whole."""
        place = self.place(kind, key)
        return Entry(place, place.name, fresh=False) if self._is_whole(place) else None

    def memo(self, kind: str, key: Mapping[str, Any], build: Callable[[Path], None]) -> Entry:
        """The entry made from `key`, built by `build(folder)` when it is not there yet.

        Raises:
            StoreError: the store's folder cannot be written.
        """
        found = self.find(kind, key)
        if found:
            return found
        from filelock import FileLock

        place = self.place(kind, key)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(f"{place}.lock")
        except OSError as error:
            raise StoreError("the store cannot be written", where=str(self.root), hint=str(error)) from error
        with lock:
            found = self.find(kind, key)
            if found:
                return found
            if place.exists():
                shutil.rmtree(place)
            self._build(place, key, build)
        return Entry(place, place.name, fresh=True)

    def _build(self, place: Path, key: Mapping[str, Any], build: Callable[[Path], None]) -> None:
        temporary = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name[:12]}."))
        try:
            build(temporary)
            files = sorted(path for path in temporary.rglob("*") if path.is_file())
            manifest = {
                path.relative_to(temporary).as_posix(): {"bytes": path.stat().st_size, "sha256": file_digest(path)}
                for path in files
            }
            (temporary / KEY_FILE).write_text(json.dumps(key, sort_keys=True, indent=1), encoding="utf-8")
            (temporary / MANIFEST_FILE).write_text(json.dumps(manifest, sort_keys=True, indent=1), encoding="utf-8")
            os.replace(temporary, place)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        _verified.add(place)

    def _is_whole(self, place: Path) -> bool:
        if place in _verified and (place / MANIFEST_FILE).exists():
            return True
        try:
            manifest = json.loads((place / MANIFEST_FILE).read_text(encoding="utf-8"))
            whole = all(
                (place / name).stat().st_size == facts["bytes"] and file_digest(place / name) == facts["sha256"]
                for name, facts in manifest.items()
            )
        except (OSError, ValueError, KeyError, TypeError):
            return False
        if whole:
            _verified.add(place)
        return whole


_verified: set[Path] = set()
