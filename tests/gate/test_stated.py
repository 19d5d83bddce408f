"""Limits stated by hand gate like any other, and say that nobody measured them."""

from __future__ import annotations

import pytest

from sdqa.bundle import Lane, Measurement
from sdqa.errors import ConfigError
from sdqa.gate import judge
from sdqa.gate.stated import combined, stated_tolerances
from tests.builders import lane_record


def lane(value: float) -> Lane:
    figure = Measurement(metric="parity_psnr", component="unet", value=value, unit="dB", better="higher")
    return lane_record("m/v", measurements=(figure,))


@pytest.mark.parametrize(("value", "status"), [(54.9, "fail"), (55.0, "pass"), (60.0, "pass"), (float("nan"), "fail")])
def test_a_stated_limit_gates(value: float, status: str) -> None:
    [verdict] = judge(lane(value), stated_tolerances("m", {"unet/parity_psnr": 55.0}, "sdqa.toml"))
    assert verdict.check == "m/v/unet/parity_psnr"
    assert verdict.status == status


def test_a_component_without_a_limit_is_judged_provisionally() -> None:
    tolerances = stated_tolerances("m", {"vae_decoder/parity_psnr": 55.0}, "sdqa.toml")
    [verdict] = judge(lane(10.0), tolerances, planned=["m/v/unet/parity_psnr"])
    assert (verdict.status, verdict.provisional) == ("fail", True)


def test_it_says_that_it_was_stated() -> None:
    stated = stated_tolerances("m", {"psnr": 40.0}, "sdqa.toml")
    assert "stated" in stated.variants["*"]["psnr"].explain()


def test_wrong_limits_are_configuration_errors() -> None:
    with pytest.raises(ConfigError) as caught:
        stated_tolerances("m", {"clip_score": 0.3, "psnr": float("inf")}, "sdqa.toml")
    assert {problem.path for problem in caught.value.problems} == {"$.limits.clip_score", "$.limits.psnr"}


def test_stated_replaces_calibrated() -> None:
    strict = stated_tolerances("m", {"psnr": 50.0, "ssim": 0.9}, "sdqa.toml")
    laxer = stated_tolerances("m", {"psnr": 30.0}, "sdqa.toml")
    table = combined(strict, laxer).variants["*"]
    assert table["psnr"].limit == 30.0
    assert combined(None, laxer) == laxer
