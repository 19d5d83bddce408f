"""Floors ask something of one picture alone."""

from __future__ import annotations

import math

from sdqa.metrics.floors import below, own_figures, wrong_floors


def test_only_what_says_something_of_one_picture_can_have_a_floor() -> None:
    own = own_figures()
    assert {"clip_score", "clip_directional", "lpips_source", "noise", "saturation"} <= set(own)
    assert not {"psnr", "lpips", "latent_psnr", "ssim", "finite", "shape"} & set(own)
    wrong = wrong_floors(
        {"psnr": 30, "clip_score": math.nan, "noise": 1, "black": 0.1}, ("clip_score", "black", "psnr")
    )
    assert "says nothing of the teacher alone" in wrong["psnr"]
    assert "clip_score" in wrong["psnr"]
    assert "add it to $.metrics.names" in wrong["noise"]
    assert wrong["clip_score"] == "must be a finite number"
    assert set(wrong) == {"psnr", "noise", "clip_score"}


def test_a_floor_follows_the_metrics_direction() -> None:
    floors = {"clip_score": 0.25, "black": 0.1}
    assert below(floors, {"clip_score": 0.25, "black": 0.1}, ()) == []
    [first, second] = below(floors, {"clip_score": 0.2, "black": 0.5}, ())
    assert first == "clip_score is 0.2, [floors] takes no less than 0.25"
    assert second == "black is 0.5, [floors] takes no more than 0.1"
    assert below(floors, {"clip_score": math.nan, "black": 0.0}, ()) != []


def test_a_figure_that_nobody_measured_reaches_no_floor() -> None:
    assert below({"clip_score": 0.25}, {}, ()) == ["clip_score was not measured, [floors] has 0.25"]
    assert below({"lpips_source": 0.5}, {}, ()) == [], "a case without a source has no such figure"
    assert below({"lpips_source": 0.5}, {}, ("source",)) != []
