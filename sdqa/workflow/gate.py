"""What the gate says of a lane: a verdict for every planned check, now or again from a bundle."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.ci.judge import Rules
from sdqa.errors import EXIT_GATE_FAILED, EXIT_INCOMPLETE, SdqaError, worst
from sdqa.gate.stated import EXECUTION_CHECKS
from sdqa.plan import Budgets, Plan, PlannedLane
from sdqa.runtime.registry import find_runtime

if TYPE_CHECKING:
    from sdqa.bundle import Failure, Lane, Run, Verdict
    from sdqa.ci.reference import LaneReference
    from sdqa.gate import Tolerances
    from sdqa.gate.reach import Worst
    from sdqa.gate.standards import Standards
    from sdqa.workflow.job import Job
    from sdqa.workflow.lane import Collected

#: What is judged of each component's package besides its sizes and times.
PACKAGE_CHECKS = ("contract", "coverage")


def component_checks(lane: PlannedLane) -> dict[str, tuple[str, ...]]:
    """What is judged of each component that a lane's cases run; where no packages are made, nothing of packages."""
    of_packages = PACKAGE_CHECKS if find_runtime(lane.runtime).needs_packages else ()
    executed = _traced_components(lane) if lane.is_part else lane.components
    return {name: (*of_packages, *(EXECUTION_CHECKS if name in executed else ())) for name in lane.components}


def _traced_components(lane: PlannedLane) -> tuple[str, ...]:
    """The components that a part of a lane compares with the teacher's: those that its own traced cases run."""
    from sdqa.generate.traced import traced_cases

    traced = traced_cases({name: case.source is not None for name, case in lane.all_cases.items()})
    own = {name: case for name, case in lane.cases.items() if name in traced}
    return replace(lane, cases=own, whole=None).components if own else ()


def lane_budgets(plan: Plan, lane: PlannedLane) -> Budgets:
    """The budgets that apply to a lane: those that follow from packages only where the lane's packages tell."""
    from sdqa.convert.formats import find_format
    from sdqa.gate.evidence import FROM_PACKAGES, PLACEMENT

    budgets, runtime = plan.suite.budgets, find_runtime(lane.runtime)
    if not runtime.needs_packages:
        return budgets.model_copy(update=dict.fromkeys(FROM_PACKAGES))
    if not find_format(runtime.package_format).tells_placement:
        return budgets.model_copy(update={PLACEMENT: None})
    return budgets


def gate(job: Job, lane: PlannedLane, found: Collected) -> Lane:
    """The lane's record with a verdict for every planned check: what was not measured says so."""
    from sdqa.bundle.parts import is_statistic
    from sdqa.gate import judge
    from sdqa.workflow.origin import is_replayed
    from sdqa.workflow.record import record, sample_records

    _, refused = read_tolerances(job.plan, lane)
    whole = replace(found, failures=found.failures + refused)
    measured = record(lane, whole, samples=sample_records(lane, found, job.bundle, job.plan.root))
    planned = planned_checks(job.plan, lane)
    verdicts = judge(measured, lane_standards(job.plan, lane), lane_budgets(job.plan, lane), planned=planned)
    if lane.is_part:  # over all cases there is something to say once all are there
        verdicts = tuple(verdict for verdict in verdicts if not is_statistic(verdict.check, lane.id))
    replayed = is_replayed(found)
    return measured.model_copy(update={"verdicts": verdicts, "planned": planned, "replayed": replayed})


def lane_standards(plan: Plan, lane: PlannedLane) -> Standards:
    """What a lane's figures are held against: the model's tolerances, its own baselines, and what the suite demands.

    A baseline whose manifest is broken limits nothing: its figures were not measured either, and say why.
    """
    from sdqa.gate.baseline import manifests
    from sdqa.gate.standards import Standards
    from sdqa.gate.tail import kinds_of
    from sdqa.workflow.baselines import baseline_cases, baseline_folder

    try:
        baselines = manifests(baseline_folder(plan, lane), baseline_cases(plan, lane))
    except SdqaError:
        baselines = {}
    tolerances = read_tolerances(plan, lane)[0]
    return Standards(tolerances, baselines, plan.suite.gate.require_calibrated, kinds_of(lane.all_cases))


def planned_checks(plan: Plan, lane: PlannedLane) -> tuple[str, ...]:
    """The checks that a lane has to answer, before anything runs: what then has no figure is "not measured".

    Raises:
        UsageError: the suite names a metric that there is not.
    """
    from sdqa.gate import plan_checks
    from sdqa.gate.baseline import METRICS
    from sdqa.generate.sources import source_prompt
    from sdqa.metrics import applicable, offered
    from sdqa.workflow.baselines import baseline_cases

    offers = {
        name: offered(
            case.prompt, source_prompt(case), has_source=case.source is not None, guided=case.guidance_scale > 1
        )
        for name, case in lane.cases.items()
    }
    cases = {name: applicable(offer, plan.suite.metrics.names) for name, offer in offers.items()}
    for name in baseline_cases(plan, lane):
        cases[name] += tuple(METRICS)
    checks = tuple(plan_checks(lane.id, cases, component_checks(lane), budgets=lane_budgets(plan, lane)))
    if not lane.is_part:
        return checks
    from sdqa.bundle.parts import is_statistic

    return tuple(check for check in checks if not is_statistic(check, lane.id))


