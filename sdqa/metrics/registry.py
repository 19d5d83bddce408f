"""The metrics by name: `@metric` on the function that measures, `@self_test` on the checks that keep it honest."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sdqa.bundle import Better
from sdqa.errors import UsageError
from sdqa.plugins import plugin_code

if TYPE_CHECKING:
    from sdqa.metrics.networks import Networks
    from sdqa.metrics.subject import Subject

Needs = frozenset[str]
NETWORKS = frozenset({"clip", "lpips", "face"})
SUBJECT_NEEDS = frozenset({"source", "source_prompt", "guidance"})
"""Needs that depend on the case."""


@dataclass(frozen=True)
class Reading:
    """What a metric found."""

    value: float | None
    golden: float | None = None  # the teacher's figure, where it has one
    reason: str = ""  # why there is no value


Measure = Callable[..., Reading]
"""Of a subject, and of the models too when the metric needs a network."""
SelfCheck = Callable[..., "bool | str"]
"""Of nothing, or of the models when the metric needs a network."""


@dataclass(frozen=True)
class Metric:
    """One registered metric."""

    name: str
    unit: str
    better: Better
    valid: tuple[float, float]  # a finite figure outside is an error of the metric, not of the picture
    needs: Needs
    facts: Mapping[str, Any]  # what identifies the implementation, beyond its networks
    measure: Measure
    summary: str  # first line of the docstring
    attainable: float | None = None  # the worst figure that some picture has whatever the golden; None: `valid` ends it
    on_request: bool = False  # only where a suite names it: identities of all others stay what they were
    compares: bool = False  # its figure compares candidate and golden already: a bare number can limit it
    code: str = ""  # digest of the plugin that it comes from
    self_tests: dict[str, SelfCheck] = field(default_factory=dict)

    def read(self, subject: Subject, models: Networks) -> Reading:
        """Measure a subject."""
        return self.measure(subject, models) if self.needs & NETWORKS else self.measure(subject)

    def fall(self, what: str, models: Networks) -> bool | str:
        """Run one self-test: True when the metric stays out of it, or else what it read."""
        return self.self_tests[what](models) if self.needs & NETWORKS else self.self_tests[what]()

    def applies(self, offered: Iterable[str]) -> bool:
        """Whether a subject that offers these can be measured."""
        return (self.needs & SUBJECT_NEEDS) <= frozenset(offered)


METRICS: dict[str, Metric] = {}


def metric(
    name: str,
    *,
    unit: str,
    better: Better,
    valid: tuple[float, float] = (-math.inf, math.inf),
    needs: Iterable[str] = (),
    compares: bool = False,
    on_request: bool = False,
    attainable: float | None = None,
    **facts: Any,
) -> Callable[[Measure], Measure]:
    """Register the function that measures `name`.

    Args:
        valid: closed range of figures that can be right.
        needs: of `source`, `source_prompt`, `guidance`, `clip`, `lpips`, `face`.
        compares: whether the figure itself says how far candidate and golden are apart, so that a suite may limit it.
        on_request: measured only where a suite names it, so that figures recorded before it stay comparable.
        attainable: the worst figure that some candidate has whatever the golden, where the end of `valid` takes a
            golden of its own; no limit is placed beyond it.
        facts: constants that make two figures comparable; part of the identity.
    """

    def register(measure: Measure) -> Measure:
        if name in METRICS:
            raise ValueError(f"the metric {name!r} is registered twice")
        summary = (measure.__doc__ or "").strip().split("\n", 1)[0]
        code = plugin_code(measure)
        METRICS[name] = Metric(
            name=name,
            unit=unit,
            better=better,
            valid=valid,
            needs=frozenset(needs),
            facts=facts,
            measure=measure,
            summary=summary,
            attainable=attainable,
            on_request=on_request,
            compares=compares,
            code=code,
        )
        return measure

    return register


def self_test(name: str, what: str) -> Callable[[SelfCheck], SelfCheck]:
    """Register a self-test of a metric: True when the metric is right, or else what it read."""

    def register(check: SelfCheck) -> SelfCheck:
        if what in METRICS[name].self_tests:
            raise ValueError(f"{name}: the self-test {what!r} is registered twice")
        METRICS[name].self_tests[what] = check
        return check

    return register


def comparing() -> dict[str, tuple[str, Better]]:
    """Metrics that a bare number can limit, with unit and direction."""
    return {name: (one.unit, one.better) for name, one in METRICS.items() if one.compares}


def find(name: str) -> Metric:
    """A metric by name.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in METRICS:
        import difflib

        close = difflib.get_close_matches(name, METRICS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(METRICS))}"
        raise UsageError(f"there is no metric {name!r}", hint=hint)
    return METRICS[name]
