"""Other tools' `.aimodel`s in a whole run: adopted, gated, reported; damaged, and named; deadly, and alone with it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from shutil import copytree

import pytest

from sdqa.bundle import Bundle, Lane, Run
from sdqa.errors import EXIT_GATE_FAILED
from sdqa.faults import injection
from sdqa.plan import load_suite, make_plan
from sdqa.plan.describe import plan_text
from sdqa.store import Store
from sdqa.workflow import run
from sdqa.workflow.diagnose import explain_failures
from sdqa.workflow.job import Job
from tests.builders import Convert
from tests.coreai import needs_coreai

pytestmark = [needs_coreai, pytest.mark.slow, pytest.mark.long]

SUITE = """
schema_version = 1
name = "assets"
goldens = "teacher"
[models.mine]
source = "packages:{folder}"
reference = "random:miniature"
[models.plain]
source = "random:miniature"
[variants.fp16]
precision = "float16"
[[lanes]]
model = "mine"
variants = ["fp16"]
runtime = "coreai"
[[lanes]]
model = "plain"
variants = ["fp16"]
runtime = "torch"
[metrics]
names = ["finite", "latent_psnr"]
[limits]
latent_psnr = 40.0
parity_psnr = 45.0
[defaults]
steps = 2
scheduler = "ddim"
guidance_scale = 3
[cases.cat]
prompt = "a cat"
"""
COMPONENTS = ("text_encoder", "unet", "vae_decoder")
MINE, PLAIN = "mine/fp16@coreai", "plain/fp16@torch"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("assets") / "store")


@pytest.fixture
def made(assets: Convert, tmp_path: Path) -> Path:
    """What somebody converted: no VAE encoder, which no case runs."""
    folder = tmp_path / "made"
    for component in COMPONENTS:
        path = assets(component, precision="float16").path
        copytree(path, folder / path.name)
    return folder


def ran(folder: Path, made: Path, store: Store) -> tuple[Run, dict[str, Lane], Job]:
    path = folder / "sdqa.toml"
    path.write_text(SUITE.format(folder=made), encoding="utf-8")
    job = Job(make_plan(load_suite(path), path), store, Bundle(folder / "report"))
    found = run(job)
    return found, {lane.id: lane for lane in found.lanes}, job


def test_assets_are_adopted_planned_gated_and_reported(made: Path, tmp_path: Path, store: Store) -> None:
    found, lanes, job = ran(tmp_path, made, store)
    assert f"{MINE:36} runs 1 cases" in plan_text(job.plan)
    assert [(one.check, one.reason) for one in found.verdicts if one.status != "pass"] == []
    assert found.exit_code == 0
    measured = {(one.metric, one.component): one for one in lanes[MINE].measurements}
    for component in COMPONENTS:
        assert measured["contract", component].value == 1
        assert measured["contract", component].reason == "inputs and outputs are as declared"
        assert measured["coverage", component].value == 1
        assert "parameters found" in str(measured["coverage", component].reason)
        parity = measured["parity_psnr", component].value
        assert parity is not None
        assert parity > 50
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert MINE in page


def test_a_damaged_asset_is_red_and_its_component_stage_and_module_are_named(
    made: Path, tmp_path: Path, store: Store
) -> None:
    damage = injection("vae-decoder-activation").edit_package
    assert damage is not None
    damage(made / "VAEDecoder.aimodel")
    found, lanes, job = ran(tmp_path, made, store)
    assert found.exit_code == EXIT_GATE_FAILED
    red = {one.check for one in found.verdicts if one.status == "fail"}
    assert f"{MINE}/vae_decoder/parity_psnr" in red
    assert not any(check.startswith(PLAIN) for check in red)
    [diagnosis] = explain_failures(job, lanes.values(), frozenset(red))
    [cause] = diagnosis.causes
    assert (cause.component, cause.stage, cause.operation_type) == ("vae_decoder", "conversion", "relu")
    assert cause.module.startswith("decoder.")
    assert "a relu stands where a sound conversion has a silu" in cause.evidence
    ladders = {one.component: [rung.name for rung in one.rungs] for one in diagnosis.ladder}
    assert ladders["vae_decoder"] == ["exported program", "asset fp32", "asset as declared", "this asset"]
    assert set(ladders) == set(COMPONENTS)


def test_an_asset_that_ends_its_process_costs_its_lane_and_nothing_else(
    made: Path, tmp_path: Path, store: Store
) -> None:
    program = b"ML\xefR" + bytes(200)
    asset = made / "Unet.aimodel"
    (asset / "main.mlirb").write_bytes(program)
    (asset / "main.hash").write_bytes(hashlib.sha256(program).digest())
    found, lanes, _ = ran(tmp_path, made, store)
    assert lanes[PLAIN].status == "ran"
    assert {one.status for one in lanes[PLAIN].verdicts} == {"pass"}
    assert lanes[MINE].status == "incomplete"
    [failure] = lanes[MINE].failures
    assert failure.where == "unet"
    assert "reading the asset failed" in failure.message or "cannot read the asset" in failure.message
    assert found.exit_code == EXIT_GATE_FAILED
    assert (tmp_path / "report" / "index.html").is_file()