def read_tolerances(plan: Plan, lane: PlannedLane) -> tuple[Tolerances | None, tuple[Failure, ...]]:
    """The model's tolerances, and the limits that the suite states; None where nobody measured or stated any, and with
    a failure where they cannot be read."""
    from sdqa.gate import TOLERANCES_FILE
    from sdqa.gate.stated import COMPARING, combined, stated_tolerances
    from sdqa.metrics import comparing

    limits = plan.suite.limits
    path = plan.goldens / lane.model_name / TOLERANCES_FILE
    try:
        calibrated = load_tolerances(path) if path.exists() else None
        if not limits:
            return calibrated, ()
        known = COMPARING | comparing()
        return combined(calibrated, stated_tolerances(lane.model_name, limits, str(plan.suite_path), known)), ()
    except SdqaError as error:
        from sdqa.workflow.failure import failure_of

        return None, (failure_of("gate", lane.id, error),)


def load_tolerances(path: Path) -> Tolerances:
    """A model's calibrated tolerances as they are used: no limit lies beyond what its metric can read.

    Raises:
        GoldenMissing: there are none, or they do not follow the schema.
    """
    from sdqa.gate import Tolerances
    from sdqa.gate.reach import within_reach

    return within_reach(Tolerances.load(path), worst_figures())


def worst_figures() -> dict[str, Worst]:
    """The worst that each metric can read."""
    from sdqa.gate.reach import Worst
    from sdqa.metrics import METRICS

    directed = {name: one for name, one in METRICS.items() if one.better in ("higher", "lower")}
    return {name: Worst.of(one.better, one.valid, one.attainable) for name, one in directed.items()}


RULES = Rules(checks=planned_checks, budgets=lane_budgets, tolerances=read_tolerances, standards=lane_standards)
"""How this checkout judges a lane, for those who judge the evidence of other machines."""


def exit_code(plan: Plan, lanes: Iterable[Lane]) -> int:
    """What the lanes that ran amount to; see `sdqa.errors.worst` for the order."""
    ran = tuple(lanes)
    statuses = {verdict.status for lane in ran for verdict in lane.verdicts}
    codes = [failure.exit_code for lane in ran for failure in lane.failures]
    if "fail" in statuses:
        codes.append(EXIT_GATE_FAILED)
    refused = any(lane.required and lane.skip_reason for lane in plan.lanes)
    if refused or "not measured" in statuses or statuses <= {"not judged"}:
        codes.append(EXIT_INCOMPLETE)
    return worst(codes)


def judge_again(plan: Plan, folder: Path, baseline: Path | None = None) -> Run:
    """A bundle's run with new verdicts on its own measurements, by today's tolerances and budgets.

    Args:
        baseline: an earlier run's bundle, to compare times and memory with; within one fingerprint only.
    """
    from sdqa.bundle import Bundle
    from sdqa.ci.reference import references_of
    from sdqa.gate import judge
    from sdqa.gate.latency import judge_resources

    run = Bundle(folder).read()
    earlier = {} if baseline is None else {lane.id: lane for lane in Bundle(baseline).read().lanes}
    known, references = {one.id: one for one in plan.lanes}, references_of(plan)
    lanes = []
    for lane in run.lanes:
        verdicts: tuple[Verdict, ...] = ()
        if lane.status != "skipped" and lane.id in known:
            lane = _examined(run, lane, references[lane.id])
            planned = planned_checks(plan, known[lane.id])
            standards = lane_standards(plan, known[lane.id])
            verdicts = judge(lane, standards, lane_budgets(plan, known[lane.id]), planned=planned)
        if lane.id in earlier and lane.status != "skipped":
            verdicts += judge_resources(lane, earlier[lane.id])
        lanes.append(lane.model_copy(update={"verdicts": verdicts}))
    code = exit_code(plan, [lane for lane in lanes if lane.status != "skipped"])
    return run.model_copy(update={"lanes": tuple(lanes), "exit_code": code})


def _examined(run: Run, lane: Lane, reference: LaneReference) -> Lane:
    """The lane without figures that cannot be right; what speaks against it is among its failures.

    Its pictures are not opened: that is for those who take a bundle from elsewhere.
    """
    from sdqa.ci.contradictions import unlike_planned
    from sdqa.ci.examined import MEND, examined
    from sdqa.ci.problem import problem
    from sdqa.ci.seen import Seen

    kept, said = examined(lane, reference, Seen())
    if run.cases:
        said += [f"{text}: {MEND}" for text in unlike_planned(lane, run.cases, reference)]
    if not said:
        return kept
    failures = (*kept.failures, *(problem(lane.id, text) for text in said))
    return kept.model_copy(update={"failures": failures, "status": "incomplete"})
