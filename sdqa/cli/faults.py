"""Faults: the catalogue, and the campaign that plants every one of them."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sdqa.cli.options import json_option, store_option
from sdqa.store.place import StorePlace

if TYPE_CHECKING:
    from sdqa.bundle.sensitivity import Sensitivity

GOLDENS = Path("goldens")
CASES = 3
RUNS = 20
ALL_CASES = 10_000
"""More than a suite has."""


@click.group()
def faults() -> None:
    """The catalogue of injectable faults, and the campaign that plants them."""


@faults.command(name="list")
@json_option
def list_faults(as_json: bool) -> None:
    """Every fault: what it does, where, at which severities."""
    from sdqa.faults import all_faults

    if as_json:
        data = [
            {"name": f.name, "component": f.component, "stage": f.stage, "severities": list(f.severities)}
            for f in all_faults()
        ]
        click.echo(json.dumps(data, indent=1))
        return
    for one in all_faults():
        click.echo(f"{one.name:32} {one.component:14} {one.stage:13} {one.summary}")


@faults.command(name="run")
@click.option("--quick", is_flag=True, help="Each fault at its default severity, each harmless change once.")
@click.option("--suite", default=None, metavar="SUITE", help="A suite file, or a shipped suite's name.")
@click.option("--lane", default=None, metavar="LANE", help="The lane to harm; the suite's first one otherwise.")
@click.option("--only", multiple=True, metavar="NAME", help="Only this fault or harmless change; repeatable.")
@click.option("--cases", default=CASES, show_default=True, metavar="N", help="How many cases.")
@click.option("--workers", default=2, show_default=True, help="Processes.")
@click.option("--diagnose/--no-diagnose", default=None, help="Name the culprits too; on unless --quick.")
@store_option
@click.option("--output", default=".sdqa/faults", type=click.Path(path_type=Path), help="Where the table goes.")
@click.option(
    "--baseline",
    default=None,
    type=click.Path(path_type=Path),
    help="The table to hold it against; the lane's own in goldens/ otherwise.",
)
@click.option("--record", is_flag=True, help="Make this table the baseline, whatever it says.")
@json_option
def run_faults(
    quick: bool,
    suite: str | None,
    lane: str | None,
    only: tuple[str, ...],
    cases: int,
    workers: int,
    diagnose: bool | None,
    store: StorePlace,
    output: Path,
    baseline: Path | None,
    record: bool,
    as_json: bool,
) -> None:
    """Plant every fault, see what the gate catches and whom the diagnosis blames.

    Exits 1 when a figure is worse than in the baseline; see docs/faults.md.
    """
    from sdqa.bundle.sensitivity import FILE, place_of, read
    from sdqa.errors import EXIT_GATE_FAILED, EXIT_PASS
    from sdqa.faults.sensitivity import regressions
    from sdqa.workflow.campaign import CampaignSettings, run_campaign, tasks

    settings = CampaignSettings(suite, lane, store, cases, diagnose=not quick if diagnose is None else diagnose)
    table = run_campaign(
        settings,
        tasks(quick=quick, only=only),
        quick=quick,
        workers=workers,
        say=lambda text: click.echo(text, err=True),
    )
    table.write(output / FILE)
    click.echo(json.dumps(table.model_dump(mode="json"), sort_keys=True) if as_json else _summary(table))
    baseline = baseline or place_of(GOLDENS, table.lane)
    if record:
        table.write(baseline)
    worse = regressions(read(baseline), table) if baseline.exists() else []
    for line in worse:
        click.echo(f"worse than {baseline}: {line}", err=True)
    sys.exit(EXIT_GATE_FAILED if worse else EXIT_PASS)


@faults.command(name="honesty")
@click.option(
    "--runs", default=RUNS, show_default=True, type=click.IntRange(min=1), metavar="N", help="How many clean runs."
)
@click.option(
    "--first", default=1, show_default=True, type=click.IntRange(min=1), metavar="N", help="Number of the first one."
)
@click.option(
    "--recorded", is_flag=True, help="The recorded cases under so many processor settings, in place of fresh noise."
)
@click.option("--suite", default=None, metavar="SUITE", help="A suite file, or a shipped suite's name.")
@click.option("--lane", default=None, metavar="LANE", help="The lane to run; the suite's first one otherwise.")
@store_option
@click.option("--output", default=".sdqa/honesty", type=click.Path(path_type=Path), help="Where honesty.json goes.")
@json_option
def run_honesty(
    runs: int,
    first: int,
    recorded: bool,
    suite: str | None,
    lane: str | None,
    store: StorePlace,
    output: Path,
    as_json: bool,
) -> None:
    """Run the sound lane from fresh noise, again and again, and count false alarms by kind of case.

    The teacher draws the references of every run anew; the noise is none that tolerances were measured with. Runs are
    numbered, and a number always has the same noise: `--first 101` goes on where a hundred runs ended.
    """
    from sdqa.bundle.honesty import FILE
    from sdqa.errors import UsageError
    from sdqa.workflow.campaign import CampaignSettings
    from sdqa.workflow.campaign.honesty import measure_honesty
    from sdqa.workflow.campaign.settings import measure_settings

    if recorded and first != 1:
        raise UsageError("--recorded has its settings in one order", where="--first", hint="leave out --first")
    settings = CampaignSettings(suite, lane, store, cases=ALL_CASES, diagnose=False)
    say = partial(click.echo, err=True)
    found = measure_settings(settings, runs, say) if recorded else measure_honesty(settings, runs, first, say)
    found.write(output / FILE)
    if as_json:
        click.echo(json.dumps(found.to_json(), sort_keys=True))
        return
    where = "on its recorded cases under other processor settings" if recorded else "from fresh noise"
    click.echo(f"false alarms of {found.lane} {where}, {found.stated:.3g} stated for a whole run")
    for one in found.rates:
        click.echo(f"{one.kind:16} {one}")
    if not recorded:
        click.echo(f"chaotic cases    {found.replaced}, each with another seed, as `sdqa goldens` asks for")


@faults.command(name="local")
@click.option("--only", multiple=True, metavar="KIND", help="Only this kind of damage; repeatable.")
@click.option("--suite", default=None, metavar="SUITE", help="A suite file, or a shipped suite's name.")
@click.option("--lane", default=None, metavar="LANE", help="Only this lane; every one that runs here otherwise.")
@click.option("--store", default=".sdqa/store", type=click.Path(path_type=Path), help="The store's folder.")
@click.option("--output", default=".sdqa/local", type=click.Path(path_type=Path), help="Where local.json goes.")
@json_option
def run_local(
    only: tuple[str, ...], suite: str | None, lane: str | None, store: Path, output: Path, as_json: bool
) -> None:
    """Damage single pictures of the sound lanes, and see whether golden and baseline find it.

    An eye painted over, a seam, JPEG, one white pixel: only pictures are edited, so no model runs twice.
    """
    from sdqa.bundle.local import FILE
    from sdqa.workflow.campaign import CampaignSettings
    from sdqa.workflow.campaign.local import measure_local

    settings = CampaignSettings(suite, lane, store, cases=ALL_CASES, diagnose=False)
    table = measure_local(settings, only, say=lambda text: click.echo(text, err=True))
    table.write(output / FILE)
    if as_json:
        click.echo(json.dumps(table.to_json(), sort_keys=True))
        return
    for one in table.lanes:
        click.echo(f"{one.lane}, {one.kinds} kinds of damage to {len(one.cases)} portraits, one at a time")
        click.echo(f"  visible and red              {one.red}")
        click.echo(f"  by the golden's limits       {one.by_golden}")
        click.echo(f"  by the lane's own baseline   {one.by_baseline}")
        click.echo(f"  below visibility and red     {one.below}")
        for rate in one.rates:
            click.echo(f"  {rate.metric + ' alone':28} {rate.alone}, {rate.only} by no other")
        for trial in one.silent:
            click.echo(f"  visible and silent: {trial.kind} in {trial.case}, FLIP {trial.flip:.2g}")


@faults.command(name="shares")
@click.option("--only", multiple=True, metavar="A+B+C", help="Only these faults at once; repeatable.")
@click.option("--limit", default=None, type=int, metavar="N", help="Only the first so many of the list.")
@click.option("--suite", default=None, metavar="SUITE", help="A suite file, or a shipped suite's name.")
@click.option("--lane", default=None, metavar="LANE", help="The lane to harm; the suite's first one otherwise.")
@click.option("--cases", default=CASES, show_default=True, metavar="N", help="How many cases the diagnosis looks at.")
@store_option
@click.option("--output", default=".sdqa/shares", type=click.Path(path_type=Path), help="Where shares.json goes.")
@json_option
def run_shares(
    only: tuple[str, ...],
    limit: int | None,
    suite: str | None,
    lane: str | None,
    cases: int,
    store: StorePlace,
    output: Path,
    as_json: bool,
) -> None:
    """Plant three faults at once, and hold the shares that the diagnosis names against what each really does."""
    from sdqa.bundle.shares import FILE
    from sdqa.faults.pairs import triples
    from sdqa.workflow.campaign import CampaignSettings
    from sdqa.workflow.campaign.shares import measure_shares

    settings = CampaignSettings(suite, lane, store, cases, diagnose=True)
    wanted = only or tuple("+".join(names) for names in triples())[:limit]
    table = measure_shares(settings, wanted, say=lambda text: click.echo(text, err=True))
    table.write(output / FILE)
    if as_json:
        click.echo(json.dumps(table.to_json(), sort_keys=True))
        return
    click.echo(f"all faults named             {table.all_named}")
    click.echo(f"intervals that hold          {table.holding}")
    click.echo(f"named, all intervals hold    {table.right}")


def _summary(table: Sensitivity) -> str:
    found = table.figures
    missed = [trial.id for trial in table.trials if trial.visible and not trial.caught]
    alarms = sorted({one.change for one in table.quiet if one.alarm})
    lines = [
        f"visible faults caught        {found.visible_caught}",
        f"of what leaves no pictures   {found.not_running}",
        f"of what exceeds a budget     {found.over_budget}",
        f"below visibility, caught     {found.below_visibility_caught}",
        f"false alarms                 {found.false_alarms}",
        f"component blamed rightly     {found.component_right}",
        f"stage blamed rightly         {found.stage_right}",
        f"operation named rightly      {found.operation_right}",
        f"both of two faults named     {found.both_named}",
    ]
    lines += [f"{one.metric + ' alone':28} {one.alone}, {one.only} by no other" for one in table.metrics]
    if missed:
        lines.append(f"visible and not caught: {', '.join(missed)}")
    if alarms:
        lines.append(f"false alarms: {', '.join(alarms)}")
    return "\n".join(lines)
