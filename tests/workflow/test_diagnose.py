"""What a diagnosis is given to look into, and what it refuses."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import sdqa.convert.stage
import sdqa.runtime.reference
import sdqa.workflow.diagnose
from sdqa import cli
from sdqa.bundle import Bundle, Lane, Verdict
from sdqa.bundle.diagnosis import Diagnosis
from sdqa.errors import EXIT_USAGE, DiagnosisError
from sdqa.faults import injection
from sdqa.models import Teacher
from sdqa.plan import PlannedLane, load_suite, make_plan
from sdqa.store import Store
from sdqa.workflow.diagnose import SPLIT_DB, _demand_examinable, _offered, _wrappers, diagnose_lane, explain_failures
from sdqa.workflow.examined import Failed, failed_now
from sdqa.workflow.job import Job
from tests.conftest import Convert

SUITE = Path(__file__).parents[2] / "sdqa.toml"


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(make_plan(load_suite(SUITE), SUITE), Store(tmp_path), Bundle(tmp_path / "report"))


def package(*paths: str, **names: str) -> Any:
    return SimpleNamespace(path=Path(paths[0]), record=SimpleNamespace(paths=paths, names=names, batch=None))


def test_given_packages_take_the_place_of_the_lanes_own(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    given = {"unet": package("Unet.mlpackage")}

    def adopted(source: str, *_: object, **options: object) -> dict[str, Any]:
        asked.append(source)
        return given

    monkeypatch.setattr(sdqa.convert.stage, "adopted", adopted)
    lane = job.plan.running[0]
    assert _offered(job, lane, None, Path("folder")) == given  # type: ignore[arg-type]
    existing = SimpleNamespace(
        id="x", runtime="reference", idle=frozenset(), variant=None, model=SimpleNamespace(source="packages:elsewhere")
    )
    assert _offered(job, existing, None, None) == given  # type: ignore[arg-type]
    assert asked == ["packages:folder", "packages:elsewhere"]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (package("UnetChunk1.mlpackage", "UnetChunk2.mlpackage"), "split into 2 packages"),
        (package("Unet.mlpackage", sample="latents"), "names of its own: latents for sample"),
    ],
)
def test_what_cannot_be_looked_into_is_refused(job: Job, found: Any, words: str) -> None:
    with pytest.raises(DiagnosisError, match=words):
        _demand_examinable(job.plan.running[0], {"unet": found})


def test_a_split_component_runs_in_its_parts_and_a_fault_goes_around_them(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = (tmp_path / "one", tmp_path / "two")
    for part in parts:
        part.mkdir()
        (part / "model").write_text(part.name, encoding="utf-8")
    monkeypatch.setattr(sdqa.runtime.reference, "ReferenceRunner", lambda *given: given)
    plain = _wrappers(job, {"unet": parts})["unet"]
    assert plain.wrap("the whole") == ("unet", *parts)  # type: ignore[arg-type, comparison-overlap]
    assert plain.normal_db == SPLIT_DB
    faulty = _wrappers(replace(job, fault=injection("unet-drift")), {"unet": parts})["unet"]
    assert plain.identity in faulty.identity
    assert faulty.wrap("the whole").runner == ("unet", *parts)  # type: ignore[arg-type, attr-defined]
    assert set(_wrappers(replace(job, fault=injection("vae-decoder-tile")), {})) == {"vae_decoder"}


def test_a_model_that_no_lane_has_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(("diagnose", "--suite", str(SUITE), "--model", "other")) == EXIT_USAGE
    assert "tiny/fp16" in capsys.readouterr().err


def failing(lane: str, check: str) -> Lane:
    verdicts = (Verdict(check=f"{lane}/{check}", metric=check, status="fail"),)
    return Lane(id=lane, model="tiny", variant="v", runtime="reference", compute_unit="CPU_ONLY", verdicts=verdicts)


def test_every_lane_that_a_component_broke_is_explained(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def diagnose_lane(_: Job, lane: PlannedLane, **__: object) -> Diagnosis:
        if lane.id == "tiny/fp16":
            raise DiagnosisError("no golden to diagnose with")
        return Diagnosis(verdict="unet", sound=False, confidence="high", lane=lane.id)

    monkeypatch.setattr(sdqa.workflow.diagnose, "diagnose_lane", diagnose_lane)
    lanes = [failing("tiny/fp16", "c/lpips"), failing("tiny/palettized-6bit", "c/lpips")]
    checks = frozenset(verdict.check for lane in lanes for verdict in lane.verdicts)
    first, second = explain_failures(job, lanes, checks)
    assert (first.lane, second.lane) == ("tiny/fp16", "tiny/palettized-6bit")
    assert "not diagnosed" in first.verdict
    assert not first.sound
    assert second.verdict == "unet"
    assert list(explain_failures(job, lanes, frozenset())) == [], "nothing of it was selected"
    over_budget = failing("tiny/fp16", "budget/inference_s")
    assert list(explain_failures(job, [over_budget], frozenset({over_budget.verdicts[0].check}))) == []


TEXT_AND_PHOTO = """
schema_version = 1
name = "both-kinds"
goldens = "teacher"
[models.mini]
source = "random:miniature"
[variants.fp16]
precision = "float16"
[[lanes]]
model = "mini"
variants = ["fp16"]
runtime = "reference"
[metrics]
names = ["finite", "shape", "psnr", "latent_psnr"]
[limits]
psnr = 30.0
latent_psnr = 40.0
parity_psnr = 45.0
[cases.photo]
source = "scene:portrait/115"
prompt = "a portrait"
strength = 0.6
steps = 4
scheduler = "ddim"
seed = 4
[cases.text]
prompt = "a lake"
steps = 4
scheduler = "ddim"
seed = 3
"""


class OnlyFromNoise:
    """A U-Net that overflows at the first timestep of text-to-image, which image-to-image never reaches."""

    component = "unet"

    def __init__(self, runner: Any) -> None:
        self.runner = runner

    def run(self, inputs: Any) -> dict[str, Any]:
        outputs: dict[str, Any] = self.runner.run(inputs)
        hot = float(inputs["timestep"][0]) > 700
        return {name: value * np.float32("inf") if hot else value for name, value in outputs.items()}


@pytest.mark.slow
def test_the_text_to_image_case_that_failed_is_looked_at_and_its_cause_is_named(tmp_path: Path) -> None:
    path = tmp_path / "sdqa.toml"
    path.write_text(TEXT_AND_PHOTO, encoding="utf-8")
    fault = replace(injection("unet-drift"), name="overflow-from-noise", wrap=OnlyFromNoise)
    job = Job(make_plan(load_suite(path), path), Store(tmp_path / "store"), Bundle(tmp_path / "report"), fault)
    [lane] = job.plan.running
    failed = failed_now(job, lane)
    assert failed.cases == {"text"}, "image-to-image alone would be green"
    found = diagnose_lane(job, lane, sweep=False)
    assert not found.sound
    assert "sound" not in found.verdict
    assert found.causes[0].component == "unet"
    sound = diagnose_lane(replace(job, fault=None), lane, sweep=False)
    assert sound.verdict.startswith("The candidate is sound")


ADOPTED = """
schema_version = 1
name = "adopted"
goldens = "teacher"
[models.m]
source = "packages:made"
reference = "random:miniature"
[variants.v]
compression = "palettize-6bit"
compressed_components = ["unet"]
[[lanes]]
model = "m"
variants = ["v"]
runtime = "reference"
[metrics]
names = ["finite"]
[limits]
parity_psnr = 20
[cases.text]
prompt = "a cat"
steps = 1
scheduler = "ddim"
"""


@pytest.fixture
def adopted_job(packages: Convert, teacher: Teacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """Packages that another tool is said to have compressed, and did not."""
    monkeypatch.chdir(tmp_path)
    for component in teacher.components:
        path = packages(component).path
        shutil.copytree(path, tmp_path / "made" / path.name)
    (tmp_path / "sdqa.toml").write_text(ADOPTED, encoding="utf-8")
    plan = make_plan(load_suite(Path("sdqa.toml")), Path("sdqa.toml"))
    return Job(plan, Store(tmp_path / "store"), Bundle(tmp_path / "report"))


def test_a_contract_that_failed_names_the_component_and_what_it_breaks(adopted_job: Job) -> None:
    [lane] = adopted_job.plan.running
    found = failed_now(adopted_job, lane)
    assert found.checks == ("unet/contract",)
    diagnosis = diagnose_lane(adopted_job, lane, failed=found)
    assert [(cause.component, cause.stage) for cause in diagnosis.causes] == [("unet", "packaging")]
    first, *_, last = diagnosis.verdict.splitlines()
    assert first == "Cause: unet, packaging: the variant promises 6 bits (palettize-6bit), the weights have 16"
    assert last.startswith("Next: convert the component again")
    assert not diagnosis.sound


def test_a_package_that_cannot_be_loaded_is_the_cause(adopted_job: Job) -> None:
    weights = Path("made/Unet.mlpackage/Data/com.apple.CoreML/weights/weight.bin")
    weights.write_text("version https://git-lfs.github.com/spec/v1\n", encoding="utf-8")
    [lane] = adopted_job.plan.running
    diagnosis = diagnose_lane(adopted_job, lane, failed=Failed(checks=("unet/contract",)))
    assert [(cause.component, cause.stage) for cause in diagnosis.causes] == [("unet", "packaging")]
    assert "the weight file is a Git LFS pointer" in diagnosis.verdict


def test_a_contract_that_failed_beside_other_checks_goes_into_the_evidence(
    adopted_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sdqa.diagnose

    @dataclass(frozen=True)
    class Looked:
        breaches: dict[str, tuple[str, ...]] = field(default_factory=dict)

    asked: list[Looked] = []

    def diagnose(evidence: Looked, **_: object) -> Diagnosis:
        asked.append(evidence)
        return Diagnosis(verdict="")

    monkeypatch.setattr(sdqa.workflow.diagnose, "_evidence", lambda *_: Looked())
    monkeypatch.setattr(sdqa.diagnose, "diagnose", diagnose, raising=False)
    [lane] = adopted_job.plan.running
    diagnose_lane(adopted_job, lane, failed=Failed(checks=("unet/contract", "unet/parity_psnr")))
    assert "the variant promises 6 bits" in asked[0].breaches["unet"][0]
