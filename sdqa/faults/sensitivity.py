"""What a sensitivity table amounts to: its figures, the smallest severity that is caught, and what became worse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sdqa.bundle.sensitivity import ControlTrial, Figures, MetricRate, Pair, Sensitivity, Share, Trial, rates_of

ORDER = ("mild", "marked", "severe")
NOT_DIAGNOSED = frozenset({"packaging", "budget"})
"""Stages that the gate names itself: nothing of them can be found by running the components."""


def figures(trials: Iterable[Trial], quiet: Iterable[ControlTrial], pairs: Iterable[Pair] = ()) -> Figures:
    """The table's figures. A pair counts unless one of its faults is known to be invisible by itself."""
    rows, silent = tuple(trials), tuple(quiet)
    noticed = [trial for trial in rows if trial.visible]
    visible = [trial for trial in noticed if trial.decided in ("", "yardstick")]
    hidden = [trial for trial in rows if not trial.visible]
    unseen = {trial.id for trial in hidden}
    blames = [trial.blame for trial in noticed if trial.caught and trial.blame is not None]

    def right(answers: Iterable[bool | None]) -> Share:
        known = [answer for answer in answers if answer is not None]
        return Share(count=sum(known), total=len(known))

    def caught(chosen: Sequence[Trial]) -> Share:
        return Share(count=sum(trial.caught for trial in chosen), total=len(chosen))

    return Figures(
        visible_caught=caught(visible),
        below_visibility_caught=caught(hidden),
        false_alarms=Share(count=sum(one.alarm for one in silent), total=len(silent)),
        component_right=right(blame.component_right for blame in blames),
        stage_right=right(blame.stage_right for blame in blames),
        operation_right=right(blame.operation_right for blame in blames),
        both_named=right(pair.both_named for pair in pairs if not pair.faults & unseen),
        not_running=caught([trial for trial in noticed if trial.decided == "execution"]),
        over_budget=caught([trial for trial in noticed if trial.decided == "budget"]),
    )


def metric_rates(trials: Iterable[Trial]) -> tuple[MetricRate, ...]:
    """What each metric catches of the faults that the yardstick calls visible, with the others held out."""
    visible = (trial for trial in trials if trial.visible and trial.decided in ("", "yardstick"))
    return rates_of(frozenset(trial.metrics()) for trial in visible)


def smallest_caught(trials: Sequence[Trial]) -> dict[str, str | None]:
    """For each fault the smallest severity from which on every one was caught."""
    found: dict[str, str | None] = {}
    for name in sorted({trial.fault for trial in trials}):
        levels = sorted((t for t in trials if t.fault == name), key=lambda trial: ORDER.index(trial.severity))
        found[name] = None
        for trial in reversed(levels):
            if not trial.caught:
                break
            found[name] = trial.severity
    return found


def regressions(before: Sensitivity, now: Sensitivity) -> list[str]:
    """What became worse since the baseline, in words; only what both have tried is compared."""
    old = {trial.id: trial for trial in before.trials}
    new = {trial.id: trial for trial in now.trials}
    common = sorted(set(old) & set(new))
    found = [
        f"{name} is not caught any more; it was, by {', '.join(old[name].metrics()) or 'an error'}"
        for name in common
        if old[name].caught and not new[name].caught
    ]
    alarms_before = {(one.change, one.seed) for one in before.quiet if one.alarm}
    found += [
        f"false alarm: {one.change}, seed {one.seed}: {', '.join(one.failing[:3])}"
        for one in now.quiet
        if one.alarm and (one.change, one.seed) not in alarms_before
    ]
    paired = {pair.id for pair in before.pairs} & {pair.id for pair in now.pairs}
    was, became = (
        figures(
            (trial for trial in table.trials if trial.id in common),
            (),
            (pair for pair in table.pairs if pair.id in paired),
        )
        for table in (before, now)
    )
    for key, words in (
        ("component_right", "components blamed rightly"),
        ("stage_right", "stages blamed rightly"),
        ("operation_right", "operations named rightly"),
        ("both_named", "both of two faults named"),
    ):
        first: Share = getattr(was, key)
        second: Share = getattr(became, key)
        if first.share is not None and second.share is not None and second.share < first.share:
            found.append(f"{words}: {first} before, {second} now")
    return found
