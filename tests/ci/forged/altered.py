"""Honest lanes and bundles with one thing altered, and the tables of those that must be red for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sdqa.bundle import Lane, Measurement, Run
from tests.ci.honest import lane_of, machine_of, package_of, units, with_lane

FP16, SMALL, ENGINE = (unit.lane for unit in units())
LANES: dict[str, tuple[str, Callable[[], Lane]]] = {}
"""What must be said of a lane of the first unit, and how it is made."""
RUNS: dict[str, tuple[str, Callable[[], Run]]] = {}
"""The same of the Linux machine's whole bundle."""


def lane(words: str) -> Callable[[Callable[[], Lane]], Callable[[], Lane]]:
    def register(make: Callable[[], Lane]) -> Callable[[], Lane]:
        LANES[make.__name__] = (words, make)
        return make

    return register


def run(words: str) -> Callable[[Callable[[], Run]], Callable[[], Run]]:
    def register(make: Callable[[], Run]) -> Callable[[], Run]:
        RUNS[make.__name__] = (words, make)
        return make

    return register


def honest_lane(**fields: Any) -> Lane:
    return lane_of(units()[0]).model_copy(update=fields)


def with_figure(metric: str, place: str | None = None, **fields: Any) -> Lane:
    """One figure says something else; the lane's own verdicts stay as they were.

    Args:
        place: its case or component; None for one of the lane, or for all.
    """
    found = honest_lane()
    changed = tuple(
        m.model_copy(update=fields) if m.metric == metric and place in (None, m.case, m.component) else m
        for m in found.measurements
    )
    assert changed != found.measurements
    return found.model_copy(update={"measurements": changed})


def with_more(*figures: Measurement) -> Lane:
    return honest_lane(measurements=(*honest_lane().measurements, *figures))


def with_sample(case: str = "cat", **fields: Any) -> Lane:
    found = honest_lane()
    changed = tuple(s.model_copy(update=fields) if s.case == case else s for s in found.samples)
    return found.model_copy(update={"samples": changed})


def with_facts(**fields: Any) -> Lane:
    """What is told of the U-Net's package."""
    found = honest_lane()
    facts = package_of("unet").facts.model_copy(update=fields)
    changed = tuple(p.model_copy(update={"facts": facts}) if p.component == "unet" else p for p in found.packages)
    return found.model_copy(update={"packages": changed})


def with_machine(**fields: Any) -> Lane:
    """Another fingerprint, and every figure's with it."""
    found, machine = honest_lane(), machine_of(units()[0]).model_copy(update=fields)
    old = found.fingerprint.digest()
    figures = tuple(
        m.model_copy(update={"fingerprint": machine.digest()}) if m.fingerprint == old else m
        for m in found.measurements
    )
    return found.model_copy(update={"fingerprint": machine, "measurements": figures})


def golden_said(lane: str, value: float, run: Run) -> Run:
    """One lane's golden of one case reads something else."""
    [found] = [one for one in run.lanes if one.id == lane]
    changed = tuple(
        m.model_copy(update={"golden": value}) if (m.metric, m.case) == ("lpips", "cat") else m
        for m in found.measurements
    )
    return with_lane(run, lane, measurements=changed)


def machine_digest() -> str:
    return machine_of(units()[0]).digest()
