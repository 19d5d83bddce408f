"""A package that is there and cannot be run fails the gate, and names its component; one that is absent does not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from sdqa.bundle import Bundle, Lane
from sdqa.errors import EXIT_GATE_FAILED, EXIT_INFRASTRUCTURE, ExecutionError, ModelError, PackageError
from sdqa.gate import judge
from sdqa.models import Teacher
from sdqa.plan import load_suite, make_plan
from sdqa.runtime.accountable import AccountableRunner, accountable
from sdqa.store import Store
from sdqa.workflow import run_lane
from sdqa.workflow.failure import failure_of
from sdqa.workflow.gate import exit_code
from sdqa.workflow.job import Job
from tests.builders import Convert, lane_record

SUITE = """
schema_version = 1
name = "unrunnable"
goldens = "teacher"
[models.mini]
source = "packages:{folder}"
reference = "random:miniature"
[variants.fp16]
precision = "float16"
[[lanes]]
model = "mini"
variants = ["fp16"]
runtime = "reference"
[metrics]
names = ["finite", "shape", "psnr"]
[limits]
psnr = 30.0
parity_psnr = 45.0
[cases.text]
prompt = "a lake"
steps = 2
scheduler = "ddim"
seed = 3
[cases.photo]
source = "scene:portrait/115"
prompt = "a portrait"
strength = 0.6
steps = 4
scheduler = "ddim"
seed = 4
"""


class Broken:
    """A runner whose package does not do what it is asked."""

    component = "unet"

    def run(self, _: object) -> dict[str, object]:  # type: ignore[override]
        raise ExecutionError("conv: 3 channels for 4", where="input_7")


def test_an_error_of_a_runner_names_its_component_and_keeps_its_code() -> None:
    with pytest.raises(ExecutionError) as caught:
        AccountableRunner(Broken()).run({})  # type: ignore[arg-type]
    found = failure_of("lane", "tiny/fp16", caught.value)
    assert (found.stage, found.where, found.code, found.exit_code) == ("package", "unet", "SDQA-410", EXIT_GATE_FAILED)
    assert found.message.startswith("the package of the unet cannot be run: SDQA-410: conv: 3 channels for 4 (input_7)")


def test_the_innermost_component_is_blamed_and_other_errors_are_nobodys() -> None:
    with pytest.raises(PackageError) as caught, accountable("vae_decoder"), accountable("unet"):
        raise PackageError("truncated")
    assert caught.value.component == "unet"
    with pytest.raises(ModelError) as missing, accountable("unet"):
        raise ModelError("the folder has no package for unet")
    assert failure_of("lane", "x", missing.value).exit_code == EXIT_INFRASTRUCTURE


def test_the_component_fails_and_what_was_not_measured_for_it_is_not_measured() -> None:
    error = PackageError("truncated", where="Unet.mlpackage")
    error.blame("unet")
    lane = lane_record("tiny/fp16", status="incomplete", failures=(failure_of("lane", "tiny/fp16", error),))
    planned = [f"tiny/fp16/{name}" for name in ("unet/parity_psnr", "unet/contract", "vae_decoder/parity_psnr")]
    verdicts = {one.check: one for one in judge(lane, None, planned=planned)}
    assert [verdicts[name].status for name in planned] == ["fail", "not measured", "not measured"]
    assert verdicts[planned[0]].component == "unet"
    assert "the package of the unet cannot be run" in verdicts[planned[0]].reason


def job_of(folder: Path, packages: Path) -> Job:
    path = folder / "sdqa.toml"
    path.write_text(SUITE.format(folder=packages), encoding="utf-8")
    return Job(make_plan(load_suite(path), path), Store(folder / "store"), Bundle(folder / "report"))


@pytest.fixture
def adopted(packages: Convert, teacher: Teacher, tmp_path: Path) -> Path:
    folder = tmp_path / "adopted"
    for component in teacher.components:
        path = packages(component).path
        shutil.copytree(path, folder / path.name)
    return folder


def judged(job: Job) -> tuple[Lane, int]:
    [planned] = job.plan.running
    lane = run_lane(job, planned)
    return lane, exit_code(job.plan, [lane])


@pytest.mark.slow
def test_a_damaged_adopted_package_is_red_and_an_absent_one_is_infrastructure(adopted: Path, tmp_path: Path) -> None:
    lane, code = judged(job_of(tmp_path, adopted))
    assert code == 0, lane.failures
    weights = next((adopted / "Unet.mlpackage").rglob("weight.bin"))
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    lane, code = judged(job_of(tmp_path, adopted))
    assert code == EXIT_GATE_FAILED
    [failure] = lane.failures
    assert failure.where == "unet"
    assert "the package of the unet cannot be run" in failure.message
    assert {v.check for v in lane.verdicts if v.status == "fail"} == {"mini/fp16/unet/parity_psnr"}
    shutil.rmtree(adopted / "Unet.mlpackage")
    lane, code = judged(job_of(tmp_path, adopted))
    assert code == EXIT_INFRASTRUCTURE
    assert "no package for unet" in lane.failures[0].message


@pytest.mark.slow
def test_a_converted_package_that_the_runtime_refuses_is_red(
    adopted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sdqa.workflow.execution

    job = job_of(tmp_path, adopted)
    [planned] = job.plan.running
    own = replace(planned, model=planned.model.model_copy(update={"source": "random:miniature", "reference": None}))
    made = sdqa.workflow.execution.make_runner

    def refuse(lane: object, component: str, paths: tuple[Path, ...]) -> object:
        if component == "vae_decoder":
            raise ExecutionError("the runtime cannot load the package", where="VAEDecoder")
        return made(lane, component, paths)  # type: ignore[arg-type]

    monkeypatch.setattr(sdqa.workflow.execution, "make_runner", refuse)
    lane = run_lane(job, own)
    assert exit_code(job.plan, [lane]) == EXIT_GATE_FAILED
    [failure] = lane.failures
    assert (failure.stage, failure.where) == ("package", "vae_decoder")
