"""One lane, from its plan to its evidence: what is loaded, what is known, and its place in a bundle."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdqa.bundle import Bundle, Failure, Lane, Measurement, Sample
from sdqa.errors import GoldenStale, SdqaError
from sdqa.gate import large_files
from sdqa.gate.approve import LATENTS_FACT
from sdqa.gate.codec import array_digest
from sdqa.gate.goldens import Golden, read_golden, stale_reasons
from sdqa.plan import Plan, PlannedLane
from sdqa.plan.suite import TEACHER_NOW
from sdqa.store import Store, code_digest, digest_of
from sdqa.workflow.figures import describe_packages, estimated_latency

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from sdqa.convert.stage import StoredPackage
    from sdqa.gate import Tolerances
    from sdqa.generate.sample import StoredSample
    from sdqa.metrics.subject import Subject
    from sdqa.models import Teacher


#: What is judged of each component besides its sizes and times.
COMPONENT_CHECKS = dict.fromkeys(
    ("text_encoder", "vae_encoder", "unet", "vae_decoder"), ("contract", "coverage", "parity_psnr")
)


@dataclass
class Collected:
    """What is known of a lane so far; what went wrong is part of it."""

    packages: dict[str, StoredPackage] = field(default_factory=dict)
    goldens: dict[str, Golden] = field(default_factory=dict)
    samples: dict[str, StoredSample] = field(default_factory=dict)
    measurements: list[Measurement] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    fingerprint: dict[str, Any] = field(default_factory=dict)
    plans: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # Core ML's compute plans, by component

    def failed(self, stage: str, where: str, error: SdqaError) -> None:
        """Remember that something planned did not happen."""
        self.failures.append(
            Failure(stage=stage, where=where, code=error.code, message=str(error), exit_code=error.exit_code)
        )


def read_goldens(plan: Plan, lane: PlannedLane, teacher: Teacher, store: Store, evidence: Collected) -> None:
    """The goldens of a lane's cases, drawn now where the suite wants that; missing and stale ones become failures."""
    from sdqa.generate.request import case_inputs
    from sdqa.generate.schedule import planned_timesteps
    from sdqa.generate.sources import changed_picture
    from sdqa.metrics import MetricModels

    live = plan.suite.goldens == TEACHER_NOW
    chosen = plan.suite.metrics
    identities = MetricModels(clip=chosen.clip, lpips=chosen.lpips).identity(chosen.names)

    for name, case in lane.cases.items():
        try:
            folder = _drawn_now(plan, lane, teacher, name, store) if live else plan.goldens / lane.model_name / name
            golden = read_golden(folder, place=str(folder.parent / "large") if live else large_files.DEFAULT_PLACE)
            reasons = stale_reasons(
                golden,
                teacher_digest=teacher.digest,
                metric_identities=identities,
                case=case_inputs(case, teacher.facts),
                timesteps=planned_timesteps(case, teacher, store),
            )
            if case.source is not None:
                reasons += filter(None, [changed_picture(case.source, golden.source, plan.root)])
            if reasons:
                hint = f"renew it: nox -s goldens -- --case {name} --reason '…'"
                raise GoldenStale("; ".join(reasons), where=str(folder), hint=hint)
        except SdqaError as error:
            evidence.failed("golden", name, error)
            continue
        evidence.goldens[name] = golden


def read_tolerances(plan: Plan, lane: PlannedLane, evidence: Collected) -> Tolerances | None:
    """The model's tolerances, and the limits that the suite states; None, and a failure, where there are neither."""
    from sdqa.gate import Tolerances
    from sdqa.gate.stated import combined, stated_tolerances

    limits = plan.suite.limits
    path = plan.goldens / lane.model_name / "tolerances.json"
    try:
        calibrated = None if limits and not path.exists() else Tolerances.load(path)
        if not limits:
            return calibrated
        return combined(calibrated, stated_tolerances(lane.model_name, limits, str(plan.suite_path)))
    except SdqaError as error:
        evidence.failed("gate", lane.id, error)
        return None


