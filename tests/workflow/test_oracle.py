"""Two runtimes are held against each other: what is rounding passes, what is more is named."""

from __future__ import annotations

import math
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
from sdqa.workflow.oracle import Agreement, compare_component, compare_runtimes, table
from tests.coreai import needs_coreai


def reading(precision: str, mil: float, coreai: float, between: float) -> Agreement:
    return Agreement("random:miniature", "unet", precision, mil, coreai, between, "noise_pred")


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (reading("float32", 135, 137, 134), ""),
        (reading("float32", 137, 88, 88), "they agree by 88.0 dB in noise_pred; Core AI is farther from torch"),
        (reading("float32", 90, 137, 90), "they agree by 90.0 dB in noise_pred; sdqa.mil is farther from torch"),
        (reading("float16", 77, 75, 74), ""),
        (reading("float16", 77, 73, 72), ""),
        (reading("float16", 73, 77, 72), "sdqa.mil is 4.0 dB farther from torch (noise_pred)"),
        (reading("float16", 77, 70, 69), "Core AI is 7.0 dB farther from torch (noise_pred)"),
        (reading("float16", math.nan, 70, 69), "an output is not finite (noise_pred)"),
    ],
)
def test_what_is_more_than_rounding_is_named(one: Agreement, said: str) -> None:
    assert one.disagreement == said


def test_products_in_half_precision_are_a_known_difference() -> None:
    assert reading("float16", 77, 73, 72).known.startswith("Core AI is 4.0 dB farther from torch: it adds up")
    assert not reading("float16", 77, 75, 72).known
    assert not reading("float16", 77, 70, 72).known
    assert not reading("float16", 73, 77, 72).known
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
    readings = [reading("float32", 135, 137, 134), reading("float16", 77, 70, 69)]
    monkeypatch.setattr(oracle, "compare_runtimes", lambda *arguments, **options: iter(readings))
    monkeypatch.setattr(rounding, "measure_losses", lambda: (Loss("linear", 92.0, 70.0),))
    result = CliRunner().invoke(cli, ["oracle", "--store", str(tmp_path)])
    assert result.exit_code == EXIT_GATE_FAILED
    assert table(readings) in result.output
    assert "| linear | 92.0 dB | 70.0 dB |" in result.output
    assert (
        "disagreement: random:miniature, unet, float16: Core AI is 7.0 dB farther from torch (noise_pred)"
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


@needs_coreai
@pytest.mark.slow
def test_the_operation_that_rounds_more_is_the_product_of_matrices() -> None:
    losses = {one.operation: one for one in measure_losses()}
    assert losses["linear, 384 terms"].apart_db > ROUNDS_MORE_DB
    assert abs(losses["convolution, 576 terms"].apart_db) < ROUNDS_MORE_DB
    assert abs(losses["softmax"].apart_db) < ROUNDS_MORE_DB
