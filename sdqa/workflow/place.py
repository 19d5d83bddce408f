"""Where a run's bundle lies: `.sdqa/report` holds the newest full run, every other run has a folder of its own.

While a run goes on nobody knows yet which of the two it will be. So it lies in `.sdqa/runs/<time>-<id>`, and moves to
`.sdqa/report` when it was a full one. A folder that somebody named is that folder, whatever the run was.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sdqa.bundle import BLOB_FOLDER, Bundle

HOME = Path(".sdqa")
KEPT_RUNS, UNTOUCHED_S = 20, 3600.0
"""How many runs that are no full ones stay, and how long any is left alone after it was last written: it may go on."""
REPORT, RUNS = "report", "runs"
_NAME = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")


def name_run() -> str:
    """`20261125-231500-4f1a9c`: sorts by time, and two runs of one second are two."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


@dataclass(frozen=True)
class Place:
    """Where a run's bundle lies, and where it goes when the run was a full one."""

    folder: Path
    report: Path | None = None  # None: it stays
    home: Path = HOME  # what `.sdqa` means

    @classmethod
    def of(cls, output: str | Path | None, home: Path, name: str) -> Place:
        """The folder that was named, or one under `.sdqa`.

        Args:
            name: the run's, from `name_run`; all processes of one run share it.
        """
        return cls(Path(output), None, home) if output else cls(home / RUNS / name, home / REPORT, home)

    def settle(self, *, full: bool) -> Bundle:
        """The bundle to write the run into; of a full run, with the blobs that were kept by now.

        Raises:
            OSError: the folder cannot be written.
        """
        if self.report is None or not full:
            return Bundle(self.folder)
        for blob in (self.folder / BLOB_FOLDER).glob("*"):
            target = self.report / BLOB_FOLDER / blob.name
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                try:
                    os.link(blob, target)  # pictures are large, and the copy goes away at once
                except OSError:
                    shutil.copyfile(blob, target)
        return Bundle(self.report)

    def clear(self) -> None:
        """Forget the folder that a full run had while it went on."""
        if self.report is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            with suppress(OSError):  # other runs are there
                self.folder.parent.rmdir()

    def prune(self) -> None:
        """Remove all but the newest runs that are no full ones; nothing where somebody named the folder."""
        if self.report is None:
            return
        try:
            found = list((self.home / RUNS).iterdir())
        except OSError:  # no such run, or another process has just removed the last one
            return
        runs = sorted(one for one in found if _NAME.fullmatch(one.name) and not one.is_symlink())
        for folder in runs[:-KEPT_RUNS]:
            if folder != self.folder and time.time() - _last_written(folder) > UNTOUCHED_S:
                shutil.rmtree(folder, ignore_errors=True)


def _last_written(folder: Path) -> float:
    """When a file was last put into a run's folder, in seconds since the epoch; now, where nobody can tell."""
    try:
        return max(path.lstat().st_mtime for path in (folder, *folder.iterdir()))
    except OSError:
        return time.time()
