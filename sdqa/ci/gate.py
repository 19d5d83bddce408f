"""`sdqa ci gate`: from folders on disk to one decision, written down everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sdqa.bundle import Failure, JudgeChange, JudgeComparison, Run
from sdqa.bundle.provenance import provenance, unverifiable, work_tree
from sdqa.ci.attempts import own_attempt
from sdqa.ci.base import Base, base_of
from sdqa.ci.carried import CARRIED, Carried, as_evidence, carried_lanes
from sdqa.ci.commit_date import committed
from sdqa.ci.comparison import compared
from sdqa.ci.cost import cost_of
from sdqa.ci.decide import decide
from sdqa.ci.expected import Expected
from sdqa.ci.intake import Submitted, find_bundles, take
from sdqa.ci.jobs import PlannedJob
from sdqa.ci.judge import Rules, judge_of
from sdqa.ci.needs import SKIPPED, SUCCESS, JobResult, parse_results
from sdqa.ci.plan import PlanOfRecord, plan_differences, plan_of_record, read_plan
from sdqa.ci.problem import problem
from sdqa.ci.publish import Published, publish
from sdqa.ci.recorded import Recorded, recorded_of
from sdqa.errors import SdqaError, UsageError
from sdqa.gate.orphans import orphans
from sdqa.gate.verify import verify
from sdqa.history import History, read_history
from sdqa.history.reading import with_run
from sdqa.plan import Plan, make_plan
from sdqa.plan.suite import TEACHER_NOW
from sdqa.report.trends import SHOWN


def gate(
    plan: Plan,
    rules: Rules,
    places: Sequence[Path],
    destination: Path,
    *,
    plan_file: Path | None = None,
    results: str | None = None,
    commit: str = "",
    base: str = "",
    download: str = SUCCESS,
    history: str = "",
    carried: Path | None = None,
) -> tuple[Run, Published]:
    """Judge bundles by a checkout and write the outcome.

    Args:
        plan: of the checkout; the plan of record is made from it and a file that says otherwise is a problem.
        places: folders of bundles, or folders that hold them.
        plan_file: the plan that the jobs were started from.
        results: `toJSON(needs)`; None where no service tells.
        commit: that is to be proved; the checkout's own otherwise.
        base: what the service names to hold the judge against; see `sdqa.ci.base.base_of`.
        download: how fetching the bundles ended.
        history: the place of earlier runs, which are only read: shown as trends. Empty for none.
        carried: the report of an earlier commit, whose lanes stand where nothing that they are made from changed.

    Raises:
        UsageError: the destination is one of the bundles, or the results cannot be read.
    """
    problems: list[Failure] = []
    own = plan_of_record(plan, rules, commit=commit)
    if plan_file is not None:
        problems += _handed_over(plan_file, own)
    if download != SUCCESS:
        problems.append(problem("artifacts", f"fetching the bundles ended as {download or 'nothing'}"))
    jobs: tuple[JobResult, ...] | None = None if results is None else parse_results(results)
    whole = make_plan(plan.suite, plan.suite_path, platform="linux")
    submitted, unread = _submitted(places, destination, recorded_of(whole))
    judge = judge_of(whole, rules)
    standing = carried_lanes(whole, carried, base)
    if not {unit.lane for unit in own.units} - set(standing.lanes):  # no job ran, so nothing was sent
        submitted = [one for one in submitted if one.bundle.folder.exists()]
    submitted += as_evidence(standing, own, judge)
    results_that_count = _had_to_run(jobs, standing, own)
    made = committed(plan.suite_path.parent, own.commit)
    expected = Expected(own, judge, own.commit, datetime.now(UTC), results_that_count, own_attempt(), made)
    problems += [*unread, *_goldens(whole), *_checkout(plan, own.commit)]
    before = base_of(base, plan.suite_path)
    changes, not_compared = _judge_changes(before, whole, rules)
    problems += not_compared
    why = before.reason or "; ".join(one.message for one in not_compared)
    comparison = JudgeComparison(base=before.revision, reason=why)
    run = decide(expected, submitted, problems, changes)
    ran = [one for one in submitted if one.name != CARRIED]
    origins = [one.run.provenance for one in ran if one.run is not None and one.run.provenance is not None]
    beside = {"judge_comparison": comparison, "orphans": orphans(plan), "cost": cost_of(origins, _jobs(plan_file))}
    beside["provenance"] = provenance(plan.suite_path.parent, started=run.created, judge_digest=own.judge_digest)
    run = run.model_copy(update=beside)
    published = publish(run, submitted, destination, history=_earlier(history, plan, run) if history else None)
    return run, published


def _judge_changes(base: Base, head: Plan, rules: Rules) -> tuple[tuple[JudgeChange, ...], list[Failure]]:
    """What this commit does to the judge, and what kept it from being seen."""
    if not base.revision:
        return (), []
    try:
        return compared(base.revision, head, rules), []
    except SdqaError as error:
        return (), [problem("base", f"the judge cannot be compared with {base.revision}: {error.what}")]


def _handed_over(path: Path, own: PlanOfRecord) -> list[Failure]:
    """What is wrong with the plan that the jobs were started from."""
    try:
        given = read_plan(path)
    except SdqaError as error:
        return [problem("plan", error.what)]
    return [
        problem("plan", f"{path.name} is not this checkout's plan: {what}") for what in plan_differences(given, own)
    ]


def _had_to_run(
    jobs: tuple[JobResult, ...] | None, standing: Carried, own: PlanOfRecord
) -> tuple[JobResult, ...] | None:
    """The results that count: where every lane is carried, a job that was skipped had nothing to do."""
    if jobs is None or {unit.lane for unit in own.units} - set(standing.lanes):
        return jobs
    # Where that leaves no job, results were given all the same: there is none to wait for.
    return tuple(job for job in jobs if job.result != SKIPPED) or (None if jobs else jobs)


def _jobs(path: Path | None) -> tuple[PlannedJob, ...]:
    """The jobs that were planned: they say what a run was expected to cost, and decide nothing."""
    try:
        return read_plan(path).jobs if path is not None else ()
    except SdqaError:  # said by `_handed_over`
        return ()


def _checkout(plan: Plan, commit: str) -> list[Failure]:
    """What speaks against this checkout as the judge of a commit."""
    checked_out, modified = work_tree(plan.suite_path.parent)
    found = []
    if not checked_out:
        why = unverifiable(plan.suite_path.parent) or "git names no commit"
        folder, named = plan.suite_path.parent.resolve(), commit[:12] or "nobody knows which"
        mend = f"where another user owns it: git config --global --add safe.directory {folder}"
        found.append(
            problem(
                "checkout", f"nobody can tell that it is of commit {named}: {why}; check it out with git, and {mend}"
            )
        )
    if checked_out and checked_out != commit:
        found.append(problem("checkout", f"it is of commit {checked_out[:12]}, to be proved is {commit[:12]}"))
    if modified:
        found.append(problem("checkout", "its files were changed since the commit"))
    return found


def _submitted(places: Sequence[Path], destination: Path, recorded: Recorded) -> tuple[list[Submitted], list[Failure]]:
    try:
        folders = find_bundles(places)
    except SdqaError as error:
        return [], [problem("artifacts", error.what)]
    if destination.resolve() in {folder.resolve() for folder in folders}:
        raise UsageError(
            "the report would overwrite one of the bundles", where=str(destination), hint="choose another --output"
        )
    return [take(folder, recorded) for folder in folders], []


def _goldens(plan: Plan) -> list[Failure]:
    """Manifests that cannot be read, and references that changed without a record. Files are checked where they are
    read: by the lanes, against these manifests."""
    models = [name for name in plan.suite.models if (plan.goldens / name).is_dir()]
    if plan.suite.goldens == TEACHER_NOW or not models:
        return []
    try:
        flaws = [one for one in verify(plan.goldens, models=models, files=False) if not one.sound]
    except SdqaError as error:
        return [problem("goldens", error.what)]
    return [problem("goldens", f"{flaw.subject}: {flaw.what}") for flaw in flaws]


def _earlier(place: str, plan: Plan, run: Run) -> History:
    """Earlier runs and this one. A history never gates: where it cannot be read there is only no trend."""
    return with_run(read_history(place, last=SHOWN), run, plan.suite_path.parent)