def _drawn_now(plan: Plan, lane: PlannedLane, teacher: Teacher, case: str, store: Store) -> Path:
    """A golden that lives in the store and guards nothing but this candidate."""
    from sdqa.generate.sources import load_source
    from sdqa.generate.stage import teacher_execution
    from sdqa.metrics import MetricModels
    from sdqa.workflow.goldens import draw_golden

    planned, chosen = lane.cases[case], plan.suite.metrics
    picture = None if planned.source is None else load_source(planned.source, teacher.facts.image_size, plan.root)
    key = {
        "teacher": teacher.digest,
        "case": planned.model_dump(mode="json"),
        "source": None if picture is None else array_digest(picture),
        "metrics": digest_of(MetricModels(clip=chosen.clip, lpips=chosen.lpips).identity(chosen.names)),
        "execution": teacher_execution(),
        "code": code_digest("sdqa.workflow.goldens"),
    }

    def build(folder: Path) -> None:
        draw_golden(folder / lane.model_name / case, plan, teacher, case, store)

    entry = store.memo("golden", key, build)
    return entry.path / lane.model_name / case


def record(lane: PlannedLane, evidence: Collected | None = None, samples: tuple[Sample, ...] = ()) -> Lane:
    """A lane's place in a bundle, without verdicts; without evidence it was skipped."""
    names = {"id": lane.id, "model": lane.model_name, "variant": lane.variant.name}
    where = {"runtime": lane.runtime, "compute_unit": lane.compute_unit}
    if evidence is None:
        return Lane(**names, **where, status="skipped", reason=lane.skip_reason)
    return Lane(
        **names,
        **where,
        status="incomplete" if evidence.failures else "ran",
        reason=evidence.failures[0].message if evidence.failures else "",
        fingerprint=evidence.fingerprint,
        packages=describe_packages(evidence.packages.values(), evidence.plans),
        samples=samples,
        measurements=tuple(evidence.measurements),
        estimate=estimated_latency(lane, evidence.packages),
        failures=tuple(evidence.failures),
    )


def subject(lane: PlannedLane, case: str, sample: StoredSample, golden: Golden) -> Subject:
    """A case as the metrics look at it."""
    from sdqa.generate.sources import source_prompt
    from sdqa.metrics.subject import Picture, Subject

    planned = lane.cases[case]
    return Subject(
        case=case,
        prompt=planned.prompt,
        source_prompt=source_prompt(planned),
        source=golden.source,
        candidate=Picture(sample.image, sample.decoded, sample.latents),
        golden=Picture(golden.image, None, golden.latents),
    )


def sample_records(evidence: Collected, target: Bundle) -> tuple[Sample, ...]:
    """The pictures of a lane, put into a bundle: source, golden, candidate and their difference."""
    records = []
    for case, sample in evidence.samples.items():
        golden = evidence.goldens[case]
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
                images={name: target.add_blob(_png(image), "image/png") for name, image in sorted(pictures.items())},
                latents_digest=array_digest(sample.latents),
                image_digest=array_digest(sample.image),
                seconds=round(sample.record.end_to_end_s, 4) if sample.fresh else None,  # of this run, or of none
                facts={
                    "timesteps": list(sample.record.timesteps),
                    "nonfinite": sample.record.nonfinite,
                    LATENTS_FACT: target.add_blob(_latents(sample), "application/octet-stream").to_json(),
                },
            )
        )
    return tuple(records)


def _latents(sample: StoredSample) -> bytes:
    """The final latents as safetensors, so that a run can be approved without generating again."""
    import safetensors.numpy

    return safetensors.numpy.save({"latents": sample.latents})


def difference(golden: npt.NDArray[np.uint8], candidate: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Absolute difference, four times amplified, so that a few grey levels show: uint8 (H, W, 3)."""
    import numpy as np

    gap = np.abs(golden.astype(np.int16) - candidate.astype(np.int16))
    return np.asarray(np.minimum(4 * gap, 255), dtype=np.uint8)


def _png(image: npt.NDArray[np.uint8]) -> bytes:
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()
