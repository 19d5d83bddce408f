"""Pictures and latents as honest machines send them: candidates are as far from their goldens as their figures say."""

from __future__ import annotations

import functools
import hashlib
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from sdqa.bundle import Blob
from sdqa.ci.looking import picture_psnr
from sdqa.ci.seen import Seen
from sdqa.gate.codec import array_digest, encode_tensors

CASES = ("cat", "dog", "fox")
WIDTH, HEIGHT = 80, 50
APART = 7803
"""Of so many values a candidate is one level from its golden: of 12,000 that is 50 dB."""


LARGER = ("cat", "larger candidate")
"""A picture that no honest lane has."""
LATENT_PSNR = 60.0
"""What an intake reads of latents beside the recorded ones."""


def drawn(*words: str) -> bytes:
    """A picture that shows these words, as PNG."""
    stream = BytesIO()
    Image.fromarray(pixels_of(*words)).save(stream, "PNG")
    return stream.getvalue()


def random_of(*words: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(" ".join(words).encode()).digest()[:4], "big"))


def pixels_of(case: str, name: str) -> Any:
    """Candidates are as far from their goldens as their figures say."""
    if name == "candidate":
        pixels = pixels_of(case, "golden").copy()
        pixels.reshape(-1)[:APART] += 1
        return pixels
    if (case, name) == LARGER:
        return np.zeros((HEIGHT, WIDTH + 1, 3), np.uint8)
    return random_of(case, name).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def latents_of(case: str) -> Any:
    return random_of(case, "latents").standard_normal((4, 2, 2), dtype=np.float32)


@functools.cache
def picture(case: str, name: str) -> tuple[Blob, bytes, str]:
    """One of a case's pictures, its file, and the digest of its pixels."""
    data = drawn(case, name)
    blob = Blob(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), media_type="image/png")
    return blob, data, array_digest(pixels_of(case, name))


@functools.cache
def latents(case: str) -> tuple[Blob, bytes, str]:
    """The same of its final latents."""
    data = encode_tensors({"latents": latents_of(case)})
    blob = Blob(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), media_type="application/octet-stream")
    return blob, data, array_digest(latents_of(case))


def pictures(case: str) -> dict[str, Blob]:
    """The dog alone is drawn from words."""
    names = ("candidate", "golden", *(("source",) if case != "dog" else ()))
    return {name: picture(case, name)[0] for name in names}


@functools.cache
def shown() -> Seen:
    """What an intake sees of all pictures and latents, every candidate beside every golden."""
    seen = [picture(case, name) for case in CASES for name in pictures(case)] + [latents(case) for case in CASES]
    seen.append(picture(*LARGER))
    opened = {blob.sha256: Image.open(BytesIO(data)) for blob, data, _ in seen if blob.media_type == "image/png"}
    goldens = [picture(case, "golden")[0].sha256 for case in CASES]
    distances = {(one, other): picture_psnr(opened[one], opened[other]) for one in opened for other in goldens}
    of_latents = {(latents(case)[0].sha256, f"golden {case}"): LATENT_PSNR for case in CASES}
    return Seen({blob.sha256: digest for blob, _, digest in seen}, distances, of_latents)
