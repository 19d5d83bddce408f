"""A run against an earlier one: new failures, those that stay, what was fixed, and figures that moved. Pure.

| before \\ after | fails | has a figure, does not fail | no figure |
|---|---|---|---|
| fails | still | fixed | lost |
| has a figure, does not fail | new | changed, or nothing | lost |
| no figure | new | gained | nothing |
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from sdqa.bundle import Better, Blob, Lane, Run, Verdict, is_timing
from sdqa.bundle.comparison import KINDS, CheckChange, CheckFigure, ComparedRun, Earlier, Kind, RunComparison
from sdqa.bundle.fingerprint import differences
from sdqa.report.checks import excess_of
from sdqa.report.format import plural
from sdqa.report.headline import SEVERITY
from sdqa.report.words import bounds_difference

NAMED = 5
"""Cases, or fields of a fingerprint, that a remark lists."""
_KINDS: dict[tuple[str, str], Kind] = {
    ("fails", "fails"): "still", ("fails", "holds"): "fixed", ("fails", "none"): "lost",
    ("holds", "fails"): "new", ("holds", "holds"): "changed", ("holds", "none"): "lost",
    ("none", "fails"): "new", ("none", "holds"): "gained",
}  # fmt: skip


def compare(before: Run, after: Run, *, identities: tuple[str, str] = ("", "")) -> RunComparison:
    """Every check of two runs. Times and memory count only where their status changes: no two runs have the same.

    Args:
        identities: of the runs, where the caller knows them.
    """
    old, new = _verdicts(before), _verdicts(after)
    goldens, candidates = _changed_pictures(before, after, "golden"), _changed_pictures(before, after, "candidate")
    changes, unchanged = [], 0
    for check in dict.fromkeys([*new, *old]):
        change = _change(check, old.get(check), new.get(check), goldens)
        if change is None:
            unchanged += 1
        else:
            changes.append(change)
    ran_before, ran_after = _ran(before), _ran(after)
    sides = _compared(before, identities[0]), _compared(after, identities[1])
    remarks = [*_judge_remarks(*sides, sorted({case for _, case in goldens})), *_fingerprint_remarks(before, after)]
    return RunComparison(
        before=sides[0],
        after=sides[1],
        remarks=tuple(remarks),
        changes=tuple(sorted(changes, key=_attention)),
        unchanged=unchanged,
        lanes_before_only=tuple(name for name in ran_before if name not in ran_after),
        lanes_after_only=tuple(name for name in ran_after if name not in ran_before),
        pictures=tuple(Earlier(lane=lane, case=case, candidate=blob) for (lane, case), blob in candidates.items()),
    )


def _verdicts(run: Run) -> dict[str, tuple[Lane, Verdict, Better]]:
    """Check → its lane, its verdict and which way is better."""
    found: dict[str, tuple[Lane, Verdict, Better]] = {}
    for lane in run.lanes:
        better: dict[str, Better] = {one.metric: one.better for one in lane.measurements}
        found.update({one.check: (lane, one, better.get(one.metric, "none")) for one in lane.verdicts})
    return found


def _change(
    check: str,
    old: tuple[Lane, Verdict, Better] | None,
    new: tuple[Lane, Verdict, Better] | None,
    goldens: dict[tuple[str, str], Blob],
) -> CheckChange | None:
    """What became of one check; None where it is what it was and does not fail."""
    before, after = _figure(old), _figure(new)
    kind = _KINDS.get((_answer(before), _answer(after)))
    present = new or old
    assert present is not None
    lane, verdict, better = present
    if kind is None or (kind == "changed" and not _moved(before, after, verdict.metric)):
        return None
    return CheckChange(
        kind=kind,
        check=check,
        lane=lane.id,
        metric=verdict.metric,
        case=verdict.case,
        component=verdict.component,
        unit=verdict.unit,
        better=better,
        before=before,
        after=after,
        worse=_worse(before, after),
        reason=verdict.reason if new is not None else _absence(lane, verdict),
        notes=tuple(_notes(old, new, goldens)),
    )


def _figure(found: tuple[Lane, Verdict, Better] | None) -> CheckFigure | None:
    if found is None:
        return None
    _, verdict, better = found
    broken = verdict.value is not None and not math.isfinite(verdict.value)  # fails before its limit is looked up
    judged = verdict.status != "not measured" and (verdict.tolerance is not None or broken)
    return CheckFigure(
        status=verdict.status,
        value=verdict.value,
        difference=verdict.difference if bounds_difference(verdict) else None,
        limit=verdict.tolerance,
        excess=excess_of(verdict, better) if judged else None,
    )


def _answer(figure: CheckFigure | None) -> str:
    if figure is None or not figure.measured:
        return "none"
    return "fails" if figure.status == "fail" else "holds"


def _moved(before: CheckFigure | None, after: CheckFigure | None, metric: str) -> bool:
    """Whether status or figure is another; NaN equals NaN."""
    if before is None or after is None or before.status != after.status:
        return True
    pairs = ((before.value, after.value), (before.difference, after.difference))
    return not is_timing(metric) and not all(_same(a, b) for a, b in pairs)


def _same(a: float | None, b: float | None) -> bool:
    return a == b or (a is not None and b is not None and math.isnan(a) and math.isnan(b))


def _worse(before: CheckFigure | None, after: CheckFigure | None) -> float | None:
    if before is None or after is None or before.excess is None or after.excess is None:
        return None
    change = after.excess - before.excess
    return 0.0 if math.isnan(change) else change  # as far beyond as can be, before and after


def _absence(lane: Lane, verdict: Verdict) -> str:
    """Of a check that the later run does not have: what it was."""
    return f"{lane.id} does not answer it any more; before: {verdict.reason or verdict.status}"


def _notes(
    old: tuple[Lane, Verdict, Better] | None,
    new: tuple[Lane, Verdict, Better] | None,
    goldens: dict[tuple[str, str], Blob],
) -> Iterator[str]:
    if old is None or new is None:
        return
    (_, one, _), (lane, other, _) = old, new
    if one.fingerprint and other.fingerprint and one.fingerprint != other.fingerprint:
        yield "measured under another fingerprint"
    if (lane.id, other.case or "") in goldens or not _same(one.golden, other.golden):
        yield "its golden changed"
    if not _same(one.tolerance, other.tolerance):
        yield "its limit changed"
    if one.unit != other.unit:
        yield "its unit changed"


def _attention(change: CheckChange) -> tuple[float, ...]:
    """Kinds in the order of attention; in each what got most out of hand first, then what moved most."""
    shown = change.after if change.after is not None and change.after.measured else change.before
    assert shown is not None
    excess = -math.inf if shown.excess is None else shown.excess
    worse = 0.0 if change.worse is None else change.worse
    order = (-worse, -excess) if change.kind == "changed" else (-excess, -worse)
    return (KINDS.index(change.kind), SEVERITY[shown.status], *order)


def _changed_pictures(before: Run, after: Run, kind: str) -> dict[tuple[str, str], Blob]:
    """The earlier run's pictures of a kind, of the lanes and cases where the later run has another one."""
    old, new = (
        {(lane.id, one.case): one.images[kind] for lane in run.lanes for one in lane.samples if kind in one.images}
        for run in (before, after)
    )
    return {place: old[place] for place, blob in new.items() if place in old and old[place].sha256 != blob.sha256}


