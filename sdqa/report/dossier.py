"""Everything that a run says of one case: what was asked for, the pictures, every figure, the worst first. Pure."""

from __future__ import annotations

import difflib
import fnmatch
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sdqa.bundle import Better, CaseInputs, Film, Lane, Measurement, Record, Run, Sample, Status, Verdict
from sdqa.errors import UsageError
from sdqa.report.checks import excess_of
from sdqa.report.format import show_said
from sdqa.report.headline import SEVERITY, worst
from sdqa.report.links import PAGE, case_address
from sdqa.report.position import position, show_position
from sdqa.report.words import evidence_words

KINDS = ("source", "golden", "baseline", "candidate", "difference")
NAMED = 12
"""Cases that a refusal lists."""


class CaseFigure(Record):
    """One figure of a case, as it was judged."""

    check: str  # empty where no check asks for it
    metric: str
    status: Status
    provisional: bool = False
    unit: str = ""
    better: Better = "none"
    value: float | None = None
    golden: float | None = None
    difference: float | None = None
    interval: tuple[float, float] | None = None
    limit: float | None = None
    n: int = 1
    position: float | None = None  # see `sdqa.report.position`
    position_words: str = ""
    words: str = ""
    reason: str = ""


class DossierLane(Record):
    """A case in one lane."""

    lane: str
    status: Status | None  # None: no verdict of its own
    address: str
    pictures: dict[str, str]  # kind → path in the bundle's folder
    seconds: float | None = None
    film: Film | None = None
    figures: tuple[CaseFigure, ...] = ()  # the worst first
    failures: tuple[str, ...] = ()


class Dossier(Record):
    """A case over the lanes that have it."""

    case: str
    inputs: CaseInputs
    lanes: tuple[DossierLane, ...]

    @property
    def status(self) -> Status | None:
        """The worst of all lanes."""
        return worst(lane.status for lane in self.lanes if lane.status is not None)


@dataclass
class _Told:
    """What a lane tells of one case."""

    sample: Sample | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)


def _told(lane: Lane) -> dict[str, _Told]:
    """Case → what the lane tells of it."""
    found: dict[str, _Told] = {}
    for sample in lane.samples:
        found.setdefault(sample.case, _Told()).sample = sample
    for verdict in lane.verdicts:
        if verdict.case is not None:
            found.setdefault(verdict.case, _Told()).verdicts.append(verdict)
    for measurement in lane.measurements:
        if measurement.case is not None:
            found.setdefault(measurement.case, _Told()).measurements.append(measurement)
    return found


def dossier(run: Run, case: str, lanes: Iterable[str] = (), page: str = PAGE) -> Dossier:
    """What a run says of a case.

    Args:
        lanes: ids or patterns; all that have the case when empty.
        page: the report's page, as `sdqa.report.links.page_of` names it.

    Raises:
        UsageError: the run has no such case, or no lane that matches has it.
    """
    told = {lane.id: _told(lane) for lane in run.lanes}
    known = dict.fromkeys([*run.cases, *(name for one in told.values() for name in one)])
    if case not in known:
        raise UsageError(f"the run has no case {case[:80]!r}", where=run.suite, hint=_meant(case, tuple(known)))
    found = [_in_lane(lane, case, told[lane.id][case], page) for lane in _having(case, chosen_lanes(run, lanes), told)]
    if not found:
        having = ", ".join(lane.id for lane in _having(case, run.lanes, told)) or "none"
        raise UsageError(f"no lane that matches has the case {case!r}", hint=f"lanes that have it: {having}")
    return _dossier(run, case, found)


def dossiers(run: Run, lanes: Iterable[str] = (), page: str = PAGE) -> tuple[Dossier, ...]:
    """All cases that the lanes have, the worst first.

    Raises:
        UsageError: a pattern matches no lane.
    """
    found: dict[str, list[DossierLane]] = {}
    for lane in chosen_lanes(run, lanes):
        for case, told in _told(lane).items():
            found.setdefault(case, []).append(_in_lane(lane, case, told, page))
    made = (_dossier(run, case, known) for case, known in found.items())
    return tuple(sorted(made, key=lambda one: _lane_rank(one.lanes[0])))


def _dossier(run: Run, case: str, lanes: list[DossierLane]) -> Dossier:
    return Dossier(case=case, inputs=run.cases.get(case, CaseInputs()), lanes=tuple(sorted(lanes, key=_lane_rank)))


