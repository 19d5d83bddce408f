"""The judge of a checkout: planned checks, tolerances and budgets, and the digest that names them all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sdqa.errors import SdqaError
from sdqa.plan import Plan, PlannedLane
from sdqa.plan.suite import TEACHER_NOW
from sdqa.store import digest_of

if TYPE_CHECKING:
    from sdqa.bundle import Failure, Lane, Verdict
    from sdqa.ci.reference import LaneReference
    from sdqa.gate import StatedBudgets, Tolerances
    from sdqa.gate.standards import Standards


@dataclass(frozen=True)
class Rules:
    """How a checkout judges a lane; `sdqa.workflow.gate.RULES` are the ones that a run itself follows."""

    checks: Callable[[Plan, PlannedLane], tuple[str, ...]]  # ids of what it has to answer
    budgets: Callable[[Plan, PlannedLane], StatedBudgets]
    tolerances: Callable[[Plan, PlannedLane], tuple[Tolerances | None, tuple[Failure, ...]]]
    standards: Callable[[Plan, PlannedLane], Standards]  # tolerances, baselines, and what the suite demands

    def limits(self, plan: Plan, lane: PlannedLane) -> Tolerances | None:
        """Tolerances and stated limits; None where there are neither or they are damaged."""
        return self.tolerances(plan, lane)[0]


@dataclass(frozen=True)
class LaneJudge:
    """Who gives the verdicts. A bundle's own verdicts are advice."""

    digest: str
    checks: Mapping[str, tuple[str, ...]]  # by lane
    standards: Mapping[str, Standards]  # by lane; without limits of its own it is judged provisionally
    budgets: Mapping[str, StatedBudgets]  # by lane
    references: Mapping[str, LaneReference] = field(repr=False)  # by lane: what it may say of itself

    def verdicts(self, lane: Lane) -> tuple[Verdict, ...]:
        """Verdicts on a lane's measurements: the planned checks, then whatever else was measured."""
        from sdqa.gate import judge

        return judge(lane, self.standards[lane.id], self.budgets[lane.id], planned=self.checks[lane.id])


def judge_of(plan: Plan, rules: Rules) -> LaneJudge:
    """The judge that a checkout states."""
    from sdqa.ci.reference import references_of

    checks = {lane.id: rules.checks(plan, lane) for lane in plan.lanes}
    references = references_of(plan)
    return LaneJudge(
        digest=judge_digest(plan),
        checks=checks,
        standards={lane.id: rules.standards(plan, lane) for lane in plan.lanes},
        budgets={lane.id: rules.budgets(plan, lane) for lane in plan.lanes},
        references={name: replace(one, budgets=_budgets(name, checks[name])) for name, one in references.items()},
    )


def _budgets(lane: str, checks: Iterable[str]) -> tuple[str, ...]:
    """The metrics of a lane's checks that are budgets."""
    from sdqa.gate.evidence import BUDGET

    scope = f"{lane}/{BUDGET}/"
    return tuple(check.removeprefix(scope) for check in checks if check.startswith(scope))


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
    floors = {"floors": suite.floors} if suite.floors else {}  # it came later: digests without one stay
    return digest_of(
        {
            **floors,
            "limits": suite.limits,
            "budgets": suite.budgets.model_dump(mode="json"),
            "metrics": suite.metrics.model_dump(mode="json"),
            "tolerances": {model: _tolerances_digest(plan, model) for model in suite.models},
            "goldens": goldens,
            "baselines": {
                f"{model}/{name}": content
                for model in suite.models
                for name, content in baseline_contents(plan, model).items()
            },
            "require_calibrated": suite.gate.require_calibrated,
        }
    )


def golden_content(plan: Plan, model: str, case: str) -> str | None:
    """Digest of what a golden holds; None where it is missing or damaged."""
    from sdqa.gate.manifest import read_manifest

    try:
        return read_manifest(plan.goldens / model / case).content()
    except SdqaError:
        return None


def baseline_contents(plan: Plan, model: str) -> dict[str, str | None]:
    """`baselines/<lane>/<case>` → digest of what it holds, None where it is damaged; of a model's lanes."""
    from sdqa.gate import baseline
    from sdqa.gate.manifest import MANIFEST_FILE

    found: dict[str, str | None] = {}
    places = sorted((plan.goldens / model / baseline.FOLDER).glob(f"*/*/{MANIFEST_FILE}"))
    for place in places if plan.suite.goldens != TEACHER_NOW else ():
        try:
            found[baseline.subject_of(place.parent)] = baseline.read_manifest(place.parent).content()
        except SdqaError:
            found[baseline.subject_of(place.parent)] = None
    return found


def _tolerances_digest(plan: Plan, model: str) -> str | None:
    from sdqa.gate import TOLERANCES_FILE, Tolerances

    try:
        return Tolerances.load(plan.goldens / model / TOLERANCES_FILE).digest()
    except SdqaError:
        return None
