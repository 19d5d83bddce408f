"""A bundle's folder: `run.json` and `blobs/<sha256>`."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sdqa.bundle import documents
from sdqa.bundle.blob import Blob
from sdqa.bundle.records import Run
from sdqa.errors import BundleError
from sdqa.store import write_atomically

RUN_FILE = "run.json"
MAX_RUN_BYTES = 256 * 2**20


class Bundle:
    """A bundle's folder, for reading and writing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add_blob(self, data: bytes, media_type: str) -> Blob:
        """Keep bytes under their digest."""
        blob = Blob(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), media_type=media_type)
        path = self.folder / blob.path
        if not path.exists():
            write_atomically(path, data)
        return blob

    def read_blob(self, blob: Blob) -> bytes:
        """A blob's bytes.

        Raises:
            BundleError: it is missing, or its bytes do not match its digest.
        """
        if len(blob.sha256) != 64 or not all(c in "0123456789abcdef" for c in blob.sha256):
            raise BundleError(f"{blob.sha256[:80]!r} is not a digest", where=str(self.folder))
        path = self.folder / blob.path
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BundleError("a blob is missing", where=str(path), hint="copy the whole bundle folder") from error
        if hashlib.sha256(data).hexdigest() != blob.sha256:
            raise BundleError("a blob is damaged: its digest does not match", where=str(path))
        return data

    def write(self, run: Run) -> None:
        """Write `run.json` in one step."""
        documents.write(self.folder / RUN_FILE, run.to_json())

    def read(self) -> Run:
        """Read and check `run.json`.

        Raises:
            BundleError: it is missing, too large, not JSON, or of another schema version.
        """
        return documents.read(
            self.folder / RUN_FILE,
            Run,
            BundleError,
            name="run.json",
            limit=MAX_RUN_BYTES,
            missing="no bundle here",
            hint="run `sdqa qa` first, or name a bundle",
        )
