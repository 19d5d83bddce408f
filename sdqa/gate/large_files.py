"""Where large golden files live: a folder or any fsspec URL, one file a digest, with a local cache.

Real models' goldens are too large for git. Their manifest stays there; the bytes are under `<place>/<sha256>`, and
whoever reads them checks the digest, so a place needs no trust.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from sdqa.errors import GoldenDamaged, GoldenMissing, StoreError
from sdqa.store import write_atomically

DEFAULT_PLACE = os.environ.get("SDQA_GOLDENS_PLACE") or str(Path(".sdqa") / "goldens")
MAX_FILE_BYTES = 512 * 2**20


def cache_folder() -> Path:
    """Where fetched files are kept: `$SDQA_CACHE/goldens`, or below the user's cache folder."""
    root = os.environ.get("SDQA_CACHE")
    return (Path(root) if root else Path.home() / ".cache" / "sdqa") / "goldens"


def put(place: str, data: bytes) -> str:
    """Keep bytes under their digest, which is returned. An fsspec URL has `://`; anything else is a folder.

    Raises:
        StoreError: the URL cannot be reached or written.
    """
    digest = hashlib.sha256(data).hexdigest()
    if "://" not in place:
        path = Path(place) / digest
        if not path.exists():
            write_atomically(path, data)
        return digest
    import fsspec

    url = f"{place.rstrip('/')}/{digest}"
    try:
        filesystem, remote_path = fsspec.core.url_to_fs(url)
        if not filesystem.exists(remote_path):
            filesystem.makedirs(remote_path.rsplit("/", 1)[0], exist_ok=True)
            with filesystem.open(remote_path, "wb") as stream:
                stream.write(data)
    except Exception as error:  # every kind of place has errors of its own
        hint = "give a place that can be reached and written: SDQA_GOLDENS_PLACE"
        raise StoreError(f"a large golden file cannot be kept: {error}", where=url, hint=hint) from error
    return digest


def fetch(place: str, digest: str, size: int, cache: Path | None = None) -> bytes:
    """The bytes of a digest, from the cache or the place.

    Args:
        size: bytes, as the manifest says; nothing larger is read.

    Raises:
        GoldenMissing: the place does not have it, or cannot be reached.
        GoldenDamaged: the place has something else under that name, or the manifest's digest or size is not
            acceptable.
    """
    if len(digest) != 64 or not all(c in "0123456789abcdef" for c in digest):
        raise GoldenDamaged(f"{digest[:80]!r} is not a digest", where=place)
    if not 0 <= size <= MAX_FILE_BYTES:
        raise GoldenDamaged(f"a golden file of {size} bytes is refused, the limit is {MAX_FILE_BYTES}", where=place)
    cached = (cache or cache_folder()) / digest
    if cached.is_file() and _matches(data := cached.read_bytes(), digest):
        return data
    data = _read(place, digest, size)
    if not _matches(data, digest):
        raise GoldenDamaged("a golden file is not the one that was recorded", where=f"{place}/{digest}")
    write_atomically(cached, data)
    return data


def _matches(data: bytes, digest: str) -> bool:
    return hashlib.sha256(data).hexdigest() == digest


def _read(place: str, digest: str, size: int) -> bytes:
    hint = "give the place where this model's large goldens are kept, or record them again: sdqa goldens --reason '…'"
    try:
        if "://" not in place:
            with (Path(place) / digest).open("rb") as stream:
                return stream.read(size + 1)
        import fsspec

        with fsspec.open(f"{place.rstrip('/')}/{digest}", "rb") as stream:
            return bytes(stream.read(size + 1))
    except Exception as error:  # every kind of place has errors of its own
        raise GoldenMissing(
            f"a large golden file cannot be read: {error}", where=f"{place}/{digest}", hint=hint
        ) from error
