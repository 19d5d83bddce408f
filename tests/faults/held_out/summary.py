"""The held-out table for people: the figures, and every single thing that was not as it should be."""

from __future__ import annotations

from collections.abc import Iterator

from sdqa.bundle.sensitivity import Sensitivity, Trial

SHOWN = 6
"""Checks of a false alarm that are named."""


def summary(table: Sensitivity) -> str:
    """Figures, then what was missed, blamed wrongly, unseen and alarmed falsely."""
    return "\n".join([*_figures(table), *_misses(table)])


def _figures(table: Sensitivity) -> Iterator[str]:
    found = table.figures
    tried = f"{len(table.trials)} mutations and {len(table.quiet)} harmless changes"
    yield f"{table.lane}, {tried}, {len(table.cases)} cases"
    yield f"visible and caught              {found.visible_caught}"
    yield f"of what leaves no pictures      {found.not_running}"
    yield f"below visibility and caught     {found.below_visibility_caught}"
    yield f"false alarms                    {found.false_alarms}"
    yield f"component blamed rightly        {found.component_right}"
    yield f"stage blamed rightly            {found.stage_right}"
    yield f"operation named rightly         {found.operation_right}"


def _misses(table: Sensitivity) -> Iterator[str]:
    for trial in table.trials:
        if trial.visible and not trial.caught:
            yield f"visible and not caught: {trial.id}: {trial.visibility}, {trial.suspicious} suspicious"
    for trial in table.trials:
        if not trial.visible:
            yield f"below visibility, {'caught' if trial.caught else 'not caught'}: {trial.id}: {trial.visibility}"
    for trial in table.trials:
        yield from _wrongly_blamed(trial)
    for change in table.quiet:
        if change.alarm:
            more = f" and {len(change.failing) - SHOWN} more" if len(change.failing) > SHOWN else ""
            yield f"false alarm: {change.change}: {', '.join(change.failing[:SHOWN])}{more}"


def _wrongly_blamed(trial: Trial) -> Iterator[str]:
    blame = trial.blame
    if blame is None:
        return
    if not (blame.component_right and blame.stage_right):
        named = f"{blame.component} {blame.stage}".strip() or "nothing"
        yield f"blamed wrongly: {trial.id} ({trial.component} {trial.stage}): {named}"
    if blame.operation_right is False:
        planted = trial.culprit_operation or trial.culprit_weight
        yield f"named wrongly: {trial.id}: {blame.operation or 'no operation'}, planted in {planted}"
