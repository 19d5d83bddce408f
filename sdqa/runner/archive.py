"""The runner application: an archive whose digest is known, unpacked into a folder that it cannot leave.

GitHub's archive holds files, folders and a few relative links (Node.js brings them). Links are made after everything
else, so that nothing is written through one, and each must end inside the folder; devices, hard links, absolute names
and names that climb are refused, and so is what is larger than any runner.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tarfile
import tempfile
import urllib.parse
import urllib.request
from http.client import HTTPException
from pathlib import Path, PurePosixPath

from sdqa.errors import ArchiveError, UsageError
from sdqa.github import LOOPBACK
from sdqa.runner.github import Download

START = "run.sh"
"""What a runner is started by; an archive without it is none."""
MAX_ARCHIVE_BYTES = 1 * 2**30
MAX_UNPACKED_BYTES = 4 * 2**30
MAX_MEMBERS = 100_000
DOWNLOAD_S = 60  # without a byte
_CHUNK = 2**20
_VERSION = re.compile(r"actions-runner-(?:osx|linux)-(?:arm64|x64)-(\d+\.\d+\.\d+)\.tar\.gz")


def check_digest(written: str) -> str:
    """A sha256 as it is compared: 64 small hexadecimal digits.

    Raises:
        UsageError: it is something else.
    """
    digest = written.strip().lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise UsageError(f"{written[:80]!r} is no sha256", where="--sha256", hint="64 hexadecimal digits")
    return digest


def version_of(filename: str) -> str:
    """The runner's version, as its archive is named; empty where the name does not say it."""
    found = _VERSION.fullmatch(filename)
    return found[1] if found else ""


def fetch(download: Download, folder: Path) -> Path:
    """Download the application, and hold it to its published digest. No token goes along.

    Raises:
        ArchiveError: it cannot be had, is too large, or is not what was published.
    """
    parts = urllib.parse.urlsplit(download.url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ArchiveError("the runner's address is not https", where=download.url[:200])
    place = folder / "archive.tar.gz"
    try:
        with urllib.request.urlopen(download.url, timeout=DOWNLOAD_S) as stream, place.open("wb") as file:
            size = 0
            while chunk := stream.read(_CHUNK):
                size += len(chunk)
                if size > MAX_ARCHIVE_BYTES:
                    raise ArchiveError(f"more than {MAX_ARCHIVE_BYTES} bytes are refused", where=download.url[:200])
                file.write(chunk)
    except (OSError, HTTPException) as error:
        hint = "download it yourself, and give it with --archive FILE --sha256 DIGEST"
        raise ArchiveError(f"the runner cannot be downloaded: {error}", where=download.url[:200], hint=hint) from error
    return place


def unpack(archive: Path, digest: str, into: Path) -> None:
    """Unpack an archive of a known digest: whole, or not at all. What was in the folder before is replaced.

    Raises:
        ArchiveError: it is another file, or holds what must not be unpacked.
    """
    try:
        size = archive.stat().st_size
        with archive.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest() if size <= MAX_ARCHIVE_BYTES else ""
    except OSError as error:
        raise ArchiveError("the archive cannot be read", where=str(archive), hint=str(error)) from error
    if found != digest:
        what = f"the archive's sha256 is {found}, not {digest}" if found else f"the archive has {size} bytes"
        raise ArchiveError(what, where=str(archive), hint="download it again; nothing was unpacked")
    into.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=into.parent, prefix=f".{into.name}."))
    try:
        with tarfile.open(archive, "r:*") as tar:
            _write(tar, temporary)
        if not (temporary / START).is_file():
            raise ArchiveError(f"there is no {START} in the archive", where=str(archive), hint="is it GitHub's runner?")
        temporary.chmod(0o755)
        if into.exists():
            shutil.rmtree(into)
        temporary.rename(into)
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise ArchiveError(f"the archive cannot be unpacked: {error}", where=str(archive)) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write(tar: tarfile.TarFile, root: Path) -> None:
    links: list[tuple[Path, str]] = []
    names: set[PurePosixPath] = set()
    size = 0
    for number, member in enumerate(tar):
        name = _inside(member.name)
        size += max(0, member.size)
        if number >= MAX_MEMBERS or size > MAX_UNPACKED_BYTES:
            raise ArchiveError("the archive is larger than any runner", where=member.name[:200])
        place = root / name
        if member.isdir():
            place.mkdir(parents=True, exist_ok=True)
            continue
        if name in names or not name.parts:
            raise ArchiveError("a name is there twice", where=member.name[:200])
        names.add(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        if member.issym():
            links.append((place, member.linkname))
        elif member.isreg():
            source = tar.extractfile(member)
            assert source is not None
            with source, place.open("xb") as file:
                shutil.copyfileobj(source, file, _CHUNK)
            place.chmod(0o755 if member.mode & 0o100 else 0o644)
        else:
            raise ArchiveError("only files, folders and links inside are unpacked", where=member.name[:200])
    for place, target in links:
        if os.path.isabs(target) or place.exists():
            raise ArchiveError("a link leads out of the folder", where=str(place.relative_to(root)))
        place.symlink_to(target)
    whole = root.resolve()
    for place, _ in links:  # all of them are there now: a link may lead over others
        if not Path(os.path.realpath(place)).is_relative_to(whole):
            raise ArchiveError("a link leads out of the folder", where=str(place.relative_to(root)))


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise ArchiveError("a name leads out of the folder", where=name[:200])
    return path
