"""Figures in words, and how checks that need attention are put together."""

from __future__ import annotations

import math

import pytest

from sdqa.bundle import Measurement, Run, Verdict
from sdqa.report.checks import check_rows, verdict_glyph
from sdqa.report.format import show_bytes, show_figure, show_number, show_said, show_seconds
from sdqa.report.highlights import attention_of
from sdqa.report.words import MUST_BE_ONE, evidence_words
from tests.builders import lane_record, run_record


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "—"), (math.nan, "NaN"), (math.inf, "∞"), (-math.inf, "−∞"), (0.0, "0"), (-0.0, "0"), (1.0, "1"),
        (0.123456, "0.1235"), (1234.5678, "1,235"), (123456.0, "123,456"), (1.5e9, "1.50e9"), (1.2e-5, "1.20e−5"),
        (-2.5, "−2.5"), (99.999, "100"), (9.9999, "10"), (0.999996, "0.999996"), (1 - 1e-12, "1"), (1.00001, "1"),
    ],
)  # fmt: skip
def test_numbers(value: float | None, shown: str) -> None:
    assert show_number(value) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("-0.0123 on average, may reach -0.05", "−0.0123 on average, may reach −0.05"),
        ("8.568e+06 of 1e+07, by the packages alone", "8,568,000 of 1.00e7, by the packages alone"),
        ("the interval [-1.2e-05, +0.2]", "the interval [−1.20e−5, +0.2]"),
        ("portrait-2 of 2026-11-25, v1.2-3, 3-5 steps, -n 2", "portrait-2 of 2026-11-25, v1.2-3, 3-5 steps, -n 2"),
        ("abc-1e-05 and 4f1e-05aa", "abc-1e-05 and 4f1e-05aa"),
        ("1e999", "∞"),
        ("", ""),
    ],
)  # fmt: skip
def test_the_gate_s_words_show_numbers_as_the_page_does(said: str, shown: str) -> None:
    assert show_said(said) == shown


def test_units_that_read_best() -> None:
    assert show_bytes(7_922_512) == "7.923 MB"
    assert show_seconds(75) == "1 min 15 s"
    assert show_figure(0.0123, "s") == "12.3 ms"
    assert show_figure(1500.0, "ms") == "1.5 s"
    assert show_figure(2e9, "B") == "2 GB"
    assert show_figure(31.25, "dB") == "31.25 dB"
    assert show_figure(-0.5, "s", signed=True) == "−500 ms"


def test_a_limit_on_a_difference_has_a_sign_and_one_on_a_figure_has_none() -> None:
    paired = Verdict(
        check="a", metric="lpips", status="fail", value=0.31, golden=0.0, difference=0.31, interval=(0.29, 0.32),
        tolerance=0.03, n=10,
    )  # fmt: skip
    assert evidence_words(paired) == "0.31, golden 0, difference +0.31 in [+0.29, +0.32], limit +0.03, n = 10"
    floor = Verdict(
        check="a", metric="psnr", status="pass", value=41.0, interval=(40.0, 42.0), tolerance=35.0, unit="dB", n=10
    )
    assert evidence_words(floor) == "41 dB, interval [40 dB, 42 dB], limit 35 dB, n = 10"
    assert evidence_words(Verdict(check="a", metric="m", status="not measured")) == "no figure"


def test_hard_metrics_are_those_of_the_gate() -> None:
    from sdqa.gate.evidence import HARD

    assert MUST_BE_ONE == HARD


def test_a_hard_metric_bounds_the_figure_and_has_no_chart() -> None:
    hard = Verdict(check="a", metric="finite", status="pass", value=1.0, golden=1.0, difference=0.0, tolerance=1.0)
    assert evidence_words(hard) == "1, golden 1, difference 0, limit 1"
    assert verdict_glyph(hard, "higher") == ""


def run_of(*verdicts: Verdict, better: str = "lower") -> Run:
    measurements = tuple(Measurement(metric=name, better=better) for name in {v.metric for v in verdicts})  # type: ignore[arg-type]
    return run_record(lane_record("a", *verdicts, measurements=measurements))


@pytest.mark.parametrize(("better", "limit", "worst"), [("lower", 0.1, "c2"), ("higher", -0.1, "c1")])
def test_the_worst_check_follows_the_metrics_direction(better: str, limit: float, worst: str) -> None:
    differences = {"c0": 0.0, "c1": -0.5, "c2": 0.5}
    verdicts = [
        Verdict(
            check=f"a/{case}/m", metric="m", case=case, status="fail", value=1 + d, golden=1.0, difference=d,
            tolerance=limit,
        )
        for case, d in differences.items()
    ]  # fmt: skip
    (group,) = attention_of(check_rows(run_of(*verdicts, better=better)))
    assert group.worst.case == worst
    assert (len(group.rows), group.judged, group.among) == (3, 3, " (worst of 3)")


def test_a_figure_that_is_not_finite_is_the_worst() -> None:
    values = {"c0": 9e9, "c1": math.nan}
    verdicts = [
        Verdict(check=f"a/{case}/m", metric="m", case=case, status="fail", value=value, tolerance=1.0)
        for case, value in values.items()
    ]
    (group,) = attention_of(check_rows(run_of(*verdicts)))
    assert group.worst.case == "c1"


def test_what_was_not_measured_for_one_reason_is_one_entry() -> None:
    names = ("lpips", "psnr", "ssim", "clip", "noise", "tiling")
    verdicts = [
        Verdict(check=f"a/c/{name}", metric=name, case="c", status="not measured", reason=f"{name} has no tolerance")
        for name in names
    ]
    other = Verdict(check="a/c/face", metric="face", case="c", status="not measured", reason="not installed")
    groups = attention_of(check_rows(run_of(*verdicts, other)))
    assert [group.metric for group in groups] == ["lpips, psnr, ssim and 3 more metrics", "face"]


def test_failures_come_first_then_what_was_not_measured_then_doubts() -> None:
    verdicts = [
        Verdict(check="a/c/x", metric=status, case="c", status=status)  # type: ignore[arg-type]
        for status in ("suspicious", "pass", "not measured", "fail")
    ]
    assert [group.status for group in attention_of(check_rows(run_of(*verdicts)))] == [
        "fail", "not measured", "suspicious",
    ]  # fmt: skip
