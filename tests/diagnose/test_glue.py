"""What lies between the components: named field by field, or guessed from the pictures."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sdqa.diagnose.evidence import Evidence
from sdqa.diagnose.glue import glue_fields, guess, replace_image, suspicions, unexplained, words
from sdqa.diagnose.harness import Drawn, Harness
from sdqa.families import FAMILIES
from sdqa.generate.pipeline import Glue
from tests.diagnose.conftest import Laboratory, case

STUB: Any = SimpleNamespace(
    graph_parts={"vae_config": {"scaling_factor": 0.18215}}, evidence=SimpleNamespace(family=FAMILIES["sd"])
)
SHORT = case("portrait/17", 1, steps=2, scheduler="ddim")


def harness(laboratory: Laboratory, **rest: Any) -> Harness:
    """The teacher alone, on one short case."""
    facts = {"cases": (SHORT,), "store": None, **rest}
    return Harness(laboratory.evidence({}, references=False, **facts))


def test_every_suspicion_changes_exactly_one_thing() -> None:
    before = (Glue(), SHORT.request)
    for name, value, change in suspicions(STUB):
        glue, request = change(*before)
        changed = [key for key, item in vars(glue).items() if item != getattr(before[0], key)]
        changed += [key for key, item in vars(request).items() if item is not getattr(before[1], key)]
        assert set(changed) <= {name}, (name, value)


def test_the_models_own_scaling_factor_is_no_suspicion() -> None:
    factors = [value for name, value, _ in suspicions(STUB) if name == "scaling_factor"]
    assert 0.18215 not in factors
    assert {0.13025, 1.0, 1 / 0.18215} == set(factors)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("scaling_factor", 0.13025, "the VAE scaling factor is 0.13025, the model's is 0.18215"),
        ("source_transform", "bgr", "the source image has red and blue exchanged"),
        ("scheduler_overrides", {"beta_schedule": "linear"}, "beta_schedule=linear"),
        ("drop_timesteps", 1, "the first 1 timesteps are left out"),
        ("guidance_scale", 7.5, "guidance scale is '7.5', should be '3'"),
    ],
)
def test_what_is_wrong_is_said_in_words(name: str, value: Any, said: str) -> None:
    expected = 3.0 if name == "guidance_scale" else None
    assert said in words(name, expected, value, STUB)


def test_a_picture_takes_anothers_place_and_nothing_else() -> None:
    drawn = Drawn(np.zeros((2, 2, 3), np.uint8), np.ones((4, 1, 1), np.float32), {"unet": 1})
    other = replace_image(drawn, np.ones((2, 2, 3), np.uint8))
    assert other.image.all()
    assert (other.latents is drawn.latents, other.nonfinite) == (True, {"unet": 1})


def test_a_wrong_setting_is_found_with_the_loss_that_it_makes(laboratory: Laboratory) -> None:
    (found,) = glue_fields(harness(laboratory, glue=Glue(decode_scaling_factor=1.0)))
    assert found.field == "decode_scaling_factor"
    assert found.loss > 0.01
    assert "divided by 1 before decoding" in found.words


def test_what_was_drawn_as_it_should_be_is_explained(laboratory: Laboratory) -> None:
    plain = harness(laboratory)
    right = plain.mixture(SHORT, frozenset()).image
    seen = harness(laboratory, cases=(replace(SHORT, observed=right),))
    assert unexplained(seen) == 0
    assert guess(seen) == ()


def test_without_a_recorded_picture_nothing_is_guessed(laboratory: Laboratory) -> None:
    assert unexplained(harness(laboratory)) == 0
    assert guess(harness(laboratory)) == ()


def test_evidence_without_a_case_is_refused() -> None:
    from sdqa.errors import DiagnosisError

    with pytest.raises(DiagnosisError, match="no case"):
        Evidence(parts={}, family=FAMILIES["sd"], cases=(), packages={})
