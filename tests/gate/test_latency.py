"""Latency and memory: asv's rule with a smallest effect, within one fingerprint only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from sdqa.bundle import Lane, Measurement
from sdqa.bundle.fingerprint import Fingerprint, Mac
from sdqa.gate.latency import is_different, judge_resources

RNG = np.random.default_rng(0)
MakeLane = Callable[..., Lane]
HERE = Fingerprint(mac=Mac(chip="A18"), versions={"torch": "2.13"}, metrics="one")


def timed(samples: Sequence[float], metric: str = "latency_ms", unit: str = "ms") -> Measurement:
    value = float(np.median(samples))
    return Measurement(metric=metric, component="unet", value=value, unit=unit, samples=tuple(samples))


@pytest.fixture
def status(make_lane: MakeLane) -> Callable[..., str]:
    def judged(before: Measurement, after: Measurement, fingerprint: object = HERE) -> str:
        lanes = (
            make_lane({}, measurements=(after,), fingerprint=fingerprint),
            make_lane({}, measurements=(before,), fingerprint=HERE),
        )
        (found,) = judge_resources(*lanes)
        assert found.check == f"tiny/fp16/unet/{after.metric}"
        assert found.reason
        return found.status

    return judged


def test_a_clear_slowdown_fails(status: Callable[..., str]) -> None:
    before = RNG.normal(100, 2, 10)
    assert status(timed(before), timed(before * 1.3)) == "fail"
    assert status(timed(before), timed(before * 0.7)) == "pass"


def test_a_slowdown_below_a_tenth_does_not_count(status: Callable[..., str]) -> None:
    before = RNG.normal(100, 0.1, 10)
    assert status(timed(before), timed(before * 1.08)) == "pass"


def test_noise_does_not_fail(status: Callable[..., str]) -> None:
    assert status(timed([100, 150, 90, 160, 110, 95, 140]), timed([120, 160, 100, 150, 130, 115, 150])) == "pass"


def test_too_few_readings_are_suspicious_at_most(status: Callable[..., str]) -> None:
    assert status(timed([100, 101]), timed([150, 151])) == "suspicious"


def test_never_across_fingerprints(status: Callable[..., str]) -> None:
    before = RNG.normal(100, 1, 10)
    other = HERE.model_copy(update={"mac": Mac(chip="A19")})
    assert status(timed(before), timed(before * 9), other) == "not measured"
    assert status(timed(before), timed(before), HERE.model_copy(update={"metrics": "two"})) == "pass"


def test_a_larger_package_fails_without_repetition(status: Callable[..., str]) -> None:
    before, after = (Measurement(metric="package_bytes", component="unet", value=v, unit="B") for v in (1000.0, 1200.0))
    assert status(before, after) == "fail"
    assert status(after, before) == "pass"


def test_asvs_rule() -> None:
    fast, slow = list(range(10)), [x + 20 for x in range(10)]
    assert is_different(fast, slow) is True
    assert is_different(fast, [x + 1 for x in fast]) is False
    assert is_different([1.0, 1.1, 1.2], [9.0, 9.1, 9.2]) is True
    assert is_different([1.0], [9.0, 9.1]) is None


def test_times_of_an_earlier_run_are_not_compared(status: Callable[..., str]) -> None:
    before = timed([100.0] * 10)
    assert status(before, timed([200.0] * 10).model_copy(update={"replayed": True})) == "not measured"
    assert status(before.model_copy(update={"replayed": True}), timed([100.0] * 10)) == "not measured"


def test_times_of_other_cases_are_not_compared(status: Callable[..., str]) -> None:
    longest = timed([200.0] * 10).model_copy(update={"cases": ("long",)})
    assert status(timed([100.0] * 10), longest) == "not measured"
    assert status(longest, longest) == "pass"
