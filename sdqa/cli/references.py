"""Verbs that measure what candidates are held against: goldens and tolerances."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sdqa.cli.options import (
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
