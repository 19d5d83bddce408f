"""Goldens, tolerances, statistics and verdicts. Pure functions of records and files: nothing here imports torch.

tolerances = Tolerances.load(Path("goldens/tiny/tolerances.json"))
verdicts = judge(lane, tolerances, budgets, planned=plan_checks(lane.id, {"portrait": ["finite", "lpips"]}))
"""

from __future__ import annotations

from sdqa.gate.evidence import HARD, NoBudgets, StatedBudgets, plan_checks
from sdqa.gate.judge import judge, verdict
from sdqa.gate.tolerances import TOLERANCES_FILE, Tolerance, Tolerances

__all__ = [
    "HARD",
    "TOLERANCES_FILE",
    "NoBudgets",
    "StatedBudgets",
    "Tolerance",
    "Tolerances",
    "judge",
    "plan_checks",
    "verdict",
]
