"""The files of a golden or baseline on disk: read as untrusted, replaced as a whole."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sdqa.errors import DigestMismatch, GoldenDamaged, GoldenMissing, ImageError, StoreError
from sdqa.gate import large_files
from sdqa.gate.manifest import GoldenFile


def file_bytes(folder: Path, name: str, file: GoldenFile, place: str, cache: Path | None) -> bytes:
    """One recorded file, from the folder or the place of large files; its size and digest are checked.

    Raises:
        GoldenMissing: it is not there.
        GoldenDamaged: it is not the one that was recorded.
    """
    if file.place == "warehouse":
        return large_files.fetch(place, file.sha256, file.bytes, cache)
    path = folder / name
    if path.name != name or path.is_symlink():
        raise GoldenDamaged("a golden's file must be a plain file in its folder", where=str(path))
    try:
        if path.stat().st_size != file.bytes:
            raise GoldenDamaged(
                f"the file has {path.stat().st_size} bytes, recorded were {file.bytes}", where=str(path)
            )
        data = path.read_bytes()
    except OSError as error:
        hint = "restore it from git, or record it again: sdqa goldens --reason '…'"
        raise GoldenMissing("a file of the golden is missing", where=str(path), hint=hint) from error
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise GoldenDamaged("a file of the golden is not the one that was recorded", where=str(path))
    return data


@contextmanager
def whole() -> Iterator[None]:
    """What cannot be decoded of a golden or baseline is damage of it, whatever the bytes were meant to be.

    Raises:
        GoldenDamaged: it cannot.
    """
    try:
        yield
    except GoldenDamaged:
        raise
    except (DigestMismatch, ImageError) as error:
        raise GoldenDamaged(error.what, where=error.where, hint=error.hint) from error


def replace_folder(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Swap a folder for a new one; a reader never sees a mixture."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            fresh.chmod(0o755)
            for name, data in contents.items():
                (fresh / name).write_bytes(data)
            if folder.exists():
                folder.rename(old := fresh.with_name(f"{fresh.name}.old"))
                fresh.rename(folder)
                shutil.rmtree(old)
            else:
                fresh.rename(folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        raise StoreError("the golden cannot be written", where=str(folder), hint=str(error)) from error
