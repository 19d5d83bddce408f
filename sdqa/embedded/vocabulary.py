"""The words that describe a scene and the values each may take; captions, drawings and the classifier share them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from sdqa.embedded.canvas import Colour
from sdqa.errors import UsageError

Value: TypeAlias = str | bool | None

HAIR: Mapping[str, Colour] = {
    "black": (28, 24, 26),
    "brown": (104, 62, 30),
    "blond": (236, 204, 100),
    "red": (190, 52, 22),
    "white": (232, 232, 236),
    "blue": (46, 92, 214),
    "pink": (240, 120, 180),
}
BACKGROUND: Mapping[str, Colour] = {
    "red": (205, 52, 48),
    "green": (62, 160, 80),
    "blue": (62, 120, 205),
    "yellow": (242, 210, 72),
    "purple": (130, 72, 170),
    "grey": (150, 152, 156),
    "orange": (240, 140, 48),
    "pink": (245, 170, 195),
}
CLOTH: Mapping[str, Colour] = {
    "red": (200, 30, 36),
    "blue": (36, 66, 180),
    "green": (30, 120, 60),
    "yellow": (238, 196, 40),
    "white": (240, 240, 240),
    "black": (36, 36, 40),
}

YES_NO: tuple[Value, ...] = (False, True)

PORTRAIT: Mapping[str, tuple[Value, ...]] = {
    "gender": ("woman", "girl", "man", "boy"),
    "hair": tuple(HAIR),
    "expression": ("neutral", "smiling", "sad", "surprised"),
    "glasses": YES_NO,
    "hat": (None, *CLOTH),
    "background": tuple(BACKGROUND),
    "shirt": tuple(CLOTH),
}
LANDSCAPE: Mapping[str, tuple[Value, ...]] = {
    "land": ("mountains", "hills", "desert"),
    "light": ("golden", "sunset", "night", "day", "misty"),
    "lake": YES_NO,
    "trees": YES_NO,
    "house": YES_NO,
    "snow": YES_NO,
}
KINDS = ("portrait", "landscape")

HEADS: Mapping[str, tuple[Value, ...]] = {"kind": KINDS, **PORTRAIT, **LANDSCAPE}
"""What the attribute classifier tells, in the order of its outputs."""


def check(kind: str, values: Mapping[str, Value]) -> None:
    """Refuse a value that an attribute cannot take.

    Raises:
        UsageError: naming the attribute and the values that it allows.
    """
    allowed = PORTRAIT if kind == "portrait" else LANDSCAPE
    for name, value in values.items():
        if name not in allowed:
            raise UsageError(f"a {kind} has no attribute {name!r}", hint=f"it has {', '.join(allowed)}")
        if value not in allowed[name]:
            choices = ", ".join(spell(choice) for choice in allowed[name])
            raise UsageError(f"{name} cannot be {spell(value)!r}", where=kind, hint=f"one of {choices}")


def spell(value: Value) -> str:
    """A value as people write it: `yes`, `no`, `none`, or the word itself."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value or "none"


def read(name: str, word: str) -> Value:
    """The value that `spell` writes as `word`; an unknown word is returned as it is, for `check` to refuse."""
    return next((value for value in HEADS.get(name, ()) if spell(value) == word), word)
