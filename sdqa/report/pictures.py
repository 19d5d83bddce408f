"""Blobs as pictures in the page: `data:` URIs of what really is a PNG, JPEG or WebP, of a size that a browser opens."""

from __future__ import annotations

import base64
import warnings
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from sdqa.bundle import Blob, Bundle
from sdqa.errors import BundleError
from sdqa.report.format import show_bytes

MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
SIGNATURES = {"PNG": b"\x89PNG\r\n\x1a\n", "JPEG": b"\xff\xd8\xff", "WEBP": b"RIFF"}
MAX_BLOB_BYTES = 16 * 2**20
MAX_PAGE_BYTES = 96 * 2**20  # of all pictures together: above, browsers get slow and CI artifacts large
MAX_SIDE = 8192
PIXELATED_SIDE = 256  # up to here a picture is enlarged pixel by pixel


@dataclass(frozen=True)
class ShownPicture:
    """One picture of the page, or why it cannot be shown."""

    kind: str  # source, golden, candidate, difference …
    alt: str
    uri: str = ""
    width: int = 0
    height: int = 0
    digest: str = ""
    note: str = ""  # why there is no picture

    @property
    def pixelated(self) -> bool:
        """Whether enlarging must keep the pixels visible."""
        return 0 < max(self.width, self.height) <= PIXELATED_SIDE


class Album:
    """Reads a bundle's blobs into pictures and keeps count of the page's size; the same blob is encoded once."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._known: dict[str, tuple[str, int, int, str]] = {}
        self._bytes = 0

    def picture(self, kind: str, alt: str, blob: Blob) -> ShownPicture:
        """A blob as a picture; anything that is not one becomes a note, never a broken page."""
        if blob.sha256 not in self._known:
            self._known[blob.sha256] = self._load(blob)
        uri, width, height, note = self._known[blob.sha256]
        return ShownPicture(kind, alt, uri, width, height, blob.sha256, note)

    def _load(self, blob: Blob) -> tuple[str, int, int, str]:
        if blob.bytes > MAX_BLOB_BYTES:
            return "", 0, 0, f"not shown: {show_bytes(blob.bytes)} is more than a picture may have"
        if self._bytes + blob.bytes > MAX_PAGE_BYTES:
            return "", 0, 0, f"not shown: the page is full ({show_bytes(MAX_PAGE_BYTES)} of pictures)"
        try:
            data = self._bundle.read_blob(blob)
        except BundleError as error:
            return "", 0, 0, f"not shown: {error.what}"
        kind = _format_of(data)
        if kind is None or len(data) > MAX_BLOB_BYTES:
            return "", 0, 0, "not shown: not a PNG, JPEG or WebP picture"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                with Image.open(BytesIO(data), formats=(kind,)) as image:
                    width, height = image.size
                    image.verify()
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombWarning) as error:
            return "", 0, 0, f"not shown: the picture is damaged ({type(error).__name__})"
        except Image.DecompressionBombError:
            return "", 0, 0, "not shown: the picture is too large"
        if max(width, height) > MAX_SIDE:
            return "", 0, 0, f"not shown: {width} × {height} pixels are too many"
        self._bytes += len(data)
        return f"data:{MEDIA_TYPES[kind]};base64,{base64.b64encode(data).decode()}", width, height, ""


def _format_of(data: bytes) -> str | None:
    """The picture's format by its first bytes: what the record says is not evidence."""
    for kind, signature in SIGNATURES.items():
        if data.startswith(signature) and (kind != "WEBP" or data[8:12] == b"WEBP"):
            return kind
    return None
