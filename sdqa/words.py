"""Names in a suite that rooms above the plan own: they are held against the registries once plugins are loaded."""

from __future__ import annotations

from sdqa.errors import ConfigError, MetricError
from sdqa.plan import Plan
from sdqa.plan.lines import Location, located
from sdqa.plan.spelling import not_one_of


def require_known_metrics(plan: Plan) -> Plan:
    """The plan, when the metrics that its suite names, what it limits, and its CLIP model are known.

    Raises:
        ConfigError: naming each that is not, and the likeliest spelling.
    """
    from sdqa.metrics import METRICS

    problems: list[tuple[Location, str]] = [
        (("metrics", "names", index), not_one_of(name, sorted(METRICS)))
        for index, name in enumerate(plan.suite.metrics.names)
        if name not in METRICS
    ]
    problems += [*_limits(plan), *_floors(plan), *_clip(plan)]
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
    return _limits_of_nothing(plan)


def _limits_of_nothing(plan: Plan) -> list[tuple[Location, str]]:
    """Limits for what is not measured: of a metric that the suite leaves out, or of a component that there is not."""
    from sdqa.families import drawable_components
    from sdqa.gate.stated import EXECUTION_CHECKS

    problems: list[tuple[Location, str]] = []
    for name in plan.suite.limits:
        component, _, metric = name.rpartition("/")
        said = ""
        if component and metric not in EXECUTION_CHECKS:
            said = f"{metric!r} is measured of pictures, not of a component: name it alone"
        elif component and component not in drawable_components():
            said = not_one_of(component, drawable_components())
        elif metric not in (*plan.suite.metrics.names, *EXECUTION_CHECKS):
            said = f"{metric!r} is not measured: add it to $.metrics.names, or take the limit out"
        if said:
            problems.append((("limits", name), said))
    return problems


def _floors(plan: Plan) -> list[tuple[Location, str]]:
    """What is wrong with `[floors]`."""
    if not plan.suite.floors:
        return []
    from sdqa.metrics.floors import wrong_floors

    found = wrong_floors(plan.suite.floors, plan.suite.metrics.names)
    return [(("floors", name), message) for name, message in found.items()]


def _clip(plan: Plan) -> list[tuple[Location, str]]:
    """What is wrong with the CLIP model, by open_clip's own list of them."""
    from sdqa.metrics.clip_names import find_clip
    from sdqa.metrics.clip_space import EMBEDDED

    clip = plan.suite.metrics.clip
    if clip == EMBEDDED:
        return []
    try:
        find_clip(clip)
    except MetricError as error:
        return [(("metrics", "clip"), f"{error.what}; {error.hint}")]
    return []
