"""The pictures of a bundle, held against their records: the candidate's own, the golden's and the source's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sdqa.bundle import Lane, Sample
from sdqa.ci.reference import LaneReference
from sdqa.gate.manifest import Manifest


def picture_flaws(lane: Lane, reference: LaneReference, pixels: Mapping[str, str]) -> list[str]:
    """Pictures that are missing or are not what the lane measured, in words.

    Args:
        pixels: sha256 of each picture that arrived → digest of its pixels, as goldens record them.
    """
    found = []
    for sample in lane.samples:
        record = (reference.goldens or {}).get(sample.case)
        for name, wanted in _promised(sample, record):
            blob = sample.images.get(name)
            have = pixels.get(blob.sha256, "") if blob is not None else ""
            if not have:
                found.append(f"{lane.id}: {sample.case}: its {name} is not there as a picture")
            elif wanted not in (None, have):
                found.append(f"{lane.id}: {sample.case}: its {name} is another picture than its record's")
    return found


def _promised(sample: Sample, record: Manifest | None) -> Iterator[tuple[str, str | None]]:
    """The pictures that a sample must have, with the digest of their pixels; None where none is recorded."""
    digests = record.digests if record is not None else {}
    yield "candidate", sample.image_digest
    yield "golden", digests.get("image")
    if "source" in digests:
        yield "source", digests["source"]
