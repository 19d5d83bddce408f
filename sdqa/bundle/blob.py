"""Blobs: a bundle's files, each under its digest."""

from __future__ import annotations

from sdqa.bundle.record import Record

BLOB_FOLDER = "blobs"


class Blob(Record):
    """A file of the bundle, by digest."""

    sha256: str
    bytes: int
    media_type: str

    @property
    def path(self) -> str:
        """Relative to the bundle's folder."""
        return f"{BLOB_FOLDER}/{self.sha256}"
