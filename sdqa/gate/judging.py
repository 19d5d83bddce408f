"""Verdicts: pure functions of a lane's measurements, the tolerances and the budgets.

- What is not finite, or has another shape, fails before anything is compared.
- A figure that is missing is *not measured*, and says why. Nothing passes that was not measured.
- A lane without limits of its own is judged *provisionally*, by what stands out from sound variants (`visibility`); a
  figure that has no such bound is *not judged*. Where calibrated lanes are required, neither counts: both are *not
  measured*.
- Over the cases of a lane: *fail* when the mean is beyond the limit, *suspicious* when the mean holds but the interval
  reaches beyond, *pass* when the whole interval lies within (non-inferiority).
- A single case: *fail* when it is as bad as a fault (`severe`), or beyond its limit while the mean fails too;
  *suspicious* when it alone is beyond its limit; *pass* within. A kind of case with a tail is judged alone (`tail`).

Worse figures never turn a fail into anything better: the mean and every comparison are monotone in every figure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from sdqa.bundle import Lane, Measurement, Status, Verdict
from sdqa.gate import statistics
from sdqa.gate.baseline import METRICS as BASELINE_METRICS
from sdqa.gate.closeness import noted, room_used
from sdqa.gate.evidence import ALL, BUDGET, EXECUTED, FATAL, FROM_PACKAGES, HARD, MeasuredLane, NoBudgets, StatedBudgets
from sdqa.gate.standards import Standard, Standards
from sdqa.gate.tail import Tail
from sdqa.gate.tolerances import Tolerance, Tolerances
from sdqa.gate.wording import cases_in_words, figure_in_words, with_unit
from sdqa.runtime.registry import on_device
from sdqa.store import digest_of

CHANGED = "from its baseline; the lane changed: look at both, and approve it if it is meant (sdqa approve)"


def judge(
    lane: Lane,
    tolerances: Tolerances | Standards | None,
    budgets: StatedBudgets | None = None,
    *,
    planned: Iterable[str] = (),
) -> tuple[Verdict, ...]:
    """All verdicts of a lane.

    Args:
        tolerances: of the lane's model, or all standards; without limits of its own a lane is judged provisionally.
        planned: check ids (`plan_checks`); those that nothing was measured for become "not measured".

    Returns:
        The planned checks in their order, then whatever else was measured.
    """
    planned = tuple(planned)
    evidence, limits, standards = MeasuredLane.of(lane, planned), budgets or NoBudgets(), _standards(tolerances)
    checks = list(dict.fromkeys([*planned, *evidence.checks(standards.tolerances, limits)]))
    return tuple(_verdict(check, evidence, standards, limits) for check in checks)


def verdict(
    check: str,
    lane: Lane,
    tolerances: Tolerances | Standards | None,
    budgets: StatedBudgets | None = None,
    *,
    planned: Iterable[str] = (),
) -> Verdict:
    """One check's verdict; the same as in `judge`, at the price of one check."""
    return _verdict(check, MeasuredLane.of(lane, planned), _standards(tolerances), budgets or NoBudgets())


def _standards(tolerances: Tolerances | Standards | None) -> Standards:
    return tolerances if isinstance(tolerances, Standards) else Standards(tolerances)


def _verdict(check: str, evidence: MeasuredLane, standards: Standards, budgets: StatedBudgets) -> Verdict:
    scope, _, metric = check.removeprefix(f"{evidence.lane.id}/").rpartition("/")
    if scope == BUDGET:
        return _budget(check, metric, evidence, budgets)
    if scope == ALL and metric not in HARD:
        return _lane(check, metric, evidence, standards)
    if scope == ALL:
        return _single(check, metric, evidence.whole.get(metric), evidence, standards, scope="")
    if (scope, metric) in evidence.components:
        return _single(check, metric, evidence.components[scope, metric], evidence, standards, scope)
    return _single(check, metric, evidence.cases.get(metric, {}).get(scope), evidence, standards, scope)


