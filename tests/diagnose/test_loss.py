"""The losses that are attributed, on pictures whose distance is known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sdqa.diagnose.harness import NAN_ERROR, Drawn
from sdqa.diagnose.loss import NORMAL_LOSS, losses, rms

CASE: Any = SimpleNamespace(request=SimpleNamespace(prompt="a portrait"))


def drawn(level: int, latent: float = 1.0) -> Drawn:
    return Drawn(np.full((4, 4, 3), level, np.uint8), np.full((4, 2, 2), latent, np.float32), {})


def test_rms_is_of_full_scale() -> None:
    assert rms(CASE, drawn(0), drawn(255)) == 1
    assert rms(CASE, drawn(51), drawn(0)) == pytest.approx(0.2)
    assert rms(CASE, drawn(7), drawn(7)) == 0


def test_latents_are_compared_relative_to_the_goldens() -> None:
    assert drawn(0, 1.5).latent_error(drawn(0, 1.0)) == pytest.approx(0.5)
    assert drawn(0, 1.0).latent_error(drawn(0, 1.0)) == 0


@pytest.mark.parametrize("latent", [np.nan, np.inf, 1e9])
def test_what_is_lost_counts_as_the_most_that_is_counted(latent: float) -> None:
    assert drawn(0, latent).latent_error(drawn(0)) == NAN_ERROR


def test_without_networks_pictures_are_compared_by_their_difference() -> None:
    evidence: Any = SimpleNamespace(metrics=None)
    assert list(losses(evidence)) == ["rms", "latents"]


def test_with_networks_the_clip_loss_is_what_the_golden_had_more() -> None:
    clip = SimpleNamespace(text=lambda prompt: np.array([2.0]), image=lambda image: np.array([image.mean()]))
    lpips = SimpleNamespace(distance=lambda one, other: abs(float(one.mean()) - float(other.mean())))
    found = losses(SimpleNamespace(metrics=SimpleNamespace(clip=clip, lpips=lpips)))  # type: ignore[arg-type]
    assert list(found) == ["lpips", "clip", "latents"]
    assert found["clip"](CASE, drawn(3), drawn(5)) == pytest.approx(4.0)
    assert found["lpips"](CASE, drawn(3), drawn(5)) == pytest.approx(2.0)


def test_every_loss_says_what_is_normal() -> None:
    assert set(NORMAL_LOSS) == {"lpips", "clip", "rms", "latents"}
