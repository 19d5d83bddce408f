"""Case H6: a source picture that is exchanged under a recorded golden makes it stale, in every verb that reads it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdqa.bundle import Bundle
from sdqa.cli import run
from sdqa.models import load_teacher
from sdqa.plan import Plan, load_suite, make_plan
from sdqa.progress import Silent
from sdqa.store import Store
from sdqa.workflow.goldens import record_goldens
from sdqa.workflow.job import Job
from sdqa.workflow.references import read_references

SUITE = """
name = "exchanged"
[models.tiny]
source = "random:miniature"
[variants.fp16]
[[lanes]]
model = "tiny"
variants = ["fp16"]
[metrics]
names = ["finite", "psnr"]
[cases.file]
prompt = "a cat"
source = "file:cat.png"
strength = 0.5
steps = 2
[cases.drawn]
prompt = "a portrait"
source = "scene:portrait/17"
strength = 0.5
steps = 2
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """A suite of two source pictures, its goldens recorded."""
    draw(tmp_path, 0)
    path = tmp_path / "sdqa.toml"
    path.write_text(SUITE, encoding="utf-8")
    made = make_plan(load_suite(path), path)
    assert len(list(record_goldens(made, Store(tmp_path / "store"), Silent(), reason="first"))) == 2
    return made


def draw(folder: Path, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "cat.png")


def stale(plan: Plan) -> dict[str, tuple[str, int]]:
    job = Job(plan, Store(plan.root / "store"), Bundle(plan.root / "bundle"))
    found = read_references(job, plan.running[0], load_teacher("random:miniature"))
    return {failure.where: (failure.code, failure.exit_code) for failure in found.failures}


def test_the_same_pictures_are_fresh(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    assert stale(plan) == {}
    assert run(["goldens", "verify", "--suite", str(plan.suite_path), "--digests-only"]) == 0
    assert "WRONG" not in capsys.readouterr().out


def test_an_exchanged_file_makes_its_golden_stale(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    draw(plan.root, 1)
    assert stale(plan) == {"file": ("SDQA-601", 4)}
    assert run(["goldens", "verify", "--suite", str(plan.suite_path), "--digests-only"]) == 1
    assert "WRONG  tiny/file: the source picture changed" in capsys.readouterr().out


def test_a_scene_that_is_drawn_otherwise_makes_its_golden_stale(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    from sdqa.embedded import scenes

    real = scenes.draw
    monkeypatch.setattr(scenes, "draw", lambda scene, size=64: real(scenes.edit(scene, glasses=True), size))
    assert stale(plan) == {"drawn": ("SDQA-601", 4)}


def test_goldens_drawn_now_follow_the_picture(plan: Plan) -> None:
    """They live in the store: their key knows the picture, not its name."""
    path = plan.root / "live.toml"
    path.write_text(f'goldens = "teacher"\n{SUITE}', encoding="utf-8")
    live = make_plan(load_suite(path), path)
    assert stale(live) == {}
    draw(plan.root, 1)
    assert stale(live) == {}
