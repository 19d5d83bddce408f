"""The judge of a checkout: planned checks, tolerances and budgets, and the digest that names them all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sdqa.bundle import Lane, Verdict
from sdqa.errors import SdqaError
from sdqa.gate import TOLERANCES_FILE, StatedBudgets, Tolerances, judge
from sdqa.gate.manifest import read_manifest
from sdqa.gate.stated import combined, stated_tolerances
from sdqa.plan import Plan, PlannedLane
from sdqa.plan.suite import TEACHER_NOW
from sdqa.store import digest_of

Checks = Callable[[Plan, PlannedLane], Iterable[str]]
"""What a planned lane has to answer: `sdqa.workflow.planned_checks`."""


@dataclass(frozen=True)
class Judge:
    """Who gives the verdicts. A bundle's own verdicts are advice."""

    digest: str
    checks: Mapping[str, tuple[str, ...]]  # lane → ids of the checks that it has to answer
    tolerances: Mapping[str, Tolerances | None]  # by model
    budgets: StatedBudgets

    def verdicts(self, lane: Lane) -> tuple[Verdict, ...]:
        """Verdicts on a lane's measurements: the planned checks, then whatever else was measured."""
        planned = self.checks[lane.id]
        return judge(lane, self.tolerances.get(lane.model), self.budgets, planned=planned)


def judge_of(plan: Plan, checks: Checks) -> Judge:
    """The judge that a checkout states."""
    return Judge(
        digest=judge_digest(plan),
        checks={lane.id: tuple(checks(plan, lane)) for lane in plan.lanes},
        tolerances={name: tolerances_of(plan, name) for name in plan.suite.models},
        budgets=plan.suite.budgets,
    )


def tolerances_of(plan: Plan, model: str) -> Tolerances | None:
    """A model's tolerances with the limits that the suite states; None where there are neither or they are damaged:
    then nothing that needs one counts as measured."""
    path = plan.goldens / model / TOLERANCES_FILE
    try:
        calibrated = Tolerances.load(path) if path.exists() else None
        if not plan.suite.limits:
            return calibrated
        return combined(calibrated, stated_tolerances(model, plan.suite.limits, str(plan.suite_path)))
    except SdqaError:
        return None


def judge_digest(plan: Plan) -> str:
    """Identity of limits, budgets, tolerances and of what the goldens hold; nothing of when or why they were made.

    It depends on the suite's models and cases, not on which lanes were chosen or on the machine.
    """
    suite = plan.suite
    goldens: dict[str, Any] = {}
    for model in suite.models if suite.goldens != TEACHER_NOW else ():
        for name, case in suite.cases.items():
            if not case.models or model in case.models:
                goldens[f"{model}/{name}"] = golden_content(plan, model, name)
    return digest_of(
        {
            "limits": suite.limits,
            "budgets": suite.budgets.model_dump(mode="json"),
            "metrics": suite.metrics.model_dump(mode="json"),
            "tolerances": {model: _tolerances_digest(plan, model) for model in suite.models},
            "goldens": goldens,
        }
    )


def golden_content(plan: Plan, model: str, case: str) -> str | None:
    """Digest of what a golden holds; None where it is missing or damaged."""
    try:
        return read_manifest(plan.goldens / model / case).content()
    except SdqaError:
        return None


def _tolerances_digest(plan: Plan, model: str) -> str | None:
    try:
        return Tolerances.load(plan.goldens / model / TOLERANCES_FILE).digest()
    except SdqaError:
        return None
