"""The whole product on one screen: plan → convert → generate → score → gate → report.

Each stage is a plain function of what the one before it left in the store, so each runs alone, nothing expensive
happens twice, and an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sdqa
from sdqa import bundle
from sdqa.bundle.environment import environment, fingerprint
from sdqa.errors import (
    EXIT_GATE_FAILED,
    EXIT_INCOMPLETE,
    EXIT_INFRASTRUCTURE,
    EXIT_INTERRUPTED,
    EXIT_PASS,
    SdqaError,
)
from sdqa.plan import Plan, PlannedLane
from sdqa.progress import Progress, Silent
from sdqa.store import Store, digest_of
from sdqa.workflow.lane import Collected

if TYPE_CHECKING:
    from sdqa.faults import Injection
    from sdqa.generate.pipeline import Request
    from sdqa.generate.stage import Components
    from sdqa.models import Teacher


@dataclass(frozen=True)
class Job:
    """What every stage is given: the plan, the store, the bundle to fill, the fault to plant and somebody to tell."""

    plan: Plan
    store: Store
    bundle: bundle.Bundle
    fault: Injection | None = None
    progress: Progress = field(default_factory=Silent)
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))


def run_lane(job: Job, lane: PlannedLane) -> bundle.Lane:
    """One lane from beginning to end."""
    return gate(job, lane, measure_lane(job, lane))


def measure_lane(job: Job, lane: PlannedLane) -> Collected:
    """Everything but the verdicts. What fails is recorded with it; what was measured before is kept."""
    evidence = Collected()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            teacher = load_teacher(job, lane)
            convert(job, lane, teacher, evidence)
            generate(job, lane, teacher, evidence)
            score(job, lane, teacher, evidence)
        except SdqaError as error:
            evidence.failed("lane", lane.id, error)
    return evidence


def load_teacher(job: Job, lane: PlannedLane) -> Teacher:
    """The lane's teacher; its weights are read when they are first needed."""
    from sdqa.models import load_teacher as load

    job.progress.step(f"{lane.id}: teacher {lane.model.source}")
    teacher = load(lane.model.reference or lane.model.source, lock=job.plan.root / "sdqa.lock")
    teacher.release_others()
    return teacher


def convert(job: Job, lane: PlannedLane, teacher: Teacher, evidence: Collected) -> None:
    """The lane's packages, from the store or converted now; another tool's are taken as they are."""
    from sdqa.convert.stage import adopted
    from sdqa.convert.stage import convert as packages

    if lane.model.source.startswith("packages:"):
        job.progress.step(f"{lane.id}: packages of another tool")
        evidence.packages = adopted(lane.model.source, teacher)
        return
    evidence.packages = packages(teacher, lane.variant, job.store, say=_sayer(job, lane))


def generate(job: Job, lane: PlannedLane, teacher: Teacher, evidence: Collected) -> None:
    """One sample for each case that has a golden, from the golden's noise and source picture."""
    from sdqa.generate.stage import generate as samples
    from sdqa.generate.stage import golden_request
    from sdqa.workflow.lane import read_goldens

    job.progress.step(f"{lane.id}: references")
    read_goldens(job.plan, lane, teacher, job.store, evidence)
    requests = {name: golden_request(lane.cases[name], golden) for name, golden in evidence.goldens.items()}
    if job.fault is not None and job.fault.request is not None:
        requests = {name: job.fault.request(request) for name, request in requests.items()}
    components = _components(job, lane, evidence)
    evidence.samples.update(samples(teacher, components, requests, job.store, say=_sayer(job, lane)))


