"""The causes in words: what is named, for how much, and what to do next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sdqa.bundle.diagnosis import ComponentCoverage, GlueFinding, OperationFinding, Operations, WeightFinding
from sdqa.diagnose.causes import NEXT, NEXT_OF_ASSETS, causes
from tests.diagnose.records import findings, game, ladder

BROKEN = findings(game({"unet": 0.3, "vae_decoder": 0.0}), ladder("unet", 30, 70), ladder("vae_decoder", 118, 72))
CONV = OperationFinding(
    component="unet",
    name="conv_1",
    type="conv",
    module="unet.conv_in",
    added_db=22,
    carried_db=22,
    findings=("it leaks",),
)
OTHER = OperationFinding(component="unet", name="add_1", type="add", added_db=88, carried_db=22)
INSIDE = Operations(component="unet", reference="package", culprit="conv_1", operations=(CONV, OTHER, OTHER))


def test_the_stage_says_what_to_do_next() -> None:
    (cause,) = causes(BROKEN)
    assert (cause.component, cause.stage) == ("unet", "conversion")
    assert cause.next == NEXT["conversion"]
    assert cause.explains == pytest.approx(1, abs=1e-3)
    assert any("30 dB against the teacher" in words for words in cause.evidence)


def test_of_an_asset_nothing_is_said_that_only_a_package_has() -> None:
    from pathlib import Path

    found = findings(game({"unet": 0.2, "vae_decoder": 0.0}), ladder("unet", 30, 70))
    found.evidence.packages["unet"] = Path("Unet.aimodel")  # type: ignore[index]
    (cause,) = causes(found)
    assert cause.next == NEXT_OF_ASSETS["conversion"]
    assert not any("sdqa.mil" in words for words in cause.next)
    assert set(NEXT_OF_ASSETS) == set(NEXT)


def test_the_operation_is_named_with_its_module_and_beside_the_median() -> None:
    (cause,) = causes(replace(BROKEN, operations={"unet": INSIDE}))
    assert (cause.operation, cause.operation_type, cause.module) == ("conv_1", "conv", "unet.conv_in")
    assert "it leaks" in cause.evidence
    assert any("conv conv_1 adds 22 dB; the median operation adds 88 dB" in words for words in cause.evidence)


def test_a_missing_operation_is_said_to_be_missing() -> None:
    inside = INSIDE.model_copy(update={"culprit": "gone", "removed": ("gone",)})
    (cause,) = causes(replace(BROKEN, operations={"unet": inside}))
    assert "the operation gone is missing from the package" in cause.evidence


def test_the_culprits_weight_is_part_of_the_cause() -> None:
    weight = WeightFinding(
        component="unet",
        name="w",
        operation="conv_1",
        parameter="unet.conv_in.weight",
        relative_error=0.4,
        cosine=0.9,
        verdict="kernel transposed",
        evidence="rows and columns exchanged",
    )
    (cause,) = causes(replace(BROKEN, operations={"unet": INSIDE.model_copy(update={"weights": (weight,)})}))
    assert cause.weight == "w"
    assert any("weight w: rows and columns exchanged" in words for words in cause.evidence)


def test_missing_parameters_are_evidence() -> None:
    covered = ComponentCoverage(component="unet", parameters=10, missing=("unet.mid.weight",))
    (cause,) = causes(replace(BROKEN, coverage=(covered,)))
    assert any("unet.mid.weight" in words for words in cause.evidence)


def test_settings_share_the_loss_by_what_each_makes_alone() -> None:
    found = findings(game({"unet": 0.0, "glue": 0.2}), ladder("unet", 120, 70))
    scale, swap = (
        GlueFinding(field=name, expected="a", found="b", loss=loss, metric="rms", words=f"{name} is wrong")
        for name, loss in (("scaling_factor", 0.15), ("swap_guidance", 0.05))
    )
    first, second = causes(replace(found, glue=(scale, swap)))
    assert (first.operation, second.operation) == ("scaling_factor", "swap_guidance")
    assert first.explains == pytest.approx(0.75)
    assert second.explains == pytest.approx(0.25)


def test_a_guess_is_named_where_nothing_else_explains_the_pictures() -> None:
    guess = GlueFinding(
        field="scheduler", expected="ddim", found="pndm", loss=0.2, metric="rms", words="another scheduler", left=0.1
    )
    sound = findings(game({"unet": 0.0}), ladder("unet", 120, 70))
    (cause,) = causes(replace(sound, guesses=(guess,)))
    assert (cause.component, cause.operation) == ("glue", "scheduler")
    assert cause.explains == pytest.approx(0.9)
