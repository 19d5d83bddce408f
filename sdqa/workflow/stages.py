"""Convert, generate, score: each a function of the records that the ones before it returned.

What a stage calls is imported when it runs: a plan, a report or a merge needs none of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sdqa.bundle import Fingerprint, Measurement
from sdqa.bundle.fingerprint import fingerprint
from sdqa.plan import PlannedLane
from sdqa.runtime.registry import find_runtime, on_device
from sdqa.workflow.job import Job
from sdqa.workflow.references import References

if TYPE_CHECKING:
    from sdqa.bundle.facts import ComputePlan
    from sdqa.convert.stage import StoredPackage
    from sdqa.generate.pipeline import Request
    from sdqa.generate.sample import StoredSample
    from sdqa.generate.stage import Components
    from sdqa.metrics import MetricModels
    from sdqa.metrics.subject import Subject
    from sdqa.models import Teacher


@dataclass(frozen=True)
class Packages:
    """A lane's packages, in flow order."""

    by_component: Mapping[str, StoredPackage] = field(default_factory=dict)


@dataclass(frozen=True)
class Samples:
    """What was generated, and the error that ended it early, if one did."""

    by_case: Mapping[str, StoredSample] = field(default_factory=dict)
    error: BaseException | None = None


@dataclass(frozen=True)
class Scores:
    """What was measured, and the error that ended it early, if one did."""

    measurements: tuple[Measurement, ...] = ()
    fingerprint: Fingerprint = field(default_factory=Fingerprint)  # what makes times and memory comparable
    compute_plans: Mapping[str, tuple[ComputePlan, ...]] = field(default_factory=dict)  # Core ML's, by component
    error: BaseException | None = None


def load_teacher(job: Job, lane: PlannedLane) -> Teacher:
    """The lane's teacher; its weights are read when they are first needed."""
    from sdqa.models import load_teacher as load
    from sdqa.models.lock import LOCK_NAME

    job.progress.step(f"{lane.id}: teacher {lane.model.source}")
    teacher = load(lane.model.reference or lane.model.source, lock=job.plan.root / LOCK_NAME)
    teacher.release_others()
    return teacher


def convert(job: Job, lane: PlannedLane, teacher: Teacher) -> Packages:
    """The lane's packages, from the store or converted now; another tool's are taken as they are.

    Raises:
        ConversionError: a component cannot be converted.
        ContractError: another tool's package does not fit.
    """
    from sdqa.convert import stage

    runtime = find_runtime(lane.runtime)
    if not runtime.needs_packages:
        return Packages()
    say, form = job.sayer(lane), runtime.package_format
    if lane.model.source.startswith("packages:"):
        job.progress.step(f"{lane.id}: packages of another tool")
        source = lane.model.source
        found = stage.adopted(source, teacher, lane.variant, idle=lane.idle, package_format=form, say=say)
    else:
        found = stage.convert(teacher, lane.variant, job.store, idle=lane.idle, package_format=form, say=say)
    return Packages(found)


def generate(job: Job, lane: PlannedLane, teacher: Teacher, packages: Packages, references: References) -> Samples:
    """One sample for each case that has a golden, from the golden's noise and source picture."""
    from sdqa.generate import stage

    requests = _requests(lane, references)
    if job.fault is not None and job.fault.request is not None:
        requests = {name: job.fault.request(request) for name, request in requests.items()}
    found: dict[str, StoredSample] = {}
    try:
        components = _components(job, lane, teacher, packages)
        drawn = stage.generate(teacher, components, requests, job.store, measure=job.timed, say=job.sayer(lane))
        for case, sample in drawn:
            found[case] = sample
    except BaseException as error:  # Ctrl-C too: whoever keeps the samples raises it again
        return Samples(found, error)
    return Samples(found)


def score(
    job: Job, lane: PlannedLane, teacher: Teacher, packages: Packages, references: References, samples: Samples
) -> Scores:
    """Every metric of every sample, component parity, and the figures of the lane as a whole."""
    from sdqa.metrics import MetricModels
    from sdqa.workflow.baselines import baseline_scores

    models = MetricModels(clip=job.plan.suite.metrics.clip, lpips=job.plan.suite.metrics.lpips)
    found: list[Measurement] = []
    facts = Fingerprint()
    plans: dict[str, tuple[ComputePlan, ...]] = {}
    ended: BaseException | None = None
    try:
        job.progress.step(f"{lane.id}: score")
        for measured in _case_scores(job, lane, teacher, models, references, samples):
            found += measured
        facts = _fingerprint(lane, teacher, models)
        comparable = facts.digest()
        found += baseline_scores(job, lane, models, references, samples.by_case, facts)
        for figures in _lane_figures(job, lane, teacher, packages, references, samples, comparable):
            found += figures
        if on_device(lane.runtime) and references.goldens:
            timed, plans = _ask_device(job, lane, teacher, packages, references, facts)
            found += timed
    except BaseException as error:  # as in `generate`
        ended = error
    if job.fault is not None and job.fault.figures is not None:
        found = [job.fault.figures(measurement) for measurement in found]
    return Scores(tuple(found), facts, plans, ended)


