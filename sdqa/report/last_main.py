"""Against the last run of the main line: a record of the history as the run that it was, as far as it says.

A record has every figure with its verdict, and no pictures and no words. That is enough to say what is new since then,
what still fails and what is fixed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sdqa.bundle import Blob, Lane, Measurement, Run, Sample, Verdict
from sdqa.bundle.comparison import RunComparison
from sdqa.bundle.provenance import Provenance
from sdqa.history import RecordedLane, RecordedRun
from sdqa.history.making import DIGITS
from sdqa.history.records import Figure, utc
from sdqa.report.against import compare

Key = tuple[str, str, str, str]  # lane, metric, case, component


def since_last_main(history: Sequence[RecordedRun], run: Run, identity: str = "") -> RunComparison | None:
    """A run compared with the last whole run of the main line before it; None where the history has none.

    Args:
        history: the oldest first; it may hold the run itself.
        identity: of the run, where the caller knows it.
    """
    try:
        now = utc(run.created)
    except ValueError:
        return None  # it says no time, so nobody knows what was before it
    before = [one for one in history if _is_main(one) and one.suite == run.suite and utc(one.created) < now]
    return compare(as_run(before[-1], run), run, identities=(before[-1].identity, identity)) if before else None


def _is_main(record: RecordedRun) -> bool:
    return not (record.fault or record.pull_request or record.partial)


def as_run(record: RecordedRun, now: Run) -> Run:
    """The run that a record is of.

    Args:
        now: a later run: it says which check a figure is of, and gives its own digits to a figure that is the same. Of
            a run that was narrowed only the checks that it has are taken.
    """
    known = {(lane.id, v.metric, v.case or "", v.component or ""): v for lane in now.lanes for v in lane.verdicts}
    narrowed = bool(now.provenance and (now.provenance.narrowed or now.provenance.interrupted))
    return Run(
        sdqa_version=record.sdqa_version,
        suite=record.suite,
        suite_digest=record.suite_digest,
        created=record.created,
        status=record.status,
        exit_code=record.exit_code,
        lanes=tuple(_lane(one, known, narrowed) for one in record.lanes),
        provenance=Provenance(commit=record.commit, ref=record.ref, judge_digest=record.judge),
    )


def _lane(lane: RecordedLane, known: Mapping[Key, Verdict], narrowed: bool) -> Lane:
    table = lane.figures
    names = zip(table.metric, table.component, table.case, strict=True)
    of_cases = {(metric, part) for metric, part, case in names if case}
    judged = [
        (figure, same)
        for figure in table.rows()
        if figure.status
        for same in [known.get((lane.id, figure.metric, figure.case, figure.component))]
        # A median over cases that nobody judged has the worst status of its cases, and is no check.
        if same or not (narrowed or (not figure.case and (figure.metric, figure.component) in of_cases))
    ]
    return Lane(
        id=lane.id,
        model=lane.model,
        variant=lane.variant,
        runtime=lane.runtime,
        compute_unit=lane.compute_unit,
        status=lane.status,
        fingerprint=lane.fingerprint,
        verdicts=tuple(_verdict(lane.id, figure, same) for figure, same in judged),
        measurements=tuple(
            Measurement(metric=metric, value=None, better=better)
            for metric, better in {figure.metric: figure.better for figure, _ in judged}.items()
        ),
        samples=tuple(
            Sample(case=case, images={"golden": Blob(sha256=digest, bytes=0, media_type="")})
            for case, digest in lane.goldens.items()
        ),
    )


def _verdict(lane: str, one: Figure, now: Verdict | None) -> Verdict:
    assert one.status
    low, high = (_exact(value, end) for value, end in zip((one.low, one.high), _ends(now), strict=True))
    return Verdict(
        check=now.check if now else f"{lane}/{one.case or one.component or 'lane'}/{one.metric}",
        metric=one.metric,
        case=one.case or None,
        component=one.component or None,
        status=one.status,
        value=_exact(one.value, now.value if now else None),
        golden=_exact(one.golden, now.golden if now else None),
        difference=_exact(one.difference, now.difference if now else None),
        interval=None if low is None or high is None else (low, high),
        tolerance=_exact(one.limit, now.tolerance if now else None),
        unit=one.unit,
        n=one.n,
    )


def _ends(now: Verdict | None) -> tuple[float | None, float | None]:
    return now.interval if now and now.interval else (None, None)


def _exact(recorded: float | None, now: float | None) -> float | None:
    """A record keeps nine digits: what is the same in them is the same."""
    if recorded is None or now is None or float(f"{now:.{DIGITS}g}") != recorded:
        return recorded
    return now
