"""A lane's place in a bundle."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.bundle import Bundle, Lane, Sample, SampleFacts
from sdqa.errors import SdqaError
from sdqa.gate.codec import array_digest
from sdqa.plan import Case, PlannedLane
from sdqa.workflow.figures import describe_packages, estimated_latency
from sdqa.workflow.lane import Collected

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from sdqa.generate.sample import StoredSample


def record(lane: PlannedLane, found: Collected | None = None, samples: tuple[Sample, ...] = ()) -> Lane:
    """A lane's place in a bundle, without verdicts; when nothing was collected it was skipped."""
    names = {"id": lane.id, "model": lane.model_name, "variant": lane.variant.name}
    where = {"runtime": lane.runtime, "compute_unit": lane.compute_unit}
    if found is None:
        return Lane(**names, **where, status="skipped", reason=lane.skip_reason)
    packages = found.packages.by_component
    return Lane(
        **names,
        **where,
        status="incomplete" if found.failures else "ran",
        reason=found.failures[0].message if found.failures else "",
        fingerprint=found.scores.fingerprint,
        packages=describe_packages(packages.values(), found.scores.compute_plans),
        samples=samples,
        measurements=found.scores.measurements,
        estimate=estimated_latency(lane, packages),
        failures=found.failures,
        warnings=found.warnings,
        remarks=found.examined.remarks,
    )


def sample_records(lane: PlannedLane, found: Collected, target: Bundle, root: Path) -> tuple[Sample, ...]:
    """The pictures of a lane, put into a bundle: source, golden, candidate and their difference.

    Args:
        root: the folder that source pictures lie below.
    """
    records = []
    for case, sample in found.samples.by_case.items():
        golden = found.references.goldens[case]
        pictures = {
            "golden": golden.image,
            "candidate": sample.image,
            "difference": difference(golden.image, sample.image),
        }
        if golden.source is not None:
            pictures["source"] = golden.source
        records.append(
            Sample(
                case=case,
                images={name: target.add_blob(as_png(image), "image/png") for name, image in sorted(pictures.items())},
                latents_digest=array_digest(sample.latents),
                image_digest=array_digest(sample.image),
                seconds=round(sample.record.end_to_end_s, 4) if sample.fresh else None,  # of this run, or of none
                facts=SampleFacts(
                    timesteps=tuple(sample.record.timesteps),
                    nonfinite=dict(sample.record.nonfinite),
                    latents=target.add_blob(_latents(sample), "application/octet-stream"),
                    **_source_facts(lane.cases[case], golden.source, root),
                ),
            )
        )
    return tuple(records)


def _source_facts(case: Case, source: npt.NDArray[np.uint8] | None, root: Path) -> dict[str, tuple[str, ...]]:
    """What was done to a case's source picture; nothing where nothing was, or where it cannot be read any more."""
    from sdqa.generate.sources import look_at_source

    if case.source is None or source is None:
        return {}
    try:
        remarks = look_at_source(case.source, source.shape[0], root, case.background)
    except SdqaError:
        return {}
    return {"source_remarks": remarks} if remarks else {}


def difference(golden: npt.NDArray[np.uint8], candidate: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Absolute difference, four times amplified, so that a few grey levels show: uint8 (H, W, 3)."""
    import numpy as np

    gap = np.abs(golden.astype(np.int16) - candidate.astype(np.int16))
    return np.asarray(np.minimum(4 * gap, 255), dtype=np.uint8)


def _latents(sample: StoredSample) -> bytes:
    """The final latents as safetensors, so that a run can be approved without generating again."""
    import safetensors.numpy

    return safetensors.numpy.save({"latents": sample.latents})


def as_png(image: npt.NDArray[np.uint8]) -> bytes:
    """A picture (H, W, 3) as PNG."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()
