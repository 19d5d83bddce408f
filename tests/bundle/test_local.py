"""What is counted of local damage: red of what is visible, by which limits, and what passed in silence."""

from __future__ import annotations

from sdqa.bundle.local import LocalLane, LocalTrial


def trial(kind: str, *failing: str, visible: bool = True, suspicious: tuple[str, ...] = ()) -> LocalTrial:
    return LocalTrial(kind=kind, case="hat", flip=0.2, visible=visible, failing=failing, suspicious=suspicious)


def test_golden_and_baseline_are_counted_apart() -> None:
    lane = LocalLane(
        lane="tiny/palettized-6bit",
        cases=("hat",),
        trials=(
            trial("eye", "hat/baseline_lpips"),
            trial("seam", "hat/psnr", "all/baseline_psnr"),
            trial("grain", suspicious=("hat/ssim",)),
            trial("blur"),
            trial("pixel", "hat/baseline_psnr", visible=False),
            trial("last digit", visible=False),
        ),
    )
    assert str(lane.red) == "2 of 4 (50.0 %)"
    assert str(lane.by_golden) == "1 of 4 (25.0 %)"
    assert str(lane.by_baseline) == "2 of 4 (50.0 %)"
    assert [one.kind for one in lane.silent] == ["blur"]
    assert str(lane.below) == "1 of 2 (50.0 %)"
    assert lane.kinds == 6
    assert [(rate.metric, rate.alone.count, rate.only) for rate in lane.rates] == [
        ("baseline_lpips", 1, 1),
        ("baseline_psnr", 1, 0),
        ("psnr", 1, 0),
    ]
