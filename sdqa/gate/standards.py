"""What a lane's figures are held against: its own limits, its baseline's, or what a person would see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from sdqa.bundle import Lane, Measurement
from sdqa.bundle.fingerprint import OTHER_TEACHER
from sdqa.gate.baseline import METRICS as BASELINE_METRICS
from sdqa.gate.baseline import BaselineManifest, limits
from sdqa.gate.tail import CaseKind
from sdqa.gate.tolerances import Tolerance, Tolerances
from sdqa.gate.visibility import has_own_limits, visibility_bound

Figure = TypeVar("Figure")


@dataclass(frozen=True)
class Standard:
    """What applies to one figure, or why nothing does."""

    tolerance: Tolerance | None
    provisional: bool = False
    status: Literal["not measured", "not judged"] = "not measured"  # where there is no tolerance
    words: str = ""  # where a provisional bound comes from, or why there is none


@dataclass(frozen=True)
class Standards:
    """What a lane's figures are held against."""

    tolerances: Tolerances | None
    baselines: Mapping[str, BaselineManifest] = field(default_factory=dict)  # of the lane, by case
    require_calibrated: bool = False  # the suite takes no provisional pass
    kinds: Mapping[str, CaseKind] = field(default_factory=dict)  # case → kind, by the suite; no tail serves the others
    _worked_out: list[tuple[Lane, dict[str, Tolerance]]] = field(default_factory=list, compare=False, repr=False)

    def of(self, measurement: Measurement, lane: Lane) -> Standard:
        """What applies to a figure of a lane."""
        if measurement.metric in BASELINE_METRICS:
            return self._of_baseline(measurement, lane)
        known = self.tolerances
        found = known.find_with_teacher(lane, measurement.metric, measurement.component) if known else None
        if found is not None:
            return self._of_calibration(measurement, lane, *found)
        where = f"{lane.variant} on {lane.runtime}"
        if has_own_limits(self.tolerances, lane):
            return Standard(None, words=f"{measurement.metric} has no tolerance for {where}: sdqa calibrate")
        return self._provisional(measurement, lane, f"nobody has calibrated {where}: sdqa calibrate")

    def is_alone(self, case: str | None, tolerance: Tolerance) -> bool:
        """Whether a case is of the kind that a tolerance has a tail for."""
        return tolerance.tail is not None and case is not None and self.kinds.get(case) == tolerance.tail.kind

    def in_the_mean(self, figures: Mapping[str, Figure], tolerance: Tolerance) -> dict[str, Figure]:
        """Case → figure, of the cases that the mean is taken over; all of them where there are none but those alone."""
        shared = {case: figure for case, figure in figures.items() if not self.is_alone(case, tolerance)}
        return shared or dict(figures)

    def mean_limit(self, cases: Iterable[str], tolerance: Tolerance) -> float:
        """What the mean over some cases may reach: where all of them are judged alone, what each of them may."""
        if tolerance.tail is not None and all(self.is_alone(case, tolerance) for case in cases):
            return tolerance.tail.severe
        return tolerance.limit

    def _of_calibration(self, measurement: Measurement, lane: Lane, tolerance: Tolerance, teacher: str) -> Standard:
        """The lane's own limit, where it was measured with this metric and this teacher.

        What another teacher's limit says of this one is not known: a provisional bound may still find the figure wrong,
        and without one it is not measured.
        """
        if not tolerance.serves(measurement.fingerprint):
            what = "the tolerance was measured with another metric, network or resolution: sdqa calibrate"
            return Standard(None, words=what)
        now = lane.fingerprint.teacher
        if not teacher or not now or teacher == now:
            return Standard(tolerance)
        why = f"recalibrate: {OTHER_TEACHER} ({teacher[:12]} → {now[:12]}): sdqa calibrate --reason '…'"
        provisional = self._provisional(measurement, lane, why)
        return Standard(None, words=why) if provisional.tolerance is None else provisional

    def _of_baseline(self, measurement: Measurement, lane: Lane) -> Standard:
        own = self._baseline_limits(lane).get(measurement.metric)
        if own is None:
            like = _same_against_golden(measurement, lane)
            what = "how well this machine repeats itself was not measured: sdqa approve --repeat BUNDLE"
            return self._provisional(like, lane, what)
        if not own.serves(measurement.fingerprint):
            return Standard(
                None, words="the figure was measured against another baseline than today's: run the lane again"
            )
        return Standard(own)

    def _baseline_limits(self, lane: Lane) -> dict[str, Tolerance]:
        """The same for every figure of a lane: worked out for the first of them."""
        if not self._worked_out or self._worked_out[0][0] is not lane:
            self._worked_out[:] = [(lane, limits(self.baselines, lane))]
        return self._worked_out[0][1]

    def _provisional(self, measurement: Measurement, lane: Lane, why: str) -> Standard:
        known = self.tolerances.serving(lane.fingerprint.teacher) if self.tolerances else None
        bound = visibility_bound(known, measurement.metric, measurement.component, measurement.fingerprint)
        if bound is not None:
            return Standard(
                bound.tolerance.model_copy(update={"tail": None}),
                provisional=True,
                words=f"provisional, by what stands out from sound variants ({bound.source}); {why}",
            )
        if self.require_calibrated:
            return Standard(None, words=f"{why}; [gate] require_calibrated")
        return Standard(
            None,
            status="not judged",
            words=f"not judged: nobody knows from where on {measurement.metric} can be seen; {why}",
        )


def _same_against_golden(measurement: Measurement, lane: Lane) -> Measurement:
    """The figure under the name, and the fingerprint, of the metric that it is measured by."""
    metric = BASELINE_METRICS[measurement.metric]
    known = [m.fingerprint for m in lane.measurements if (m.metric, m.case) == (metric, measurement.case)]
    return measurement.model_copy(update={"metric": metric, "fingerprint": known[0] if known else ""})
