"""From figures to suspects: who is blamed, who only shares in what another does, and at which stage."""

from __future__ import annotations

import math

from sdqa.bundle.diagnosis import Ladder
from sdqa.diagnose.suspects import abnormal_loss, abnormal_rungs, fraction, stages_of, suspects
from tests.diagnose.records import game, ladder, rung

SOUND = ladder("unet", 120, 70)


def test_a_sound_ladder_has_no_abnormal_rung() -> None:
    assert abnormal_rungs(SOUND) == []


def test_a_rung_below_its_stages_floor_is_abnormal() -> None:
    assert [one.stage for one in abnormal_rungs(ladder("unet", 60, 70))] == ["conversion"]
    assert [one.stage for one in abnormal_rungs(ladder("unet", 120, 40))] == ["precision"]


def test_what_an_earlier_rung_lost_is_not_held_against_a_later_one() -> None:
    lost = Ladder(
        component="unet",
        rungs=(rung("conversion", 120, 120, 0.1), rung("precision", math.nan, math.nan, 0.9, nonfinite=3)),
    )
    later = lost.rungs[1].model_copy(update={"stage": "runtime", "added_db": 200.0})
    assert [one.stage for one in abnormal_rungs(lost)] == ["precision"]
    assert [one.stage for one in abnormal_rungs(Ladder(component="unet", rungs=(*lost.rungs, later)))] == ["precision"]


def test_the_first_rung_that_is_not_finite_is_to_blame_whatever_adds_more() -> None:
    lost = Ladder(
        component="unet",
        rungs=(rung("conversion", 20, 20, 0.9), rung("precision", math.nan, math.nan, 0.1, nonfinite=1)),
    )
    assert [one.stage for one in stages_of(lost, abnormal_rungs(lost))] == ["precision"]


def test_a_coarse_recipe_is_not_blamed_for_a_fault_beside_it() -> None:
    """Two-bit weights add most and are normal for their stage; the conversion adds less and is not."""
    both = Ladder(
        component="unet",
        rungs=(rung("conversion", 50, 50, 0.05), rung("quantisation", 30, 30, 0.95)),
    )
    assert [one.stage for one in stages_of(both, abnormal_rungs(both))] == ["conversion"]


def test_the_guilty_component_comes_first_and_the_sound_one_is_not_listed() -> None:
    found = suspects(
        (game({"unet": 0.3, "vae_decoder": 0.0}),), (ladder("vae_decoder", 118, 72), ladder("unet", 30, 70))
    )
    assert [(one.component, one.stage, one.responsible) for one in found] == [("unet", "conversion", True)]


def test_a_sound_component_does_not_share_the_blame_for_what_another_breaks() -> None:
    attribution = game({"unet": 0.3, "vae_decoder": 0.009}, overlap=0.0)
    found = suspects((attribution,), (ladder("unet", 30, 70), ladder("vae_decoder", 118, 72)))
    assert [one.component for one in found] == ["unet"]


def test_an_abnormal_component_without_a_abnormal_loss_is_listed_as_not_responsible() -> None:
    found = suspects((game({"unet": 0.0001, "vae_decoder": 0.0}),), (ladder("unet", 60, 70),))
    assert [(one.component, one.responsible, one.abnormal) for one in found] == [("unet", False, True)]


def test_settings_that_make_most_of_the_loss_are_a_suspect() -> None:
    found = suspects((game({"unet": 0.0, "glue": 0.2}),), (SOUND,))
    assert [(one.component, one.stage) for one in found] == [("glue", "glue")]


def test_small_losses_are_not_seen() -> None:
    assert not abnormal_loss((game({"unet": 0.009}),))
    assert abnormal_loss((game({"unet": 0.011}),))


def test_the_share_comes_from_the_first_metric_that_sees_anything() -> None:
    blind = game({"unet": 0.001, "vae_decoder": 0.0})
    sees = game({"unet": 0.03, "vae_decoder": 0.09}).model_copy(update={"metric": "latents"})
    assert fraction((blind, sees), "unet")[0] == sees.fractions["unet"].value
    assert fraction((blind,), "unet")[0] == 1
