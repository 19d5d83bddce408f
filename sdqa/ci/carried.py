"""Evidence of an earlier commit that stands for this one too: nothing that a lane is made from has changed since.

It is judged again like any other, by this checkout's judge, and shown as carried. Only evidence of a commit that the
base has in its history counts, and none that was carried itself.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from sdqa.bundle import Lane, Provenance, Run
from sdqa.bundle.folder import RUN_FILE
from sdqa.ci.affected import GIT_SECONDS, Affected, affected
from sdqa.ci.attempts import CLOCKS, moment
from sdqa.ci.commit_date import committed
from sdqa.ci.intake import Submitted, take
from sdqa.ci.judge import LaneJudge, judge_digest
from sdqa.ci.plan import PlanOfRecord
from sdqa.ci.problem import NAMED
from sdqa.ci.recorded import recorded_of
from sdqa.ci.revision import plan_at
from sdqa.errors import EXIT_INCOMPLETE, EXIT_PASS, SdqaError
from sdqa.plan import Plan

CARRIED = "earlier/carried"
"""The name of carried evidence among the bundles; no folder can have it."""


@dataclass(frozen=True)
class Carried:
    """What stands, with its evidence; or in words why nothing does."""

    lanes: tuple[str, ...] = ()
    evidence: Submitted | None = None
    words: str = ""


def carried_lanes(plan: Plan, place: Path | None, base: str = "") -> Carried:
    """The lanes of a plan whose evidence lies in a folder and stands for what is checked out.

    Args:
        place: the report of a gate on an earlier commit; None, or a folder without one, for none.
        base: a commit whose history the evidence must be of; empty for what is checked out.
    """
    if place is None or not (place / RUN_FILE).exists():
        return Carried(words="nothing is carried: there is no earlier evidence")
    submitted = take(place, recorded_of(plan))
    run = submitted.run
    if run is None:
        return Carried(words=f"nothing is carried: the earlier evidence cannot be read: {submitted.problem}")
    refusal = _refusal(plan, run, base)
    if refusal or run.provenance is None:
        return Carried(words=f"nothing is carried: {refusal}")
    found = affected(plan, run.provenance.commit)
    whole = {lane.id for lane in run.lanes if _is_whole(lane)}
    lanes = tuple(lane for lane in found.carried if lane in whole)
    return Carried(lanes, submitted, _words(found, lanes))


def _is_whole(lane: Lane) -> bool:
    """Whether a lane was measured where it says, answered everything that it was planned for, and failed nothing."""
    bad = any(verdict.status in ("fail", "not measured") for verdict in lane.verdicts)
    answered = {verdict.check for verdict in lane.verdicts}
    silent = not answered or bool(set(lane.planned) - answered)
    return lane.status == "ran" and not lane.failures and not lane.carried and not bad and not silent


def _red(run: Run, origin: Provenance) -> str:
    """Why a report as a whole did not pass, in words; that another lane's evidence is not whole is no reason."""
    if origin.narrowed:
        return f"the earlier run was narrowed: {'; '.join(origin.narrowed[:NAMED])[:200]}"
    if origin.interrupted:
        return "the earlier run was interrupted"
    if run.joined:
        return "the earlier run was joined of several and held against no plan"
    if run.failures:
        first = run.failures[0]
        return f"the earlier run has failures of its own: {first.where}: {first.message}"[:200]
    hole = any(not _is_whole(lane) for lane in run.lanes)
    if (run.exit_code, run.status) not in ((EXIT_PASS, "complete"), *([(EXIT_INCOMPLETE, "incomplete")] * hole)):
        return f"the earlier run is {run.status} and ended with exit code {run.exit_code}"
    return ""


def _words(found: Affected, lanes: tuple[str, ...]) -> str:
    missing = [lane for lane in found.carried if lane not in lanes]
    said = found.words()
    return f"{said}; no whole evidence of {', '.join(missing)}" if missing else said


def _refusal(plan: Plan, run: Run, base: str) -> str:
    """Why a run is no evidence that could stand for another commit."""
    from sdqa import __version__

    origin = run.provenance
    if run.fault is not None:
        return f"a fault was planted: {run.fault}"
    if run.sdqa_version != __version__:
        return f"another version of sdqa: {run.sdqa_version[:60]}"
    if origin is None or not origin.commit:
        return "the earlier evidence does not say of which commit it is"
    if origin.modified:
        return "files of its commit were changed before it was made"
    if not _is_ancestor(plan.suite_path.parent, origin.commit, base or "HEAD"):
        return f"its commit {origin.commit[:12]} is not in the history of the base"
    return _of_another_commit(plan, run, origin) or _red(run, origin)


def _of_another_commit(plan: Plan, run: Run, origin: Provenance) -> str:
    """Why a report cannot be of the commit that it names, in words: what was judged there, and when, would be other."""
    try:
        with plan_at(origin.commit, plan.suite_path) as then:
            if then is None:
                return f"its commit {origin.commit[:12]} has no such suite"
            if then.suite_digest != run.suite_digest:
                return f"its suite is not that of its commit {origin.commit[:12]}"
            if judge_digest(then) != origin.judge_digest:
                return f"its limits or goldens are not those of its commit {origin.commit[:12]}"
        made = committed(plan.suite_path.parent, origin.commit)
        if made is None or made - moment(origin.started) > CLOCKS:
            return f"it began before its commit {origin.commit[:12]} was made"
    except (SdqaError, ValueError, OverflowError) as error:
        return f"nobody can tell that it is of commit {origin.commit[:12]}: {str(error)[:120]}"
    return ""


def _is_ancestor(folder: Path, commit: str, of: str) -> bool:
    command = ["git", "-C", str(folder), "merge-base", "--is-ancestor", "--end-of-options", commit, of]
    try:
        return subprocess.run(command, capture_output=True, timeout=GIT_SECONDS, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def as_evidence(carried: Carried, plan: PlanOfRecord, judge: LaneJudge) -> list[Submitted]:
    """The carried lanes as a bundle of this commit, judged by this checkout."""
    submitted = carried.evidence
    if submitted is None or submitted.run is None or submitted.run.provenance is None or not carried.lanes:
        return []
    run, origin = submitted.run, submitted.run.provenance
    checks = {unit.lane: unit.checks for unit in plan.units}
    lanes = tuple(
        lane.model_copy(update={"carried": origin.commit, "planned": checks[lane.id], "verdicts": judge.verdicts(lane)})
        for lane in run.lanes
        if lane.id in carried.lanes
    )
    said = {"commit": plan.commit, "judge_digest": plan.judge_digest}
    update = {
        "suite": plan.suite,
        "suite_digest": plan.suite_digest,
        "lanes": lanes,
        "exit_code": EXIT_PASS,  # of these lanes: `_red` let no other than a hole in another lane's evidence through
        "status": "complete",
        "diagnosis": None,
        "diagnoses": (),
        "judge_changes": (),
        "provenance": origin.model_copy(update={**said, "job": "", "run_id": "", "attempt": 1}),
    }
    return [replace(submitted, name=CARRIED, run=run.model_copy(update=update))]
