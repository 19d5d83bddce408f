"""Verbs that make or change what candidates are held against: goldens, approvals and tolerances."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sdqa.cli.options import (
    bundle_argument,
    case_option,
    reason_option,
    resolve_own_plan,
    resolve_plan,
    store_option,
    suite_option,
)
from sdqa.errors import EXIT_GATE_FAILED


@click.group(invoke_without_command=True)
@suite_option
@store_option
@case_option
@reason_option
@click.pass_context
def goldens(context: click.Context, suite: str | None, store: Path, cases: tuple[str, ...], reason: str) -> None:
    """Record the references from the PyTorch teacher; changes nothing without --reason."""
    if context.invoked_subcommand is not None:
        return
    from sdqa.progress import reporting
    from sdqa.store import Store
    from sdqa.workflow.goldens import record_goldens

    with reporting() as progress:
        recorded = list(record_goldens(resolve_own_plan(suite), Store(store), progress, cases=cases, reason=reason))
    for item in recorded:
        click.echo(f"{'recorded' if item.changed else 'unchanged'}  {item.model}/{item.case}")


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
    from sdqa.workflow.goldens import reproducer

    plan = resolve_plan(suite)
    # A sample from the store would only confirm itself.
    with tempfile.TemporaryDirectory() as fresh, reporting() as progress:
        again = reproducer(plan, Store(Path(fresh)), progress) if reproduce else None
        found = list(findings(plan.goldens, cases=cases, reproduce=again))
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
@click.option("--diagnosis", default="", help="What explains figures that got worse.")
@click.option("--reason", required=True, help="Why; goes to the audit log.")
def approve(
    bundle: Path, suite: str | None, lane: str | None, cases: tuple[str, ...], diagnosis: str, reason: str
) -> None:
    """Make what a run recorded the golden; nothing is generated again."""
    from sdqa.gate.approve import approve as promote

    plan = resolve_own_plan(suite)
    for item in promote(bundle, plan.goldens, reason=reason, lane=lane, cases=cases, diagnosis=diagnosis):
        change = f"{item.before[:12]} → {item.after[:12]}" if item.changed else "unchanged"
        click.echo(f"{item.model}/{item.case}: {change}{'; worse: ' + '; '.join(item.worse) if item.worse else ''}")


@click.command()
@suite_option
@store_option
@reason_option
def calibrate(suite: str | None, store: Path, reason: str) -> None:
    """Measure harmless noise and faults, and place every tolerance between them."""
    from sdqa.bundle import Bundle
    from sdqa.bundle.environment import environment
    from sdqa.gate.calibrate import calibrate as place
    from sdqa.progress import reporting
    from sdqa.store import Store
    from sdqa.workflow import calibrate as calibration
    from sdqa.workflow.job import Job

    made = resolve_own_plan(suite)
    for model in sorted({lane.model_name for lane in made.running}):
        with reporting() as progress:
            job = Job(made, Store(store), Bundle(store.parent / "calibration"), None, progress)
            harmless, faults = calibration.measure(job, model)
        checks = calibration.count_checks(made)
        tolerances = place(model, harmless, faults, checks=checks, environment=environment())
        path = made.goldens / model / "tolerances.json"
        tolerances.save(path, reason)
        click.echo(str(path))