def score(job: Job, lane: PlannedLane, teacher: Teacher, evidence: Collected) -> None:
    """Every metric of every sample, component parity, and the figures of the lane as a whole."""
    from sdqa.generate.parity import parity
    from sdqa.generate.stage import golden_request
    from sdqa.metrics import MetricModels
    from sdqa.metrics.stage import demand_sound, score_case
    from sdqa.workflow.figures import lane_measurements, parity_measurements
    from sdqa.workflow.lane import subject

    job.progress.step(f"{lane.id}: score")
    models = MetricModels(clip=job.plan.suite.metrics.clip, lpips=job.plan.suite.metrics.lpips)
    demand_sound(models, job.store)
    for case, sample in evidence.samples.items():
        golden = evidence.goldens[case]
        digests = {"sample": sample.folder.name, "golden": golden.manifest.content()}
        names = job.plan.suite.metrics.names
        evidence.measurements += score_case(subject(lane, case, sample, golden), names, models, job.store, digests)
    evidence.fingerprint = fingerprint(teacher.digest, models.identity(), lane.runtime, lane.compute_unit)
    if lane.runtime == "coreml":
        from sdqa.workflow.device import machine_facts

        evidence.fingerprint |= machine_facts()
    comparable = digest_of(evidence.fingerprint)
    requests = {name: golden_request(lane.cases[name], golden) for name, golden in evidence.goldens.items()}
    job.progress.step(f"{lane.id}: compare each component with the teacher's")
    readings = parity(teacher, _components(job, lane, evidence), requests, job.store)
    evidence.measurements += parity_measurements(readings)
    evidence.measurements += lane_measurements(evidence, comparable)
    if lane.runtime == "coreml" and requests:
        ask_device(job, lane, teacher, evidence, next(iter(requests.values())), comparable)
    if job.fault is not None and job.fault.figures is not None:
        evidence.measurements = [job.fault.figures(measurement) for measurement in evidence.measurements]


def ask_device(
    job: Job, lane: PlannedLane, teacher: Teacher, evidence: Collected, request: Request, comparable: str
) -> None:
    """Load and prediction times, memory and placement, from Core ML itself; each component on the teacher's inputs."""
    from sdqa.generate.parity import teacher_trace
    from sdqa.workflow.device import measure_device

    job.progress.step(f"{lane.id}: times and placement by Core ML")
    inputs = {name: calls[0].inputs for name, calls in teacher_trace(teacher, request, job.store).items() if calls}
    records = [package.record for package in evidence.packages.values()]
    measured, evidence.plans = measure_device(records, inputs, lane.compute_unit, comparable, evidence.fingerprint)
    evidence.measurements += measured


def gate(job: Job, lane: PlannedLane, evidence: Collected) -> bundle.Lane:
    """The lane's record with a verdict for every planned check: what was not measured says so."""
    from sdqa.gate import judge
    from sdqa.workflow.lane import read_tolerances, record, sample_records
    from sdqa.workflow.origin import is_replayed

    tolerances = read_tolerances(job.plan, lane, evidence)
    measured = record(lane, evidence, samples=sample_records(evidence, job.bundle))
    planned = planned_checks(job.plan, lane)
    verdicts = judge(measured, tolerances, job.plan.suite.budgets, planned=planned)
    replayed = is_replayed(evidence, job.started)
    return measured.model_copy(update={"verdicts": verdicts, "planned": planned, "replayed": replayed})


def planned_checks(plan: Plan, lane: PlannedLane) -> tuple[str, ...]:
    """The checks that a lane has to answer, before anything runs: what then has no figure is "not measured"."""
    from sdqa.gate import plan_checks
    from sdqa.generate.sources import source_prompt
    from sdqa.metrics import applicable, offered
    from sdqa.workflow.lane import COMPONENT_CHECKS

    offers = {
        name: offered(case.prompt, source_prompt(case), has_source=case.source is not None)
        for name, case in lane.cases.items()
    }
    cases = {name: applicable(offer, plan.suite.metrics.names) for name, offer in offers.items()}
    return tuple(plan_checks(lane.id, cases, COMPONENT_CHECKS, budgets=plan.suite.budgets))


def report(
    job: Job,
    lanes: Iterable[bundle.Lane],
    *,
    checks: frozenset[str] | None = None,
    interrupted: bool = False,
    crashed: bool = False,
    diagnosis: dict[str, Any] | None = None,
) -> bundle.Run:
    """Write the bundle of what ran and everything that people read from it.

    Args:
        checks: the checks that were selected; None for all.
        crashed: a lane is missing because of an error that sdqa does not know.
        diagnosis: what broke the lane that failed, where that was asked for.
    """
    from sdqa.report import write_report
    from sdqa.workflow.origin import left_out, provenance_of

    ran = tuple(lanes)
    planned = sum(len(lane.planned) for lane in ran)
    if checks is not None:
        kept = [tuple(verdict for verdict in lane.verdicts if verdict.check in checks) for lane in ran]
        ran = tuple(lane.model_copy(update={"verdicts": some}) for lane, some in zip(ran, kept, strict=True))
    run = bundle.Run(
        sdqa_version=sdqa.__version__,
        suite=job.plan.suite.name,
        suite_digest=job.plan.suite_digest,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        status="incomplete" if interrupted or crashed or any(lane.failures for lane in ran) else "complete",
        exit_code=EXIT_INTERRUPTED if interrupted else EXIT_INFRASTRUCTURE if crashed else exit_code(job.plan, ran),
        fault=job.fault.id if job.fault else None,
        environment=environment(),
        cases={name: case.model_dump(mode="json") for name, case in job.plan.suite.cases.items()},
        lanes=(*ran, *left_out(job.plan, ran, interrupted=interrupted)),
        planned_checks=planned,
        diagnosis=diagnosis,
        sensitivity=committed_sensitivity(job),
        provenance=provenance_of(job.plan, job.started, ran, interrupted=interrupted),
    )
    job.bundle.write(run)
    write_report(job.bundle, job.bundle.folder)
    return run


