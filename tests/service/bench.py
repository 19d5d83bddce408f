"""What shares buy: one suite by 1, 2, 4 … workers at once, and how well the plan foretells what they take.

    nox -s bench-service                    # `-- --units 40 --steps 4` for a short one

Prints, for each number of workers, the time on the clock and processor seconds of the busiest worker, the speed-up of
either over one worker as a part of the ideal, the plan's estimate by the runs before it beside what the longest share
took, and what the gate over the bundles takes. `busy` is how much of the clock the busiest worker computed: about 100 %
on a machine that has no other work. Far below that the clock tells of the other work: read the processor seconds, and
say the load. Asserts nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click

from tests.ci.gated_place import git
from tests.service.consumer import SUITE

ROOT = Path(__file__).parents[2]


GOLDEN_WORKERS = 2
HEAD = "workers    clock  busiest CPU  all CPU   busy   of ideal  by CPU   plan says  off by    gate   load"


@dataclass(frozen=True)
class Taken:
    """What workers took."""

    clock_s: float
    busiest_s: float  # processor seconds of the worker that had most
    total_s: float

    def over(self, one: Taken, count: int) -> tuple[float, float]:
        """Speed-up over one worker as a part of the ideal: by the clock, and by processor seconds."""
        return one.clock_s / self.clock_s / count, one.busiest_s / self.busiest_s / count


def suite(units: int, steps: int) -> str:
    """One lane with so many cases of the miniature."""
    head = SUITE.partition("[cases.one]")[0].replace("steps = 2", f"steps = {steps}")
    return head + "".join(f'[cases.c{number}]\nprompt = "a house"\nseed = {number}\n' for number in range(units))


def sdqa(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """A verb in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "sdqa", *arguments]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def ended(processes: list[subprocess.Popen[bytes]]) -> Taken:
    """What processes took since now, once all have ended well."""
    started, found = time.monotonic(), []
    for process in processes:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, process.args
        found.append(usage.ru_utime + usage.ru_stime)
    return Taken(time.monotonic() - started, max(found), sum(found))


def taken(folder: Path, workers: int) -> Taken:
    """The suite by so many workers at once, with nothing in the store."""
    units = [f"any:{number}/{workers}" for number in range(1, workers + 1)] if workers > 1 else ["any"]
    places = [f".sdqa/{workers}/{number}" for number in range(workers)]
    return ended(
        [
            sdqa(folder, "ci", "unit", unit, "--no-diagnose", "--output", place, "--store", f".sdqa/stores/{place}")
            for unit, place in zip(units, places, strict=True)
        ]
    )


def planned_s(folder: Path, workers: int, known: list[int]) -> tuple[float, str]:
    """What the plan expects the longest share to take by runs with so many workers, and what that rests on."""
    output = folder / ".sdqa" / f"plan-{workers}.json"
    measured = [argument for count in known for argument in ("--measured", f".sdqa/{count}")]
    ended([sdqa(folder, "ci", "plan", "--shards", str(workers), *measured, "--output", str(output))])
    plan = json.loads(output.read_text(encoding="utf-8"))
    return max(float(job["seconds"]) for job in plan["jobs"]), str(plan["durations_rest_on"])


def prepare(folder: Path, units: int, steps: int) -> None:
    """A repository of the suite, with goldens."""
    (folder / "sdqa.toml").write_text(suite(units, steps), encoding="utf-8")
    (folder / ".gitignore").write_text(".sdqa/\n", encoding="utf-8")
    parts = [[f"--case=c{number}" for number in range(first, units, GOLDEN_WORKERS)] for first in range(GOLDEN_WORKERS)]
    stores = [("--store", f".sdqa/goldens-{number}") for number in range(GOLDEN_WORKERS)]
    ended(
        [
            sdqa(folder, "goldens", "--no-check-stability", *part, *store)
            for part, store in zip(parts, stores, strict=True)
        ]
    )
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "first")):
        git(folder, *arguments)


@click.command()
@click.option("--units", default=200, type=click.IntRange(4), help="Cases of the suite.")
@click.option("--steps", default=25, type=click.IntRange(1), help="Steps of each.")
@click.option("--workers", "counts", multiple=True, default=(1, 2, 4), type=click.IntRange(1), help="Repeatable.")
def main(units: int, steps: int, counts: tuple[int, ...]) -> None:
    """Measure and print."""
    cores = os.cpu_count() or 1
    click.echo(f"{units} units of {steps} steps; {cores} cores, load {os.getloadavg()[0]:.1f} before it began")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        prepare(folder, units, steps)
        click.echo(f"goldens drawn after {time.monotonic() - began:.0f} s")
        click.echo(
            "workers    clock  busiest CPU  all CPU   busy   of ideal  by CPU   plan says  off by    gate   load"
        )
        known: list[int] = []
        one, rests_on = Taken(0, 0, 0), ""
        for count in counts:
            if count > cores:
                click.echo(f"{count:7}   not here: {cores} cores")
                continue
            found = taken(folder, count)
            one = one if known else found
            clock, busiest = found.over(one, count)
            planned, rests_on = planned_s(folder, count, known or [count])
            known.append(count)
            gate = ended([sdqa(folder, "ci", "gate", f".sdqa/{count}", "--output", f".sdqa/gate-{count}")])
            click.echo(
                f"{count:7} {found.clock_s:7.1f}s {found.busiest_s:11.1f}s {found.total_s:7.1f}s "
                f"{found.busiest_s / found.clock_s:6.0%} {clock:10.2f} {busiest:7.2f} {planned:10.1f}s "
                f"{planned / found.clock_s - 1:+7.0%} {gate.clock_s:6.1f}s {os.getloadavg()[0]:6.1f}"
            )
        click.echo(f"times of the last line by {rests_on}")
    click.echo(f"{time.monotonic() - began:.0f} s in all")


if __name__ == "__main__":
    main()
