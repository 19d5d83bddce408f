"""Where records lie: a folder, `git:BRANCH` of the repository around the current folder, or any fsspec address.

A place only ever gets new files; none is rewritten or removed. What a place holds besides records is not looked at.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from sdqa.bundle.files import Refused, read_regular
from sdqa.errors import HistoryError
from sdqa.history.branch import HistoryBranch
from sdqa.history.files import MAX_FILE_BYTES, NAME
from sdqa.store import write_atomically

GIT = "git:"
MAX_RECORDS = 100_000


class HistoryPlace(Protocol):
    """Where records lie."""

    @property
    def where(self) -> str:
        """In words."""
        ...

    def names(self) -> list[str]:
        """Of all records, the oldest first; of a place that is not there yet none.

        Raises:
            HistoryError: it cannot be looked at.
        """
        ...

    def read(self, names: Sequence[str]) -> Iterator[tuple[str, bytes | Refused]]:
        """Files' bytes, or why there are none; never more than a record may have."""
        ...

    def add(self, files: Mapping[str, bytes]) -> int:
        """Add what is not there yet, each file in one step; how many were new.

        Raises:
            HistoryError: it cannot be written.
        """
        ...


def open_place(place: str, *, folder: Path = Path()) -> HistoryPlace:
    """The place that somebody names.

    Args:
        folder: whose repository `git:BRANCH` means.

    Raises:
        HistoryError: it is none.
    """
    if place.startswith(GIT):
        return HistoryBranch(place.removeprefix(GIT), folder)
    return HistoryAddress(place) if "://" in place else HistoryFolder(Path(place))


class HistoryFolder:
    """A folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def where(self) -> str:
        """In words."""
        return str(self.root)

    def names(self) -> list[str]:
        """The records below it; links to elsewhere are followed by `read`, which refuses them."""
        try:
            found = [path.relative_to(self.root).as_posix() for path in self.root.glob("runs/*/*/*.json.gz")]
            if not found and self.root.exists() and not self.root.is_dir():
                raise NotADirectoryError(f"{self.root} is no folder")
        except OSError as error:
            raise HistoryError("the history cannot be read", where=self.where, hint=str(error)) from error
        return records_among(found)

    def read(self, names: Sequence[str]) -> Iterator[tuple[str, bytes | Refused]]:
        """Files' bytes, or why there are none."""
        for name in names:
            try:
                yield name, read_regular(self.root / name, MAX_FILE_BYTES, within=self.root)
            except (Refused, OSError) as problem:
                yield name, problem if isinstance(problem, Refused) else Refused(f"cannot be read: {problem}")

    def add(self, files: Mapping[str, bytes]) -> int:
        """Write each file beside its place and rename it: an interrupted run leaves no half of one."""
        added = 0
        try:
            for name, data in files.items():
                path = self.root / name
                if not path.exists():
                    write_atomically(path, data)
                    added += 1
        except OSError as error:
            raise HistoryError("the history cannot be written", where=self.where, hint=str(error)) from error
        return added


class HistoryAddress:
    """An fsspec address: `s3://bucket/history`, `memory://…`."""

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")

    @property
    def where(self) -> str:
        """In words, without what stands before an @: it may be a password."""
        return re.sub(r"://[^/@]*@", "://", self._address)

    def names(self) -> list[str]:
        """The records below it."""
        with self._in_words("read"):
            system, root = self._system()
            system.invalidate_cache()
            found = system.glob(f"{root}/runs/*/*/*.json.gz") if system.exists(root) else []
        return records_among([str(path)[len(root) :].lstrip("/") for path in found])

    def read(self, names: Sequence[str]) -> Iterator[tuple[str, bytes | Refused]]:
        """Files' bytes, or why there are none."""
        with self._in_words("read"):
            system, root = self._system()
        for name in names:
            try:
                with system.open(f"{root}/{name}", "rb") as stream:
                    yield name, bytes(stream.read(MAX_FILE_BYTES + 1))
            except Exception as error:  # whatever the file system's library raises
                yield name, Refused(f"cannot be read: {error}")

    def add(self, files: Mapping[str, bytes]) -> int:
        """Write what is not there. The systems behind write whole objects; where one does not, half a file is no
        record, is skipped and counted, and the next `add` of the same run finds its name taken: it is put aside first.
        """
        added = 0
        with self._in_words("written"):
            system, root = self._system()
            for name, data in files.items():
                path = f"{root}/{name}"
                if system.exists(path) and system.size(path) == len(data):
                    continue
                system.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
                system.pipe_file(path, data)
                added += 1
        return added

    def _system(self) -> tuple[Any, str]:
        import fsspec

        system, root = fsspec.core.url_to_fs(self._address)
        return system, str(root).rstrip("/")

    @contextlib.contextmanager
    def _in_words(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # an import that is missing, credentials, a network: each library has its own
            hint = " ".join(str(error).split())[:300] or type(error).__name__
            raise HistoryError(f"the history cannot be {what}", where=self.where, hint=hint) from error


def records_among(names: list[str]) -> list[str]:
    """Names of records, the oldest first; of more than can be looked at the newest."""
    return sorted((name for name in names if NAME.fullmatch(name)), key=os.path.basename)[-MAX_RECORDS:]
