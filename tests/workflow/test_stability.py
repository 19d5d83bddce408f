"""A case whose picture branches under a change that nobody could see is named; the golden says how far it moved."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sdqa import cli
from sdqa.gate.manifest import read_manifest
from sdqa.generate.noise import Noise
from sdqa.generate.pipeline import Request
from sdqa.workflow.goldens import Recorded
from sdqa.workflow.stability import DISTURBANCE, Stability, disturbed

SUITE = """
schema_version = 1
name = "stability"
[models.mini]
source = "random:miniature"
[variants.fp16]
precision = "float16"
[[lanes]]
model = "mini"
variants = ["fp16"]
runtime = "reference"
[metrics]
names = ["finite", "shape", "psnr"]
[cases.text]
prompt = "a lake"
steps = 2
scheduler = "ddim"
seed = 3
"""


def test_the_disturbance_is_a_thousandth_and_always_the_same() -> None:
    request = Request("a", "", None, 0.0, 3.0, 4, "ddim", Noise.draw(5, (4, 16, 16)))
    found = disturbed(request)
    change = found.noise.initial - request.noise.initial
    assert float(np.std(change) / np.std(request.noise.initial)) == pytest.approx(DISTURBANCE, rel=0.1)
    assert np.array_equal(found.noise.posterior, request.noise.posterior)
    assert np.array_equal(disturbed(request).noise.initial, found.noise.initial)


@pytest.mark.parametrize(("moved", "chaotic"), [(1e-5, False), (0.002, False), (0.05, True), (float("nan"), True)])
def test_what_moves_more_than_a_sound_conversion_moves_it_is_chaotic(moved: float, chaotic: bool) -> None:
    assert Stability("lpips", moved, 0.002).chaotic is chaotic


def test_the_warning_says_what_was_measured_and_what_to_do() -> None:
    found = Recorded("tiny", "hat", True, Stability("lpips", 0.05, 0.002)).warning()
    assert found == (
        "tiny/hat: this case is chaotic: choose another seed "
        "(LPIPS 0.05 after a change of 0.1% in its noise, a sound conversion stays below 0.002)"
    )
    assert Recorded("tiny", "hat", True, Stability("lpips", 1e-5, 0.002)).warning() == ""
    assert Recorded("tiny", "hat", True).warning() == ""


def test_a_golden_records_it_and_keeps_its_digest(tmp_path: Path) -> None:
    suite, folder = tmp_path / "sdqa.toml", tmp_path / "goldens" / "mini" / "text"
    suite.write_text(SUITE, encoding="utf-8")
    arguments = ("goldens", "--suite", str(suite), "--store", str(tmp_path / "store"))
    assert cli.run(arguments) == 0
    recorded = read_manifest(folder)
    assert recorded.stability.startswith("RMS ")
    path = folder / "manifest.json"
    older = {name: value for name, value in json.loads(path.read_text()).items() if name != "stability"}
    path.write_text(json.dumps(older), encoding="utf-8")
    assert read_manifest(folder).content() == recorded.content()
    assert cli.run((*arguments, "--no-check-stability")) == 0
    assert read_manifest(folder).stability == "", "an unchanged golden is not written again"