def committed_sensitivity(job: Job) -> dict[str, Any] | None:
    """What the gate is known to catch: the table beside the goldens, as `nox -s faults -- --record` left it.

    It speaks of the tolerances that it was measured with; beside others it would promise what nobody has seen.
    """
    from sdqa.bundle.sensitivity import FILE, read
    from sdqa.gate.tolerances import TOLERANCES_FILE, Tolerances

    path = job.plan.goldens / FILE
    if not path.exists():
        return None
    try:
        found = read(path)
        judged_by = Tolerances.load(path.parent / found.lane.partition("/")[0] / TOLERANCES_FILE)
    except SdqaError as error:  # it says what other runs caught; this one is not worse for it
        job.progress.step(f"the sensitivity table is left out: {error}")
        return None
    if found.tolerances != judged_by.digest():
        job.progress.step("the sensitivity table is left out: it was measured with other tolerances (nox -s faults)")
        return None
    data: dict[str, Any] = found.to_json()
    return data


def exit_code(plan: Plan, lanes: Iterable[bundle.Lane]) -> int:
    """0 pass, 1 gate failed, 3 infrastructure, 4 evidence incomplete; a failed gate outranks the rest."""
    ran = tuple(lanes)
    statuses = {verdict.status for lane in ran for verdict in lane.verdicts}
    if "fail" in statuses:
        return EXIT_GATE_FAILED
    failures = [failure.exit_code for lane in ran for failure in lane.failures]
    if failures:
        return min(failures)
    refused = any(lane.required and lane.skip_reason for lane in plan.lanes)
    if refused or "not measured" in statuses or not statuses:
        return EXIT_INCOMPLETE
    return EXIT_PASS


def judge_again(plan: Plan, folder: Path, baseline: Path | None = None) -> bundle.Run:
    """A bundle's run with new verdicts on its own measurements, by today's tolerances and budgets.

    Args:
        baseline: an earlier run's bundle, to compare times and memory with; within one fingerprint only.
    """
    from sdqa.gate import judge
    from sdqa.gate.latency import judge_resources
    from sdqa.workflow.lane import read_tolerances

    run = bundle.Bundle(folder).read()
    earlier = {} if baseline is None else {lane.id: lane for lane in bundle.Bundle(baseline).read().lanes}
    known = {one.id: one for one in plan.lanes}
    lanes = []
    for lane in run.lanes:
        verdicts: tuple[bundle.Verdict, ...] = ()
        if lane.status != "skipped" and lane.id in known:
            tolerances = read_tolerances(plan, known[lane.id], Collected())
            planned = planned_checks(plan, known[lane.id])
            verdicts = judge(lane, tolerances, plan.suite.budgets, planned=planned)
        if lane.id in earlier and lane.status != "skipped":
            verdicts += judge_resources(lane, earlier[lane.id])
        lanes.append(lane.model_copy(update={"verdicts": verdicts}))
    code = exit_code(plan, [lane for lane in lanes if lane.status != "skipped"])
    return run.model_copy(update={"lanes": tuple(lanes), "exit_code": code})


def _sayer(job: Job, lane: PlannedLane) -> Callable[[str], None]:
    return lambda text: job.progress.step(f"{lane.id}: {text}")


def _components(job: Job, lane: PlannedLane, evidence: Collected) -> Components:
    from sdqa.workflow.execution import components

    return components(lane, evidence.packages, job.store, job.fault)
