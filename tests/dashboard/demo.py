"""A history of runs that really ran, for anybody to look at: `nox -s dashboard -- --demo`.

A project of its own in a git repository of its own: three variants of the miniature, a commit a run. Every run converts
(or finds in the store), generates, scores and judges; only its date is scripted, so that the history spans weeks, and
at one commit the machine calls itself another one. What is planted, and where, is `Script`: the tests hold the
dashboard to it. It goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

from sdqa.dashboard.changes import Event, changes_of, events_of
from sdqa.dashboard.clocks import follows_from, project_changes
from sdqa.dashboard.database import opened
from sdqa.dashboard.series import all_series, dated_runs, lane_marks, lane_runs
from sdqa.dashboard.site import BuiltSite, build
from sdqa.history import add_records, open_place, read_history, record_of

RUNS = 120
BEGIN = datetime(2026, 10, 1, 8, tzinfo=UTC)
EVERY = timedelta(hours=9)


@dataclass(frozen=True)
class Planted:
    """A change of level that has to be found."""

    run: int
    lane: str
    worse: bool
    why: str


@dataclass(frozen=True)
class Script:
    """What happens at which commit."""

    runs: int

    def at(self, eighths: int) -> int:
        """The commit after so many eighths of the history."""
        return self.runs * eighths // 8

    @property
    def golden(self) -> int:
        """The commit that renews a golden."""
        return self.at(4)

    @property
    def machine(self) -> int:
        """The commit from which on another machine runs."""
        return self.at(5)

    @property
    def limit(self) -> int:
        """The commit that tightens a limit."""
        return self.at(7)

    @property
    def planted(self) -> tuple[Planted, ...]:
        """The changes of level."""
        return (
            Planted(self.at(2), "m/pal6", True, "the recipe slips from 6 to 4 bits"),
            Planted(self.at(3), "m/pal6", False, "and is put right"),
            Planted(self.at(6), "m/fp16", True, "half of the weights are pruned away"),
        )

    def suite(self, number: int) -> str:
        """The suite as commit `number` has it."""
        return SUITE.format(
            fp16='compression = "prune-50"\n' if number >= self.at(6) else "",
            pal6="palettize-4bit" if self.at(2) <= number < self.at(3) else "palettize-6bit",
            lake="a lake in the mountains" if number < self.golden else "a lake in the mountains in winter",
            psnr=20.0 if number < self.limit else 24.0,
        )

    def wrong(self, events: Sequence[Event]) -> list[str]:
        """What was planted and not found within one run, and what was found and not planted, in words."""
        problems, expected = [], []
        for planted in self.planted:
            near = [one for one in events if one.lane == planted.lane and abs(one.run - planted.run) <= 1]
            found = [one for one in near if not one.of_times_alone and (one.size > 0) == planted.worse]
            expected += [*found, *(one for one in near if one.of_times_alone)]  # another recipe may take another time
            if not found:
                problems.append(f"not found: {planted.why}, {planted.lane} at run {planted.run}")
        for one in events:
            kinds = {mark.kind for mark in one.marks}
            renewed = abs(one.run - self.golden) <= 1 and "golden" in kinds
            moved = abs(one.run - self.machine) <= 1 and one.of_times_alone
            if one not in expected and not renewed and not moved:
                problems.append(f"not planted: {one.changes[0].label} of {one.lane} at run {one.run}")
        return problems


SUITE = """schema_version = 1
name = "demo"

[models.m]
source = "random:miniature"

[variants.fp16]
precision = "float16"
target = "iOS17"
{fp16}
[variants.pal6]
precision = "float16"
target = "iOS17"
compression = "{pal6}"

[variants.int8]
precision = "float16"
target = "iOS17"
compression = "linear-int8"

[[lanes]]
model = "m"
variants = ["fp16", "pal6", "int8"]
runtime = "reference"

[metrics]
names = ["finite", "shape", "psnr", "ssim", "latent_psnr"]

[limits]
psnr = {psnr}
ssim = 0.9
latent_psnr = 20.0
parity_psnr = 15.0

[budgets]
model_memory_bytes = "5 MB"
end_to_end_s = "20 s"

[defaults]
scheduler = "ddim"
steps = 2
guidance_scale = 3.0

[cases.hat]
prompt = "a man with a hat"
seed = 1

[cases.lake]
prompt = "{lake}"
seed = 2

