"""Blobs as pictures of the page: only what really is a PNG, JPEG or WebP, of a size that a browser opens."""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from sdqa.bundle import Blob, Bundle
from sdqa.errors import BundleError
from sdqa.report.format import show_bytes

MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
SIGNATURES = {"PNG": b"\x89PNG\r\n\x1a\n", "JPEG": b"\xff\xd8\xff", "WEBP": b"RIFF"}
MAX_BLOB_BYTES = 16 * 2**20
MAX_SIDE = 8192
QUALITY = 90  # of WebP
EXACT_BYTES = 16_384  # up to here a picture is not worth compressing
THUMBNAIL = 192  # pixels


@dataclass(frozen=True)
class PictureFile:
    """One picture as it was recorded, or why it cannot be shown."""

    digest: str
    data: bytes = b""
    media_type: str = ""
    width: int = 0
    height: int = 0
    note: str = ""  # why there is no picture; or what is to be said of one that is black
    lossy: bool = False  # compressed for the page: not what the figures were measured on
    small: bytes = b""  # a thumbnail (WebP), where one was made while the picture was open


class Album:
    """Reads bundles' blobs as pictures; the same blob is read once."""

    def __init__(self, bundle: Bundle, *others: Bundle) -> None:
        self._bundle = bundle
        self._others = others
        self._known: dict[tuple[str, bool], PictureFile] = {}

    def picture(self, blob: Blob, *, light: bool = False) -> PictureFile:
        """A blob as a picture; anything that is not one becomes a note, never a broken page.

        Args:
            light: compressed where that saves something, with a thumbnail: it is opened once for all of it.
        """
        key = blob.sha256, light
        if key not in self._known:
            self._known[key] = self._load(blob, light)
        return self._known[key]

    def _read(self, blob: Blob) -> bytes:
        """A blob from the bundle, or from one of the others where it is not in it."""
        try:
            return self._bundle.read_blob(blob)
        except BundleError:
            for other in self._others:
                with suppress(BundleError):
                    return other.read_blob(blob)
            raise

    def _load(self, blob: Blob, light: bool) -> PictureFile:
        if blob.bytes > MAX_BLOB_BYTES:
            return _absent(blob, f"{show_bytes(blob.bytes)} is more than a picture may have")
        try:
            data = self._read(blob)
        except BundleError as error:
            return _absent(blob, error.what)
        kind = _format_of(data)
        if kind is None or len(data) > MAX_BLOB_BYTES:
            return _absent(blob, "not a PNG, JPEG or WebP picture")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                with Image.open(BytesIO(data), formats=(kind,)) as image:
                    width, height = image.size
                    if max(width, height) > MAX_SIDE:
                        return _absent(blob, f"{width} × {height} pixels are too many")
                    image.load()
                    note = "every pixel is black" if _is_black(image) else ""
                    if light and len(data) > EXACT_BYTES:
                        small = _webp(image, THUMBNAIL) if max(width, height) > THUMBNAIL else b""
                        packed = _webp(image)
                        if len(packed) < len(data):
                            return PictureFile(blob.sha256, packed, "image/webp", width, height, note, True, small)
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombWarning) as error:
            return _absent(blob, f"the picture is damaged ({type(error).__name__})")
        except Image.DecompressionBombError:
            return _absent(blob, "the picture is too large")
        return PictureFile(blob.sha256, data, MEDIA_TYPES[kind], width, height, note)


def thumbnail(picture: PictureFile) -> bytes:
    """The picture at no more than `THUMBNAIL` pixels, as WebP."""
    if picture.small:
        return picture.small
    with Image.open(BytesIO(picture.data)) as image:
        return _webp(image, THUMBNAIL)


def _webp(image: Image.Image, side: int = 0) -> bytes:
    drawn = image.convert("RGB")
    if side:
        drawn.thumbnail((side, side))
    buffer = BytesIO()
    drawn.save(buffer, "WEBP", quality=QUALITY, method=1)
    return buffer.getvalue()


def _absent(blob: Blob, why: str) -> PictureFile:
    return PictureFile(blob.sha256, note=f"not shown: {why}")


def _is_black(image: Image.Image) -> bool:
    """Whether the picture has no light at all: what NaN becomes on its way to a file."""
    return max(image.convert("L").getextrema()) == 0


def _format_of(data: bytes) -> str | None:
    """The picture's format by its first bytes: what the record says is not evidence."""
    for kind, signature in SIGNATURES.items():
        if data.startswith(signature) and (kind != "WEBP" or data[8:12] == b"WEBP"):
            return kind
    return None
