"""What jobs of different sizes take: the table that `tests/workflow/test_expected.py` holds the plan's times against.

    python -m tests.service.measured          # writes tests/workflow/measured_jobs.json; ten minutes and more

Everything is in processor seconds, the drawings and conversions that a bundle records too: on a machine that has other
work the clock tells of that work. A job that computes with one thread takes as long by the clock of a quiet machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.ci.gated_place import git
from tests.service.bench import suite
from tests.service.consumer import SUITE

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "tests" / "workflow" / "measured_jobs.json"
SHARDS = (1, 2, 3)
RUNS = 2
"""Of each job; the one that took least stands: work beside it costs processor seconds too, by caches and memory."""
JOB = """
import runpy, sys, time
time.perf_counter = time.process_time
sys.argv = ["sdqa", *sys.argv[1:]]
runpy.run_module("sdqa", run_name="__main__", alter_sys=True)
"""
REFERENCE = (
    ("steps = 2", "steps = 8"),
    ("[[lanes]]", '[variants.small]\ncompression = "palettize-6bit"\n[[lanes]]'),
    ('variants = ["fp16"]\nruntime = "torch"', 'variants = ["fp16", "small"]'),
    ("psnr = 10.0\nparity_psnr = 10.0", "psnr = 1.0\nparity_psnr = 1.0"),
)


def suite_of(name: str) -> str:
    """`torch`: one lane of 40 cases; `reference`: two lanes of 12 cases, with packages to convert."""
    if name == "torch":
        return suite(40, 20)
    text = SUITE.partition("[cases.one]")[0]
    for before, after in REFERENCE:
        assert before in text
        text = text.replace(before, after)
    return text + "".join(f'[cases.c{number}]\nprompt = "a house"\nseed = {number}\n' for number in range(12))


def least(folder: Path, unit: str) -> dict[str, Any]:
    """Of some runs of a job the one that took least."""
    return min((job(folder, unit, run) for run in range(RUNS)), key=lambda one: float(one["processor_s"]))


def job(folder: Path, unit: str, run: int) -> dict[str, Any]:
    """One job with nothing in its store, and what its bundle says of it."""
    place = f".sdqa/{run}-{unit.replace(':', '-').replace('/', '-')}"
    arguments = ("ci", "unit", unit, "--no-diagnose", "--output", place, "--store", f"{place}-store")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", JOB, *arguments], cwd=folder, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, unit
    lanes = json.loads((folder / place / "run.json").read_text(encoding="utf-8"))["lanes"]
    return {
        "unit": unit,
        "shards": int(unit.partition("/")[2] or 1),
        "processor_s": round(usage.ru_utime + usage.ru_stime, 2),
        "lanes": {
            lane["id"]: {
                "converted_s": [round(one["facts"]["conversion_seconds"], 2) for one in lane["packages"]],
                "cases_s": {sample["case"]: round(sample["seconds"], 3) for sample in lane["samples"]},
            }
            for lane in lanes
        },
    }


def main() -> None:
    """Measure and write."""
    suites = {}
    for name in ("reference", "torch"):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            (folder / "sdqa.toml").write_text(suite_of(name), encoding="utf-8")
            (folder / ".gitignore").write_text(".sdqa/\n", encoding="utf-8")
            environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
            command = [sys.executable, "-m", "sdqa", "goldens", "--no-check-stability"]
            subprocess.run(command, cwd=folder, env=environment, check=True)
            for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "first")):
                git(folder, *arguments)
            shares = [f":{number}/{count}" for count in SHARDS[1:] for number in range(1, count + 1)]
            suites[name] = [least(folder, f"any{share}") for share in ("", *shares)]
    TABLE.write_text(written(suites), encoding="utf-8")


def written(suites: dict[str, list[dict[str, Any]]]) -> str:
    """The table, a line a job."""
    lists = [f"{json.dumps(name)}: [\n" + ",\n".join(map(json.dumps, jobs)) + "\n]" for name, jobs in suites.items()]
    return '{"suites": {\n' + ",\n".join(lists) + "\n}}\n"


if __name__ == "__main__":
    main()