def _single(
    check: str,
    metric: str,
    measurement: Measurement | None,
    evidence: MeasuredLane,
    standards: Standards,
    scope: str,
) -> Verdict:
    """One case, one component, or a hard metric of the lane."""
    if measurement is None:
        unrun = evidence.cannot_run(scope) if metric in EXECUTED else ""
        if unrun:
            return Verdict(check=check, metric=metric, component=scope, status="fail", reason=unrun)
        known = {p.component for p in evidence.lane.packages}
        place = {"component": scope} if scope in known else {"case": scope} if scope else {}
        return Verdict(check=check, metric=metric, status="not measured", reason=evidence.failure(scope), **place)
    draft = _draft(check, measurement)
    broken = evidence.broken.get(measurement.case or "")
    if metric in HARD:
        return _hard(draft, measurement)
    if broken and metric not in FATAL:
        return _said(draft, "fail", f"nothing to compare: {broken}")
    if measurement.value is None:
        return _said(draft, "not measured", measurement.reason or "no value, and no reason given")
    if not math.isfinite(measurement.value):
        return _said(draft, "fail", f"the figure is {measurement.value}")
    standard = standards.of(measurement, evidence.lane)
    tolerance = standard.tolerance
    if tolerance is None:
        return _said(draft, standard.status, standard.words)
    figure = _figure(measurement, tolerance)
    if figure is None:
        return _said(draft, "not measured", "the golden has no figure to compare with")
    draft = draft.model_copy(update={"tolerance": tolerance.case_limit})
    stated = f"{figure_in_words(tolerance, figure)}, a case may reach {with_unit(tolerance, tolerance.case_limit)}"
    if not tolerance.worse_than(figure, tolerance.case_limit):
        passed = _ruled(draft, "pass", stated, standard, standards)
        return passed if standard.provisional else noted(passed, room_used(tolerance, figure, tolerance.case_limit))
    if metric in BASELINE_METRICS and not standard.provisional:
        return _said(draft, "fail", f"{stated} {CHANGED}")
    if tolerance.tail is not None and standards.is_alone(measurement.case, tolerance):
        return _alone(draft, tolerance, tolerance.tail, figure, stated)
    if tolerance.worse_than(figure, tolerance.severe):
        return _ruled(draft, "fail", f"{stated}; as bad as a fault", standard, standards)
    if measurement.case is None:
        return _ruled(draft, "fail", stated, standard, standards)
    if _mean_fails(metric, evidence, tolerance, standards):
        return _ruled(draft, "fail", f"{stated}; so is the mean of the lane", standard, standards)
    return _ruled(draft, "suspicious", f"{stated}; an outlier: the mean of the lane holds", standard, standards)


def _alone(draft: Verdict, tolerance: Tolerance, tail: Tail, figure: float, stated: str) -> Verdict:
    """A case beyond what the others may reach, of a kind that reaches farther without harm: the mean says nothing."""
    reach = f"{tail.kind} alone may reach {with_unit(tolerance, tail.severe)}, after {tail.n} draws"
    if tolerance.worse_than(figure, tail.severe):
        return _said(draft, "fail", f"{stated}; {reach}")
    return _said(draft, "suspicious", f"{stated}; from some noise sound ones draw another picture: {reach}")


def _hard(draft: Verdict, measurement: Measurement) -> Verdict:
    draft = draft.model_copy(update={"tolerance": 1.0})
    if measurement.value is None:
        return _said(draft, "not measured", measurement.reason or "no value, and no reason given")
    if measurement.value == 1:
        return _said(draft, "pass", "is 1, must be 1")
    detail = f": {measurement.reason}" if measurement.reason else ""
    return _said(draft, "fail", f"is {measurement.value:.6g}, must be 1{detail}")


def _lane(check: str, metric: str, evidence: MeasuredLane, standards: Standards) -> Verdict:
    """The paired statistic over all cases of the lane."""
    table = evidence.cases.get(metric, {})
    if not table:
        return Verdict(check=check, metric=metric, status="not measured", reason=evidence.failure(""))
    measured = {case: m for case, m in sorted(table.items()) if m.value is not None}
    fingerprints = sorted({m.fingerprint for m in table.values()})
    first = next(iter(table.values()))
    draft = Verdict(
        check=check,
        metric=metric,
        status="not measured",
        unit=first.unit,
        n=len(measured),
        fingerprint=fingerprints[0] if len(fingerprints) == 1 else digest_of(fingerprints),
    )
    bad = [case for case, m in sorted(table.items()) if case in evidence.broken or not math.isfinite(m.value or 0.0)]
    if bad:
        return _said(draft, "fail", f"nothing to compare in {cases_in_words(bad, len(table))}")
    missing = sorted((set(table) | evidence.expected.get(metric, frozenset())) - set(measured))
    found = [standards.of(measurement, evidence.lane) for measurement in table.values()]
    standard = next((one for one in found if one.tolerance is None), found[0])
    tolerance = standard.tolerance
    if tolerance is None:
        return _said(draft, standard.status, standard.words)
    figures = {case: _figure(m, tolerance) for case, m in measured.items()}
    compared = {case: figure for case, figure in figures.items() if figure is not None}
    if not compared:
        why = next(iter(table.values())).reason if missing else "the goldens have no figures to compare with"
        return _said(draft, "not measured", why or "no case was measured")
    shared = standards.in_the_mean(compared, tolerance)
    known, limit = list(shared.values()), standards.mean_limit(shared, tolerance)
    mean = math.fsum(known) / len(known)
    ends = statistics.interval(known)
    values = [measured[case].value or 0.0 for case in shared]
    goldens = [m.golden for case, m in measured.items() if case in shared and m.golden is not None]
    draft = draft.model_copy(
        update={
            "n": len(shared),
            "value": math.fsum(values) / len(values),
            "golden": math.fsum(goldens) / len(goldens) if len(goldens) == len(shared) else None,
            "difference": mean if tolerance.of == "difference" else None,
            "interval": ends,
            "tolerance": limit,
        }
    )
    shift = statistics.smallest_shift(
        statistics.loss(limit, tolerance.better), [statistics.loss(f, tolerance.better) for f in known]
    )
    stated = f"{figure_in_words(tolerance, mean)} on average over {len(known)} cases, "
    stated += f"may reach {with_unit(tolerance, limit)}"
    if len(shared) < len(compared):
        stated += f"; without {cases_in_words(sorted(set(compared) - set(shared)), len(compared))}, judged alone"
    if shift > 0:  # where the mean fails already, there is no smaller shift to notice
        stated += f"; a shift of {shift:.3g} would be noticed with {statistics.POWER:.0%}"
    end = ends[0] if tolerance.better == "higher" else ends[1]
    status: Status = "pass"
    if tolerance.worse_than(mean, limit):
        status = "fail"
    elif missing or len(compared) < len(measured):
        status, stated = (
            "not measured",
            f"{stated}; without {cases_in_words(missing or ['a golden'], len(measured) + len(missing))}",
        )
    elif tolerance.worse_than(end, limit):
        status, stated = "suspicious", f"{stated}; the interval reaches {with_unit(tolerance, end)}"
    ruled = _ruled(draft, status, stated, standard, standards)
    return ruled if standard.provisional else noted(ruled, room_used(tolerance, mean, limit))


