"""A bundle's pictures and latents, looked at once as they arrive; sizes and digests first, and in bounds."""

from __future__ import annotations

import math
import warnings
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from sdqa.bundle import Blob, Bundle, Run
from sdqa.bundle.folder import blobs_of
from sdqa.ci.golden_latents import Latents
from sdqa.ci.recorded import NOTHING_RECORDED, RecordedValues
from sdqa.ci.seen import Pair, Seen
from sdqa.errors import BundleError, DigestMismatch
from sdqa.gate.codec import array_digest, decode_tensors
from sdqa.metrics import latent_psnr, psnr

if TYPE_CHECKING:
    from PIL import Image

    from sdqa.arrays import Pixels

PICTURES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
MAX_PIXELS = 64 * 10**6
"""Of one picture, and of all that are kept decoded at a time."""
LEVELS = 256


def look_at(bundle: Bundle, run: Run, recorded: RecordedValues = NOTHING_RECORDED) -> Seen:
    """Read everything that a run names, and look at its pictures and latents.

    Args:
        recorded: what they are held against.

    Raises:
        BundleError: something is not what was recorded, or a picture or latents cannot be decoded.
    """
    decoder = _Decoder(bundle)
    digests: dict[str, str] = {}
    distances: dict[Pair, float] = {}
    of_baselines: dict[Pair, float] = {}
    of_latents: dict[Pair, float] = {}
    seen: set[Blob] = set()
    for lane in run.lanes:
        for sample in lane.samples:
            pictures = [blob for blob in sample.images.values() if blob.media_type in PICTURES]
            for blob in pictures:
                if blob not in seen:
                    seen.add(blob)
                    digests[blob.sha256] = array_digest(np.asarray(decoder.picture(blob)))
            candidate, golden = sample.images.get("candidate"), sample.images.get("golden")
            if candidate in pictures and golden in pictures and (candidate.sha256, golden.sha256) not in distances:
                pair = candidate.sha256, golden.sha256
                distances[pair] = picture_psnr(decoder.picture(candidate), decoder.picture(golden))
            approved = recorded.baselines(lane.id, sample.case) if candidate in pictures else None
            if candidate is not None and approved is not None:
                content, pixels = approved
                of_baselines[candidate.sha256, content] = picture_psnr(decoder.picture(candidate), as_picture(pixels))
            if sample.facts.latents is not None:
                seen.add(sample.facts.latents)
                latents = decoder.latents(sample.facts.latents)
                digests[sample.facts.latents.sha256] = array_digest(latents)
                golden_latents = recorded.latents(lane.model, sample.case)
                if golden_latents is not None:
                    digest, values = golden_latents
                    of_latents[sample.facts.latents.sha256, digest] = latents_psnr(latents, values)
    for blob in dict.fromkeys(blobs_of(run)):
        if blob not in seen:
            bundle.read_blob(blob)
    return Seen(digests, distances, of_latents, of_baselines)


def picture_psnr(candidate: Image.Image, golden: Image.Image) -> float:
    """What the metric reads of two pictures in RGB, in whole numbers until the end; NaN where their sizes differ."""
    from PIL import ImageChops

    if candidate.size != golden.size:
        return math.nan
    counts = ImageChops.difference(candidate, golden).histogram()
    squares = sum(count * (place % LEVELS) ** 2 for place, count in enumerate(counts))
    if not squares:
        return psnr.CEILING
    return min(psnr.CEILING, 10 * math.log10((LEVELS - 1) ** 2 * sum(counts) / squares))


def as_picture(pixels: Pixels) -> Image.Image:
    """Pixels as a picture in RGB."""
    from PIL import Image

    return Image.fromarray(pixels)


def latents_psnr(latents: Latents, golden: Latents) -> float:
    """The same of latents; NaN where their shapes differ or one is not finite."""
    if latents.shape != golden.shape:
        return math.nan
    return psnr.signal_to_noise(golden, latents, ceiling=latent_psnr.CEILING)


class _Decoder:
    """Decodes what a bundle holds; the pictures that it decoded last are at hand."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._kept: dict[Blob, Image.Image] = {}

    def picture(self, blob: Blob) -> Image.Image:
        """A picture in RGB; its file's size and digest are checked.

        Raises:
            BundleError: it is not what was recorded, is too large, or cannot be decoded.
        """
        if blob not in self._kept:
            picture = self._decoded(blob)
            room = MAX_PIXELS - sum(one.width * one.height for one in self._kept.values())
            while self._kept and room < picture.width * picture.height:
                oldest = self._kept.pop(next(iter(self._kept)))
                room += oldest.width * oldest.height
            self._kept[blob] = picture
        return self._kept[blob]

    def _decoded(self, blob: Blob) -> Image.Image:
        from PIL import Image

        data = self.bundle.read_blob(blob)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                with Image.open(BytesIO(data), formats=[PICTURES[blob.media_type]]) as picture:
                    if picture.width * picture.height > MAX_PIXELS:
                        raise BundleError(f"a picture has more than {MAX_PIXELS} pixels", where=blob.path)
                    return picture.convert("RGB")
        except (
            OSError,
            SyntaxError,
            ValueError,
            Image.DecompressionBombError,
            Image.DecompressionBombWarning,
        ) as error:
            raise BundleError("a picture cannot be decoded", where=blob.path) from error

    def latents(self, blob: Blob) -> Latents:
        """A sample's latents; their file's size and digest are checked.

        Raises:
            BundleError: they are not what was recorded, or cannot be decoded.
        """
        try:
            tensors = decode_tensors(self.bundle.read_blob(blob), self.bundle.folder / blob.path)
        except DigestMismatch as error:
            raise BundleError(f"latents cannot be decoded: {error.what}", where=blob.path) from error
        if set(tensors) != {"latents"}:
            raise BundleError("a sample's latents hold no tensor `latents`, or more", where=blob.path)
        return tensors["latents"]
