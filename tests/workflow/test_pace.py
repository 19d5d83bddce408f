"""A long work says how far it is, and how long the rest takes."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from sdqa.workflow.pace import Pace


@dataclass
class Heard:
    lines: list[str] = field(default_factory=list)

    def step(self, text: str) -> None:
        self.lines.append(text)


def test_a_part_says_which_it_is_and_what_is_left() -> None:
    heard, now = Heard(), [0.0]
    pace = Pace(heard, 4, clock=lambda: now[0])
    for name, seconds in (("a", 100.0), ("b", 10.0)):
        with pace.part(name) as timed:
            timed.progress.step("score")
            now[0] += seconds
    with pace.part("c"):
        pass
    assert heard.lines == [
        "1 of 4: a",
        "1 of 4: score",
        "2 of 4: b; about 5 min left",
        "2 of 4: score",
        "3 of 4: c; about 20 s left",
    ], "the first part converts, and says little of the others"


def test_what_comes_from_the_store_counts_with_what_it_took() -> None:
    pace = Pace(Heard(), 2, clock=lambda: 0.0)
    with pace.part("a") as timed:
        assert timed.drawn("made", 30.0) == "made"
    assert (pace.spent_s, pace.left_s) == (30.0, 30.0)


def test_a_part_that_was_stopped_is_not_finished() -> None:
    pace = Pace(Heard(), 2)
    with pytest.raises(KeyboardInterrupt), pace.part("a"):
        raise KeyboardInterrupt
    assert pace.seconds == []
