"""What a bundle shows, held against its records and figures: the candidate, the golden, the source and the latents."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sdqa.bundle import Lane, Measurement, Sample
from sdqa.ci.reference import LaneReference
from sdqa.ci.seen import Seen
from sdqa.gate.baseline import figure_identity
from sdqa.gate.manifest import Manifest

BASELINE_PSNR = "baseline_psnr"
DECIBEL = 1e-4
"""All of them are read in double precision, of the very values that arrive: nothing but the order of a sum differs."""


def picture_flaws(lane: Lane, reference: LaneReference, shown: Seen) -> list[str]:
    """Pictures and latents that are missing or are not what the lane measured, in words.

    Args:
        shown: what was seen of those that arrived.
    """
    found = []
    for sample in lane.samples:
        record = (reference.goldens or {}).get(sample.case)
        for name, wanted in _promised(sample, record):
            blob = sample.images.get(name)
            have = shown.digests.get(blob.sha256, "") if blob is not None else ""
            if not have:
                found.append(f"{lane.id}: {sample.case}: its {name} is not there as a picture")
            elif wanted not in (None, have):
                found.append(f"{lane.id}: {sample.case}: its {name} is another picture than its record's")
        latents = sample.facts.latents
        if latents is None:
            found.append(f"{lane.id}: {sample.case}: its latents are not there")
        elif shown.digests.get(latents.sha256) != sample.latents_digest:
            found.append(f"{lane.id}: {sample.case}: its latents are others than its record's")
    return found


def _promised(sample: Sample, record: Manifest | None) -> Iterator[tuple[str, str | None]]:
    """The pictures that a sample must have, with the digest of their pixels; None where none is recorded."""
    digests = record.digests if record is not None else {}
    yield "candidate", sample.image_digest
    yield "golden", digests.get("image")
    if "source" in digests:
        yield "source", digests["source"]


def unlike_shown(figure: Measurement, sample: Sample, reference: LaneReference, shown: Seen) -> Iterator[str]:
    """What the pictures and latents of a case say against one of its figures.

    Only what is cheap to read again is: the noise between candidate and golden, and, where the checkout has them,
    between their latents and between candidate and the lane's approved picture.
    """
    candidate, golden = sample.images.get("candidate"), sample.images.get("golden")
    latents, record = sample.facts.latents, (reference.goldens or {}).get(sample.case)
    told: float | None = None
    if figure.metric in ("psnr", "shape") and candidate is not None and golden is not None:
        told = shown.psnr.get((candidate.sha256, golden.sha256))
    elif figure.metric == "latent_psnr" and latents is not None and record is not None:
        told = shown.latent_psnr.get((latents.sha256, record.digests.get("latents", "")))
    elif figure.metric == BASELINE_PSNR and candidate is not None:
        content = reference.baselines.get(sample.case, "")
        others = (one for one in reference.baselines.values() if one != content)
        if figure.fingerprint in (figure_identity(BASELINE_PSNR, one) for one in others):
            yield "was measured against the baseline of another case"
        elif figure.fingerprint == figure_identity(BASELINE_PSNR, content):  # else it is of one that counts no more
            told = shown.baseline_psnr.get((candidate.sha256, content))
    if told is None or figure.value is None:
        return
    if figure.metric == "shape":
        if math.isnan(told) and figure.value == 1:
            yield "is 1, and its pictures are of two sizes"
    elif not (abs(figure.value - told) <= DECIBEL or (math.isnan(told) and math.isnan(figure.value))):
        what = "latents" if figure.metric == "latent_psnr" else "pictures"
        yield f"is {figure.value:.6g}, its {what} say {told:.6g}"
