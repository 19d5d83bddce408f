"""Goldens that no checkout has a record of: drawn by the teacher in every run, so that the lanes have to agree."""

from __future__ import annotations

from collections.abc import Iterable

from sdqa.bundle import Failure, Fingerprint, Lane
from sdqa.ci.problem import problem

APART = 0.01
"""Of a golden's figure, or of 1: what two machines of one description may differ by. A processor's name does not tell
its instruction sets, and the teacher's picture follows their rounding."""


def at_odds(parts: Iterable[Lane]) -> list[Failure]:
    """Lanes that read one model's golden of one case differently, on machines alike.

    Args:
        parts: of lanes, as each machine left them.
    """
    first: dict[tuple[object, ...], tuple[str, float]] = {}
    found = []
    for lane in parts:
        for figure in lane.measurements:
            if figure.case is None or figure.golden is None:
                continue
            what = f"{figure.case}/{figure.metric}"
            known, golden = first.setdefault((lane.model, what, *_kind(lane.fingerprint)), (lane.id, figure.golden))
            if abs(golden - figure.golden) > APART * max(1.0, abs(golden)):
                words = f"the golden's figure is {figure.golden:.6g}, {known} says {golden:.6g}: run both lanes again"
                found.append(problem(lane.id, f"{what}: {words}"))
    return found


def counted_at_odds(parts: Iterable[Lane]) -> list[Failure]:
    """Lanes that count the parameters of one model's component differently: a checkpoint has as many as it has.

    Args:
        parts: of lanes, as each machine left them.
    """
    first: dict[tuple[str, str], tuple[str, int]] = {}
    found = []
    for lane in parts:
        for package in lane.packages:
            coverage = package.facts.coverage
            if coverage is None:
                continue
            told = coverage.parameters
            known, count = first.setdefault((lane.model, package.component), (lane.id, told))
            if told != count:
                words = f"{told} parameters, {known} says {count}: run both lanes again"
                found.append(problem(lane.id, f"{package.component}/coverage: {words}"))
    return found


def _kind(machine: Fingerprint) -> tuple[object, ...]:
    return machine.system, machine.machine, machine.processor, tuple(sorted(machine.versions.items()))
