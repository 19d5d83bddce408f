"""Findings made by hand: ladders of two rungs, losses that are sums, and no packages behind them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sdqa.bundle.diagnosis import Attribution, Ladder, Rung, Stage, Sweep
from sdqa.diagnose.causes import Findings
from sdqa.diagnose.shapley import coalitions
from sdqa.diagnose.suspects import suspects
from sdqa.diagnose.swap import attribute


class NoGlue:
    """The part of the evidence that the words need."""

    def __init__(self, cases: int) -> None:
        self.cases = tuple(range(cases))
        self.glue_differences: dict[str, Any] = {}
        self.failed: tuple[str, ...] = ()
        self.breaches: dict[str, tuple[str, ...]] = {}
        self.packages: dict[str, Path] = {}


NORMAL = {"conversion": 75.0, "precision": 57.0, "quantisation": 25.0, "runtime": 45.0}


def rung(stage: Stage, psnr: float, added: float, share: float, nonfinite: int = 0) -> Rung:
    return Rung(
        name=stage,
        stage=stage,
        psnr_db=psnr,
        worst_db=psnr,
        added_db=added,
        added_share=share,
        cosine=1,
        max_abs=0,
        tile_min_db=psnr,
        nonfinite=nonfinite,
        calls=8,
        normal_db=NORMAL[stage],
    )


def ladder(component: str, conversion: float, precision: float) -> Ladder:
    noises = [10 ** (-level / 10) for level in (conversion, precision)]
    shares = [noise / sum(noises) for noise in noises]
    return Ladder(
        component=component,
        rungs=(
            rung("conversion", conversion, conversion, shares[0]),
            rung("precision", min(conversion, precision), precision, shares[1]),
        ),
    )


def game(parts: dict[str, float], overlap: float = 0.0, cases: int = 4) -> Attribution:
    """A loss that is the sum of parts, less what two of them do in common."""
    guilty = {name for name, part in parts.items() if part > 0}
    worth = {
        coalition: np.full(cases, sum(parts[name] for name in coalition) - overlap * (guilty <= coalition))
        for coalition in coalitions(tuple(parts))
    }
    return attribute("rms", tuple(parts), worth)


def findings(attribution: Attribution, *ladders: Ladder, sweep: Sweep | None = None, cases: int = 4) -> Findings:
    evidence: Any = NoGlue(cases)
    return Findings(evidence, (attribution,), ladders, suspects((attribution,), ladders), sweep=sweep)
