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
from sdqa.store.place import DEFAULT_ROOT, StorePlace

if TYPE_CHECKING:
    from filelock import BaseFileLock, FileLock

    from sdqa.store.shared import Shared

KEY_FILE = "key.json"
"""What the entry was made from. Its modification time is the entry's last use."""
MANIFEST_FILE = "manifest.json"
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
    """See the room's text. Safe for several processes on one machine, and for several machines where it is shared.

    Raises:
        UsageError: a shared store's address cannot be one.
        StoreError: what reaches a shared store is not installed.
    """

    def __init__(self, place: Path | StorePlace = DEFAULT_ROOT) -> None:
        self.root = place.folder if isinstance(place, StorePlace) else place
        self._shared: Shared | None = None
        if isinstance(place, StorePlace) and place.url:
            from sdqa.store.shared import Shared

            self._shared = Shared(place)

    def _hold(self) -> None:
        """See to it that what is used from now on is not pruned while this store is open."""
        if self not in _leases:
            _leases[self] = leases.take(self.root)

    def place(self, kind: str, key: Mapping[str, Any]) -> Path:
        """Where the entry made from `key` is or would be."""
        return self.root / kind / digest_of(key)[:40]

    def find(self, kind: str, key: Mapping[str, Any]) -> Entry | None:
        """The entry made from `key`, if it is there and whole; copied from the shared store where only that has it."""
        found = self._find_here(kind, key)
        if found is not None or self._shared is None:
            return found
        try:
            lock = self._lock(kind, key)
        except StoreError:  # a store that only may be read
            return None
        with lock:
            return self._find_here(kind, key) or self._fetch(kind, key)

    def _find_here(self, kind: str, key: Mapping[str, Any]) -> Entry | None:
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
        found = self._find_here(kind, key)
        if found:
            return found
        place = self.place(kind, key)
        with self._lock(kind, key):
            found = self._find_here(kind, key) or self._fetch(kind, key)
            if found:
                return found
            if place.exists():
                shutil.rmtree(place)
            _build(place, key, build)
            if self._shared is not None:
                self._shared.keep(kind, key, read_manifest(place), place)
        return Entry(place, place.name, fresh=True)

    def _lock(self, kind: str, key: Mapping[str, Any]) -> FileLock:
        """What is held while an entry is made or copied.

        Raises:
            StoreError: the store's folder cannot be written.
        """
        from filelock import FileLock

        place = self.place(kind, key)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(lock_path(place))
        except OSError as error:
            what = f"the store cannot be written: {error.strerror or error}"
            hint = "give this user the permission, or name another place: --store FOLDER"
            raise StoreError(what, where=str(self.root), hint=hint) from error
        self._hold()
        return lock

    def _fetch(self, kind: str, key: Mapping[str, Any]) -> Entry | None:
        """Copy an entry from the shared store; its lock is held."""
        if self._shared is None:
            return None
        place = self.place(kind, key)
        temporary = Path(tempfile.mkdtemp(dir=place.parent, prefix=temporary_prefix(place)))
        try:
            manifest = self._shared.fetch(kind, key, temporary)
            if manifest is None:
                return None
            if place.exists():  # it is not whole
                shutil.rmtree(place)
            _settle(temporary, place, key, manifest)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return Entry(place, place.name, fresh=False)


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
        _settle(temporary, place, key, manifest)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _settle(temporary: Path, place: Path, key: Mapping[str, Any], manifest: Manifest) -> None:
    """Let a folder of files become an entry, in one step."""
    (temporary / KEY_FILE).write_text(json.dumps(key, sort_keys=True, indent=1), encoding="utf-8")
    (temporary / MANIFEST_FILE).write_text(json.dumps(manifest, sort_keys=True, indent=1), encoding="utf-8")
    try:
        os.replace(temporary, place)
    except OSError:
        if not _is_whole(place):  # somebody whose lock was removed built it meanwhile: theirs is as good
            raise
        shutil.rmtree(temporary)
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
