"""A suite without image-to-image cases: the encoder of pictures is neither converted, nor required, nor checked."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree

import pytest

from sdqa.bundle import Bundle
from sdqa.errors import FaultError
from sdqa.faults import injection
from sdqa.plan import Plan, load_suite, make_plan
from sdqa.plan.describe import plan_text
from sdqa.store import Store
from sdqa.workflow import run, run_lane
from sdqa.workflow.calibrate import _of_pictures
from sdqa.workflow.execution import components
from sdqa.workflow.gate import exit_code, planned_checks
from sdqa.workflow.job import Job
from tests.builders import Convert

SUITE = """
schema_version = 1
name = "words"
goldens = "teacher"
[models.mine]
{source}
[variants.fp16]
precision = "float16"
[[lanes]]
model = "mine"
variants = ["fp16"]
runtime = "{runtime}"
[metrics]
names = ["finite", "shape", "psnr", "latent_psnr"]
[limits]
psnr = 30.0
latent_psnr = 40.0
parity_psnr = 45.0
[cases.landscape]
prompt = "a beautiful landscape"
steps = 2
scheduler = "ddim"
{more}
"""
PICTURE = """
[cases.portrait]
source = "scene:portrait/115"
prompt = "a portrait"
steps = 4
scheduler = "ddim"
"""


def planned(folder: Path, source: str, *, runtime: str = "reference", more: str = "") -> Plan:
    path = folder / "sdqa.toml"
    path.write_text(SUITE.format(source=source, runtime=runtime, more=more), encoding="utf-8")
    return make_plan(load_suite(path), path)


def encoder_checks(plan: Plan) -> list[str]:
    return [check for check in planned_checks(plan, plan.running[0]) if "vae_encoder" in check]


@pytest.mark.parametrize("runtime", ["reference", "torch"])
def test_what_no_case_uses_is_not_planned(tmp_path: Path, runtime: str) -> None:
    words = planned(tmp_path, 'source = "random:miniature"', runtime=runtime)
    assert encoder_checks(words) == []
    assert len(planned_checks(words, words.running[0])) == (15 if runtime == "reference" else 9)
    mixed = planned(tmp_path, 'source = "random:miniature"', runtime=runtime, more=PICTURE)
    assert len(encoder_checks(mixed)) == (3 if runtime == "reference" else 1)


def test_the_plan_counts_the_packages_that_are_made(tmp_path: Path) -> None:
    assert "3 packages" in plan_text(planned(tmp_path, 'source = "random:miniature"'))
    assert "4 packages" in plan_text(planned(tmp_path, 'source = "random:miniature"', more=PICTURE))


def test_packages_without_an_encoder_are_enough(tmp_path: Path, packages: Convert) -> None:
    """From the plan to a green report, with other tools' packages."""
    folder = tmp_path / "packages"
    for component in ("text_encoder", "unet", "vae_decoder"):
        record = packages(component)
        copytree(record.path, folder / record.path.name)
    plan = planned(tmp_path, f'source = "packages:{folder}"\nreference = "random:miniature"')
    job = Job(plan, Store(tmp_path / "store"), Bundle(tmp_path / "report"))
    found = run(job)
    assert [(verdict.check, verdict.reason) for verdict in found.verdicts if verdict.status != "pass"] == []
    assert found.exit_code == 0
    assert [package.component for package in found.lanes[0].packages] == ["text_encoder", "unet", "vae_decoder"]
    with pytest.raises(FaultError, match="no case runs the vae_encoder"):
        components(plan.running[0], None, {}, job.store, injection("vae-encoder-noise"))  # type: ignore[arg-type]


def test_a_case_with_a_picture_still_needs_the_encoder(tmp_path: Path, packages: Convert) -> None:
    folder = tmp_path / "packages"
    for component in ("text_encoder", "unet", "vae_decoder"):
        record = packages(component)
        copytree(record.path, folder / record.path.name)
    plan = planned(tmp_path, f'source = "packages:{folder}"\nreference = "random:miniature"', more=PICTURE)
    lane = run_lane(Job(plan, Store(tmp_path / "store"), Bundle(tmp_path / "report")), plan.running[0])
    assert "no package for vae_encoder" in lane.reason
    assert exit_code(plan, [lane]) == 3


def test_faults_of_pictures_are_no_part_of_its_calibration(tmp_path: Path) -> None:
    words = planned(tmp_path, 'source = "random:miniature"').running[0]
    of_pictures = {"vae-encoder-noise", "source-bgr"}
    chosen = {name: _of_pictures(injection(name), words) for name in (*of_pictures, "unet-noise", "scaling-factor")}
    assert {name for name, left_out in chosen.items() if left_out} == of_pictures
