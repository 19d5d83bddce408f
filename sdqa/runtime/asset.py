"""An `.aimodel` folder as files: what has to be in it, and whether its program is the one that was written.

Nothing here needs Core AI: what a hostile or cut-off folder can do is decided before anything parses it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from sdqa.errors import PackageError
from sdqa.store import digest_of, file_digest

SUFFIX = ".aimodel"
PROGRAM, HASH, METADATA = "main.mlirb", "main.hash", "metadata.json"
MAX_METADATA_BYTES = 2**20
CONVERT_AGAIN = "convert it again, or fetch it again"


@dataclass(frozen=True)
class Asset:
    """A folder that may be given to Core AI."""

    path: Path
    producer: str  # such as "coreai-core 1.0.0b3"; empty where it does not say

    @property
    def program(self) -> Path:
        """The program with its weights."""
        return self.path / PROGRAM

    @property
    def bytes(self) -> int:
        """Size on disk."""
        return sum(path.stat().st_size for path in self.path.rglob("*") if path.is_file())

    @property
    def digest(self) -> str:
        """Of the program: metadata has dates, what was compiled for a device is derived."""
        return digest_of([PROGRAM, file_digest(self.program)])


def is_asset(path: Path) -> bool:
    """Whether a path is named like an asset."""
    return path.suffix == SUFFIX


def open_asset(path: Path) -> Asset:
    """Look at a folder without parsing its program.

    Raises:
        PackageError: it is none, something is missing or a link, or the program is not the one that its hash is of.
    """
    demand_files(path)
    metadata = _read_metadata(path / METADATA)
    with (path / PROGRAM).open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").digest()
    if (path / HASH).stat().st_size != len(found) or (path / HASH).read_bytes() != found:
        raise PackageError(f"{PROGRAM} is not the program that {HASH} is of", where=str(path), hint=CONVERT_AGAIN)
    return Asset(path, str(metadata.get("producer", "")))


def demand_files(path: Path) -> tuple[Path, ...]:
    """The files that every asset has.

    Raises:
        PackageError: it is no asset, or one is missing or a link.
    """
    if path.suffix != SUFFIX or not path.is_dir():
        raise PackageError(f"this is no {SUFFIX} folder", where=str(path))
    files = tuple(path / name for name in (PROGRAM, HASH, METADATA))
    for file in files:
        if file.is_symlink() or not file.is_file():
            raise PackageError(f"{file.name} is missing, or no file of its own", where=str(path), hint=CONVERT_AGAIN)
    return files


def _read_metadata(path: Path) -> dict[str, object]:
    try:
        if path.stat().st_size > MAX_METADATA_BYTES:
            raise PackageError(f"{METADATA} is too big", where=str(path.parent))
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise PackageError(f"{METADATA} cannot be read: {error}", where=str(path.parent), hint=CONVERT_AGAIN) from error
    if not isinstance(content, dict):
        raise PackageError(f"{METADATA} is no JSON object", where=str(path.parent), hint=CONVERT_AGAIN)
    return content
