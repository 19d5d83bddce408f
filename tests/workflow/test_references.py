"""A golden that is missing or stale is a failure of its case; the others are still compared with."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from sdqa.bundle import Bundle
from sdqa.plan import load_suite, make_plan
from sdqa.store import Store
from sdqa.workflow.job import Job
from sdqa.workflow.references import read_references
from sdqa.workflow.stages import load_teacher

ROOT = Path(__file__).parents[2]


def test_what_is_missing_or_stale_is_named_and_the_rest_is_there(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "goldens", tmp_path / "goldens")
    shutil.rmtree(tmp_path / "goldens" / "tiny" / "portrait-hat")
    exchanged = tmp_path / "goldens" / "tiny" / "portrait-touch-up"
    for old, new in (("image.png", "x"), ("source.png", "image.png"), ("x", "source.png")):
        (exchanged / old).rename(exchanged / new)
    shutil.copy(ROOT / "sdqa.toml", tmp_path)
    suite = tmp_path / "sdqa.toml"
    plan = make_plan(load_suite(suite), suite, only=("tiny/fp16",), platform="linux")
    [lane] = plan.running
    cases = dict(lane.cases)
    cases["portrait-glasses"] = cases["portrait-glasses"].model_copy(update={"prompt": "another"})
    lane = replace(lane, cases=cases)
    job = Job(plan, Store(tmp_path / "store"), Bundle(tmp_path / "report"))
    found = read_references(job, lane, load_teacher(job, lane))
    assert {failure.where: failure.code for failure in found.failures} == {
        "portrait-hat": "SDQA-600",
        "portrait-glasses": "SDQA-601",
        "portrait-touch-up": "SDQA-602",
    }
    assert {failure.exit_code for failure in found.failures} == {4}
    assert set(found.goldens) == set(cases) - {"portrait-hat", "portrait-glasses", "portrait-touch-up"}


TWINS = """
schema_version = 1
name = "twins"
goldens = "teacher"
[models.one]
source = "random:miniature"
[models.other]
source = "random:miniature"
[variants.fp16]
precision = "float16"
[[lanes]]
model = "one"
variants = ["fp16"]
runtime = "torch"
[[lanes]]
model = "other"
variants = ["fp16"]
runtime = "torch"
[metrics]
names = ["finite", "latent_psnr"]
[limits]
latent_psnr = 40
[cases.cat]
prompt = "a cat"
steps = 1
scheduler = "ddim"
"""


def test_two_models_with_one_teacher_each_have_the_golden_drawn_now(tmp_path: Path) -> None:
    suite = tmp_path / "sdqa.toml"
    suite.write_text(TWINS, encoding="utf-8")
    job = Job(make_plan(load_suite(suite), suite), Store(tmp_path / "store"), Bundle(tmp_path / "report"))
    for lane in job.plan.running:
        found = read_references(job, lane, load_teacher(job, lane))
        assert (set(found.goldens), found.failures) == ({"cat"}, ())
