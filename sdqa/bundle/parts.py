"""Parts of one lane, made one: the cases of several jobs, or the same cases twice.

Joining is associative, commutative and idempotent: any grouping and order of the parts gives the same record. What a
case showed must be the same in every part that has it; of readings that may differ (times, figures over the part's own
cases) the worse is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from sdqa.bundle.readings import worst_reading
from sdqa.bundle.record import Record
from sdqa.bundle.records import Lane, Measurement, Status, Verdict, is_timing
from sdqa.errors import BundleError
from sdqa.store import canonical_json

Part = TypeVar("Part", bound=Record)
Key = tuple[str, ...]
BADNESS: dict[Status, int] = {"pass": 0, "suspicious": 1, "not measured": 2, "fail": 3}
WHOLE = "all"
"""Scope of a statistic over the cases that a part has."""


def is_statistic(check: str, lane: str) -> bool:
    """Whether a check's id is that of a statistic over the cases of a lane."""
    return check.startswith(f"{lane}/{WHOLE}/")


def join_lanes(one: Lane, other: Lane) -> Lane:
    """Two records of a lane as one. A lane that was skipped adds nothing to one that ran.

    Raises:
        BundleError: the two show different packages, pictures, figures or verdicts for the same thing.
    """
    if one == other or other.status == "skipped" != one.status:
        return one
    if one.status == "skipped":
        return other if other.status != "skipped" else _first(one, other)
    for field in ("id", "model", "variant", "runtime", "compute_unit"):
        _demand(getattr(one, field) == getattr(other, field), one, f"{field} {getattr(other, field)!r}")
    failures = sorted(dict.fromkeys((*one.failures, *other.failures)), key=_text)
    reasons = sorted({lane.reason for lane in (one, other) if lane.reason})
    return one.model_copy(
        update={
            "status": "incomplete" if "incomplete" in (one.status, other.status) else "ran",
            "reason": reasons[0] if reasons else "",
            "fingerprint": _first(one.fingerprint, other.fingerprint),
            "packages": _joined(one.packages, other.packages, lambda p: (p.component,), _same(one, "digest")),
            "samples": _joined(
                one.samples, other.samples, lambda s: (s.case,), _same(one, "image_digest", "latents_digest")
            ),
            "measurements": _joined(one.measurements, other.measurements, _key, _measured(one)),
            "verdicts": _joined(one.verdicts, other.verdicts, lambda v: (v.check,), _judged(one)),
            "estimate": min((e for e in (one.estimate, other.estimate) if e is not None), key=_text, default=None),
            "failures": tuple(failures),
            "warnings": _sorted_union(one.warnings, other.warnings),
            "remarks": one.remarks if one.remarks == other.remarks else _sorted_union(one.remarks, other.remarks),
            "planned": one.planned if one.planned == other.planned else _sorted_union(one.planned, other.planned),
            "replayed": one.replayed and other.replayed,
            "carried": one.carried if one.carried == other.carried else "",
        }
    )


def _key(measurement: Measurement) -> Key:
    return (measurement.case or "", measurement.component or "", measurement.metric)


def _joined(
    one: Sequence[Part], other: Sequence[Part], key: Callable[[Part], Key], join: Callable[[Part, Part], Part]
) -> tuple[Part, ...]:
    """Both parts' records by key; in the order of the first where the other has the same keys, else sorted."""
    found: dict[Key, Part] = {}
    for record in (*one, *other):
        name = key(record)
        found[name] = join(found[name], record) if name in found else record
    if [key(record) for record in one] == [key(record) for record in other]:
        return tuple(found.values())
    return tuple(found[name] for name in sorted(found))


def _same(lane: Lane, *fields: str) -> Callable[[Part, Part], Part]:
    def join(one: Part, other: Part) -> Part:
        for field in fields:
            _demand(getattr(one, field) == getattr(other, field), lane, f"{field} of {_text(one)[:60]}")
        return _first(one, other)

    return join


def _measured(lane: Lane) -> Callable[[Measurement, Measurement], Measurement]:
    def join(one: Measurement, other: Measurement) -> Measurement:
        if one.case is not None and not is_timing(one.metric):
            _demand(_text(one) == _text(other), lane, f"{one.case}/{one.metric}")
        if one.by_case and other.by_case:
            for case in one.by_case.keys() & other.by_case.keys():
                same = repr(one.by_case[case]) == repr(other.by_case[case])  # NaN is not equal to itself
                _demand(same, lane, f"{one.component or WHOLE}/{one.metric} of {case}")
            return worst_reading(_first(one, other), {**one.by_case, **other.by_case})
        return max(one, other, key=lambda m: (_badness(m), _text(m)))

    return join


def _judged(lane: Lane) -> Callable[[Verdict, Verdict], Verdict]:
    def join(one: Verdict, other: Verdict) -> Verdict:
        if not is_statistic(one.check, lane.id) and one.component is None and not is_timing(one.metric):
            _demand(one.status == other.status, lane, one.check)
        return max(one, other, key=lambda v: (BADNESS[v.status], _text(v)))

    return join


def _badness(measurement: Measurement) -> tuple[int, float]:
    """What is missing is worst, then what is no number, then by the metric's direction."""
    if measurement.value is None:
        return 2, 0.0
    if math.isnan(measurement.value):
        return 1, 0.0
    if measurement.better == "equal":  # to the golden's figure; of what has none, to 1
        return 0, abs(measurement.value - (1.0 if measurement.golden is None else measurement.golden))
    return 0, -measurement.value if measurement.better == "higher" else measurement.value


def _sorted_union(*texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({text for some in texts for text in some}))


def _first(*records: Part) -> Part:
    return min(records, key=_text)


def _text(record: Record) -> str:
    return canonical_json(record.to_json())


def _demand(holds: bool, lane: Lane, what: str) -> None:
    if not holds:
        raise BundleError(
            f"two bundles ran lane {lane.id} with different results: {what}",
            hint="run each lane on one machine, or merge only one of the two",
        )


def join_all(records: Iterable[Lane]) -> dict[str, Lane]:
    """Lanes by id, parts joined."""
    found: dict[str, Lane] = {}
    for lane in records:
        found[lane.id] = join_lanes(found[lane.id], lane) if lane.id in found else lane
    return found