[cases.night]
prompt = "a village at night"
seed = 3
"""


def moment(number: int) -> datetime:
    """When commit `number` was made and ran."""
    return BEGIN + number * EVERY


def git(folder: Path, *arguments: str, when: datetime) -> str:
    """git, at a date and by nobody in particular."""
    names = {f"GIT_{who}_{what}": "demo" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    dates = {f"GIT_{who}_DATE": when.isoformat() for who in ("AUTHOR", "COMMITTER")}
    command = ["git", "-C", str(folder), "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null", *arguments]
    environment = {**os.environ, **names, **dates}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.strip()


def begin(project: Path) -> None:
    """The repository, where it is not there yet."""
    if not (project / ".git").exists():
        project.mkdir(parents=True, exist_ok=True)
        git(project, "init", "-q", "-b", "main", when=BEGIN)
        (project / ".gitignore").write_text(".sdqa/\n")


def run_once(project: Path, script: Script, number: int) -> None:
    """Commit `number` and its run, added to the history."""
    from sdqa.store import Store
    from sdqa.workflow.ending import run_to_an_end
    from sdqa.workflow.job import prepare
    from sdqa.workflow.report import summed_up

    suite, sdqa = project / "sdqa.toml", project / ".sdqa"
    if int(git(project, "rev-list", "--count", "--all", when=BEGIN)) > number:  # committed, and stopped while it ran
        git(project, "checkout", "-q", "--", ".", when=BEGIN)
    else:
        suite.write_text(script.suite(number), encoding="utf-8")
        if number in (0, script.golden):
            record_goldens(suite, sdqa / "store", "the lake is a winter lake now" if number else "first recorded")
        git(project, "add", "-A", when=moment(number))
        git(project, "commit", "-q", "--allow-empty", "-m", f"Change {number}", when=moment(number))
    for kind in ("sample", "score"):  # drawn and measured anew in every run; packages are found where they are the same
        shutil.rmtree(sdqa / "store" / kind, ignore_errors=True)
    with machine(changed=number >= script.machine):
        job = prepare(suite, Store(sdqa / "store"), sdqa / "report", ())
        run = summed_up(job, [run_to_an_end(job, lane).lane for lane in job.plan.running])
    dated = run.model_copy(update={"created": moment(number).isoformat()})
    add_records(open_place(str(sdqa / "history")), [record_of(dated, folder=project, environment={})])


def record_goldens(suite: Path, store: Path, reason: str) -> None:
    """What `sdqa goldens --reason` does."""
    from sdqa.cli import run as sdqa

    assert sdqa(["goldens", "--suite", str(suite), "--store", str(store), "--reason", reason]) == 0


def machine(*, changed: bool) -> AbstractContextManager[object]:
    """The machine that a run says it ran on."""
    if not changed:
        return nullcontext()
    from sdqa.bundle import fingerprint
    from sdqa.bundle.environment import environment

    here = environment().model_copy(update={"processor": "another processor of the demo", "cores": 8})
    return mock.patch.object(fingerprint, "environment", return_value=here)


def make(project: Path, runs: int) -> int:
    """All runs that are not there yet; how many were."""
    begin(project)
    known = {record.created for record in read_history(str(project / ".sdqa" / "history")).records}
    missing = [number for number in range(runs) if moment(number).isoformat() not in known]
    began = time.monotonic()
    for done, number in enumerate(missing, 1):
        run_once(project, Script(runs), number)
        if done % 10 == 0 or done == len(missing):
            print(f"{number + 1} of {runs} runs, {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201
    return len(missing)


def site(project: Path, output: Path) -> tuple[BuiltSite, list[Event]]:
    """The site of the history, and the changes that it tells."""
    home = project / ".sdqa"
    place = open_place(str(home / "history"))
    built = build(place, output, index=home / "dashboard.sqlite", goldens=project / "goldens")
    return built, changes(home / "dashboard.sqlite")


def changes(index: Path) -> list[Event]:
    """The changes of a history, from its database."""
    with opened(index) as connection:
        runs = dated_runs(connection)
        lanes = lane_runs(connection, runs)
        marks = {lane: lane_marks(runs, of_runs) for lane, of_runs in lanes.items()}
        machines = {lane: {run: one.fingerprint for run, one in of_runs.items()} for lane, of_runs in lanes.items()}
        follows = {lane: follows_from(runs, of_runs) for lane, of_runs in lanes.items()}
        found = [
            one
            for series in all_series(connection, runs)
            for one in project_changes(series, changes_of(series, machines[series.lane]), follows[series.lane])[0]
        ]
    return events_of(found, marks)


def main() -> int:
    """Make the history and its site, and hold what it found to what was planted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, default=Path("build/demo"), help="the project's folder")
    parser.add_argument("--output", type=Path, default=Path("site"), help="the site's folder")
    parser.add_argument("--runs", type=int, default=RUNS)
    given = parser.parse_args()
    make(given.project, given.runs)
    built, events = site(given.project, given.output)
    wrong = Script(given.runs).wrong(events)
    print("\n".join([f"{given.output / 'index.html'}: {built.runs} runs, {built.changes} changes", *wrong]))  # noqa: T201
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())
