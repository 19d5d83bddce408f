"""What the faults really did, beside what the diagnosis said."""

from __future__ import annotations

import pytest

from sdqa.bundle.diagnosis import Cause, Diagnosis
from sdqa.bundle.shares import SharesTable
from sdqa.faults import injection
from sdqa.workflow.campaign.shares import row_of

THREE = injection("too-few-steps+timestep-rounded+vae-kernel-transposed")
STEPS, ROUNDED, TRANSPOSED = ("too-few-steps@marked", "timestep-rounded@marked", "vae-kernel-transposed@marked")


def additive() -> dict[frozenset[str], float]:
    """Losses 0.1, 0.3 and 0.6 that simply add up, and 0.01 of a sound candidate."""
    alone = {STEPS: 0.1, ROUNDED: 0.3, TRANSPOSED: 0.6}
    chosen = [frozenset(name for bit, name in enumerate(alone) if mask >> bit & 1) for mask in range(8)]
    return {names: 0.01 + sum(alone[name] for name in names) for names in chosen}


def cause(component: str, explains: float, low: float, high: float) -> Cause:
    return Cause(component=component, stage="conversion", explains=explains, interval=(low, high))


def test_shares_that_hold_and_one_that_does_not() -> None:
    causes = (cause("vae_decoder", 0.62, 0.5, 0.7), cause("unet", 0.2, 0.15, 0.25))
    row = row_of(THREE, additive(), Diagnosis(verdict="words", causes=causes), 1.0)
    by_place = {one.place: one for one in row.shares}
    assert [by_place[place].truth for place in ("glue", "unet", "vae_decoder")] == pytest.approx([0.1, 0.3, 0.6])
    assert by_place["vae_decoder"].holds is True
    assert by_place["unet"].holds is False
    assert by_place["glue"].holds is None
    assert not row.all_named
    table = SharesTable(lane="tiny/fp16", cases=(), suite=(), rows=(row,))
    assert str(table.all_named) == "0 of 1 (0.0 %)"
    assert str(table.holding) == "1 of 2 (50.0 %)"
    assert str(table.right) == "0 of 1 (0.0 %)"


def test_a_combination_is_right_when_every_interval_of_every_place_holds() -> None:
    causes = (cause("vae_decoder", 0.62, 0.5, 0.7), cause("unet", 0.2, 0.15, 0.35), cause("glue", 0.1, 0.0, 0.2))
    row = row_of(THREE, additive(), Diagnosis(verdict="words", causes=causes), 1.0)
    assert row.right
    assert str(SharesTable(lane="tiny/fp16", cases=(), suite=(), rows=(row,)).right) == "1 of 1 (100.0 %)"


def test_two_causes_in_one_place_are_one_share() -> None:
    causes = (cause("unet", 0.2, 0.1, 0.3), cause("unet", 0.15, 0.1, 0.2), cause("glue", 0.1, 0.05, 0.2))
    row = row_of(THREE, additive(), Diagnosis(verdict="words", causes=causes), 1.0)
    unet = next(one for one in row.shares if one.place == "unet")
    assert unet.explains == pytest.approx(0.35)
    assert unet.interval == pytest.approx((0.2, 0.5))


def test_nothing_measured_is_no_share() -> None:
    assert str(SharesTable(lane="x", cases=(), suite=(), rows=()).holding) == "not measured"
