"""A stranger's repository: a small suite with goldens, and the files that `sdqa init --ci` writes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.ci.gated_place import git

SUITE = """
schema_version = 1
name = "stranger"
goldens = "goldens"
[models.mini]
source = "random:miniature"
[variants.fp16]
precision = "float16"
[[lanes]]
model = "mini"
variants = ["fp16"]
runtime = "torch"
[metrics]
names = ["finite", "shape", "psnr"]
[limits]
psnr = 10.0
parity_psnr = 10.0
[defaults]
scheduler = "ddim"
steps = 2
[cases.one]
prompt = "a man with red hair"
seed = 1
[cases.two]
prompt = "a house"
seed = 2
[cases.three]
prompt = "a lake"
seed = 3
"""


MAC = '''
"""A Mac as far as a suite sees one: the reference runtime by a device's name, and the system that its labels say."""

import os
import platform
import sys
import types

from sdqa.bundle import environment
from sdqa.runtime import identity, machine, runtime

system = os.environ.get("SDQA_TEST_SYSTEM", platform.system())
environment.platform = types.SimpleNamespace(**{**vars(platform), "system": lambda: system})
if system == "Darwin":
    m4 = machine.Machine("Apple M4", "26.0", "25A354", False, ("CPU", "NeuralEngine"), 16)
    identity.describe_machine = machine.describe_machine = lambda: m4
if sys.argv[1:2] == ["calibrate"]:  # a short one: few faults, one further draw
    from sdqa.workflow import calibrate

    calibrate.FAULTS, calibrate.SEEDS, calibrate.INVISIBLE = ("unet-2bit", "vae-decoder-noise"), 1, ()


@runtime("pretended", compute_units=("CPU_ONLY", "CPU_AND_NE"), on_device=True, libraries=("numpy",))
def pretended(work):
    """Executes packages as the reference runtime does, and calls itself a device."""
    from sdqa.runtime.reference import ReferenceRunner

    return ReferenceRunner(work.component, *work.packages)
'''
ENGINE_LANE = """[[lanes]]
model = "mini"
variants = ["fp16"]
runtime = "pretended"
compute_units = ["CPU_AND_NE"]
[metrics]"""
MAC_SUITE = (
    SUITE.partition("[cases.three]")[0]
    .replace("[models.mini]", '[plugins]\nmodules = ["pretended_mac"]\n[models.mini]')
    .replace("[limits]\npsnr = 10.0\nparity_psnr = 10.0\n", "")
    .replace("[metrics]", ENGINE_LANE)
)
"""The same on any machine, and on a Mac whose Neural Engine is asked for. Nobody has calibrated anything."""
LARGE = """
'''A miniature whose pictures have 512 px.'''

from sdqa.models import architectures as a

MINI = a.ARCHITECTURES["miniature"]
UNET = a._unet("CD", "UC", (32, 64), **{**a.MINI_OPTIONS, "sample_size": 64})
VAE = a._vae((8, 8, 8, 8), layers_per_block=1, norm_num_groups=4, sample_size=512, scaling_factor=0.5)
a.ARCHITECTURES["large"] = a.Architecture(UNET, VAE, (a.MINI_CLIP,), a.MINI_MERGES)
"""
LARGE_SUITE = (
    SUITE.partition("[cases.two]")[0]
    .replace("[models.mini]", '[plugins]\nmodules = ["large"]\n[models.mini]')
    .replace("random:miniature", "random:large")
)


class Consumer:
    """The repository, and how to change it.

    Args:
        options: of `sdqa init --ci github --nox`.
        files: further ones, by name.
    """

    def __init__(
        self, root: Path, *options: str, suite: str = SUITE, files: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.root = root
        root.mkdir(parents=True)
        for name, text in {"sdqa.toml": suite, **files}.items():
            (root / name).write_text(text, encoding="utf-8")
        git(root, "init", "-q", "-b", "main")
        self.sdqa("goldens", "--no-check-stability")
        self.sdqa("init", "--ci", "github", "--nox", *options)
        self.workflow = root / ".github" / "workflows" / "quality.yml"
        self.first = self.commit("first")

    def sdqa(self, *arguments: str) -> None:
        """Run a verb in it, as whoever owns it does at home."""
        from tests.service.runner import ROOT, Service

        command = [Service.warm, "-m", "sdqa", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def commit(self, message: str) -> str:
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "--allow-empty", "-m", message)
        return self.head

    @property
    def head(self) -> str:
        return git(self.root, "rev-parse", "HEAD")

    def edit(self, before: str, after: str) -> str:
        path = self.root / "sdqa.toml"
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")
        return self.commit("edit")


def pull_request(base: str, *, fork: bool = False) -> tuple[str, Mapping[str, Any]]:
    """The event of a pull request against a base."""
    mine = {"full_name": "somebody/models", "fork": False}
    head = {"full_name": "stranger/models", "fork": True} if fork else mine
    return "pull_request", {"pull_request": {"base": {"sha": base, "repo": mine}, "head": {"repo": head}}}
