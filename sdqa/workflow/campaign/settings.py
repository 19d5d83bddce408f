"""The recorded cases under other processor settings: does rounding that differs by machine turn anything red?

Another processor has other instruction sets, and its libraries round in another order. On x86-64 these libraries can be
held to older ones, and to another number of threads, before they are loaded; so every run is a process of its own,
whose store has the packages and nothing that was ever drawn. Settings with the fewest changes come first: the machine
as it is, every change alone, and then combinations.
"""

from __future__ import annotations

import itertools
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from sdqa.bundle import Bundle
from sdqa.bundle.honesty import CleanRun, Honesty
from sdqa.errors import EXIT_GATE_FAILED, EXIT_INCOMPLETE, EXIT_PASS, ExecutionError, UsageError
from sdqa.gate.tail import kinds_of
from sdqa.store import code_digest
from sdqa.workflow.campaign.honesty import clean_run, table
from sdqa.workflow.campaign.key import rests_on
from sdqa.workflow.campaign.stage import CampaignLane, CampaignSettings

Setting = Mapping[str, str]
"""Environment variables."""
CHANGES: tuple[tuple[Setting, ...], ...] = (
    (
        {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE"},
        {"ONEDNN_MAX_CPU_ISA": "AVX2"},
        {"ONEDNN_MAX_CPU_ISA": "AVX"},
        {"ONEDNN_MAX_CPU_ISA": "SSE41"},
    ),
    ({"ATEN_CPU_CAPABILITY": "avx2"}, {"ATEN_CPU_CAPABILITY": "default"}),
    ({"MKL_CBWR": "AVX2"}, {"MKL_CBWR": "COMPATIBLE"}),
    tuple({"OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count} for count in ("2", "4")),
)
"""What each library can be told; of each, one at most."""
NAMES = frozenset(name for changes in CHANGES for one in changes for name in one)
LENT = ("package", "architecture", "description", "finite")
"""Kinds of entries that are made from weights and files alone; everything else is drawn anew under each setting."""
JUDGED = frozenset({EXIT_PASS, EXIT_GATE_FAILED, EXIT_INCOMPLETE})


def processor_settings() -> tuple[Setting, ...]:
    """All of them, those with the fewest changes first."""
    chosen = itertools.product(*(({}, *changes) for changes in CHANGES))
    every = [(sum(map(bool, one)), {k: v for part in one for k, v in part.items()}) for one in chosen]
    return tuple(setting for _, setting in sorted(every, key=lambda one: one[0]))


def words_of(setting: Setting) -> tuple[str, ...]:
    """`NAME=value`, in order."""
    return tuple(f"{name}={value}" for name, value in sorted(setting.items()))


def name_of(setting: Setting) -> str:
    """For people."""
    return " ".join(words_of(setting)) or "as it is"


def measure_settings(settings: CampaignSettings, runs: int, say: Callable[[str], None] = lambda _: None) -> Honesty:
    """Judge a lane's recorded cases under so many settings.

    Raises:
        UsageError: no lane of that name runs on this machine, there are not so many settings, or it is no x86-64.
        GoldenMissing: the model has no tolerances.
        ExecutionError: a run ended without a verdict.
    """
    known = processor_settings()
    if platform.machine().lower() not in ("x86_64", "amd64"):
        raise UsageError(
            "processor settings are known of x86-64 only", hint="measure fresh noise: leave out --recorded"
        )
    if runs > len(known):
        raise UsageError(f"there are {len(known)} processor settings, not {runs}", hint=f"--runs {len(known)}")
    stage = CampaignLane(settings)
    stage.samples()  # converts: the packages that every run borrows
    found: list[CleanRun] = []
    for index, setting in enumerate(known[:runs], 1):
        one = _run(stage, setting)
        found.append(one)
        room = "" if one.room_used is None else f", {100 * one.room_used:.0f} % of the room of {one.closest}"
        said = ", ".join(one.failing) or "silent"
        say(f"[{index}/{runs}] {name_of(setting)}: {said}{room} ({one.seconds:.0f} s)")
    return table(stage, found, "recorded")


def _run(stage: CampaignLane, setting: Setting) -> CleanRun:
    key: dict[str, object] = {
        **rests_on(stage.plan, stage.lane, stage.teacher),
        "setting": dict(setting),
        "code": code_digest(__name__, "sdqa.cli.running"),
    }

    def build(folder: Path) -> None:
        one = _judged(stage, setting)
        (folder / "run.json").write_text(one.model_dump_json(), encoding="utf-8")

    return CleanRun.model_validate_json((stage.store.memo("honesty", key, build).path / "run.json").read_bytes())


def _judged(stage: CampaignLane, setting: Setting) -> CleanRun:
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="sdqa-setting-") as folder:
        store, output = Path(folder) / "store", Path(folder) / "report"
        lend(stage.store.root, store)
        arguments = ["--lane", stage.lane.id, "--store", str(store), "--output", str(output)]
        suite = ["--suite", str(stage.plan.suite_path)]
        done = subprocess.run(
            [sys.executable, "-m", "sdqa", "qa", *suite, *arguments],
            env={**_plain_environment(), **setting},
            capture_output=True,
            text=True,
            errors="replace",
        )
        if done.returncode not in JUDGED:
            words = " ".join(done.stderr.split())[-300:]
            raise ExecutionError(f"a run ended with {done.returncode}: {words}", where=name_of(setting))
        lane = next(one for one in Bundle(output).read().lanes if one.id == stage.lane.id)  # others are skipped
    one = clean_run(lane, kinds_of(stage.lane.cases), 0, done.returncode, round(time.perf_counter() - start, 2))
    used = [verdict for verdict in lane.verdicts if verdict.room_used is not None]
    near = max(used, key=lambda verdict: verdict.room_used or 0.0, default=None)
    return one.model_copy(
        update={
            "setting": words_of(setting),
            "room_used": near.room_used if near else None,
            "closest": near.check.removeprefix(f"{lane.id}/") if near else "",
        }
    )


def _plain_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in NAMES} | {"OMP_NUM_THREADS": "1"}


def lend(store: Path, borrower: Path) -> None:
    """Give another store the packages of this one, as links to the same files where the disk allows it."""
    for place in _entries(store):
        shutil.copytree(place, borrower / place.relative_to(store), copy_function=_link, dirs_exist_ok=True)


def _entries(store: Path) -> Iterator[Path]:
    return (store / kind for kind in LENT if (store / kind).is_dir())


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without links
        shutil.copy2(source, target)
