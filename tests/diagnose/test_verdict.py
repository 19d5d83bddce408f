"""The words: what is blamed, what is cleared, and what is not claimed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sdqa.bundle.diagnosis import Cause, Interaction, Ladder, LossShare, StepPoint, Sweep
from sdqa.diagnose.causes import Findings, causes
from sdqa.diagnose.swap import attribute
from sdqa.diagnose.verdict import confidence, excluded, inseparable, write
from tests.diagnose.records import findings, game, ladder, rung


def say(found: Findings) -> str:
    named = causes(found)
    return write(found, named, excluded(found, named))


SOUND = (ladder("unet", 120, 70), ladder("vae_decoder", 118, 72))


def test_small_loss_on_sound_ladders_is_sound_and_says_how_sure() -> None:
    found = findings(game({"unet": 0.001, "vae_decoder": 0.0002}), *SOUND)
    assert causes(found) == ()
    assert say(found).startswith("The candidate is sound")
    assert "8.3 times smaller than what is still normal" in confidence(found, ())


def test_abnormal_rung_names_the_stage() -> None:
    found = findings(game({"unet": 0.2, "vae_decoder": 0.0}), ladder("unet", 30, 70), SOUND[1])
    (cause,) = causes(found)
    assert (cause.component, cause.stage) == ("unet", "conversion")
    assert round(cause.explains, 3) == 1.0
    assert {one.suspect for one in excluded(found, (cause,))} >= {"fp16 precision", "vae_decoder"}


def test_nan_blames_the_rung_where_it_first_appears() -> None:
    broken = Ladder(
        component="unet",
        rungs=(
            rung("conversion", 120, 120, 0.0),
            rung("precision", float("nan"), float("nan"), 1.0, nonfinite=3),
            rung("runtime", float("nan"), 200, 0.0, nonfinite=3),
        ),
    )
    (cause,) = causes(findings(game({"unet": 0.5, "vae_decoder": 0.0}), broken, SOUND[1]))
    assert cause.stage == "precision"
    assert "3 of 8 calls are not finite" in cause.evidence[0]


def test_two_stages_of_one_component_are_both_named() -> None:
    found = findings(game({"unet": 0.2, "vae_decoder": 0.0}), ladder("unet", 30, 31), SOUND[1])
    assert {cause.stage for cause in causes(found)} == {"conversion", "precision"}


def test_two_causes_that_hide_each_other_are_named_and_said_not_to_be_separable() -> None:
    attribution = game({"unet": 0.2, "vae_decoder": 0.2}, overlap=0.18)
    found = findings(attribution, ladder("unet", 30, 70), ladder("vae_decoder", 30, 70))
    assert {cause.component for cause in causes(found)} == {"unet", "vae_decoder"}
    assert "does not separate unet from vae_decoder" in say(found)


def test_abnormal_loss_without_a_culprit_is_said_to_be_unexplained() -> None:
    flat = {f"c{index}": 0.01 for index in range(8)}
    worth = game(flat)
    found = findings(worth, *(ladder(name, 120, 70) for name in flat))
    assert causes(found) == ()
    assert "no component, stage or setting stands out" in inseparable(found, ())
    assert "sound" not in say(found)


def test_setting_that_does_most_of_a_normal_loss_is_named() -> None:
    from sdqa.bundle.diagnosis import GlueFinding

    attribution = game({"unet": 0.0001, "vae_decoder": 0.0, "glue": 0.004})
    found = replace(
        findings(attribution, *SOUND),
        glue=(GlueFinding(field="strength", expected="0.7", found="0.69", loss=0.004, metric="rms", words="strength"),),
    )
    (cause,) = causes(found)
    assert (cause.stage, cause.operation) == ("glue", "strength")
    assert say(found).startswith("No abnormal loss")


def test_sound_component_that_an_abnormal_one_draws_in_is_not_blamed() -> None:
    from sdqa.diagnose.shapley import coalitions

    pair = frozenset({"unet", "vae_decoder"})
    worth = {coalition: np.full(4, 0.4 * (pair <= coalition)) for coalition in coalitions(sorted(pair))}
    attribution = attribute("rms", sorted(pair), worth)
    found = findings(attribution, SOUND[0], ladder("vae_decoder", 30, 70))
    assert [cause.component for cause in causes(found)] == ["vae_decoder"]


def test_one_case_claims_no_interval() -> None:
    found = findings(game({"unet": 0.2, "vae_decoder": 0.0}, cases=1), ladder("unet", 30, 70), SOUND[1], cases=1)
    assert "one case only" in confidence(found, causes(found))


def sweep(at_used: float, *, compounds: bool = False) -> Sweep:
    points = (StepPoint(steps=5, error=at_used), StepPoint(steps=50, error=0.0))
    return Sweep(
        metric="rms",
        teacher=points,
        candidate=points,
        used=5,
        teacher_error_at_used=at_used,
        growth=3.0 if compounds else 1.0,
        converged=at_used < 0.02,
        compounds=compounds,
    )


def test_converged_teacher_clears_the_number_of_steps() -> None:
    found = findings(game({"unet": 0.2, "vae_decoder": 0.0}), ladder("unet", 30, 70), sweep=sweep(0.001))
    assert "Not the cause: number of steps (the teacher has converged beyond 5" in say(found)


def test_too_few_steps_are_blamed_when_nothing_else_is_wrong() -> None:
    found = findings(game({"unet": 0.001, "vae_decoder": 0.0}), *SOUND, sweep=sweep(0.1))
    (cause,) = causes(found)
    assert cause.stage == "steps"
    assert say(found).startswith("The candidate is sound")


def test_error_that_grows_with_steps_is_said_to_compound() -> None:
    coarse = Ladder(component="unet", rungs=(rung("conversion", 120, 120, 0.0), rung("quantisation", 15, 15, 1.0)))
    found = findings(game({"unet": 0.2, "vae_decoder": 0.0}), coarse, SOUND[1], sweep=sweep(0.001, compounds=True))
    assert "compounds: 3.0 times from the fewest to the most steps" in say(found)


def test_interactions_worth_mentioning_are_kept() -> None:
    attribution = game({"unet": 0.2, "vae_decoder": 0.2}, overlap=0.1)
    assert attribution.interactions == (Interaction(players=("unet", "vae_decoder"), value=-0.1),) or (
        abs(attribution.interactions[0].value + 0.1) < 1e-9
    )
    assert isinstance(attribution.shares["unet"], LossShare)


def test_steps_that_are_blamed_are_not_cleared_in_the_same_breath() -> None:
    """The candidate takes fewer steps than the teacher, and the teacher has converged: one statement."""
    from sdqa.bundle.diagnosis import GlueFinding

    attribution = game({"unet": 0.0001, "vae_decoder": 0.0, "glue": 0.3})
    fewer = GlueFinding(field="steps", expected="20", found="10", loss=0.3, metric="rms", words="steps is '10'")
    found = replace(findings(attribution, *SOUND, sweep=sweep(0.001)), glue=(fewer,))
    text = say(found)
    assert 'Cause: glue, "steps"' in text
    assert "number of steps" not in text
    assert "has not converged" not in text


def test_steps_are_not_blamed_for_a_loss_that_more_of_them_would_not_change() -> None:
    flat = {f"c{index}": 0.1 for index in range(8)}
    found = findings(game(flat), *(ladder(name, 120, 70) for name in flat), sweep=sweep(0.03))
    assert causes(found) == ()
    assert say(found).count("number of steps") == 1
    assert "Looked at: number of steps (the teacher changes little beyond 5" in say(found)


def test_a_share_that_may_be_nothing_is_not_a_percentage() -> None:
    cause = Cause(component="unet", stage="conversion", explains=-0.12, interval=(-0.4, 0.35), next=("go",))
    assert not cause.separable
    found = findings(game({"unet": 0.2, "vae_decoder": 0.0}), *SOUND)
    text = write(found, (cause,), ())
    assert "Cannot be separated: its share of the RMS image loss lies between less than nothing and 35 %." in text
    assert "-12" not in text


@pytest.mark.parametrize(
    ("explains", "low", "high", "words"),
    [
        (0.96, 0.93, 0.98, "Explains 96 % (93 % to 98 %)"),
        (1.02, 0.98, 1.06, "Explains all (98 % to all)"),
        (1.0, 1.0, 1.0, "Explains 100 % (100 % to 100 %)"),
        (0.7, 0.3, 1.4, "lies between 30 % and more than all of it"),
        (0.1, 0.0, 0.2, "lies between nothing and 20 %"),
    ],
)
def test_shares_in_words(explains: float, low: float, high: float, words: str) -> None:
    cause = Cause(component="unet", stage="conversion", explains=explains, interval=(low, high), next=("go",))
    assert words in write(findings(game({"unet": 0.2, "vae_decoder": 0.0}), *SOUND), (cause,), ())


def test_a_gate_that_failed_is_never_answered_with_sound() -> None:
    found = findings(game({"unet": 0.001, "vae_decoder": 0.0002}), *SOUND)
    found.evidence.failed = ("girl/lpips", "girl/psnr", "all/psnr", "all/lpips")  # type: ignore[misc]
    text = say(found)
    assert text.startswith("The gate failed in girl/lpips, girl/psnr, all/psnr and 1 more, and the instruments find no")
    assert "sound" not in text
    steps = findings(game({"unet": 0.001, "vae_decoder": 0.0}), *SOUND, sweep=sweep(0.1))
    steps.evidence.failed = ("girl/lpips",)  # type: ignore[misc]
    assert "sound" not in say(steps)


def test_a_gate_that_failed_on_a_normal_loss_is_said_to_have_failed() -> None:
    found = findings(game({"unet": 0.001, "vae_decoder": 0.0}), ladder("unet", 30, 70), SOUND[1])
    found.evidence.failed = ("unet/parity_psnr",)  # type: ignore[misc]
    assert say(found).startswith("The gate failed in unet/parity_psnr; the loss itself is normal")
    assert "Cause: unet" in say(found)
