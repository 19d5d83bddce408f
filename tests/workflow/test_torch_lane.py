"""The control lane: the teacher's own modules, executed as a candidate is, with no conversion and no package."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sdqa.bundle import Bundle, Lane
from sdqa.errors import DiagnosisError
from sdqa.faults import injection
from sdqa.plan import Plan, load_suite, make_plan
from sdqa.plan.describe import plan_text
from sdqa.store import Store
from sdqa.workflow import run_lane
from sdqa.workflow.diagnose import diagnose_lane
from sdqa.workflow.gate import exit_code, planned_checks
from sdqa.workflow.job import Job

SUITE = """
schema_version = 1
name = "control"
goldens = "teacher"
[models.tiny]
source = "embedded:tiny"
[variants.fp16]
precision = "float16"
[[lanes]]
model = "tiny"
variants = ["fp16"]
runtime = "torch"
[metrics]
names = ["finite", "shape", "psnr", "latent_psnr"]
[limits]
psnr = 70.0
latent_psnr = 90.0
parity_psnr = 120.0
[budgets]
model_memory_bytes = "2 GB"
off_neural_engine_percent = 10
end_to_end_s = "10 min"
[cases.edit]
source = "scene:portrait/115"
prompt = "a portrait of a man with red hair"
strength = 0.5
steps = 4
scheduler = "ddim"
seed = 11
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("control")


@pytest.fixture(scope="module")
def job(folder: Path) -> Job:
    path = folder / "sdqa.toml"
    path.write_text(SUITE, encoding="utf-8")
    return Job(made(path), Store(folder / "store"), Bundle(folder / "report"))


def made(path: Path) -> Plan:
    return make_plan(load_suite(path), path)


@pytest.fixture(scope="module")
def lane(job: Job) -> Lane:
    [planned] = job.plan.running
    return run_lane(job, planned)


def test_nothing_of_packages_is_planned(job: Job) -> None:
    [planned] = job.plan.running
    assert planned.id == "tiny/fp16@torch"
    checks = planned_checks(job.plan, planned)
    metrics = {check.rpartition("/")[2] for check in checks}
    assert metrics == {"finite", "shape", "psnr", "latent_psnr", "parity_psnr", "end_to_end_s"}
    assert "0 packages" in plan_text(job.plan)


def test_it_is_green_and_equal_to_its_teacher(job: Job, lane: Lane) -> None:
    assert exit_code(job.plan, [lane]) == 0
    assert {verdict.status for verdict in lane.verdicts} == {"pass"}
    assert lane.packages == ()
    parity = {one.component: one.value for one in lane.measurements if one.metric == "parity_psnr"}
    assert set(parity) == {"text_encoder", "vae_encoder", "unet", "vae_decoder"}
    assert min(value or 0 for value in parity.values()) > 120
    assert {one.component for one in lane.measurements if one.metric == "latency_ms"} == set(parity)
    assert not (job.store.root / "package").exists()


def test_a_fault_between_package_and_caller_turns_it_red(job: Job, lane: Lane) -> None:
    harmed = replace(job, fault=injection("timestep-offset"))
    [planned] = job.plan.running
    assert exit_code(job.plan, [run_lane(harmed, planned)]) == 1


def test_a_fault_of_a_package_has_nowhere_to_be_planted(job: Job, lane: Lane) -> None:
    harmed = replace(job, fault=injection("unet-noise"))
    [planned] = job.plan.running
    [failure] = run_lane(harmed, planned).failures
    assert failure.code == "SDQA-810"
    assert "changes a package" in failure.message


def test_there_is_nothing_to_diagnose(job: Job) -> None:
    [planned] = job.plan.running
    with pytest.raises(DiagnosisError, match="no packages to look into"):
        diagnose_lane(job, planned)
