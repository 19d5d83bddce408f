"""Which recipe to ship: what no other lane of a device beats."""

from __future__ import annotations

from dataclasses import replace

from sdqa.dashboard.variants import Choice, best

BASE = Choice("a", 0, "fp16", "reference", 8, 2.0, "inference_s", "s", 0.5, "lpips", "pass", {})


def lanes(*figures: tuple[int, float | None, float | None], device: str = "reference") -> list[Choice]:
    return [
        replace(BASE, lane=f"{device}{place}", bytes=size, latency=latency, quality=quality, device=device)
        for place, (size, latency, quality) in enumerate(figures)
    ]


def test_a_lane_that_is_worse_in_all_is_beaten() -> None:
    assert best(lanes((8, 2.0, 0.5), (4, 2.0, 0.6), (9, 2.1, 0.5))) == {"reference0", "reference1"}


def test_equals_do_not_beat_each_other() -> None:
    assert best(lanes((8, 2.0, 0.5), (8, 2.0, 0.5))) == {"reference0", "reference1"}


def test_what_is_not_known_counts_as_the_worst() -> None:
    assert best(lanes((8, 2.0, 0.5), (8, None, 0.5), (8, 2.0, None), (7, None, None))) == {"reference0", "reference3"}


def test_what_fails_is_nothing_to_ship_and_beats_nobody() -> None:
    bad, good = lanes((4, 1.0, 0.1), (8, 2.0, 0.5))
    assert best([replace(bad, status="fail"), good]) == {"reference1"}


def test_devices_are_not_held_against_each_other() -> None:
    assert best([*lanes((8, 2.0, 0.5)), *lanes((4, 1.0, 0.1), device="coreml")]) == {"reference0", "coreml0"}
