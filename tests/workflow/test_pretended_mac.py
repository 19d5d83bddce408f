"""The embedded suite on a pretended Mac: the reference runtime, registered as a device, in Core ML's place."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sdqa.bundle import Bundle, Run, Verdict
from sdqa.cli import run as cli
from sdqa.faults import injection
from sdqa.gate import TOLERANCES_FILE, Tolerances
from sdqa.plan import load_suite, make_plan
from sdqa.progress import Silent
from sdqa.report.headline import headline_of
from sdqa.runtime.registry import RUNTIMES
from sdqa.store import Store
from sdqa.workflow import calibrate, run
from sdqa.workflow.goldens import record_goldens
from sdqa.workflow.job import Job

pytestmark = pytest.mark.long  # one story, told in order

ROOT = Path(__file__).parents[2]
SUITE = """
schema_version = 1
name = "pretended"
[plugins]
modules = ["pretended_mac"]
[models.tiny]
source = "embedded:tiny"
[variants.fp16]
precision = "float16"
target = "iOS17"
[[lanes]]
model = "tiny"
variants = ["fp16"]
runtime = "pretended"
compute_units = ["CPU_AND_NE"]
[metrics]
names = ["finite", "shape", "clip_score", "lpips", "psnr", "tile_psnr", "ssim", "black"]
[budgets]
model_memory_bytes = "2 GB"
[defaults]
steps = 6
scheduler = "ddim"
[cases.portrait]
prompt = "Portrait of a pretty girl"
seed = 35
[cases.hat]
source = "scene:portrait/110"
prompt = "a portrait of a smiling boy wearing a red hat and a white shirt on a green background"
strength = 0.8
seed = 15
"""
PLUGIN = '''
"""The reference runtime by a device's name."""
from sdqa.runtime import runtime

@runtime("pretended", compute_units=("CPU_ONLY", "CPU_AND_NE"), on_device=True, libraries=("numpy",))
def pretended(work):
    """Executes packages as the reference runtime does, and calls itself a device."""
    from sdqa.runtime.reference import ReferenceRunner
    return ReferenceRunner(work.component, *work.packages)