def _ran(run: Run) -> list[str]:
    return [lane.id for lane in run.lanes if lane.status != "skipped"]


def _compared(run: Run, identity: str) -> ComparedRun:
    origin = run.provenance
    return ComparedRun(
        created=run.created,
        identity=identity or run.identity(),
        suite=run.suite,
        suite_digest=run.suite_digest,
        sdqa_version=run.sdqa_version,
        exit_code=run.exit_code,
        commit=origin.commit if origin else "",
        ref=origin.ref if origin else "",
        judge_digest=origin.judge_digest if origin else "",
        fault=run.fault,
    )


def _judge_remarks(one: ComparedRun, other: ComparedRun, goldens: list[str]) -> Iterator[str]:
    """What makes figures of the two runs mean different things."""
    if one.suite != other.suite:
        yield f"the runs are of two suites, {one.suite} and {other.suite}: only checks of the same name are compared"
    elif one.suite_digest != other.suite_digest:
        yield f"the suite changed, {one.suite_digest[:12]} → {other.suite_digest[:12]}: cases or lanes may differ"
    if one.judge_digest and other.judge_digest and one.judge_digest != other.judge_digest:
        yield "the judge changed: limits, budgets, goldens or baselines are not the same"
    if goldens:
        yield f"{plural(len(goldens), 'golden')} changed: {_listed(goldens)}"
    if one.fault != other.fault:
        yield f"a fault was planted on purpose: before {one.fault or 'none'}, after {other.fault or 'none'}"
    if one.sdqa_version != other.sdqa_version:
        yield f"sdqa changed, {one.sdqa_version} → {other.sdqa_version}"


def _fingerprint_remarks(before: Run, after: Run) -> Iterator[str]:
    """The lanes that were not measured under the same conditions."""
    earlier = {lane.id: lane for lane in before.lanes}
    for lane in after.lanes:
        if lane.id in earlier and "skipped" not in (lane.status, earlier[lane.id].status):
            fields = differences(earlier[lane.id].fingerprint, lane.fingerprint)
            if fields:
                yield f"{lane.id} was measured under another fingerprint: {_listed(fields)}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
