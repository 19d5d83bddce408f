"""A suite that runs in seconds: the embedded teacher against itself, in two lanes, and a lane for another machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CASES = ("edit-1", "edit-2", "edit-3")
FIRST, SECOND, ABSENT = "tiny/fp16@torch", "tiny/fp32@torch", "tiny/fp16@coreml-cpu_only"
SUITE = """
schema_version = 1
name = "control"
goldens = "teacher"
[models.tiny]
source = "embedded:tiny"
[variants.fp16]
precision = "float16"
[variants.fp32]
precision = "float32"
[[lanes]]
model = "tiny"
variants = ["fp16", "fp32"]
runtime = "torch"
[[lanes]]
model = "tiny"
variants = ["fp16"]
runtime = "coreml"
compute_units = ["CPU_ONLY"]
[metrics]
names = ["finite", "shape", "psnr"]
[limits]
psnr = 70.0
parity_psnr = 120.0
[defaults]
scheduler = "ddim"
steps = 2
strength = 0.5
"""


def write_suite(folder: Path, *, extra: str = "") -> Path:
    """The suite as `sdqa.toml` in a folder."""
    cases = "".join(
        f'[cases.{name}]\nsource = "scene:portrait/{115 + number}"\nprompt = "a man with red hair"\nseed = {number}\n'
        for number, name in enumerate(CASES)
    )
    path = folder / "sdqa.toml"
    path.write_text(SUITE + cases + extra, encoding="utf-8")
    return path


def sdqa(
    folder: Path, *arguments: str, prefix: tuple[str, ...] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    """`python -m sdqa` in a process of its own, in a folder; after `prefix`, which is what starts it."""
    return subprocess.run(
        [*prefix, sys.executable, "-m", "sdqa", *arguments],
        cwd=folder,
        env={
            **{
                name: one for name, one in os.environ.items() if not name.startswith("PYTEST_XDIST")
            },  # a run of its own
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(folder))),
            "OMP_NUM_THREADS": "1",
            "CI": "1",
            **environment,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores it
    )
