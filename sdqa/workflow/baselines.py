"""A lane's samples against its own approved outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.errors import SdqaError
from sdqa.gate.manifest import MANIFEST_FILE
from sdqa.plan import Plan, PlannedLane
from sdqa.plan.suite import TEACHER_NOW

if TYPE_CHECKING:
    from sdqa.bundle import Fingerprint, Measurement
    from sdqa.gate.baseline import Baseline, BaselineManifest
    from sdqa.generate.sample import StoredSample
    from sdqa.metrics import MetricModels
    from sdqa.metrics.subject import Picture, Subject
    from sdqa.workflow.job import Job
    from sdqa.workflow.references import References


def baseline_folder(plan: Plan, lane: PlannedLane) -> Path:
    """Where a lane's baselines are, a folder a case."""
    from sdqa.gate.baseline import folder_of

    return folder_of(plan.goldens, lane.model_name, lane.variant.name, lane.runtime, lane.compute_unit)


def baseline_cases(plan: Plan, lane: PlannedLane) -> tuple[str, ...]:
    """The cases of a lane that are held against its own approved outcome."""
    if lane.baseline == "off" or plan.suite.goldens == TEACHER_NOW:
        return ()
    if lane.baseline == "required":
        return tuple(lane.cases)
    folder = baseline_folder(plan, lane)
    return tuple(case for case in lane.cases if (folder / case / MANIFEST_FILE).exists())


def baseline_scores(
    job: Job,
    lane: PlannedLane,
    models: MetricModels,
    references: References,
    samples: Mapping[str, StoredSample],
    facts: Fingerprint,
) -> Iterator[Measurement]:
    """Figures of each case against the lane's baseline; without a value, and with a reason, where there is none.

    Args:
        facts: of the lane as it was executed.
    """
    from sdqa.gate.baseline import read_baseline
    from sdqa.metrics.subject import Picture

    folder = baseline_folder(job.plan, lane)
    for case in baseline_cases(job.plan, lane):
        if case not in samples:
            continue  # it was not generated: the lane's failures say why
        try:
            found = read_baseline(folder / case)
        except SdqaError as error:
            yield from _absent(case, str(error))
            continue
        golden = references.goldens[case].manifest.content()
        stale = stale_reason(found.manifest, golden, facts)
        if stale:
            yield from _absent(case, f"{stale}: look at the lane's pictures and approve them again (sdqa approve)")
            continue
        sample = samples[case]
        candidate = Picture(sample.image, sample.decoded, sample.latents)
        yield from compare(job, case, candidate, found, models, sample.folder.name)


def compare(
    job: Job, case: str, candidate: Picture, baseline: Baseline, models: MetricModels, sample: str
) -> Iterator[Measurement]:
    """The figures of one case.

    Args:
        sample: identity of the candidate in the store.
    """
    from sdqa.metrics.stage import score_case

    subject, names = beside_baseline(case, candidate, baseline)
    evidence = {"sample": sample, "golden": f"baseline {baseline.manifest.content()}"}
    yield from of_baseline(score_case(subject, names, models, job.store, evidence), baseline)


def beside_baseline(case: str, candidate: Picture, baseline: Baseline) -> tuple[Subject, tuple[str, ...]]:
    """A picture beside the lane's own approved one, and the metrics that compare them."""
    from sdqa.gate.baseline import METRICS
    from sdqa.metrics.subject import Picture, Subject

    reference = Picture(baseline.image, None, baseline.latents)
    return Subject(case, "", None, None, candidate=candidate, golden=reference), tuple(METRICS.values())


def of_baseline(measured: Iterable[Measurement], baseline: Baseline) -> Iterator[Measurement]:
    """Figures of a picture beside the baseline's, under the names that they have as such."""
    from sdqa.gate.baseline import METRICS

    figures = {one.metric: one for one in measured}
    for metric, like in METRICS.items():
        update = {"metric": metric, "golden": None, "fingerprint": baseline.manifest.identity(metric)}
        yield figures[like].model_copy(update=update)


def stale_reason(manifest: BaselineManifest, golden: str, facts: Fingerprint) -> str:
    """Why a baseline no longer counts, in words; empty when it does.

    Args:
        golden: content digest of the case's golden now.
    """
    if manifest.golden != golden:
        return "the golden of the case, with its noise and inputs, is another one since the baseline was approved"
    if manifest.fingerprint.teacher != facts.teacher:
        return "the teacher is another one since the baseline was approved"
    if manifest.fingerprint.metrics != facts.metrics:
        return "the metrics are others since the baseline was approved"
    return ""


def _absent(case: str, reason: str) -> Iterator[Measurement]:
    from sdqa.bundle import Measurement
    from sdqa.gate.baseline import METRICS
    from sdqa.gate.stated import COMPARING

    for metric, like in METRICS.items():
        unit, better = COMPARING[like]
        yield Measurement(metric=metric, case=case, unit=unit, better=better, reason=reason)