'''
FAULTS = ("unet-2bit", "vae-decoder-noise")


class Pretended:
    """A suite's folder, and what runs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.suite, self.goldens = folder, folder / "sdqa.toml", folder / "goldens" / "tiny"
        self.suite.write_text(SUITE, encoding="utf-8")
        (folder / "pretended_mac.py").write_text(PLUGIN, encoding="utf-8")
        self.store = Store(folder / "store")

    def job(self, name: str, fault: str = "") -> Job:
        plan = make_plan(load_suite(self.suite), self.suite)
        return Job(plan, self.store, Bundle(self.folder / name), injection(fault) if fault else None, Silent())

    def run(self, name: str, fault: str = "") -> Run:
        return run(self.job(name, fault))


@pytest.fixture(scope="module")
def mac(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretended]:
    """Goldens are recorded; nothing is calibrated."""

    found = Pretended(tmp_path_factory.mktemp("mac"))
    list(record_goldens(make_plan(load_suite(found.suite), found.suite), found.store, Silent()))
    yield found
    del RUNTIMES["pretended"]


def judged(found: Run) -> tuple[Verdict, ...]:
    assert [lane.failures for lane in found.lanes] == [()]
    return found.verdicts


def test_from_nothing_it_is_green_provisionally(mac: Pretended) -> None:
    found = mac.run("nothing")
    statuses = {
        verdict.check.removeprefix("tiny/fp16@pretended-cpu_and_ne/"): verdict.status for verdict in judged(found)
    }
    assert found.exit_code == 0, statuses
    assert statuses["portrait/psnr"] == statuses["unet/parity_psnr"] == "pass"
    assert statuses["portrait/lpips"] == statuses["all/clip_score"] == "not judged"
    assert found.provisional() > 0
    assert "provisionally: nobody has calibrated this machine yet" in headline_of(found).sentence
    assert {v.provisional for v in found.verdicts if v.metric in ("finite", "coverage", "model_memory_bytes")} == {
        False
    }


def test_with_the_models_measured_faults_it_is_green_provisionally_and_a_fault_is_red(mac: Pretended) -> None:
    shutil.copy(ROOT / "goldens" / "tiny" / TOLERANCES_FILE, mac.goldens)
    found = mac.run("provisional")
    lpips = [verdict for verdict in judged(found) if verdict.metric == "lpips"]
    assert found.exit_code == 0
    assert {(verdict.status, verdict.provisional) for verdict in lpips} == {("pass", True)}
    assert "vae-decoder-noise@marked is the nearest fault" in lpips[0].reason
    broken = mac.run("provisional-broken", "unet-2bit")
    assert broken.exit_code == 1
    assert {v.status for v in broken.verdicts if v.check.endswith("all/lpips")} == {"fail"}


def test_from_the_command_line_every_check_is_an_item_and_the_verdict_says_provisionally(mac: Pretended) -> None:
    where = ["--suite", str(mac.suite), "--store", str(mac.store.root), "--output", str(mac.folder / "line")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "sdqa", "qa", *where, "-q"],
        capture_output=True,
        text=True,
        cwd=mac.folder,
        env=environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "of them provisionally: nobody has calibrated this machine yet." in done.stdout
    assert "not judged" in done.stdout


def test_a_suite_that_wants_calibrated_machines_is_incomplete_until_then(mac: Pretended) -> None:
    job = mac.job("demanding")
    suite = job.plan.suite
    demanding = suite.model_copy(update={"gate": suite.gate.model_copy(update={"require_calibrated": True})})
    found = run(replace(job, plan=replace(job.plan, suite=demanding)))
    assert found.exit_code == 4
    assert found.provisional() == 0


def test_the_engine_did_not_run_and_that_is_measured(mac: Pretended) -> None:
    [lane] = Bundle(mac.folder / "provisional").read().lanes
    proofs = [m for m in lane.measurements if m.metric == "neural_engine_ran"]
    assert {m.component for m in proofs} == {"text_encoder", "vae_encoder", "unet", "vae_decoder"}
    assert {m.value for m in proofs} == {0.0}
    assert all("the engine did not run" in m.reason for m in proofs)


def test_calibrated_it_is_green_by_its_own_limits_and_a_fault_is_red(
    mac: Pretended, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrate, "FAULTS", FAULTS)
    monkeypatch.setattr(calibrate, "SEEDS", 1)
    monkeypatch.setattr(calibrate, "INVISIBLE", ())
    where = ["--suite", str(mac.suite), "--store", str(mac.store.root)]
    assert cli(["calibrate", *where, "--lane", "tiny/fp16@pretended-cpu_and_ne", "--reason", "first of this Mac"]) == 0
    tables = Tolerances.load(mac.goldens / TOLERANCES_FILE).variants
    assert {"fp16", "palettized-6bit", "fp16@pretended-cpu_and_ne"} <= set(tables), "others keep theirs"
    found = mac.run("calibrated")
    assert found.exit_code == 0
    assert (found.provisional(), found.counts().get("not judged", 0)) == (0, 0)
    assert mac.run("calibrated-broken", "unet-2bit").exit_code == 1


def test_a_baseline_of_a_device_without_repeats_is_judged_by_what_a_person_would_see(mac: Pretended) -> None:
    where = ["--suite", str(mac.suite)]
    assert cli(["approve", str(mac.folder / "calibrated"), *where, "--reason", "looked at"]) == 0
    found = [v for v in mac.run("with-baseline").verdicts if v.metric == "baseline_psnr"]
    assert {(v.case, v.status, v.provisional) for v in found} == {
        ("portrait", "pass", True),
        ("hat", "pass", True),
        (None, "pass", True),
    }
    assert np.isclose([v.value for v in found if v.value is not None], 100).all()
