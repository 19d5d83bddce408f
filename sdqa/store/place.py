"""Which store is meant: a folder, or one that machines share, with a folder here that its entries are copied into."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sdqa.errors import UsageError

DEFAULT_ROOT = Path(".sdqa") / "store"
MAIN = "main"
"""The prefix that everybody reads; only runs of the main branch write it."""
_PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S*")


@dataclass(frozen=True)
class StorePlace:
    """A store: `folder` is always there; `url` only where it is shared."""

    folder: Path = DEFAULT_ROOT
    url: str = ""
    prefix: str = MAIN  # what this run writes
    read_only: bool = False

    @classmethod
    def parse(
        cls, written: str, prefix: str = "", *, read_only: bool = False, folder: Path = DEFAULT_ROOT
    ) -> StorePlace:
        """What is written after `--store`: a folder, or `s3://bucket/folder`, `gs://…`, `file:///…`, `memory://…`.

        Args:
            folder: where a shared store's entries are copied to.

        Raises:
            UsageError: no such prefix can be; or it, or reading only, is asked of a folder, which nobody shares.
        """
        if prefix and not _PREFIX.fullmatch(prefix):
            hint = "letters, digits, dots and dashes, such as pr-12"
            raise UsageError(f"{prefix[:80]!r} cannot be a store's prefix", where="--store-prefix", hint=hint)
        if "://" not in written:
            if prefix or read_only:
                hint = "name a shared store: --store s3://BUCKET/FOLDER"
                raise UsageError("a folder has no prefixes, and is written", where=f"--store {written}", hint=hint)
            return cls(Path(written))
        if not _URL.fullmatch(written):
            raise UsageError(f"{written[:200]!r} is no store's address", where="--store", hint="s3://BUCKET/FOLDER")
        return cls(folder, written.rstrip("/") if not written.endswith("://") else written, prefix or MAIN, read_only)

    def options(self, name: str) -> list[str]:
        """The command line that means it, with options that begin so."""
        if not self.url:
            return [f"{name}={self.folder}"]
        return [
            f"{name}={self.url}",
            f"{name}-prefix={self.prefix}",
            *([f"{name}-read-only"] if self.read_only else []),
        ]

    @property
    def reads(self) -> tuple[str, ...]:
        """The prefixes that are looked into: one's own first."""
        return tuple(dict.fromkeys((self.prefix, MAIN)))

    def __str__(self) -> str:
        return self.url or str(self.folder)
