"""A contract that failed is a cause of its own: the component, and the feature that breaks it."""

from __future__ import annotations

from typing import Any

from sdqa.diagnose.causes import NEXT, causes
from sdqa.diagnose.packaging import explains_all, packaging_causes, packaging_diagnosis
from sdqa.diagnose.verdict import write
from tests.diagnose.records import findings, game, ladder

BREACH = "the output 'noise_pred' is float16, declared is float32"
BREACHES = {"unet": (BREACH, "too new"), "vae_decoder": ("too new",), "text_encoder": ()}


def test_only_what_failed_is_a_cause() -> None:
    [cause] = packaging_causes(BREACHES, ["unet/contract", "edit/psnr"])
    assert (cause.component, cause.stage, cause.evidence) == ("unet", "packaging", (BREACH, "too new"))
    assert cause.next == NEXT["packaging"]


def test_contracts_explain_a_lane_in_which_nothing_else_failed() -> None:
    assert explains_all(BREACHES, ("unet/contract",))
    assert explains_all(BREACHES, ("unet/contract", "vae_decoder/contract"))
    assert not explains_all(BREACHES, ("unet/contract", "edit/psnr"))
    assert not explains_all(BREACHES, ("text_encoder/contract",)), "no reason is known"
    assert not explains_all(BREACHES, ())


def test_the_diagnosis_names_component_and_feature() -> None:
    found = packaging_diagnosis(BREACHES, "m/v", ("unet/contract",))
    assert found.verdict.splitlines()[:2] == [f"Cause: unet, packaging: {BREACH}", "  too new"]
    assert (found.sound, found.lane) == (False, "m/v")


def test_beside_other_causes_it_is_named_and_has_no_share() -> None:
    broken: Any = findings(
        game({"unet": 0.3, "vae_decoder": 0.0}), ladder("unet", 30, 70), ladder("vae_decoder", 118, 72)
    )
    broken.evidence.failed = ("unet/contract", "edit/psnr")
    broken.evidence.breaches = {"unet": (BREACH,)}
    found = causes(broken)
    assert [(cause.component, cause.stage) for cause in found] == [("unet", "conversion"), ("unet", "packaging")]
    said = write(broken, found, ()).splitlines()
    at = said.index("Cause: unet, packaging")
    assert said[at + 1] == "  The output 'noise_pred' is float16, declared is float32."


def test_where_the_instruments_see_nothing_the_contract_is_the_culprit() -> None:
    sound: Any = findings(
        game({"unet": 0.0, "vae_decoder": 0.0}), ladder("unet", 118, 72), ladder("vae_decoder", 118, 72)
    )
    sound.evidence.failed = ("unet/contract", "unet/parity_psnr")
    sound.evidence.breaches = {"unet": (BREACH,)}
    said = write(sound, causes(sound), ())
    assert "Cause: unet, packaging" in said
    assert "no culprit" not in said
