"""The pieces of a stage that need no model."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdqa.bundle import Lane, Verdict
from sdqa.workflow.campaign.stage import _spread_over, failing_checks

SUITE = Path(__file__).parents[3] / "sdqa.toml"


@pytest.mark.parametrize(("count", "wanted"), [(1, "a"), (2, "af"), (3, "acf"), (6, "abcdef"), (9, "abcdef")])
def test_cases_are_spread_evenly(count: int, wanted: str) -> None:
    assert _spread_over(list("abcdef"), count) == list(wanted)


def lane(**statuses: str) -> Lane:
    verdicts = tuple(
        Verdict(check=f"tiny/fp16/{name}", metric=name, status=status)  # type: ignore[arg-type]
        for name, status in statuses.items()
    )
    return Lane(
        id="tiny/fp16", model="tiny", variant="fp16", runtime="reference", compute_unit="CPU_ONLY", verdicts=verdicts
    )


def test_failed_checks_are_named_and_unmeasured_ones_only_without_them() -> None:
    assert failing_checks(lane(psnr="fail", lpips="pass", ssim="not measured")) == ("psnr",)
    assert failing_checks(lane(lpips="suspicious", ssim="not measured")) == ("ssim",)
    assert failing_checks(lane(lpips="pass", psnr="suspicious")) == ()
