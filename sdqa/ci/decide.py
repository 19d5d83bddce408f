"""The gate's decision: the evidence of all machines against the plan of record, as one run. Pure functions of records.

Green means that every planned check id has a measurement of this commit that passes this checkout's judge. So nothing
that a bundle says of itself makes anything pass: which units there must be comes from the plan, every verdict is given
again from measurements, and whatever cannot be accounted for is a failure with exit code 4 and a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sdqa.bundle import Failure, JudgeChange, Lane, Run
from sdqa.bundle.merge import combined_run
from sdqa.ci.agreement import at_odds, counted_at_odds
from sdqa.ci.attempts import attempt_of, out_of_order
from sdqa.ci.expected import Expected
from sdqa.ci.intake import Submitted
from sdqa.ci.judge_diff import is_silent
from sdqa.ci.needs import SUCCESS
from sdqa.ci.origin import lanes_of, of_bundle, ran, strange
from sdqa.ci.problem import problem
from sdqa.ci.seen import together
from sdqa.ci.unit import judged_unit, whole_units
from sdqa.errors import EXIT_GATE_FAILED, EXIT_INCOMPLETE, EXIT_PASS, worst


def decide(
    expected: Expected,
    submitted: Sequence[Submitted],
    problems: Iterable[Failure] = (),
    changes: Sequence[JudgeChange] = (),
) -> Run:
    """The run that the evidence amounts to; its exit code is the gate's.

    Args:
        submitted: every bundle that arrived, in any order.
        problems: what is known to be wrong already: a plan of another checkout, artifacts that did not arrive.
        changes: what this commit does to the judge.
    """
    whole = [*problems, *_of_plan(expected), *_of_jobs(expected, submitted)]
    accepted: list[tuple[str, Run]] = []
    for one in sorted(submitted, key=lambda one: one.name):
        if one.run is None:
            whole.append(problem(one.name, f"in quarantine: {one.problem}"))
            continue
        why = strange(one.name, one.run, expected)
        if why:
            whole.append(problem(one.name, f"{'; '.join(why)}; it holds {lanes_of(one.run)}"))
        else:
            accepted.append((one.name, one.run))
    whole += out_of_order(accepted)
    newest, used = _newest(accepted)
    shown = together(one.shown for one in submitted)
    whole += [failure for name, run in used for failure in of_bundle(name, run, expected, shown)]
    measured = [part for parts in newest.values() for part in parts]
    whole += [*at_odds(measured), *counted_at_odds(measured)]
    units = whole_units(expected.plan.units)
    lanes = tuple(judged_unit(unit, newest.get(unit.lane, ()), expected.judge, shown) for unit in units)
    runs = [run for _, run in used]
    failures = tuple(dict.fromkeys([*whole, *(failure for run in runs for failure in run.failures)]))
    incomplete = bool(failures) or any(_is_incomplete(lane) for lane in lanes)
    decided = combined_run(
        runs,
        lanes,
        sdqa_version=expected.plan.sdqa_version,
        suite=expected.plan.suite,
        suite_digest=expected.plan.suite_digest,
        planned_checks=sum(len(unit.checks) for unit in units),
        failures=failures,
        status="incomplete" if incomplete else "complete",
        exit_code=_exit_code(lanes, failures, changes, incomplete),
    )
    return decided.model_copy(update={"judge_changes": tuple(changes)})


def _is_incomplete(lane: Lane) -> bool:
    return lane.status != "ran" or any(verdict.status == "not measured" for verdict in lane.verdicts)


def _exit_code(
    lanes: Sequence[Lane], failures: Sequence[Failure], changes: Sequence[JudgeChange], incomplete: bool
) -> int:
    """A failed check outranks the rest, and so does a judge that nobody said why he is milder now; without every
    planned check's pass there is no zero."""
    codes = {failure.exit_code for failure in failures}
    codes |= {failure.exit_code for lane in lanes for failure in lane.failures}
    if any(verdict.status == "fail" for lane in lanes for verdict in lane.verdicts):
        codes.add(EXIT_GATE_FAILED)
    if is_silent(changes):
        codes.add(EXIT_GATE_FAILED)
    if incomplete:
        codes.add(EXIT_INCOMPLETE)
    return worst(codes | {EXIT_PASS})


def _of_plan(expected: Expected) -> list[Failure]:
    plan, found = expected.plan, []
    if not plan.units or any(not unit.checks for unit in plan.units):
        found.append(problem("plan", "the plan of record asks for nothing"))
    if not expected.commit:
        found.append(problem("plan", "nobody knows which commit is to be proved: give --expect-commit"))
    elif plan.commit != expected.commit:
        found.append(problem("plan", f"the plan is of commit {plan.commit[:12] or 'nobody knows which'}"))
    return found


def _of_jobs(expected: Expected, submitted: Sequence[Submitted]) -> list[Failure]:
    """Jobs that did not succeed. One that failed because a check did is red already, and by its own name."""
    if expected.results is None:
        return []
    if not expected.results:
        return [problem("jobs", "no job's result was given")]
    held: dict[str, set[str]] = {}
    for one in submitted:
        if one.run is not None and one.run.provenance is not None:
            held.setdefault(one.run.provenance.job, set()).update(ran(one.run))
    found = []
    for result in expected.results:
        if result.result != SUCCESS:
            lanes = ", ".join(sorted(held.get(result.job, ()))) or "no lane arrived from it"
            found.append(problem(f"job {result.job}", f"ended as {result.result}: {lanes}"))
    known = {result.job for result in expected.results}
    for job in sorted(held.keys() - known - {""}):
        found.append(problem(f"job {job}", f"sent {', '.join(sorted(held[job]))}, but its result was not given"))
    return found


def _newest(accepted: Sequence[tuple[str, Run]]) -> tuple[dict[str, list[Lane]], list[tuple[str, Run]]]:
    """Of every lane the records that no newer attempt did again, and the bundles that they come from."""
    records: dict[str, list[Lane]] = {}
    used = []
    for name, run in accepted:
        ran = [lane for lane in run.lanes if lane.status != "skipped"]
        chosen = [lane for lane in ran if not any(_supersedes(other, run, lane) for _, other in accepted)]
        for lane in chosen:
            records.setdefault(lane.id, []).append(lane)
        if chosen or not ran:
            used.append((name, run))
    return records, used


def _supersedes(newer: Run, run: Run, lane: Lane) -> bool:
    """Whether a later attempt did every case of a lane again."""
    if attempt_of(newer) <= attempt_of(run):
        return False
    again = [other for other in newer.lanes if other.id == lane.id and other.status != "skipped"]
    return any(_cases(lane) <= _cases(other) for other in again)


def _cases(lane: Lane) -> set[str | None]:
    return {measurement.case for measurement in lane.measurements}
