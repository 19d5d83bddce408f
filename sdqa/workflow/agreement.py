"""How well two runtimes agree on a component, and what of it is rounding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

FLOAT32_DB = 110.0
"""The least that the two agree by in fp32: sound components agree by 117 dB and more."""
ROUNDING_DB = 3.0
"""How much farther from torch than rounding alone takes it a runtime may be in fp16. None was 0.5 dB farther."""


@dataclass(frozen=True)
class Agreement:
    """One component at one precision: PSNR in dB over its worst output, the peak being the reference's range."""

    model: str
    component: str
    precision: str
    mil_db: float  # against torch
    coreai_db: float  # against torch
    between_db: float
    output: str  # the one in which the two differ most
    folded_db: float | None = None  # sdqa.mil against torch with its norms folded as in the ML Program; where asked
    mil_rounding_db: float | None = None  # torch rounded as sdqa.mil rounds, against torch; in fp16
    coreai_rounding_db: float | None = None  # the same as Core AI rounds

    @property
    def disagreement(self) -> str:
        """What is beyond rounding, as a sentence; empty where nothing is."""
        if not all(map(math.isfinite, (self.mil_db, self.coreai_db, self.between_db))):
            return f"an output is not finite ({self.output})"
        if self.precision != "float32":
            return self._beyond_rounding()
        if self.between_db < FLOAT32_DB and not self.known:
            return f"they agree by {self.between_db:.1f} dB in {self.output}; {self._farther} is farther from torch"
        return ""

    def _beyond_rounding(self) -> str:
        readings = (
            ("sdqa.mil", self.mil_db, self.mil_rounding_db),
            ("Core AI", self.coreai_db, self.coreai_rounding_db),
        )
        for name, measured, rounding in readings:
            if rounding is None or not math.isfinite(rounding):
                return f"what rounding alone does is not known ({self.output})"
            if rounding - measured > ROUNDING_DB:
                return f"{name} is {rounding - measured:.1f} dB farther from torch than by rounding ({self.output})"
        return ""

    @property
    def _farther(self) -> str:
        return "sdqa.mil" if self.mil_db < self.coreai_db else "Core AI"

    @property
    def known(self) -> str:
        """A difference beyond the limits whose cause was measured, as a sentence; empty where there is none."""
        if self.precision != "float32":
            apart = abs(self.mil_db - self.coreai_db)
            if apart <= ROUNDING_DB or self._beyond_rounding():
                return ""
            return f"{self._farther} is {apart:.1f} dB farther from torch, and rounding as it does takes torch as far"
        if self.folded_db is None or self.between_db >= FLOAT32_DB or min(self.folded_db, self.coreai_db) < FLOAT32_DB:
            return ""
        return (
            f"they agree by {self.between_db:.1f} dB, and each by more with torch as it was converted "
            f"({self.coreai_db:.1f} and {self.folded_db:.1f} dB): the ML Program's group norms end in a "
            f"batch_norm of variance 1 and epsilon 1e-5, 5e-6 too small each"
        )


def table(readings: Sequence[Agreement]) -> str:
    """The agreement as a Markdown table."""
    lines = [
        "| model | component | precision | sdqa.mil to torch | by rounding alone | Core AI to torch "
        "| by rounding alone | between the two |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in readings:
        figures = (one.mil_db, one.mil_rounding_db, one.coreai_db, one.coreai_rounding_db, one.between_db)
        shown = " | ".join("" if value is None else f"{value:.1f} dB" for value in figures)
        lines.append(f"| {one.model} | {one.component} | {one.precision} | {shown} |")
    return "\n".join(lines)
