"""Packages of other tools in a whole run, from the plan to a green report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shutil import copytree

from sdqa.bundle import Bundle
from sdqa.convert import Variant
from sdqa.convert.stage import convert_one
from sdqa.models import Teacher
from sdqa.plan import load_suite, make_plan
from sdqa.store import Store
from sdqa.workflow import run
from sdqa.workflow.job import Job
from tests.conftest import Convert

SUITE = """
schema_version = 1
name = "single"
goldens = "teacher"
[models.mine]
source = "packages:{folder}"
reference = "random:miniature"
[variants.fp16]
precision = "float16"
[[lanes]]
model = "mine"
variants = ["fp16"]
runtime = "reference"
[metrics]
names = ["finite", "latent_psnr"]
[limits]
latent_psnr = 40.0
parity_psnr = 45.0
[defaults]
steps = 2
scheduler = "ddim"
[cases.turbo]
prompt = "a cat"
guidance_scale = 1
[cases.none]
prompt = "a cat"
guidance_scale = 0
[cases.guided]
prompt = "a cat"
guidance_scale = 3
"""


def test_a_unet_of_one_row_draws_what_the_teacher_draws(tmp_path: Path, packages: Convert, teacher: Teacher) -> None:
    """With and without guidance: twice a step, or once."""
    single = replace(teacher.family.between, guidance_batch=1)
    alone = replace(teacher, family=replace(teacher.family, between=single), digest=f"{teacher.digest} in single rows")
    store = Store(tmp_path / "store")
    unet = convert_one(alone, "unet", Variant(name="fp16"), store).record.path
    folder = tmp_path / "made"
    for path in (packages("text_encoder").path, packages("vae_decoder").path, unet):
        copytree(path, folder / path.name)
    suite = tmp_path / "sdqa.toml"
    suite.write_text(SUITE.format(folder=folder), encoding="utf-8")
    plan = make_plan(load_suite(suite), suite)
    found = run(Job(plan, store, Bundle(tmp_path / "report")))
    assert [(verdict.check, verdict.reason) for verdict in found.verdicts if verdict.status != "pass"] == []
    assert found.exit_code == 0
    measured = found.lanes[0].measurements
    [contract] = [one for one in measured if (one.metric, one.component) == ("contract", "unet")]
    assert "takes 1 row at a time" in str(contract.reason)
