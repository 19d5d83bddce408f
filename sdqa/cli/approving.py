"""The verb by which a person makes a run's outcomes what others are held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sdqa.cli.options import bundle_argument, case_option, resolve_own_plan, suite_option

if TYPE_CHECKING:
    from sdqa.plan import Plan

NAMED = 3
"""How many suspicious figures are named."""


@click.command()
@bundle_argument
@suite_option
@click.option("--lane", default=None, metavar="LANE", help="Whose outcomes; needed when the run has several lanes.")
@case_option
@click.option(
    "--repeat",
    "repeats",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="BUNDLE",
    help="A further run of the lane, drawn anew (another --store): how well the machine repeats itself; repeatable.",
)
@click.option(
    "--golden", is_flag=True, help="Move the golden that all lanes are held against, not the lane's baseline."
)
@click.option("--yes", is_flag=True, help="With --golden: move it although other lanes are held against it too.")
@click.option("--diagnosis", default="", help="With --golden: what explains figures that got worse.")
@click.option("--reason", required=True, help="Why; goes to the audit log.")
def approve(
    bundle: Path,
    suite: str | None,
    lane: str | None,
    cases: tuple[str, ...],
    repeats: tuple[Path, ...],
    golden: bool,
    yes: bool,
    diagnosis: str,
    reason: str,
) -> None:
    """Make what a lane recorded its baseline; nothing is generated again."""
    from sdqa.errors import UsageError
    from sdqa.workflow.approval import approval

    plan = resolve_own_plan(suite)
    if golden:
        if repeats:
            raise UsageError("--repeat measures a lane's baseline; a golden has none")
        _move_goldens(plan, bundle, lane, cases, yes, diagnosis, reason)
        return
    intended = approval(plan, bundle, lane=lane, cases=cases)
    red = intended.stays_red()
    if red:
        click.echo("stays red, because a baseline is no limit on the distance to the golden:")
        for line in red:
            click.echo(f"  {line}")
    _doubts(intended.suspicious())
    for item in intended.carry_out(reason, repeats):
        click.echo(str(item))
    for line in intended.limits():
        click.echo(line)


def _doubts(suspicious: Sequence[str]) -> None:
    """What to look at before the next run is held against it."""
    if not suspicious:
        return
    count = len(suspicious)
    click.echo(f"suspicious in {count} check{'s' if count != 1 else ''}; look at them before others are held to this:")
    for line in suspicious[:NAMED]:
        click.echo(f"  {line}")
    if count > NAMED:
        click.echo(f"  and {count - NAMED} more")


def _move_goldens(
    plan: Plan, bundle: Path, lane: str | None, cases: tuple[str, ...], yes: bool, diagnosis: str, reason: str
) -> None:
    """Promote a lane's outcomes to goldens, which the model's other lanes are held against too."""
    from sdqa.bundle import Bundle, Lane, Run
    from sdqa.ci.examined import demand_examined
    from sdqa.errors import UsageError
    from sdqa.gate.approve import approve as promote
    from sdqa.gate.approve import chosen_lane
    from sdqa.workflow.approval import sharers
    from sdqa.workflow.floors import below_floors

    def below(case: str, scores: Mapping[str, float | None]) -> list[str]:
        planned = plan.suite.cases.get(case)
        return below_floors(plan, planned, scores) if planned else []

    def examine(source: Bundle, run: Run, of: Lane) -> None:
        demand_examined(source, run, [of], plan)

    shared = sharers(plan, chosen_lane(Bundle(bundle).read(), lane))
    if shared and not yes:
        what = f"the golden is shared: {', '.join(shared)} would be held against this lane's outcome"
        hint = "leave --golden out to approve this lane's own baseline, or say --yes"
        raise UsageError(what, where=lane or str(bundle), hint=hint)
    moved = promote(
        bundle,
        plan.goldens,
        reason=reason,
        lane=lane,
        cases=cases,
        diagnosis=diagnosis,
        below=below,
        examine=examine,
    )
    for item in moved:
        change = f"golden {item.before[:12]} → {item.after[:12]}" if item.changed else "golden unchanged"
        click.echo(f"{item.model}/{item.case}: {change}{'; worse: ' + '; '.join(item.worse) if item.worse else ''}")
