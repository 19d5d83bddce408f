"""Operations without names find each other by what they do; what was put in, left out or exchanged is told apart."""

from __future__ import annotations

from sdqa.diagnose.alignment import align_unnamed
from sdqa.mil.graph import Node, Value
from sdqa.mil.types import ValueType

TYPE = ValueType("tensor", "fp16", (1, 4))


def chain(prefix: str, *kinds: str, taken: str = "x") -> list[Node]:
    """Operations one behind the other."""
    found = []
    for number, kind in enumerate(kinds):
        name = f"{prefix}{kind}_{number}"
        found.append(Node(kind, name, {"0": [taken]}, [Value(name, TYPE)]))
        taken = name
    return found


def aligned(ours: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[dict[str, str], tuple[str, ...], tuple[str, ...]]:
    found = align_unnamed(chain("", *ours), chain("sound ", *theirs), ["x"])
    return found.operations, found.inserted, found.removed


def test_the_same_programs_match_one_to_one_through_casts() -> None:
    operations, inserted, removed = aligned(("cast", "pad", "silu", "cast", "exp"), ("pad", "silu", "exp"))
    assert {mine.split("_")[0] for mine in operations} == {"pad", "silu", "exp"}
    assert all(mine.split("_")[0] == his.removeprefix("sound ").split("_")[0] for mine, his in operations.items())
    assert inserted == removed == ()


def test_an_operation_of_another_type_stands_for_the_one_that_was_there() -> None:
    operations, inserted, removed = aligned(("pad", "relu", "exp"), ("pad", "silu", "exp"))
    assert operations == {"pad_0": "sound pad_0", "relu_1": "sound silu_1", "exp_2": "sound exp_2"}
    assert inserted == removed == ()


def test_an_inserted_operation_is_no_stand_in_and_the_rest_still_matches() -> None:
    operations, inserted, removed = aligned(("pad", "mul", "silu", "exp"), ("pad", "silu", "exp"))
    assert inserted == ("mul_1",)
    assert removed == ()
    assert operations == {"pad_0": "sound pad_0", "silu_2": "sound silu_1", "exp_3": "sound exp_2"}


def test_a_missing_operation_is_told() -> None:
    operations, inserted, removed = aligned(("pad", "exp"), ("pad", "silu", "exp"))
    assert operations["exp_1"] == "sound exp_2"
    assert inserted == ()
    assert removed == ("sound silu_1",)
