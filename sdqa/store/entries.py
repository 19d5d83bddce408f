"""Entries: made once under the digest of what they were made from, whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdqa.errors import StoreError
from sdqa.store import leases
from sdqa.store.digests import digest_of, file_digest

if TYPE_CHECKING:
    from filelock import BaseFileLock

KEY_FILE = "key.json"
"""What the entry was made from. Its modification time is the entry's last use."""
MANIFEST_FILE = "manifest.json"
DEFAULT_ROOT = Path(".sdqa") / "store"

Manifest = Mapping[str, Mapping[str, Any]]
"""File → its `bytes` and `sha256`."""


@dataclass(frozen=True)
class Entry:
    """A built entry: its folder, its digest, and whether this call had to build it."""

    path: Path
    digest: str
    fresh: bool

    @cached_property
    def content(self) -> str:
        """Digest of the entry's files: what an entry that is made from this one depends on."""
        return digest_of(read_manifest(self.path))


class Store:
    """See the room's text. Safe for several processes on one machine."""

    def __init__(self, root: Path = DEFAULT_ROOT) -> None:
        self.root = root

    def _hold(self) -> None:
        """See to it that what is used from now on is not pruned while this store is open."""
        if self not in _leases:
            _leases[self] = leases.take(self.root)

    def place(self, kind: str, key: Mapping[str, Any]) -> Path:
        """Where the entry made from `key` is or would be."""
        return self.root / kind / digest_of(key)[:40]

    def find(self, kind: str, key: Mapping[str, Any]) -> Entry | None:
        """The entry made from `key`, if it is there and whole."""
        place = self.place(kind, key)
        if not place.is_dir():
            return None
        self._hold()
        if not _is_whole(place):
            return None
        with contextlib.suppress(OSError):  # a store that only may be read remembers no use
            os.utime(place / KEY_FILE)
        return Entry(place, place.name, fresh=False)

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
            lock = FileLock(lock_path(place))
        except OSError as error:
            raise StoreError("the store cannot be written", where=str(self.root), hint=str(error)) from error
        self._hold()
        with lock:
            found = self.find(kind, key)
            if found:
                return found
            if place.exists():
                shutil.rmtree(place)
            _build(place, key, build)
        return Entry(place, place.name, fresh=True)


def lock_path(place: Path) -> Path:
    """The lock that is held while an entry is built or removed."""
    return place.with_name(f"{place.name}.lock")


def temporary_prefix(place: Path) -> str:
    """How the names of the folders begin in which an entry is built."""
    return f".{place.name[:12]}."


def read_manifest(place: Path) -> Manifest:
    """The files of an entry.

    Raises:
        OSError: there is no manifest.
        ValueError: it is not one.
    """
    manifest = json.loads((place / MANIFEST_FILE).read_text(encoding="utf-8"))
    if not isinstance(manifest, dict) or not all(
        isinstance(facts, dict) and isinstance(facts.get("bytes"), int) and isinstance(facts.get("sha256"), str)
        for facts in manifest.values()
    ):
        raise ValueError(f"{place.name}: not a manifest")
    return manifest


def _build(place: Path, key: Mapping[str, Any], build: Callable[[Path], None]) -> None:
    temporary = Path(tempfile.mkdtemp(dir=place.parent, prefix=temporary_prefix(place)))
    try:
        build(temporary)
        files = sorted(path for path in temporary.rglob("*") if path.is_file())
        manifest = {
            path.relative_to(temporary).as_posix(): {"bytes": path.stat().st_size, "sha256": file_digest(path)}
            for path in files
        }
        (temporary / KEY_FILE).write_text(json.dumps(key, sort_keys=True, indent=1), encoding="utf-8")
        (temporary / MANIFEST_FILE).write_text(json.dumps(manifest, sort_keys=True, indent=1), encoding="utf-8")
        try:
            os.replace(temporary, place)
        except OSError:
            if not _is_whole(place):  # somebody whose lock was removed built it meanwhile: theirs is as good
                raise
            shutil.rmtree(temporary)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _verified.add(place)


def _is_whole(place: Path) -> bool:
    if place in _verified and (place / MANIFEST_FILE).exists():
        return True
    try:
        whole = all(
            (place / name).stat().st_size == facts["bytes"] and file_digest(place / name) == facts["sha256"]
            for name, facts in read_manifest(place).items()
        )
    except (OSError, ValueError):
        return False
    if whole:
        _verified.add(place)
    return whole


_leases: weakref.WeakKeyDictionary[Store, BaseFileLock | None] = weakref.WeakKeyDictionary()
_verified: set[Path] = set()
"""Entries whose files this process has checked."""