def _case_scores(
    job: Job,
    lane: PlannedLane,
    teacher: Teacher,
    models: MetricModels,
    references: References,
    samples: Samples,
) -> Iterator[tuple[Measurement, ...]]:
    """The metrics of one case after the other."""
    from sdqa.metrics import find
    from sdqa.metrics.stage import demand_sound, score_case

    demand_sound(models, job.store, job.plan.suite.metrics.names)
    for case, sample in samples.by_case.items():
        golden = references.goldens[case]
        digests = {"sample": sample.folder.name, "golden": golden.manifest.content()}
        subject = subject_of(lane, case, references, sample)
        if any("guidance" in find(name).needs for name in job.plan.suite.metrics.names):
            subject = _with_guidance(subject, job, lane, teacher, references, sample)
        yield score_case(subject, job.plan.suite.metrics.names, models, job.store, digests)


def _with_guidance(
    subject: Subject, job: Job, lane: PlannedLane, teacher: Teacher, references: References, sample: StoredSample
) -> Subject:
    """The case with what guidance adds at each step, in the candidate and in the teacher."""
    from sdqa.generate.parity import teacher_guidance
    from sdqa.generate.stage import golden_request

    request = golden_request(lane.cases[subject.case], references.goldens[subject.case])
    candidate = sample.record.between_halves.get(teacher.family.denoiser.name, ())
    return replace(
        subject,
        candidate=replace(subject.candidate, guidance=candidate),
        golden=replace(subject.golden, guidance=teacher_guidance(teacher, request, job.store)),
    )


def _lane_figures(
    job: Job,
    lane: PlannedLane,
    teacher: Teacher,
    packages: Packages,
    references: References,
    samples: Samples,
    comparable: str,
) -> Iterator[list[Measurement]]:
    """Parity of the components, then the lane's sizes, times and memory."""
    from sdqa.generate.parity import parity
    from sdqa.generate.traced import traced_cases
    from sdqa.workflow.figures import lane_measurements, parity_measurements

    if not job.compared:
        yield lane_measurements(packages.by_component, samples.by_case, comparable)
        return
    job.progress.step(f"{lane.id}: compare each component with the teacher's")
    traced = traced_cases({name: case.source is not None for name, case in lane.all_cases.items()})
    requests = {name: request for name, request in _requests(lane, references).items() if name in traced}
    yield parity_measurements(parity(teacher, _components(job, lane, teacher, packages), requests, job.store))
    yield lane_measurements(packages.by_component, samples.by_case, comparable)


def _ask_device(
    job: Job,
    lane: PlannedLane,
    teacher: Teacher,
    packages: Packages,
    references: References,
    facts: Fingerprint,
) -> tuple[list[Measurement], dict[str, tuple[ComputePlan, ...]]]:
    """Load and prediction times, memory and placement, from the device; each component on the teacher's inputs."""
    from sdqa.generate.parity import teacher_trace
    from sdqa.workflow.device import measure_device

    job.progress.step(f"{lane.id}: times and placement by {lane.runtime}")
    requests = list(_requests(lane, references).values())
    request = next((one for one in requests if one.source is not None), requests[0])  # one that runs every component
    inputs = {name: calls[0].inputs for name, calls in teacher_trace(teacher, request, job.store).items() if calls}
    records = [package.record for package in packages.by_component.values()]
    runtime = find_runtime(lane.runtime)
    return measure_device(records, inputs, runtime, lane.compute_unit, facts.digest(), facts.mac)


def _fingerprint(lane: PlannedLane, teacher: Teacher, models: MetricModels) -> Fingerprint:
    found = fingerprint(teacher.digest, models.identity(), lane.runtime, lane.compute_unit)
    if not on_device(lane.runtime):
        return found
    from sdqa.workflow.device import machine_facts

    return found.model_copy(update={"mac": machine_facts()})


def _requests(lane: PlannedLane, references: References) -> dict[str, Request]:
    from sdqa.generate.stage import golden_request

    return {name: golden_request(lane.cases[name], golden) for name, golden in references.goldens.items()}


def _components(job: Job, lane: PlannedLane, teacher: Teacher, packages: Packages) -> Components:
    from sdqa.workflow.execution import components

    return components(lane, teacher, packages.by_component, job.store, job.fault)


def subject_of(lane: PlannedLane, case: str, references: References, sample: StoredSample) -> Subject:
    """A case as the metrics look at it."""
    from sdqa.generate.sources import source_prompt
    from sdqa.metrics.subject import Picture, Subject

    planned, golden = lane.cases[case], references.goldens[case]
    return Subject(
        case=case,
        prompt=planned.prompt,
        source_prompt=source_prompt(planned),
        source=golden.source,
        candidate=Picture(sample.image, sample.decoded, sample.latents),
        golden=Picture(golden.image, None, golden.latents),
    )
