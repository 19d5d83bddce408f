"""A plan in words: lanes, cases and checks that will run, what they will cost, and what is skipped and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sdqa.plan.lanes import Plan
from sdqa.plan.quantity import show_bytes, show_seconds
from sdqa.plan.suite import Case
from sdqa.runtime.registry import find_runtime

if TYPE_CHECKING:
    from sdqa.bundle import CaseInputs


def unet_calls(case: Case) -> int:
    """How often the U-Net runs, for both halves of the guidance together; PNDM repeats one step."""
    steps = case.steps if case.source is None else int(case.steps * case.strength)
    return steps + (case.scheduler == "pndm")


def planned_case(case: Case) -> CaseInputs:
    """A case as a bundle records it."""
    from sdqa.bundle import CaseInputs

    later = {"background"} if case.background is None else None
    return CaseInputs.model_validate(case.model_dump(mode="json", exclude=later))


def plan_data(plan: Plan) -> dict[str, Any]:
    """The plan for machines."""
    return {
        "suite": plan.suite.name,
        "suite_digest": plan.suite_digest,
        "lanes": [
            {
                "id": lane.id,
                "runtime": lane.runtime,
                "compute_unit": lane.compute_unit,
                "cases": sorted(lane.cases),
                "unet_calls": sum(unet_calls(case) for case in lane.cases.values()),
                "skipped": lane.skip_reason or None,
            }
            for lane in plan.lanes
        ],
        "metrics": list(plan.suite.metrics.names),
        "budgets": plan.suite.budgets.model_dump(mode="json"),
    }


def plan_text(plan: Plan, remarks: Mapping[str, str] | None = None, notes: Iterable[tuple[str, str]] = ()) -> str:
    """The plan for people, without a trailing newline.

    Args:
        remarks: on models, by their names, line by line.
        notes: further subjects, and what is said of them.
    """
    suite = plan.suite
    kinds = [case.source is None for case in suite.cases.values()]
    lines = [
        f"plan: suite {suite.name} ({plan.suite_path})",
        f"  cases    {len(kinds)}: {kinds.count(False)} image-to-image, {kinds.count(True)} text-to-image",
        f"  checks   {len(suite.metrics.names)} metrics a case, parity and coverage a component, and the budgets",
    ]
    budgets = [
        ("model memory", suite.budgets.model_memory_bytes, show_bytes),
        ("memory one at a time", suite.budgets.one_at_a_time_memory_bytes, show_bytes),
        ("off the Neural Engine", suite.budgets.off_neural_engine_percent, "{:g} %".format),
        ("inference", suite.budgets.inference_s, show_seconds),
        ("end to end", suite.budgets.end_to_end_s, show_seconds),
    ]
    said = ", ".join(f"{name} {show(value)}" for name, value, show in budgets if value is not None)
    lines.append(f"  budgets  {said or 'none'}")
    converted = [lane for lane in plan.running if find_runtime(lane.runtime).needs_packages]
    packages = {(lane.model_name, lane.variant.name, name) for lane in converted for name in lane.components}
    calls = sum(unet_calls(case) for lane in plan.running for case in lane.cases.values())
    lines.append(
        f"  cost     {len(packages)} packages, "
        f"{sum(len(lane.cases) for lane in plan.running)} generations, {calls} U-Net calls (less what the store has)"
    )
    for lane in plan.lanes:
        pace = find_runtime(lane.runtime).pace
        runs = f"runs {len(lane.cases)} cases" + (f", at {pace}" if pace else "")
        what = f"skipped: {lane.skip_reason}" if lane.skip_reason else runs
        lines.append(f"  lane     {lane.id:36} {what}")
    for name, said in sorted((remarks or {}).items()):
        lines += [f"  model    {name}: {remark}" for remark in said.splitlines()]
    lines += [f"  {subject:8} {text}" for subject, text in notes]
    return "\n".join(lines)
