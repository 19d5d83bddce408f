"""The run's verdict in words, the same on every surface: page, Markdown, terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sdqa.bundle import Failure, Lane, Run, Status, Verdict
from sdqa.bundle.fingerprint import OTHER_TEACHER
from sdqa.errors import EXIT_GATE_FAILED, EXIT_INCOMPLETE, EXIT_INTERRUPTED
from sdqa.report.format import plural

Tone = Status

SEVERITY: dict[Status, int] = {"fail": 0, "not measured": 1, "suspicious": 2, "not judged": 3, "pass": 4}
CAUSES, CAUSE_LENGTH = 3, 200
JUDGE_CHANGED, JUDGE_NOT_COMPARABLE = "Judge changed", "Judge not comparable"
JOINED = "Joined, not judged"
PART, CHANGED = "Pass, in part", "Pass, of changed files"
UNCAUGHT = "The planted fault was not caught"
RESERVED = 200
"""Letters of a reservation."""
HELD_AGAINST_NOTHING = "Each machine judged its own, and nothing was held against a plan (sdqa merge --plan)."
NOBODY = "nobody has calibrated this machine yet"
MARKS: dict[Status, str] = {"fail": "✕", "not measured": "?", "suspicious": "!", "not judged": "–", "pass": "✓"}


@dataclass(frozen=True)
class Headline:
    """What a reader should know if they read one line."""

    tone: Tone
    title: str  # "Fail", "Pass", "Pass, in part", "Incomplete", "Joined, not judged", "Nothing was checked" …
    sentence: str
    counts: dict[Status, int]


def headline_of(run: Run) -> Headline:
    """The verdict of a whole run. A run without evidence is never a pass."""
    counts, origin = run.counts(), run.provenance
    total = sum(counts.values())
    lanes = [lane for lane in run.lanes if lane.status == "ran"]
    across = f"in {plural(len(lanes), 'lane')}"
    loosened, reservations = _loosened(run), _reservations(run)
    if counts["fail"]:
        failed = sum(any(v.status == "fail" for v in lane.verdicts) for lane in run.lanes)
        sentence = (
            f"{counts['fail']} of {plural(total, 'check')} failed, in {failed} of {plural(len(run.lanes), 'lane')}."
        )
        sentence = interruption(run) + reservations + loosened + sentence
        return Headline("fail", "Fail", sentence + _rest(run, counts) + _cause(run), counts)
    silent = [change for change in run.judge_changes if change.looser and not change.recorded]
    if silent:
        title = JUDGE_NOT_COMPARABLE if any(change.kind == "suite" for change in silent) else JUDGE_CHANGED
        return Headline("fail", title, reservations + loosened.strip() + _rest(run, counts), counts)
    if run.exit_code == EXIT_GATE_FAILED:
        sentence = f"{reservations}The gate failed, though no single check did."
        return Headline("fail", "Fail", sentence + _rest(run, counts), counts)
    planted = f"A fault was planted on purpose: {run.fault[:RESERVED]}. " if run.fault else ""
    if is_incomplete(run):
        sentence = planted + reservations + loosened + _incomplete(run, counts, total)
        return Headline("not measured", "Incomplete", sentence, counts)
    if run.exit_code:
        sentence = f"{reservations}The run ended with exit code {run.exit_code}." + _rest(run, counts)
        return Headline("not measured", "Error", sentence, counts)
    if total == counts.get("not judged", 0):
        return Headline(
            "not measured",
            "Nothing was checked",
            "The bundle holds no verdicts." if not total else "Nothing could be judged.",
            counts,
        )
    if run.fault:
        sentence = f"{planted}None of {plural(total, 'check')} {across} failed."
        return Headline("suspicious", UNCAUGHT, reservations + sentence + _rest(run, counts), counts)
    if run.joined:
        sentence = f"{plural(total - counts.get('not judged', 0), 'check')} {across} passed where they ran"
        doubts = f", {counts['suspicious']} of them with doubts" if counts["suspicious"] else ""
        said = f"{reservations}{sentence}{doubts}. {HELD_AGAINST_NOTHING}" + _provisional(run, counts) + _elsewhere(run)
        return Headline("not judged", JOINED, said, counts)
    if counts["suspicious"]:
        sentence = f"None of {plural(total, 'check')} {across} failed, {counts['suspicious']} should be looked at."
        sentence += _provisional(run, counts) + _elsewhere(run)
        return Headline("suspicious", "Pass, with doubts", reservations + loosened + sentence, counts)
    judged = plural(total - counts.get("not judged", 0), "check")
    provisional = (
        f", {run.provisional()} of them provisionally: {why_provisional(run.verdicts)}" if run.provisional() else ""
    )
    sentence = f"{reservations}{loosened}All {judged} {across} passed{provisional}." + _not_judged(counts)
    if origin is not None and (origin.narrowed or origin.modified):
        title = PART if origin.narrowed else CHANGED
        return Headline("not judged", title, sentence + _elsewhere(run), counts)
    return Headline("pass", "Pass", sentence + _elsewhere(run), counts)


def _reservations(run: Run) -> str:
    """Why a run proves less than its checks say, before what they say: by its own words of where it comes from."""
    said, origin = [], run.provenance
    if origin is not None and origin.narrowed:
        said.append(f"The run was narrowed: {origin.narrowed[0][:RESERVED]}. ")
    if origin is not None and origin.modified:
        said.append("Files of its commit were changed before it was made. ")
    return "".join(said)


def _loosened(run: Run) -> str:
    """Who loosened the judge is named before what it says."""
    looser = [change for change in run.judge_changes if change.looser]
    if not looser:
        return ""
    unseen = [change.what for change in looser if change.kind == "suite"]
    if unseen:  # nobody can say what became looser
        return f"{unseen[0][:1].upper()}{unseen[0][1:]}{'' if looser[0].recorded else '; nobody recorded why'}. "
    silent = sum(not change.recorded for change in looser)
    said = "each with a recorded reason" if not silent else f"{silent} of them without a recorded reason"
    return f"This change loosens the judge in {plural(len(looser), 'place')}, {said}. "


def is_incomplete(run: Run) -> bool:
    """Whether something that was planned is not in the bundle."""
    return (
        run.status == "incomplete"
        or (run.provenance is not None and run.provenance.interrupted)
        or run.exit_code == EXIT_INCOMPLETE
        or run.counts()["not measured"] > 0
        or bool(run.failures)
        or any(lane.status == "incomplete" or lane.failures for lane in run.lanes)
    )


def failures_of(run: Run) -> list[tuple[str, Failure]]:
    """All failures with their lanes; a code that leads the message is not said twice."""
    whole = [("run", failure) for failure in run.failures]
    return whole + [
        (lane.id, failure.model_copy(update={"message": failure.message.removeprefix(f"{failure.code}: ")}))
        for lane in run.lanes
        for failure in lane.failures
    ]


def missed(lane: Lane, run: Run) -> bool:
    """Whether a lane that did not run is a hole in this run's evidence, rather than another machine's business.

    A lane that each of several machines skipped is one; so is what a single machine was asked for by name, which shows
    in nothing else being missing. Where a lane of this machine was broken or stopped, that is why it is incomplete.
    """
    if lane.status != "skipped":
        return lane.status == "incomplete"
    if run.status != "incomplete" and run.exit_code != EXIT_INCOMPLETE:
        return False
    own = any(one.status == "incomplete" or one.failures for one in run.lanes) or run.counts()["not measured"] > 0
    return len(run.machines) > 1 or not own


def interruption(run: Run) -> str:
    """`Interrupted after 7 of 22 cases. `; nothing where nobody stopped the run."""
    ended = [failure for lane in run.lanes for failure in lane.failures if failure.exit_code == EXIT_INTERRUPTED]
    told = run.provenance is not None and run.provenance.interrupted
    if not ended and not told and run.exit_code != EXIT_INTERRUPTED:
        return ""
    done = planned = 0
    for lane in run.lanes:
        cases = {verdict.case for verdict in lane.verdicts} & run.cases.keys()
        planned += len(cases)
        done += len(cases & {sample.case for sample in lane.samples})
    return f"Interrupted after {done} of {plural(planned, 'case')}. "


def _incomplete(run: Run, counts: dict[Status, int], total: int) -> str:
    sentence = "No check failed, but the evidence is not complete." if total else "Nothing was judged."
    return interruption(run) + sentence + _rest(run, counts)


def _rest(run: Run, counts: dict[Status, int]) -> str:
    """What else is to be said beside the failures."""
    parts = []
    if counts["suspicious"]:
        parts.append(f"{counts['suspicious']} suspicious")
    if counts["not measured"]:
        parts.append(f"{counts['not measured']} not measured")
    broken = sum(lane.status == "incomplete" for lane in run.lanes)
    if broken:
        parts.append(f"{plural(broken, 'lane')} did not finish")
    also = f" Also: {', '.join(parts)}." if parts else ""
    return also + _provisional(run, counts) + _elsewhere(run)


def why_provisional(verdicts: Iterable[Verdict]) -> str:
    """Why verdicts rest on what stands out from sound variants alone."""
    others = any(verdict.provisional and OTHER_TEACHER in verdict.reason for verdict in verdicts)
    return f"the limits were {OTHER_TEACHER}: sdqa calibrate" if others else NOBODY


def _provisional(run: Run, counts: dict[Status, int]) -> str:
    """What rests on what stands out from sound variants alone, and what on nothing."""
    said = f" {run.provisional()} are provisional: {why_provisional(run.verdicts)}." if run.provisional() else ""
    return said + _not_judged(counts)


def _not_judged(counts: dict[Status, int]) -> str:
    count = counts.get("not judged", 0)
    return f" {plural(count, 'more figure')} {'was' if count == 1 else 'were'} not judged." if count else ""


def _elsewhere(run: Run) -> str:
    """Lanes and checks that this run was not to run: no failure, but no evidence either."""
    said = ""
    skipped = sum(lane.status == "skipped" for lane in run.lanes)
    if skipped:
        said += f" {plural(skipped, 'lane')} did not run."
    left_out = run.planned_checks - len(run.verdicts)
    if left_out > 0:
        said += f" {left_out} of {plural(run.planned_checks, 'planned check')} were not selected."
    return said


def _cause(run: Run) -> str:
    """Every cause that the diagnosis names, the one that explains most first."""
    lines = run.diagnosis.verdict.strip().splitlines() if run.diagnosis else []
    causes = [line[:CAUSE_LENGTH].rstrip(".") for line in lines if line.startswith("Cause: ")][:CAUSES]
    return "".join(f" {cause}." for cause in causes)


def worst(statuses: Iterable[Status]) -> Status | None:
    """The most serious status; None where there is none."""
    return min(statuses, key=SEVERITY.__getitem__, default=None)


def lane_tone(lane: Lane) -> Tone:
    """One status for a lane: what did not run is not measured, whatever else passed."""
    status = worst(v.status for v in lane.verdicts if v.status != "not judged") or "not measured"
    return "not measured" if lane.status != "ran" and status != "fail" else status
