"""Swap: every mixture of teacher and candidate components, end to end, and who is responsible for the loss.

The mixtures are the same pipeline with other runners, so 16 of them (32 when the candidate's glue differs) attribute
the whole loss exactly. A mixture costs only what is new in it: components remember their answers, and mixtures that
share a trajectory share its U-Net calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sdqa.bundle.diagnosis import Attribution, Interaction, LossShare
from sdqa.diagnose.evidence import GLUE
from sdqa.diagnose.harness import Harness
from sdqa.diagnose.loss import losses
from sdqa.diagnose.shapley import (
    Coalition,
    Floats,
    coalitions,
    expanded,
    interactions,
    interval,
    resamples,
    shapley_values,
)

WORTH_MENTIONING = 0.1
"""Interactions below this share of the total are not reported."""


def swap(harness: Harness, *, progress: Callable[[str], None] | None = None) -> tuple[Attribution, ...]:
    """Attribute the candidate's loss in every metric to components and, where it differs, the glue.

    Returns:
        One attribution a metric, the primary one first.
    """
    evidence = harness.evidence
    players = (*evidence.components, *((GLUE,) if evidence.glue_differences else ()))
    measured = losses(evidence)
    worth: dict[str, dict[Coalition, Floats]] = {metric: {} for metric in measured}
    golden = {case.name: harness.mixture(case, frozenset()) for case in evidence.cases}
    for coalition in coalitions(players):
        if progress:
            progress(f"swap: {name_of(coalition)}")
        outcomes = {case.name: harness.mixture(case, coalition) for case in evidence.cases}
        for metric, loss in measured.items():
            values = [loss(case, outcomes[case.name], golden[case.name]) for case in evidence.cases]
            worth[metric][coalition] = np.array(values)
    return tuple(attribute(metric, players, values) for metric, values in worth.items())


def attribute(metric: str, players: Sequence[str], worth: dict[Coalition, Floats]) -> Attribution:
    """Shapley values with bootstrap intervals over cases.

    Args:
        worth: the loss of every coalition, one number a case.
    """
    everyone = frozenset(players)
    totals = worth[everyone] - worth[frozenset()]
    values = shapley_values(players, worth)
    draws = resamples(len(totals))
    total = float(totals.mean())
    drawn_totals = totals[draws].mean(axis=1)
    shares, fractions = {}, {}
    for player in players:
        drawn = values[player][draws].mean(axis=1)
        value = float(values[player].mean())
        shares[player] = LossShare(value=value, **_ends(value, drawn, len(totals)))
        safe = np.where(np.abs(drawn_totals) > 1e-12, drawn_totals, np.inf)
        fraction = value / total if abs(total) > 1e-12 else 0.0
        fractions[player] = LossShare(value=fraction, **_ends(fraction, drawn / safe, len(totals)))
    pairs = [
        Interaction(players=pair, value=float(value.mean()))
        for pair, value in interactions(players, worth).items()
        if abs(float(value.mean())) > WORTH_MENTIONING * abs(total) > 0
    ]
    return Attribution(
        metric=metric,
        total=total,
        shares=shares,
        fractions=fractions,
        interactions=tuple(sorted(pairs, key=lambda pair: -abs(pair.value))),
        mixtures={name_of(coalition): float(value.mean()) for coalition, value in worth.items()},
    )


def name_of(coalition: Coalition) -> str:
    """`unet+vae_decoder`, or `teacher` for the empty one."""
    return "+".join(sorted(coalition)) or "teacher"


def _ends(value: float, drawn: Floats, cases: int) -> dict[str, float]:
    low, high = expanded(value, interval(drawn), cases)
    return {"low": low, "high": high}
