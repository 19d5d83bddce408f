"""From ladder and swap to suspects: which component, by which stage, for how much of the loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sdqa.bundle.diagnosis import Attribution, Ladder, Rung, Stage
from sdqa.diagnose.evidence import GLUE
from sdqa.diagnose.loss import NORMAL_LOSS

NOTICEABLE = 0.15
"""Share of an abnormal loss from which a component is a cause whatever its ladder says."""
SMALL = 0.05
"""Share of an abnormal loss from which an abnormal component is a cause."""
MOSTLY = 0.5
"""Share of a loss, abnormal or not, from which settings that differ are named."""
SECOND = 0.2
"""Share of a component's error energy from which a second, abnormal stage is a cause of its own."""
ALONE = 0.5
"""Loss that an abnormal component makes alone, as a share of what is normal, from which it is a cause."""


@dataclass(frozen=True)
class Suspect:
    """One component and one stage."""

    component: str
    stage: Stage
    share: float  # of the loss
    interval: tuple[float, float]
    rung: Rung | None
    abnormal: bool
    responsible: bool  # for a noticeable part of an abnormal loss


def abnormal_loss(attributions: Sequence[Attribution]) -> bool:
    """Whether the candidate's pictures or latents differ from the golden's by more than sound conversions do."""
    return any(one.total > NORMAL_LOSS[one.metric] for one in attributions if one.metric != "clip")


def suspects(attributions: Sequence[Attribution], ladders: Sequence[Ladder]) -> list[Suspect]:
    """All causes, the one that explains most first.

    A component is a cause when it is responsible for a noticeable part of an abnormal loss, or when its ladder is
    abnormal; one that is abnormal without an abnormal loss is listed with `responsible` False.
    """
    primary = attributions[0]
    seen = abnormal_loss(attributions)
    broken = any(abnormal_rungs(one) for one in ladders)
    found: list[Suspect] = []
    for one in ladders:
        share, low, high = fraction(attributions, one.component)
        abnormal = abnormal_rungs(one)
        alone = max(
            (attribution.mixtures.get(one.component, 0.0) / NORMAL_LOSS[attribution.metric])
            for attribution in attributions
            if attribution.metric != "clip"
        )
        # A sound component that is harmless alone only shares in what an abnormal one does.
        drawn_in = not abnormal and broken and alone < 1
        abnormally = bool(abnormal) and (alone >= ALONE or share >= SMALL)
        responsible = seen and ((share >= NOTICEABLE and not drawn_in) or abnormally)
        if not responsible and not abnormal:
            continue
        for rung in stages_of(one, abnormal):
            part = rung.added_share
            found.append(
                Suspect(
                    component=one.component,
                    stage=rung.stage,
                    share=share * part,
                    interval=(low * part, high * part),
                    rung=rung,
                    abnormal=rung in abnormal,
                    responsible=responsible,
                )
            )
    if GLUE in primary.shares:
        share, low, high = fraction(attributions, GLUE)
        alone = max(one.mixtures[GLUE] / NORMAL_LOSS[one.metric] for one in attributions if one.metric != "clip")
        responsible = seen and (share >= NOTICEABLE or alone >= ALONE)
        if responsible or share >= MOSTLY:
            found.append(Suspect(GLUE, "glue", share, (low, high), None, abnormal=True, responsible=responsible))
    return sorted(found, key=lambda one: (not one.responsible, -one.share, one.component))


def fraction(attributions: Sequence[Attribution], player: str) -> tuple[float, float, float]:
    """Share of the loss with its interval, in the primary metric, or in the first one that sees anything."""
    for one in attributions:
        if one.metric != "clip" and one.total > NORMAL_LOSS[one.metric]:
            share = one.fractions[player]
            return share.value, share.low, share.high
    share = attributions[0].fractions[player]
    return share.value, share.low, share.high


def stages_of(ladder: Ladder, abnormal: Sequence[Rung]) -> list[Rung]:
    """The rungs to blame: where NaN first appears, or else the one that adds most, and abnormal ones that add much."""
    before = 0
    for rung in ladder.rungs:
        if rung.nonfinite > before:
            return [rung]
        before = rung.nonfinite
    most = max(ladder.rungs, key=lambda rung: rung.added_share)
    if abnormal and most not in abnormal:
        # What is normal for its stage is not the fault, even where a coarse recipe adds more.
        most = max(abnormal, key=lambda rung: rung.added_share)
    return [most, *(rung for rung in abnormal if rung is not most and rung.added_share >= SECOND)]


def abnormal_rungs(ladder: Ladder) -> list[Rung]:
    """The rungs that add more than their stage may; what an earlier one lost is not held against a later one."""
    found, lost = [], 0
    for rung in ladder.rungs:
        if rung.nonfinite > lost or math.isnan(rung.added_db) or rung.added_db < rung.normal_db:
            found.append(rung)
        lost = max(lost, rung.nonfinite)
    return found
