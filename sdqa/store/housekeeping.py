"""How much a store holds, and how it is made smaller: what was not used for longest goes first, what is in use stays.

In use is an entry that is being built (its lock is held), and everything that was used since the oldest process that
works with the store began. Folders that are no whole entry (damaged, half built and left, foreign) hold nothing that
anybody could use; they go first.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sdqa.errors import StoreError, UsageError
from sdqa.store import leases
from sdqa.store.entries import KEY_FILE, MANIFEST_FILE, lock_path, read_manifest, temporary_prefix

State = Literal["entry", "damaged", "left", "foreign"]
"""Whole; an entry whose files are not what its manifest says; a build that never ended; nothing of the store's."""
SECOND = 10**9  # nanoseconds


@dataclass(frozen=True)
class Item:
    """Something that lies in a store's folder of one kind."""

    path: Path
    kind: str
    state: State
    bytes: int
    used: int  # when it was last used, in nanoseconds since 1970

    @property
    def name(self) -> str:
        """`<kind>/<digest>`."""
        return f"{self.kind}/{self.path.name}"


@dataclass(frozen=True)
class KindSize:
    """What a store holds of one kind."""

    kind: str
    entries: int
    bytes: int
    oldest: int  # last use of the entry that was not used for longest, in nanoseconds since 1970
    newest: int


@dataclass(frozen=True)
class Pruned:
    """What pruning did, or would do."""

    removed: tuple[Item, ...]
    kept_in_use: tuple[Item, ...]  # that would have been removed, were nobody using them
    bytes_before: int

    @property
    def bytes_after(self) -> int:
        """What the store holds then."""
        return self.bytes_before - sum(item.bytes for item in self.removed)


def items(root: Path) -> list[Item]:
    """Everything in a store, by kind and name; locks, leases and folders that hold nothing of it are not listed.

    Raises:
        UsageError: this is a folder of something else.
        StoreError: it cannot be read.
    """
    if not root.exists():
        return []
    try:
        folders = [path for path in sorted(root.iterdir()) if path.is_dir() and not path.name.startswith(".")]
        kinds = [_of_kind(folder) for folder in folders if not folder.is_symlink()]
    except OSError as error:
        raise StoreError("the store cannot be read", where=str(root), hint=str(error)) from error
    found = [item for own in kinds if any(one.state != "foreign" for one in own) for item in own]
    if any(kinds) and not found:
        raise UsageError("this is no store: there is no entry in it", where=str(root), hint="name one with --store")
    return found


def _of_kind(folder: Path) -> list[Item]:
    """What lies in a kind's folder, locks left out."""
    return [_look(path, folder.name) for path in sorted(folder.iterdir()) if path.suffix != ".lock" or path.is_dir()]


def _look(path: Path, kind: str) -> Item:
    if path.is_symlink() or not path.is_dir():
        return Item(path, kind, "foreign", 0 if path.is_symlink() else path.stat().st_size, path.lstat().st_mtime_ns)
    sizes = {other: other.stat().st_size for other in path.rglob("*") if other.is_file() and not other.is_symlink()}
    key = path / KEY_FILE
    used = (key if key in sizes else path).stat().st_mtime_ns
    state: State = "damaged"
    if path.name.startswith("."):
        state = "left"
    elif key not in sizes and path / MANIFEST_FILE not in sizes:
        state = "foreign"
    else:
        try:
            manifest = read_manifest(path)
        except (OSError, ValueError):
            manifest = None
        if manifest is not None and all(sizes.get(path / name) == facts["bytes"] for name, facts in manifest.items()):
            state = "entry"
    return Item(path, kind, state, sum(sizes.values()), used)


def sizes(found: Iterable[Item]) -> list[KindSize]:
    """What a store holds, kind by kind, the largest first."""
    kinds: dict[str, list[Item]] = {}
    for item in found:
        kinds.setdefault(item.kind, []).append(item)
    listed = [
        KindSize(kind, len(own), sum(i.bytes for i in own), min(i.used for i in own), max(i.used for i in own))
        for kind, own in kinds.items()
    ]
    return sorted(listed, key=lambda size: (-size.bytes, size.kind))


def prune(
    root: Path, *, most_bytes: int | None = None, older_than_s: float | None = None, dry_run: bool = False
) -> Pruned:
    """Remove what no entry is; then entries that were not used for so long; then the least recently used ones.

    Args:
        most_bytes: what the store may hold afterwards; None is no limit.
        older_than_s: entries that were not used for so many seconds are removed; None removes none for its age.
        dry_run: only say what would be removed.

    Raises:
        UsageError: this is a folder of something else.
        StoreError: something cannot be removed.
    """
    found = items(root)
    before = sum(item.bytes for item in found)
    began = leases.oldest(root)
    wanted = sorted(found, key=lambda item: (item.state == "entry", item.used, item.name))
    removed: list[Item] = []
    busy: list[Item] = []
    left = before
    for item in wanted:
        old = older_than_s is not None and time.time_ns() - item.used > older_than_s * SECOND
        if item.state == "entry" and not old and (most_bytes is None or left <= most_bytes):
            continue
        if (began is not None and item.used >= began) or not _remove(item, dry_run=dry_run):
            busy.append(item)
            continue
        removed.append(item)
        left -= item.bytes
    return Pruned(tuple(removed), tuple(busy), before)


def _remove(item: Item, *, dry_run: bool) -> bool:
    """Remove an item, unless it is being built: whether it is gone, or would be."""
    from filelock import FileLock, Timeout

    if item.state == "left":
        begins = item.path.name[: len(temporary_prefix(item.path)) - 1]
        locks = sorted(item.path.parent.glob(f"{begins.lstrip('.').partition('.')[0]}*.lock"))
    else:
        locks = [lock_path(item.path)] if item.state != "foreign" else []
    try:
        for lock in locks:
            if not lock.exists():
                continue
            with FileLock(lock, timeout=0):
                if not dry_run:
                    _delete(item.path)
                    lock.unlink(missing_ok=True)
        if not dry_run:
            _delete(item.path)
    except Timeout:
        return False
    except OSError as error:
        raise StoreError("an entry cannot be removed", where=str(item.path), hint=str(error)) from error
    return True


def _delete(path: Path) -> None:
    """Remove a file, a link or a folder; a folder is renamed first, so that nobody finds half of it."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        gone = path.with_name(f".{path.name}.gone")
        path.rename(gone)
        shutil.rmtree(gone)
