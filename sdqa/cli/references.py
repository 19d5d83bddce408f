"""Verbs that make or change what candidates are held against: goldens, approvals and tolerances."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sdqa.cli.options import (
    bundle_argument,
    case_option,
    lane_option,
    reason_option,
    resolve_own_plan,
    resolve_plan,
    store_option,
    suite_option,
)
from sdqa.errors import EXIT_GATE_FAILED
from sdqa.store.place import StorePlace

if TYPE_CHECKING:
    from sdqa.plan import Plan

NAMED = 3
"""How many suspicious figures are named."""


@click.group(invoke_without_command=True)
@suite_option
@store_option
@case_option
@reason_option
@click.option("--check-stability/--no-check-stability", default=True, help="Whether to look for chaotic cases.")
@click.pass_context
def goldens(
    context: click.Context,
    suite: str | None,
    store: StorePlace,
    cases: tuple[str, ...],
    reason: str,
    check_stability: bool,
) -> None:
    """Record the references from the PyTorch teacher; changes nothing without --reason."""
    if context.invoked_subcommand is not None:
        return
    from sdqa.errors import GoldenBelowFloor
    from sdqa.progress import reporting
    from sdqa.store import Store
    from sdqa.workflow.floors import MEND
    from sdqa.workflow.goldens import record_goldens
    from sdqa.workflow.teacher_change import got_worse

    with reporting() as progress:
        plan = resolve_own_plan(suite)
        made = record_goldens(plan, Store(store), progress, cases=cases, reason=reason, check_stability=check_stability)
        recorded = list(made)
    for item in recorded:
        said = "refused" if item.refused else "recorded" if item.changed else "unchanged"
        click.echo(f"{said}  {item.model}/{item.case}{f': {item.refused}' if item.refused else ''}")
        if item.teacher is not None:
            click.echo(f"  {item.teacher}")
        if item.warning():
            click.echo(f"warning: {item.warning()}", err=True)
    for line in got_worse([item.teacher for item in recorded if item.teacher is not None]):
        click.echo(f"warning: the teacher itself got worse: {line}", err=True)
    if refused := [f"{item.model}/{item.case}" for item in recorded if item.refused]:
        raise GoldenBelowFloor(f"the teacher is below the floor in {', '.join(refused)}", where=suite or "", hint=MEND)


@goldens.command()
@suite_option
@case_option
@click.option("--reproduce/--digests-only", default=True, help="Whether the teacher draws the cases again.")
def verify(suite: str | None, cases: tuple[str, ...], reproduce: bool) -> None:
    """Check every digest, and that the teacher still draws what was recorded."""
    import tempfile

    from sdqa.gate.orphans import orphans_text
    from sdqa.gate.verify import verify as findings
    from sdqa.progress import reporting
    from sdqa.store import Store
    from sdqa.workflow.goldens import picture_changes, reproducer

    plan = resolve_plan(suite)
    # A sample from the store would only confirm itself.
    with tempfile.TemporaryDirectory() as fresh, reporting() as progress:
        again = reproducer(plan, Store(Path(fresh)), progress) if reproduce else None
        found = list(findings(plan.goldens, cases=cases, reproduce=again, stale=picture_changes(plan)))
    for finding in found:
        click.echo(f"{'sound' if finding.sound else 'WRONG'}  {finding.subject}: {finding.what}")
    if orphaned := orphans_text(plan):
        click.echo(orphaned)
    if not all(finding.sound for finding in found):
        sys.exit(EXIT_GATE_FAILED)


@goldens.command()
@suite_option
@reason_option
def prune(suite: str | None, reason: str) -> None:
    """Remove the goldens that no case of the suite asks for; each with an entry of the audit log."""
    from sdqa.gate.orphans import prune as remove

    removed = remove(resolve_plan(suite), reason)
    for name in removed:
        click.echo(f"removed  {name}")
    if not removed:
        click.echo("every golden belongs to a case")


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


@click.command()
@suite_option
@lane_option
@store_option
@reason_option
@click.option(
    "--from",
    "elsewhere",
    multiple=True,
    metavar="BUNDLE",
    type=click.Path(path_type=Path),
    help="A clean run of another machine, whose noise has to pass too; repeatable.",
)
@click.option(
    "--budget",
    default=None,
    metavar="TIME",
    help="How long each model may take, as 2h or 30 min: fewer faults are planted, and those left out are named.",
)
@click.option(
    "--tail",
    default=40,
    show_default=True,
    metavar="N",
    type=click.IntRange(0, 100_000),
    help="Figures of text-to-image cases from still other noise, for each lane: what few draws do not show.",
)
@click.option("--tail-only", is_flag=True, help="Measure nothing but that, and keep the limits that there are.")
def calibrate(
    suite: str | None,
    lanes: tuple[str, ...],
    store: StorePlace,
    reason: str,
    elsewhere: tuple[Path, ...],
    budget: str | None,
    tail: int,
    tail_only: bool,
) -> None:
    """Measure harmless noise and faults, and place the tolerances between them; other machines' lanes keep theirs.

    Stopped, it goes on where it was: what was measured is in the store.
    """
    from dataclasses import replace

    from sdqa.bundle import Bundle
    from sdqa.bundle.environment import environment
    from sdqa.gate.calibrate import calibrate as place
    from sdqa.gate.calibrate import with_tails
    from sdqa.gate.limit_table import limit_table, tail_lines
    from sdqa.gate.reach import within_reach
    from sdqa.gate.tolerances import Tolerances
    from sdqa.progress import reporting
    from sdqa.store import Store
    from sdqa.workflow import calibrate as calibration
    from sdqa.workflow.elsewhere import with_elsewhere
    from sdqa.workflow.gate import worst_figures
    from sdqa.workflow.intent import calibration_intent
    from sdqa.workflow.job import Job

    made = resolve_own_plan(suite)
    narrowed = resolve_plan(suite, lanes)
    folder = Bundle(store.folder.parent / "calibration")
    for model in sorted({lane.model_name for lane in narrowed.running}):
        path, job = made.goldens / model / "tolerances.json", Job(narrowed, Store(store), folder)
        if tail_only:
            known = Tolerances.load(path)
            with reporting() as progress:
                tails = calibration.measure_tails(replace(job, progress=progress), model, tail)
            tailed = with_tails(known, tails, worst_figures())
            tailed.save(path, reason)
            click.echo("\n".join((*tail_lines(tailed, sorted(tails)), str(path))))
            continue
        intent = calibration_intent(narrowed, model, budget, tail)
        click.echo(str(intent))
        with reporting() as progress:
            measured = calibration.measure(replace(job, progress=progress), model, intent.budget_s, tail)
        harmless = with_elsewhere(measured.harmless, narrowed, elsewhere)
        checks = calibration.count_checks(made)
        placed = place(model, harmless, measured.faults, checks=checks, environment=environment())
        reached = within_reach(placed, worst_figures()).model_copy(update={"left_out": measured.left_out})
        tolerances = with_tails(reached, measured.tails)
        if path.exists():
            tolerances = tolerances.beside(Tolerances.load(path), everything=bool(lanes))
        tolerances.save(path, reason)
        for line in limit_table(tolerances, sorted(harmless), sorted(measured.faults)):
            click.echo(line)
        for line in tail_lines(tolerances, sorted(measured.tails)):
            click.echo(line)
        click.echo(str(path))
