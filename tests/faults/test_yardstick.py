"""The yardstick is FLIP as its authors compute it; its threshold is the just noticeable difference that it names."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest
from skimage.color import lab2rgb

from sdqa.errors import FaultError
from sdqa.faults.yardstick import VISIBLE, YARDSTICK, demand, difference, error_map
from sdqa.metrics import METRICS

GREY = np.full((64, 64, 3), 128, np.uint8)


def field(lightness: float) -> Any:
    lab = np.zeros((32, 32, 3))
    lab[..., 0] = lightness
    return lab2rgb(lab).astype(np.float32)


@pytest.mark.parametrize("lightness", [20.0, 50.0, 90.0])
def test_the_threshold_is_flip_of_the_just_noticeable_step_in_lightness(lightness: float) -> None:
    found = error_map(field(lightness), field(lightness + 2.3))
    assert found == pytest.approx(VISIBLE, abs=5e-4), "even fields: the same everywhere"


def test_the_same_picture_is_no_difference_and_another_shape_is_the_largest() -> None:
    assert difference(GREY, GREY.copy()) == 0
    assert difference(GREY, GREY[:32]) == 1


def test_damage_in_a_corner_is_not_diluted_by_the_rest() -> None:
    spoilt = GREY.copy()
    spoilt[30:32, 30:32] = 255
    whole = float(error_map(GREY.astype(np.float32) / 255, spoilt.astype(np.float32) / 255).mean())
    assert whole < VISIBLE / 10 < VISIBLE < difference(GREY, spoilt)


def test_a_last_digit_everywhere_is_not_visible_and_four_are() -> None:
    assert difference(GREY, GREY + 1) < VISIBLE / 2
    assert difference(GREY, GREY + 6) > VISIBLE


def test_no_metric_of_the_gate_is_the_yardstick() -> None:
    assert not any("flip" in name for name in METRICS)
    assert YARDSTICK.threshold == VISIBLE


def test_without_the_package_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any, **named: Any) -> Any:
        if name == "flip_evaluator":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(FaultError, match=r"sdqa\[yardstick\]"):
        demand()
