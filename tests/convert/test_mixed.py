"""Modules that are to stay fp32 and are not there are refused: they would be rounded without a word."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from sdqa import cli
from sdqa.convert import convert_component
from sdqa.convert.mixed import demand_matches
from sdqa.errors import EXIT_USAGE, ModulesUnmatched
from sdqa.families import FAMILIES
from sdqa.models import Teacher
from sdqa.plan import Variant
from sdqa.workflow.examination import unmatched_modules

MODULES = ("unet.time_embedding.linear_1", "unet.time_proj", "unet.down_blocks.0.resnets.0.conv1")
SUITE = """
schema_version = 1
name = "mixed"
goldens = "teacher"
[models.mini]
source = "random:miniature"
[variants.mixed]
precision = "mixed"
keep_float32 = ["{path}"]
[[lanes]]
model = "mini"
variants = ["mixed"]
runtime = "reference"
[metrics]
names = ["finite", "shape", "psnr"]
[limits]
psnr = 30.0
[cases.text]
prompt = "a lake"
steps = 2
scheduler = "ddim"
seed = 3
"""


def test_a_module_what_is_inside_it_and_what_it_is_inside_match() -> None:
    demand_matches(("unet.time_proj", "unet.down_blocks", "unet"), MODULES)
    demand_matches((), MODULES)


def test_all_that_match_nothing_are_named_with_what_is_nearly_called_so() -> None:
    with pytest.raises(ModulesUnmatched) as caught:
        demand_matches(("unet.time_embeding", "unet.time_proj", "unet.mid"), MODULES)
    assert "'unet.time_embeding', 'unet.mid'" in caught.value.what
    assert "time_proj" not in caught.value.what
    assert "unet.time_embedding" in caught.value.hint
    assert caught.value.exit_code == EXIT_USAGE


def test_a_part_of_a_name_is_not_a_module() -> None:
    with pytest.raises(ModulesUnmatched):
        demand_matches(("unet.time",), MODULES)


def test_the_conversion_refuses_it(teacher: Teacher, tmp_path: Path) -> None:
    variant = Variant(name="mixed", precision="mixed", keep_float32=("unet.conv_inn",))
    with pytest.raises(ModulesUnmatched, match=r"unet\.conv_inn") as caught:
        convert_component(teacher, "unet", variant, tmp_path, isolate="never")
    assert "unet.conv_in" in caught.value.hint


def test_a_plan_refuses_a_path_that_starts_with_no_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "sdqa.toml"
    path.write_text(SUITE.format(path="text_encoder_2.text_model"), encoding="utf-8")
    assert cli.run(("plan", "--suite", str(path))) == EXIT_USAGE
    assert "'text_encoder_2.text_model' starts with none of" in capsys.readouterr().err


def test_a_part_that_another_family_has_is_refused_by_the_model_s_own() -> None:
    family = FAMILIES["sd"]
    lane = SimpleNamespace(
        model_name="mini", variant=SimpleNamespace(name="mixed", keep_float32=("unet.time_proj", "transformer.norm"))
    )
    (problem,) = unmatched_modules([lane], family)  # type: ignore[list-item]
    assert problem.path == "$.variants.mixed.keep_float32"
    assert problem.message.startswith(
        "'transformer.norm' starts with no part of Stable Diffusion 1 and 2, which mini is"
    )
