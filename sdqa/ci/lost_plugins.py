"""What a base asked by a plugin that is gone: the judge can do less, and says which module and which metrics it was.

The base's own code is never run. A module that a change removes, from the suite and from beside it, leaves words in
the base's suite that nobody can read any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sdqa.bundle import JudgeChange
from sdqa.plan import Plan

REMOVED = "removed: what it added cannot be asked any more"


def lost_changes(modules: Sequence[str], base: Plan) -> list[JudgeChange]:
    """The plugins that are gone, and the metrics of the base that nobody measures any more.

    Args:
        modules: of the plugins.
        base: its plan, read without them.
    """
    if not modules:
        return []
    gone = [JudgeChange(kind="plugin", subject=name, what=REMOVED, looser=True) for name in modules]
    what = f"removed with the plugin that measured it: {', '.join(modules)}"
    return [*gone, *(JudgeChange(kind="metric", subject=name, what=what, looser=True) for name in _unknown(base))]


def without_lost(modules: Sequence[str], base: Plan) -> Plan:
    """The plan as if it had never named the plugins or what they measured: of that no check can be planned."""
    if not modules:
        return base
    suite, unknown = base.suite, set(_unknown(base))
    kept = tuple(name for name in suite.plugins.modules if name not in modules)
    metrics = suite.metrics.model_copy(update={"names": tuple(n for n in suite.metrics.names if n not in unknown)})
    update = {
        "plugins": suite.plugins.model_copy(update={"modules": kept}),
        "metrics": metrics,
        "limits": {name: limit for name, limit in suite.limits.items() if name not in unknown},
        "floors": {name: floor for name, floor in suite.floors.items() if name not in unknown},
    }
    return replace(base, suite=suite.model_copy(update=update))


def _unknown(base: Plan) -> list[str]:
    from sdqa.metrics import METRICS

    return [name for name in base.suite.metrics.names if name not in METRICS]
