"""Options that several verbs share, and what they resolve to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
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


def described(plan: Plan) -> str:
    """A plan for people, with the goldens that nothing in it asks for."""
    from sdqa.gate.orphans import orphans_text
    from sdqa.plan.describe import plan_text

    orphaned = orphans_text(plan)
    return f"{plan_text(plan)}\n  {orphaned}" if orphaned else plan_text(plan)


def resolve_plan(suite: str | None, lanes: tuple[str, ...] = ()) -> Plan:
    """The plan that `--suite` and `--lane` mean."""
    from sdqa.plan import find_suite, load_suite, make_plan

    path = find_suite(suite)
    return make_plan(load_suite(path), path, only=lanes)
