"""A lane's figures, held against what they can be: a record that cannot be right is refused, by name.

A bundle brings values. Directions, units and ranges are the registry's, a golden's figures the golden's own record; a
figure that says otherwise, or that its own readings, pictures or latents belie, counts as not measured.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sdqa.bundle import Lane, Measurement
from sdqa.bundle.readings import worst_reading
from sdqa.ci.pictures import unlike_shown
from sdqa.ci.reference import LaneReference
from sdqa.ci.seen import Seen
from sdqa.gate.baseline import METRICS as BASELINE_METRICS
from sdqa.gate.evidence import is_same_figure
from sdqa.store import digest_of

if TYPE_CHECKING:
    from sdqa.metrics.kinds import Kind

ROUNDING = 2e-5
"""By how much two machines may differ on one golden's figure, of it or of 1. An embedding in single precision keeps six
digits (2.4e-7 between two x86-64 machines, 2026-11-26); the narrowest limit on a difference in goldens/ is 1.2e-4."""
READINGS = 1e-4
"""Readings are written down with four decimals or more."""


def vetted(lane: Lane, reference: LaneReference, shown: Seen) -> tuple[Lane, list[str]]:
    """The lane with what was refused as not measured, and why each was, in words.

    Args:
        lane: as one machine left it, not joined with others.
        shown: what was seen of its pictures and latents.
    """
    samples = {sample.case: sample for sample in lane.samples}
    kept, said = [], []
    seen: dict[tuple[str | None, str | None, str], Measurement] = {}
    machine = "" if lane.carried else lane.fingerprint.digest()  # what is carried may be of several machines
    for figure in lane.measurements:
        key = figure.case, figure.component, figure.metric
        flaws = [*_flaws(figure, reference, machine)]
        if key in seen and not is_same_figure(seen[key], figure):
            flaws.append("was measured twice, and the figures differ")
        if figure.case in samples:
            flaws += unlike_shown(figure, samples[figure.case], reference, shown)
        seen[key] = figure
        if flaws:
            why = "; ".join(flaws)
            said.append(f"{figure.case or figure.component or 'all'}/{figure.metric}: {why}")
            figure = figure.model_copy(update={"value": None, "golden": None, "reason": f"refused: {why}"})
        kept.append(figure)
    return lane.model_copy(update={"measurements": tuple(kept)}) if said else lane, said


def _flaws(figure: Measurement, reference: LaneReference, machine: str) -> Iterator[str]:
    kind = reference.kinds.get(figure.metric)
    if kind is None:
        yield "no metric has this name"
        return
    if flaw := kind.flaw(figure.metric, figure):
        yield flaw
    yield from _misplaced(figure, kind, reference)
    yield from _belied(figure)
    if figure.case is not None:
        yield from _of_golden(figure, reference)
        return
    if figure.golden is not None:
        yield "has a golden's figure, which only cases have"
    if machine and figure.fingerprint != (kind.identity or machine):
        yield "its fingerprint is not that of the machine and libraries that the lane names"


def _misplaced(figure: Measurement, kind: Kind, reference: LaneReference) -> Iterator[str]:
    """Something that no lane measures: of a case and a component at once, or of one that is not in it."""
    named = [what for what in ("case", "component") if getattr(figure, what) is not None] or ["lane"]
    if named != [kind.of]:
        yield f"is a figure of a {kind.of}, and names a {' and a '.join(named)}"
    if figure.component is not None and figure.component not in reference.components:
        yield "is of a component that the lane does not run"
    strange = sorted({*figure.cases, *figure.by_case} - reference.cases.keys())
    if strange:
        yield f"was measured on cases that nobody planned: {', '.join(strange[:3])}"


def _belied(figure: Measurement) -> Iterator[str]:
    """What the readings behind a figure say against it."""
    if figure.n < 1 or not (figure.spread or 0.0) >= 0:
        yield f"says {_in_words(figure)}"
        return
    told = figure
    if figure.samples:  # of a spread there are several ways: it is shown
        told = figure.model_copy(update={"value": statistics.median(figure.samples), "n": len(figure.samples)})
    elif figure.by_case:
        told = worst_reading(figure, figure.by_case)
    if not (_close(figure.value, told.value) and _close(figure.spread, told.spread) and figure.n == told.n):
        yield f"says {_in_words(figure)}, its readings say {_in_words(told)}"


def _in_words(figure: Measurement) -> str:
    return f"{figure.value} ± {figure.spread} of {figure.n}"


def _close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return repr(one) == repr(other) or math.isclose(one, other, rel_tol=READINGS, abs_tol=READINGS)  # NaN


def _of_golden(figure: Measurement, reference: LaneReference) -> Iterator[str]:
    """What the golden's record says against a figure of its case."""
    if reference.goldens is None or figure.metric in BASELINE_METRICS:
        return
    record = reference.goldens.get(figure.case or "")
    if record is None:
        yield "the checkout has no golden of this case: sdqa goldens"
        return
    score = record.scores.get(figure.metric)
    if figure.golden is not None and score is not None and not is_rounding(figure.golden, score):
        yield f"the golden's figure is {score:.6g}, it says {figure.golden:.6g}"
    known = record.metrics.get(figure.metric)
    size = record.inputs.get("size")
    if known is not None and size is not None and figure.fingerprint != digest_of([known, [size, size]]):
        yield "it was measured with another metric, network or size than the golden"


def is_rounding(one: float, other: float) -> bool:
    """Whether two machines may have read these of one picture."""
    return abs(one - other) <= ROUNDING * max(1.0, abs(other))
