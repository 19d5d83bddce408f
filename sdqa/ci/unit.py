"""A planned unit's evidence, held against the plan and judged again: what speaks against it is among its failures."""

from __future__ import annotations

from collections.abc import Sequence

from sdqa.bundle import Lane, Measurement, Verdict
from sdqa.bundle.parts import is_statistic, join_lanes
from sdqa.ci.examined import examined
from sdqa.ci.judge import LaneJudge
from sdqa.ci.plan import PlannedUnit
from sdqa.ci.problem import NAMED, problem, some
from sdqa.ci.seen import Seen
from sdqa.errors import BundleError
from sdqa.gate.evidence import BUDGET


def whole_units(units: Sequence[PlannedUnit]) -> tuple[PlannedUnit, ...]:
    """The units of each lane as one, with every case and check id of theirs: a lane is proved as a whole."""
    found: dict[str, PlannedUnit] = {}
    for unit in units:
        known = found.get(unit.lane)
        if known is not None:
            facts = {
                "id": unit.lane,
                "cases": tuple(dict.fromkeys((*known.cases, *unit.cases))),
                "checks": tuple(dict.fromkeys((*known.checks, *unit.checks))),
                "unet_calls": known.unet_calls + unit.unet_calls,
            }
            unit = known.model_copy(update=facts)
        found[unit.lane] = unit
    return tuple(found.values())


def judged_unit(unit: PlannedUnit, parts: Sequence[Lane], judge: LaneJudge, shown: Seen) -> Lane:
    """A unit's evidence, judged; what speaks against it stands among its failures.

    Args:
        shown: what was seen of the pictures and latents that arrived.
    """
    absent = Lane(
        id=unit.lane,
        model=unit.model,
        variant=unit.variant,
        runtime=unit.runtime,
        compute_unit=unit.compute_unit,
        status="skipped",
        planned=unit.checks,
    )
    if not parts:
        return _refused(absent, "no bundle of this commit ran this lane")
    parts, doubted = _examined(parts, judge, shown)
    try:
        lane = _joined(parts)
    except BundleError as error:
        return _refused(absent, error.what)
    wrong = _mismatches(unit, lane)
    if wrong:
        return _refused(absent, "; ".join(wrong))
    lane = _in_order(unit, lane)
    verdicts = judge.verdicts(lane)
    whole = all(set(unit.cases) <= {m.case for m in part.measurements} for part in parts)
    against = [
        *doubted,
        *_unaccounted(unit, lane, verdicts, statistics=whole),
        *_disagreements(lane, verdicts, statistics=whole),
    ]
    failures = (*lane.failures, *(problem(unit.lane, text) for text in against))
    return lane.model_copy(
        update={
            "verdicts": verdicts,
            "planned": unit.checks,
            "failures": failures,
            "status": "incomplete" if failures else lane.status,
        }
    )


def _examined(parts: Sequence[Lane], judge: LaneJudge, shown: Seen) -> tuple[list[Lane], list[str]]:
    """Each part without the figures that cannot be right, and what speaks against it, before any is chosen from."""
    kept, said = [], []
    for part in parts:
        lane, found = examined(part, judge.references[part.id], shown)
        kept.append(lane)
        said += found
    return kept, list(dict.fromkeys(said))


def _joined(parts: Sequence[Lane]) -> Lane:
    lane = parts[0]
    for part in parts[1:]:
        lane = join_lanes(lane, part)
    return lane


def _in_order(unit: PlannedUnit, lane: Lane) -> Lane:
    """The same record in the plan's order, however its parts arrived: one lane is one document."""
    checks = {check: number for number, check in enumerate(unit.checks)}
    cases = {case: number for number, case in enumerate(unit.cases)}

    def place(figure: Measurement) -> tuple[int, int, str, str]:
        check = f"{unit.lane}/{figure.case or figure.component or BUDGET}/{figure.metric}"
        case = cases.get(figure.case or "", len(cases))
        return case, checks.get(check, len(checks)), figure.component or "", figure.metric

    return lane.model_copy(
        update={
            "samples": tuple(sorted(lane.samples, key=lambda sample: cases.get(sample.case, len(cases)))),
            "measurements": tuple(sorted(lane.measurements, key=place)),
            "remarks": tuple(sorted(lane.remarks)),
        }
    )


def _refused(absent: Lane, what: str) -> Lane:
    """The lane without evidence: every planned check is there, and not measured."""
    verdicts = tuple(
        Verdict(check=check, metric=check.rsplit("/", 1)[-1], status="not measured", reason=what)
        for check in absent.planned
    )
    failures = (problem(absent.id, what),)
    return absent.model_copy(update={"status": "incomplete", "failures": failures, "verdicts": verdicts})


def _mismatches(unit: PlannedUnit, lane: Lane) -> list[str]:
    """A lane that says it is another one would be judged by that one's limits."""
    fields = ("model", "variant", "runtime", "compute_unit")
    found = [
        f"its {field} is {getattr(lane, field)!r}" for field in fields if getattr(lane, field) != getattr(unit, field)
    ]
    system = lane.fingerprint.system
    if unit.system and system != unit.system:
        found.append(f"it ran on {system or 'an unknown system'}, planned was {unit.system}")
    strange = sorted({m.case for m in lane.measurements if m.case is not None} - set(unit.cases))
    if strange:
        found.append(f"it measured cases that nobody planned: {', '.join(strange[:NAMED])}")
    return found


def _unaccounted(unit: PlannedUnit, lane: Lane, verdicts: Sequence[Verdict], *, statistics: bool) -> list[str]:
    """Check ids: what was planned, what the bundle answered and what the judge finds must be the same.

    Args:
        statistics: whether figures over all cases had to be answered; a part has only some of them.
    """
    planned, answered = set(unit.checks), {verdict.check for verdict in lane.verdicts}
    judged = {verdict.check for verdict in verdicts}
    found = []
    if lane.status != "ran" and not lane.failures:
        found.append(f"it did not finish: {lane.reason or 'no reason was given'}")
    missing = sorted(check for check in planned - answered if statistics or not is_statistic(check, unit.lane))
    if missing:
        found.append(f"{len(missing)} of {len(planned)} planned checks have no verdict: {some(missing)}")
    foreign = sorted(answered - judged)
    if foreign:
        found.append(f"it answers checks that nobody planned: {some(foreign)}")
    return found


def _disagreements(lane: Lane, verdicts: Sequence[Verdict], *, statistics: bool) -> list[str]:
    """Failures that the machine saw and its measurements do not show.

    Args:
        statistics: whether its figures over all cases count; a part had only some of them.
    """
    ours = {verdict.check: verdict.status for verdict in verdicts}
    bad = ("fail", "not measured")
    said = [v for v in lane.verdicts if statistics or not is_statistic(v.check, lane.id)]
    lost = [v.check for v in said if v.status in bad and ours.get(v.check) not in bad]
    return [f"it failed where it ran, though its measurements pass: {some(sorted(lost))}"] if lost else []
