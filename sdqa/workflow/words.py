"""Names in a suite that rooms above the plan own: they are held against the registries once plugins are loaded."""

from __future__ import annotations

from sdqa.errors import ConfigError, MetricError, Problem
from sdqa.plan import Plan
from sdqa.plan.spelling import not_one_of


def require_known_metrics(plan: Plan) -> Plan:
    """The plan, when every metric that its suite names is registered, and its CLIP model is one of open_clip's.

    Raises:
        ConfigError: naming each that is not, and the likeliest spelling.
    """
    from sdqa.metrics import METRICS
    from sdqa.metrics.clip_names import find_clip
    from sdqa.metrics.clip_space import EMBEDDED

    problems = [
        Problem(f"$.metrics.names[{index}]", not_one_of(name, sorted(METRICS)))
        for index, name in enumerate(plan.suite.metrics.names)
        if name not in METRICS
    ]
    clip = plan.suite.metrics.clip
    if clip != EMBEDDED:
        try:
            find_clip(clip)
        except MetricError as error:
            problems.append(Problem("$.metrics.clip", f"{error.what}; {error.hint}"))
    if problems:
        raise ConfigError(problems, where=str(plan.suite_path))
    return plan