def _budget(check: str, name: str, evidence: MeasuredLane, budgets: StatedBudgets) -> Verdict:
    limit, measurement = getattr(budgets, name, None), evidence.whole.get(name)
    if limit is None or measurement is None:
        reason = evidence.failure(BUDGET) if limit is not None else "the suite has no such budget"
        return Verdict(check=check, metric=name, status="not measured", tolerance=limit, reason=reason)
    bounds = {"tolerance": float(limit), "difference": None, "golden": None}
    draft = _draft(check, measurement).model_copy(update=bounds)
    if measurement.value is None or math.isnan(measurement.value):
        return _said(draft, "not measured", measurement.reason or "no value, and no reason given")
    if measurement.replayed:
        when = f"an earlier run measured it, on {measurement.measured_on or 'a machine that it does not name'}"
        return _said(draft, "not measured", f"{measurement.value:.4g}, not judged: {when}")
    where = f"on {evidence.lane.runtime}"
    where += "" if on_device(evidence.lane.runtime) else ", not on the device that the budget is for"
    where = "by the packages alone" if name in FROM_PACKAGES else where
    status: Status = "pass" if measurement.value <= limit else "fail"
    said = _said(draft, status, f"{measurement.value:.4g} of {limit:.4g}, {where}")
    return noted(said, measurement.value / limit if limit > 0 else None)


def _draft(check: str, measurement: Measurement) -> Verdict:
    """What was measured, not judged yet."""
    value, golden = measurement.value, measurement.golden
    return Verdict(
        check=check,
        metric=measurement.metric,
        case=measurement.case,
        component=measurement.component,
        status="not measured",
        value=value,
        golden=golden,
        difference=value - golden if value is not None and golden is not None else None,
        unit=measurement.unit,
        n=measurement.n,
        fingerprint=measurement.fingerprint,
    )


def _said(draft: Verdict, status: Status, reason: str) -> Verdict:
    return draft.model_copy(update={"status": status, "reason": reason})


def _ruled(draft: Verdict, status: Status, stated: str, standard: Standard, standards: Standards) -> Verdict:
    """What a standard makes of a figure; where calibrated lanes are wanted, a provisional pass is missing evidence."""
    if not standard.provisional:
        return _said(draft, status, stated)
    if standards.require_calibrated and status != "fail":
        return _said(draft, "not measured", f"{stated}; {standard.words}; [gate] require_calibrated")
    return _said(draft.model_copy(update={"provisional": True}), status, f"{stated}; {standard.words}")


def _figure(measurement: Measurement, tolerance: Tolerance) -> float | None:
    """What is compared with the limits."""
    if tolerance.of == "value":
        return measurement.value
    if measurement.value is None or measurement.golden is None:
        return None
    return measurement.value - measurement.golden


def _mean_fails(metric: str, evidence: MeasuredLane, tolerance: Tolerance, standards: Standards) -> bool:
    figures = {}
    for case, measurement in evidence.cases.get(metric, {}).items():
        figure = _figure(measurement, tolerance)
        if case in evidence.broken or (figure is not None and not math.isfinite(figure)):
            return True
        if figure is not None:
            figures[case] = figure
    shared = standards.in_the_mean(figures, tolerance)
    return tolerance.worse_than(math.fsum(shared.values()) / len(shared), tolerance.limit)
