"""Two runtimes are held against each other: what is rounding passes, what is more is named."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from sdqa.cli import cli
from sdqa.diagnose import rounding
from sdqa.diagnose.rounding import ROUNDS_MORE_DB, Loss, measure_losses
from sdqa.errors import EXIT_GATE_FAILED, RuntimeUnavailable
from sdqa.models import Teacher
from sdqa.store import Store
from sdqa.workflow import oracle
from sdqa.workflow.agreement import ROUNDING_DB, Agreement, table
from sdqa.workflow.oracle import compare_component, compare_runtimes
from tests.coreai import needs_coreai


def reading(precision: str, mil: float, coreai: float, between: float, *rounding: float) -> Agreement:
    one = Agreement("random:miniature", "unet", precision, mil, coreai, between, "noise_pred")
    return replace(one, mil_rounding_db=rounding[0], coreai_rounding_db=rounding[1]) if rounding else one


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (reading("float32", 135, 137, 134), ""),
        (reading("float32", 137, 88, 88), "they agree by 88.0 dB in noise_pred; Core AI is farther from torch"),
        (reading("float32", 90, 137, 90), "they agree by 90.0 dB in noise_pred; sdqa.mil is farther from torch"),
        (reading("float16", 77, 75, 74, 77, 76), ""),
        (reading("float16", 87, 54, 54, 88, 56), ""),
        (reading("float16", 73, 77, 72, 77, 77), "sdqa.mil is 4.0 dB farther from torch than by rounding (noise_pred)"),
        (reading("float16", 77, 70, 69, 77, 77), "Core AI is 7.0 dB farther from torch than by rounding (noise_pred)"),
        (reading("float16", 77, 77, 77, 77, math.nan), "what rounding alone does is not known (noise_pred)"),
        (reading("float16", 77, 77, 77), "what rounding alone does is not known (noise_pred)"),
        (reading("float16", math.nan, 70, 69, 77, 70), "an output is not finite (noise_pred)"),
    ],
)
def test_what_is_more_than_rounding_is_named(one: Agreement, said: str) -> None:
    assert one.disagreement == said


def test_rounding_in_another_way_is_a_known_difference() -> None:
    known = reading("float16", 77, 73, 72, 77, 73).known
    assert known == "Core AI is 4.0 dB farther from torch, and rounding as it does takes torch as far"
    assert reading("float16", 61, 72, 61, 61, 72).known.startswith("sdqa.mil is 11.0 dB farther")
    assert not reading("float16", 77, 75, 72, 77, 75).known
    assert not reading("float16", 77, 70, 72, 77, 77).known
    assert not reading("float32", 77, 73, 72).known


def test_norms_that_the_converter_folded_are_a_known_difference() -> None:
    def folded(between: float, coreai: float, to_folded: float | None) -> Agreement:
        return Agreement("embedded:tiny-v", "unet", "float32", 109.6, coreai, between, "noise_pred", to_folded)

    known = folded(109.5, 128.8, 132.7)
    assert known.disagreement == ""
    assert "5e-6 too small each" in known.known
    assert not folded(115.0, 128.8, 132.7).known
    assert folded(109.5, 108.0, 132.7).disagreement, "Core AI is not right either"
    assert folded(109.5, 128.8, 109.0).disagreement, "the fold explains nothing"
    assert folded(109.5, 128.8, None).disagreement, "nothing was measured"


def test_an_ml_programs_norms_are_smaller_by_the_epsilon_of_the_fold(teacher: Teacher, tmp_path: Path) -> None:
    from sdqa.convert.stage import convert_one
    from sdqa.plan.variant import Variant
    from sdqa.runtime.registry import find_runtime

    package = convert_one(teacher, "unet", Variant(name="float32", precision="float32"), Store(tmp_path))
    inputs, plain = oracle._teachers_own(teacher, "unet")
    found = find_runtime("reference").make_runner("unet", package.path).run(inputs)
    folded = oracle._teachers_own(teacher, "unet", folded=True)[1]
    assert oracle._worst(folded, found) > oracle._worst(plain, found) + 3


def test_a_disagreement_fails_the_verb(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    readings = [reading("float32", 135, 137, 134), reading("float16", 77, 70, 69, 77, 77)]
    monkeypatch.setattr(oracle, "compare_runtimes", lambda *arguments, **options: iter(readings))
    monkeypatch.setattr(rounding, "measure_losses", lambda: (Loss("linear", 92.0, 70.0, 70.1),))
    result = CliRunner().invoke(cli, ["oracle", "--store", str(tmp_path)])
    assert result.exit_code == EXIT_GATE_FAILED
    assert table(readings) in result.output
    assert "| linear | 92.0 dB | 70.0 dB | 70.1 dB |" in result.output
    assert (
        "disagreement: random:miniature, unet, float16: Core AI is 7.0 dB farther from torch than by rounding"
        in result.output
    )


def test_without_core_ai_nothing_is_compared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from sdqa.runtime import coreai

    monkeypatch.setattr(coreai, "reason_without", lambda system: "it is not installed")
    with pytest.raises(RuntimeUnavailable, match="it is not installed"):
        list(compare_runtimes(store=Store(tmp_path)))


@needs_coreai
@pytest.mark.slow
def test_the_miniatures_decoder_agrees(teacher: Teacher, tmp_path: Path) -> None:
    one = compare_component(teacher, "vae_decoder", "float32", Store(tmp_path))
    assert one.disagreement == ""
    assert min(one.mil_db, one.coreai_db, one.between_db) > 110


def test_half_precision_under_sdqa_mil_is_rounding_and_nothing_else(teacher: Teacher, tmp_path: Path) -> None:
    from sdqa.convert.stage import convert_one
    from sdqa.plan.variant import Variant
    from sdqa.runtime.registry import find_runtime

    package = convert_one(teacher, "unet", Variant(name="float16", precision="float16"), Store(tmp_path))
    inputs, plain = oracle._teachers_own(teacher, "unet")
    found = find_runtime("reference").make_runner("unet", package.path).run(inputs)
    by_rounding = oracle._worst(plain, oracle._rounded(teacher, "unet", in_pieces=False))
    assert abs(oracle._worst(plain, found) - by_rounding) < ROUNDING_DB


@needs_coreai
@pytest.mark.slow
def test_the_operation_that_rounds_more_is_the_product_of_matrices() -> None:
    losses = {one.operation: one for one in measure_losses()}
    assert losses["linear, 384 terms"].apart_db > ROUNDS_MORE_DB
    assert abs(losses["convolution, 576 terms"].apart_db) < ROUNDS_MORE_DB
    assert abs(losses["softmax"].apart_db) < ROUNDS_MORE_DB
    assert all(abs(one.coreai_db - one.rounding_db) < 1.5 for one in losses.values())
