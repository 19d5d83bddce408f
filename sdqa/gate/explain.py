"""`sdqa plan --explain`: where every check's tolerance comes from."""

from __future__ import annotations

from collections.abc import Mapping

from sdqa.bundle import Lane
from sdqa.errors import SdqaError
from sdqa.gate.blank import blank_lane
from sdqa.gate.evidence import HARD
from sdqa.gate.reach import Worst, within_reach
from sdqa.gate.tolerances import TOLERANCES_FILE, Tolerances
from sdqa.gate.visibility import has_own_limits, visibility_bound
from sdqa.plan import Plan


def explain_checks(plan: Plan, worst: Mapping[str, Worst]) -> str:
    """One paragraph a lane: the hard checks, then metric by metric what its limits were placed between.

    Args:
        worst: by metric, what no limit may lie beyond.
    """
    paragraphs = [f"hard, no tolerance: {', '.join(sorted(HARD))} must be 1; budgets are limits as they stand"]
    for lane in plan.lanes:
        path = plan.goldens / lane.model_name / TOLERANCES_FILE
        try:
            tolerances = within_reach(Tolerances.load(path), worst) if path.exists() else None
        except SdqaError as error:
            paragraphs.append(f"{lane.id}\n  {error.what}: {error.hint}")
            continue
        record = blank_lane(lane)
        lines = [lane.id]
        keys: list[tuple[str, str | None]] = [(name, None) for name in plan.suite.metrics.names if name not in HARD]
        keys += [("parity_psnr", component) for component in lane.components]
        for metric, component in keys:
            name = metric if component is None else f"{component}/{metric}"
            lines.append(f"  {name}: {_explained(tolerances, record, metric, component)}")
        paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs)


def _explained(tolerances: Tolerances | None, lane: Lane, metric: str, component: str | None) -> str:
    """The lane's own limits, or what it is judged by until it has some."""
    own = tolerances.find(lane, metric, component) if tolerances else None
    if own is not None:
        return own.explain()
    if has_own_limits(tolerances, lane):
        return "no tolerance: sdqa calibrate"
    bound = visibility_bound(tolerances, metric, component)
    if bound is None:
        return "not judged until it is calibrated: sdqa calibrate"
    return f"provisional: {bound.source}; sdqa calibrate"
