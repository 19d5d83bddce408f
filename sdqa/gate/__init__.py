"""Goldens, tolerances, statistics and verdicts. Pure functions of records and files: nothing here imports torch.

tolerances = Tolerances.load(Path("goldens/tiny/tolerances.json"))
verdicts = judge(lane, tolerances, budgets, planned=plan_checks(lane.id, {"portrait": ["finite", "lpips"]}))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.lazy import offering

if TYPE_CHECKING:
    from sdqa.gate.evidence import HARD as HARD
    from sdqa.gate.evidence import NoBudgets as NoBudgets
    from sdqa.gate.evidence import StatedBudgets as StatedBudgets
    from sdqa.gate.evidence import plan_checks as plan_checks
    from sdqa.gate.judging import judge as judge
    from sdqa.gate.judging import verdict as verdict
    from sdqa.gate.tolerances import TOLERANCES_FILE as TOLERANCES_FILE
    from sdqa.gate.tolerances import Tolerance as Tolerance
    from sdqa.gate.tolerances import Tolerances as Tolerances

_LAZY = {
    "HARD": "sdqa.gate.evidence",
    "NoBudgets": "sdqa.gate.evidence",
    "StatedBudgets": "sdqa.gate.evidence",
    "TOLERANCES_FILE": "sdqa.gate.tolerances",
    "Tolerance": "sdqa.gate.tolerances",
    "Tolerances": "sdqa.gate.tolerances",
    "judge": "sdqa.gate.judging",
    "plan_checks": "sdqa.gate.evidence",
    "verdict": "sdqa.gate.judging",
}

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

__getattr__ = offering(__name__, _LAZY)
