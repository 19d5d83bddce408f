"""Names in a suite that rooms above the plan own: they are held against the registries once plugins are loaded."""

from __future__ import annotations

from sdqa.errors import ConfigError
from sdqa.plan import Plan
from sdqa.plan.lines import Location, located
from sdqa.plan.spelling import not_one_of


def require_known_metrics(plan: Plan) -> Plan:
    """The plan, when every metric that its suite names is registered, and each that it limits can be limited.

    Raises:
        ConfigError: naming each that is not, and the likeliest spelling.
    """
    from sdqa.metrics import METRICS

    problems: list[tuple[Location, str]] = [
        (("metrics", "names", index), not_one_of(name, sorted(METRICS)))
        for index, name in enumerate(plan.suite.metrics.names)
        if name not in METRICS
    ]
    problems += _limits(plan)
    if problems:
        text = plan.suite_path.read_text(encoding="utf-8-sig")
        raise ConfigError(located(problems, text, plan.suite_path.name), where=str(plan.suite_path))
    return plan


def _limits(plan: Plan) -> list[tuple[Location, str]]:
    """What is wrong with `[limits]`, before anything is measured."""
    if not plan.suite.limits:
        return []
    from sdqa.gate.stated import COMPARING, stated_tolerances
    from sdqa.metrics import comparing

    try:
        stated_tolerances("", plan.suite.limits, str(plan.suite_path), COMPARING | comparing())
    except ConfigError as error:
        return [(("limits", one.path.removeprefix("$.limits.")), one.message) for one in error.problems]
    return []
