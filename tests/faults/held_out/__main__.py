"""`python -m tests.faults.held_out`: what the gate catches of the held-out set, and whom the diagnosis blames.

One task after the other, in this process, through the campaign that `sdqa faults run` uses. Everything goes through
the store, so that an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import click

from sdqa.bundle.sensitivity import FILE
from sdqa.workflow.campaign import CampaignSettings, Task, run_campaign
from tests.faults.held_out.registry import held_out, plant
from tests.faults.held_out.summary import summary

CASES = 3


def tasks(only: list[str]) -> list[Task]:
    """Every mutation once, and every harmless change from the recorded noise; or only those that are named.

    Raises:
        SystemExit: a name is unknown.
    """
    mutations, controls = held_out()
    unknown = sorted(set(only) - {*mutations, *controls})
    if unknown:
        sys.exit(f"not held out: {', '.join(unknown)}")
    found = [Task(one.name, one.severity) for one in mutations.values() if not only or one.name in only]
    return found + [Task(name, seed=0) for name in controls if not only or name in only]


def main() -> None:
    """Measure, print the figures and every miss, and write the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.held_out", description=__doc__)
    parser.add_argument("--suite", default=None, help="a suite file, or a shipped suite's name")
    parser.add_argument("--lane", default=None, help="the lane to harm; the suite's first one otherwise")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only this one; repeatable")
    parser.add_argument("--cases", type=int, default=CASES, metavar="N", help="how many cases")
    parser.add_argument("--no-diagnose", action="store_true", help="do not name culprits")
    parser.add_argument("--store", type=Path, default=Path(".sdqa/store"), help="the store's folder")
    parser.add_argument("--output", type=Path, default=Path(".sdqa/held-out"), help="where the table goes")
    given = parser.parse_args()
    plant()
    settings = CampaignSettings(given.suite, given.lane, given.store, given.cases, diagnose=not given.no_diagnose)
    todo = tasks(given.only)
    table = run_campaign(settings, todo, quick=True, workers=1, say=lambda text: click.echo(text, err=True))
    table.write(given.output / FILE)
    click.echo(summary(table))


if __name__ == "__main__":
    main()
