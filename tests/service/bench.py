"""What shares buy: one suite by 1, 2, 4 … workers at once, and how well the plan foretells what they take.

    nox -s bench-service                    # `-- --units 40 --steps 4` for a short one

Prints, for each number of workers, the time on the clock and the processor seconds of the busiest worker, the speed-up
of either over one worker, and both as a part of the ideal; and the plan's estimate from the run with one worker beside
what the shares took. On a machine that has other work the clock says little: read the processor seconds, and say the
load. Asserts nothing.
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

from tests.ci.test_gate import git
from tests.service.consumer import SUITE

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Taken:
    """What workers took."""

    clock_s: float
    busiest_s: float  # processor seconds of the worker that had most
    total_s: float


def suite(units: int, steps: int) -> str:
    """One lane with so many cases of the miniature."""
    head = SUITE.partition("[cases.one]")[0].replace("steps = 2", f"steps = {steps}")
    return head + "".join(f'[cases.c{number}]\nprompt = "a house"\nseed = {number}\n' for number in range(units))


def sdqa(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """A verb in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "sdqa", *arguments]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def ended(processes: list[subprocess.Popen[bytes]]) -> list[float]:
    """Processor seconds of each, once all have ended well."""
    found = []
    for process in processes:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, process.args
        found.append(usage.ru_utime + usage.ru_stime)
    return found


def taken(folder: Path, workers: int) -> Taken:
    """The suite by so many workers at once, with nothing in the store."""
    started = time.monotonic()
    units = [f"any:{number}/{workers}" for number in range(1, workers + 1)] if workers > 1 else ["any"]
    places = [f".sdqa/{workers}/{number}" for number in range(workers)]
    processes = [
        sdqa(folder, "ci", "unit", unit, "--no-diagnose", "--output", place, "--store", f"{place}-store")
        for unit, place in zip(units, places, strict=True)
    ]
    seconds = ended(processes)
    return Taken(time.monotonic() - started, max(seconds), sum(seconds))


def planned_s(folder: Path, workers: int) -> float:
    """What the plan expects the longest share to take, by the run with one worker."""
    output = folder / ".sdqa" / f"plan-{workers}.json"
    arguments = ("--shards", str(workers), "--measured", ".sdqa/1/0", "--output", str(output))
    ended([sdqa(folder, "ci", "plan", *arguments)])
    return max(float(job["seconds"]) for job in json.loads(output.read_text(encoding="utf-8"))["jobs"])


@click.command()
@click.option("--units", default=200, type=click.IntRange(4), help="Cases of the suite.")
@click.option("--steps", default=20, type=click.IntRange(1), help="Steps of each.")
@click.option("--workers", "counts", multiple=True, default=(1, 2, 4), type=click.IntRange(1), help="Repeatable.")
def main(units: int, steps: int, counts: tuple[int, ...]) -> None:
    """Measure and print."""
    cores = os.cpu_count() or 1
    load = os.getloadavg()[0]
    click.echo(f"{units} units of {steps} steps; {cores} cores, load {load:.1f} before it began")
    click.echo("workers   clock  speed-up  of ideal   busiest CPU  speed-up  of ideal   plan says   off by")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "sdqa.toml").write_text(suite(units, steps), encoding="utf-8")
        (folder / ".gitignore").write_text(".sdqa/\n", encoding="utf-8")
        ended([sdqa(folder, "goldens", "--no-check-stability")])
        for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "first")):
            git(folder, *arguments)
        one: Taken | None = None
        for count in counts:
            if count > cores:
                click.echo(f"{count:7}   not here: {cores} cores")
                continue
            found = taken(folder, count)
            one = one or found
            clock, busiest = one.clock_s / found.clock_s, one.busiest_s / found.busiest_s
            planned = planned_s(folder, count)
            off = planned / found.clock_s - 1
            click.echo(
                f"{count:7} {found.clock_s:6.1f}s {clock:9.2f} {clock / count:9.2f} {found.busiest_s:12.1f}s "
                f"{busiest:9.2f} {busiest / count:9.2f} {planned:10.1f}s {off:+8.0%}"
            )


if __name__ == "__main__":
    main()
