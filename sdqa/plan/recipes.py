"""The names of compression recipes that a variant may ask for; `sdqa.convert.compression` registers what they do.

A name follows a form, such as `palettize-{1|2|3|4|6|8}bit`. A recipe of a plugin declares its form here when it is
registered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

Target = Literal["iOS16", "iOS17", "iOS18"]
TARGETS: tuple[Target, ...] = get_args(Target)


@dataclass(frozen=True)
class RecipeName:
    """A form that names of recipes take."""

    form: str  # for people
    pattern: re.Pattern[str]  # its groups are the recipe's parameters
    target: Target = "iOS16"  # the earliest whose operations it can be stored in


RECIPES: dict[str, RecipeName] = {}


def declare(form: str, pattern: str, target: Target = "iOS16") -> RecipeName:
    """Let variants ask for recipes of a form.

    Raises:
        ValueError: the form is taken.
    """
    if form in RECIPES:
        raise ValueError(f"the recipe {form!r} is declared twice")
    RECIPES[form] = RecipeName(form, re.compile(pattern), target)
    return RECIPES[form]


def recipe_name(name: str) -> tuple[RecipeName, re.Match[str]] | None:
    """The form that a recipe's name follows, with its parameters; None when there is no such recipe."""
    for known in RECIPES.values():
        match = known.pattern.fullmatch(name)
        if match:
            return known, match
    return None


PALETTIZE = declare("palettize-{1|2|3|4|6|8}bit", r"palettize-([123468])bit")
GROUPED = declare(
    "palettize-{2|3|4|6|8}bit-grouped{N}", r"palettize-([23468])bit-grouped([1-9][0-9]{0,3})", target="iOS18"
)
LINEAR = declare("linear-int8", r"linear-int8")
LINEAR_PER_TENSOR = declare("linear-int8-per-tensor", r"linear-int8-per-tensor")
BLOCKWISE = declare("blockwise-int4[-block{N}]", r"blockwise-int4(?:-block([1-9][0-9]{0,3}))?", target="iOS18")
PRUNE = declare("prune-{percent}", r"prune-([1-9][0-9]?)")
MIXED_BIT = declare("mixed-bit:{target, 3.5bit or 60dB}", r"mixed-bit:([0-9]+(?:\.[0-9]+)?(?:bit|dB))")
