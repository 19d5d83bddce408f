"""The pieces of a stage that need no model."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdqa.bundle import Lane, Verdict
from sdqa.plan import load_suite, make_plan
from sdqa.plan.suite import TEACHER_NOW
from sdqa.rehearsal.stage import _failing, _reseeded, _spread_over

SUITE = Path(__file__).parents[2] / "sdqa.toml"


@pytest.mark.parametrize(("count", "wanted"), [(1, "a"), (2, "af"), (3, "acf"), (6, "abcdef"), (9, "abcdef")])
def test_cases_are_spread_evenly(count: int, wanted: str) -> None:
    assert _spread_over(list("abcdef"), count) == list(wanted)


def test_another_seed_means_other_noise_and_references_drawn_now() -> None:
    plan = make_plan(load_suite(SUITE), SUITE)
    other = _reseeded(plan, 7)
    assert other.suite.goldens == TEACHER_NOW
    for before, after in zip(plan.lanes, other.lanes, strict=True):
        assert {name: case.seed + 7 for name, case in before.cases.items()} == {
            name: case.seed for name, case in after.cases.items()
        }


def lane(**statuses: str) -> Lane:
    verdicts = tuple(
        Verdict(check=f"tiny/fp16/{name}", metric=name, status=status)  # type: ignore[arg-type]
        for name, status in statuses.items()
    )
    return Lane(
        id="tiny/fp16", model="tiny", variant="fp16", runtime="reference", compute_unit="CPU_ONLY", verdicts=verdicts
    )


def test_failed_checks_are_named_and_unmeasured_ones_only_without_them() -> None:
    assert _failing(lane(psnr="fail", lpips="pass", ssim="not measured")) == ("psnr",)
    assert _failing(lane(lpips="suspicious", ssim="not measured")) == ("ssim",)
    assert _failing(lane(lpips="pass", psnr="suspicious")) == ()
