"""Options that several verbs share, and what they resolve to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sdqa.plan import Plan

suite_option = click.option("--suite", default=None, metavar="SUITE", help="A suite file, or a shipped suite's name.")
lane_option = click.option("--lane", "lanes", multiple=True, metavar="LANE", help="Only lanes that match; repeatable.")
store_option = click.option(
    "--store", default=".sdqa/store", type=click.Path(path_type=Path), help="The store's folder."
)
output_option = click.option(
    "--output", default=".sdqa/report", type=click.Path(path_type=Path), help="The bundle's folder."
)
fault_option = click.option("--fault", default=None, metavar="FAULT", help="Plant a fault, to see the gate turn red.")
case_option = click.option("--case", "cases", multiple=True, metavar="CASE", help="Only these cases; repeatable.")
json_option = click.option("--json", "as_json", is_flag=True, help="Machine-readable result on standard output.")
reason_option = click.option("--reason", default="", help="Why; recorded, and needed where something would change.")
bundle_argument = click.argument("bundle", type=click.Path(path_type=Path), default=Path(".sdqa/report"))


def described(plan: Plan, remarks: Mapping[str, str] | None = None) -> str:
    """A plan for people, with the goldens that nothing in it asks for."""
    from sdqa.gate.orphans import orphans_text
    from sdqa.plan.describe import plan_text

    orphaned = orphans_text(plan)
    return f"{plan_text(plan, remarks)}\n  {orphaned}" if orphaned else plan_text(plan, remarks)


def resolve_own_plan(suite: str | None) -> Plan:
    """The plan that `--suite` means, for a verb that writes beside its goldens.

    Raises:
        UsageError: the goldens are part of the installed package.
    """
    from sdqa.errors import UsageError

    made = resolve_plan(suite)
    if made.has_packaged_goldens:
        hint = f"copy {made.suite_path} to a folder of your own and name that file with --suite"
        raise UsageError("the goldens of a shipped suite belong to the package", hint=hint)
    return made


def resolve_plan(suite: str | None, lanes: tuple[str, ...] = ()) -> Plan:
    """The plan that `--suite` and `--lane` mean."""
    from sdqa.plan import find_suite, load_suite, make_plan
    from sdqa.workflow.words import require_known_metrics

    path = find_suite(suite)
    return require_known_metrics(make_plan(load_suite(path), path, only=lanes))


def look_at_models(plan: Plan, *, drawing: bool = True) -> dict[str, str]:
    """Refuse a plan whose models cannot be drawn, before anything is converted; and say what is remarkable of others.

    Args:
        drawing: False where the lanes' packages are all that is wanted.

    Returns:
        Remarks by the model's name.

    Raises:
        UnsupportedModel: models that cannot be drawn, or cases with schedulers that their families do not know.
        ModelError: a model's index or configuration is garbled.
    """
    from sdqa.errors import UnsupportedModel
    from sdqa.families import demand_drawable
    from sdqa.models import look_at

    remarks, refused = {}, []
    for name in sorted({lane.model_name for lane in plan.lanes}):
        lanes = [lane for lane in plan.lanes if lane.model_name == name]
        source = lanes[0].model.reference or lanes[0].model.source
        try:
            opening = look_at(source, lock=plan.root / "sdqa.lock")
            if opening is None:
                remarks[name] = f"{source} is not here yet; it is looked at when it is loaded"
                continue
            if drawing:
                schedulers = {case.scheduler for lane in lanes for case in lane.cases.values()}
                foreign = sorted(schedulers - set(opening.family.between.schedulers))
                found = tuple(f"the scheduler {one} is none of {opening.family.title}'s" for one in foreign)
                demand_drawable(opening.family, source=source, found=found)
        except UnsupportedModel as error:
            refused.append(error)
            continue
        if opening.ignored:
            remarks[name] = f"ignored: {', '.join(opening.ignored)}"
    if refused:
        raise UnsupportedModel("; ".join(one.what for one in refused), where=", ".join(one.where for one in refused))
    return remarks