def _having(case: str, lanes: Iterable[Lane], told: Mapping[str, Mapping[str, _Told]]) -> list[Lane]:
    return [lane for lane in lanes if case in told[lane.id]]


def chosen_lanes(run: Run, patterns: Iterable[str]) -> tuple[Lane, ...]:
    """The lanes that match any of the patterns; all when there are none.

    Raises:
        UsageError: a pattern matches no lane.
    """
    wanted = tuple(patterns)
    for pattern in wanted:
        if not any(fnmatch.fnmatchcase(lane.id, pattern) for lane in run.lanes):
            names = ", ".join(lane.id for lane in run.lanes[:NAMED]) or "none"
            raise UsageError(f"no lane matches {pattern[:80]!r}", hint=f"lanes: {names}")
    return tuple(
        lane for lane in run.lanes if not wanted or any(fnmatch.fnmatchcase(lane.id, one) for one in wanted)
    )  # fmt: skip


def _meant(case: str, known: tuple[str, ...]) -> str:
    """The likeliest spellings, or what there is."""
    lowered = {name.lower(): name for name in known}
    close = [lowered[one] for one in difflib.get_close_matches(case.lower(), lowered, n=3, cutoff=0.5)]
    close = close or [name for name in known if case and case.lower() in name.lower()][:3]
    if close:
        return f"did you mean {' or '.join(repr(name) for name in close)}?"
    more = f" and {len(known) - NAMED} more" if len(known) > NAMED else ""
    return f"cases: {', '.join(known[:NAMED]) or 'none'}{more}"


def _in_lane(lane: Lane, case: str, told: _Told, page: str) -> DossierLane:
    return DossierLane(
        lane=lane.id,
        status=worst(verdict.status for verdict in told.verdicts),
        address=case_address(case, lane.id, page),
        pictures=_pictures(told.sample),
        seconds=told.sample.seconds if told.sample else None,
        film=told.sample.facts.film if told.sample else None,
        figures=tuple(_figures(told)),
        failures=tuple(f"{one.code} {one.stage}: {one.message}" for one in lane.failures if one.where == case),
    )


def _pictures(sample: Sample | None) -> dict[str, str]:
    images = sample.images if sample else {}
    order = [*(kind for kind in KINDS if kind in images), *sorted(set(images) - set(KINDS))]
    return {kind: images[kind].path for kind in order}


def _figures(told: _Told) -> Iterator[CaseFigure]:
    """The case's verdicts, the worst first; then figures that no check asks for."""
    better: dict[str, Better] = {one.metric: one.better for one in told.measurements}
    ranked = sorted(told.verdicts, key=lambda one: _rank(one, better.get(one.metric, "none")))
    yield from (_judged(verdict, better.get(verdict.metric, "none")) for verdict in ranked)
    asked = {verdict.metric for verdict in told.verdicts}
    yield from (_unasked(one) for one in told.measurements if one.metric not in asked)


def _rank(verdict: Verdict, better: str) -> tuple[float, float]:
    """Failures first; in a status, what has gone furthest towards its limit or beyond."""
    excess = excess_of(verdict, better) if verdict.tolerance is not None or verdict.status == "fail" else -math.inf
    return (SEVERITY[verdict.status], -excess)


def _lane_rank(lane: DossierLane) -> tuple[float, float]:
    if lane.status is None or not lane.figures:
        return (len(SEVERITY), 0.0)
    first = lane.figures[0]
    finite = first.value is not None and math.isfinite(first.value)
    reach = first.position if first.position is not None else 0.0
    return (SEVERITY[lane.status], -reach if finite else -math.inf)


def _judged(verdict: Verdict, better: Better) -> CaseFigure:
    return CaseFigure(
        check=verdict.check,
        metric=verdict.metric,
        status=verdict.status,
        provisional=verdict.provisional,
        unit=verdict.unit,
        better=better,
        value=verdict.value,
        golden=verdict.golden,
        difference=verdict.difference,
        interval=verdict.interval,
        limit=verdict.tolerance,
        n=verdict.n,
        position=position(verdict, better),
        position_words=show_position(verdict, better),
        words=evidence_words(verdict),
        reason=show_said(verdict.reason),
    )


def _unasked(one: Measurement) -> CaseFigure:
    drawn = Verdict(
        check="", metric=one.metric, status="not judged", value=one.value, golden=one.golden, unit=one.unit, n=one.n,
        reason=one.reason or "no check asks for it",
    )  # fmt: skip
    return _judged(drawn, one.better)
