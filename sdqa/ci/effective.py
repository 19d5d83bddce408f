"""Which limit applies to a figure in the end, and whether a change makes it laxer, in the metric's own direction."""

from __future__ import annotations

from sdqa.bundle import JudgeChange
from sdqa.ci.judge import Rules
from sdqa.gate import Tolerance, Tolerances
from sdqa.gate.blank import blank_lane
from sdqa.gate.tolerances import tail_loosened
from sdqa.gate.visibility import has_own_limits
from sdqa.plan import Plan


def effective_changes(base: Plan, head: Plan, rules: Rules, kind: str, model: str | None = None) -> list[JudgeChange]:
    """Every figure whose limit differs, wherever it comes from.

    Args:
        kind: of the changes: what was edited.
        model: only of its lanes; None for all.
    """
    new = {lane.id: lane for lane in head.lanes}
    names = [*base.suite.metrics.names, "parity_psnr"]
    found: dict[tuple[str, str], JudgeChange] = {}
    for lane in base.lanes:
        if lane.id not in new or model not in (None, lane.model_name):
            continue
        old_file, new_file = rules.limits(base, lane), rules.limits(head, new[lane.id])
        record = blank_lane(lane)
        for metric in names:
            for component in (None, *_components(old_file, new_file, metric)):
                before = old_file.find(record, metric, component) if old_file else None
                after = new_file.find(record, metric, component) if new_file else None
                if before == after or before is None:
                    continue
                subject = f"{lane.model_name}/{lane.variant.name}/{f'{component}/' if component else ''}{metric}"
                lax = not head.suite.gate.require_calibrated and not has_own_limits(new_file, record)
                what, looser = _compared(before, after, provisional=lax)
                if what:
                    found.setdefault((subject, what), JudgeChange(kind=kind, subject=subject, what=what, looser=looser))
    return list(found.values())


def _compared(before: Tolerance, after: Tolerance | None, *, provisional: bool) -> tuple[str, bool]:
    if after is None and provisional:
        return "has no limit any more: it will be judged provisionally", True
    if after is None:
        return "has no limit any more: it will not count as measured", False
    if (before.of, before.better) != (after.of, after.better):
        return f"compares {after.of}, {after.better} is better, instead of {before.of}, {before.better}", True
    pairs = [(name, getattr(before, name), getattr(after, name)) for name in ("limit", "case_limit", "severe")]
    looser = any(before.worse_than(new, old) for _, old, new in pairs)
    measured = before.fingerprints and after.harmless.n > 0  # a stated limit names no networks
    lifted = bool(measured) and not (after.fingerprints and set(after.fingerprints) <= set(before.fingerprints))
    words = [f"{name} {old:.4g} → {new:.4g}" for name, old, new in pairs if old != new]
    words += ["taken for figures of other networks too"] if lifted else []
    tail = tail_loosened(before, after)
    words += tail or (["other limits of cases judged alone"] if before.tail != after.tail else [])
    return ", ".join(words), looser or lifted or bool(tail)


def _components(old: Tolerances | None, new: Tolerances | None, metric: str) -> list[str]:
    tables = [table for file in (old, new) if file is not None for table in file.variants.values()]
    keys = {key for table in tables for key in table if key.startswith(f"{metric}@")}
    return sorted(key.partition("@")[2] for key in keys)
