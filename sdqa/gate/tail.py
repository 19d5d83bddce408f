"""The tail of a kind of case: figures that few draws of noise do not show, and that no normal bound covers.

From some noise a text-to-image trajectory branches: a sound candidate then draws another picture than the teacher, as
good as the teacher's. How often depends on model and variant (most with few bits), and five draws may show none. So the
cases of that kind are drawn many times more, and where their worst figure does not fit the limits that all cases share,
the metric gets a tail: such cases are judged alone, by the worst figure seen moved farther out, and the mean
over the suite is taken without them. A bound by order statistics assumes no distribution: of n draws, the next one is
worse than the worst with a probability of 1 / (n + 1), whatever the figures look like.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import FiniteFloat

from sdqa.bundle.record import Record

if TYPE_CHECKING:
    from sdqa.plan import Case

CaseKind = Literal["text-to-image", "image-to-image"]
TAILED: Literal["text-to-image"] = "text-to-image"
"""The kind that starts from noise alone; a source picture holds the others on their way."""


class Tail(Record):
    """How far one kind of case reaches without harm."""

    kind: Literal["text-to-image"] = TAILED  # no other kind may be judged alone: a source picture holds it
    n: int  # figures that were drawn for it
    beyond: int  # of them, beyond what is severe for the other cases
    worst: float
    severe: FiniteFloat  # a case of the kind beyond it fails; up to there it is suspicious at most
    date: str


def kinds_of(cases: Mapping[str, Case]) -> dict[str, CaseKind]:
    """The kind of each case, by what the suite says of it."""
    return {name: TAILED if case.source is None else "image-to-image" for name, case in cases.items()}
