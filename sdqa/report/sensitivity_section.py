"""The sensitivity table of the page: which planted faults the gate caught, and whom the diagnosis blamed.

Counted are the faults that a person would see; a trial without a blame was not diagnosed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sdqa.bundle.sensitivity import ControlTrial, Figures, Pair, Sensitivity, Share, Trial
from sdqa.report.format import plural, show_number, show_words


@dataclass(frozen=True)
class TrialRow:
    """One fault at one severity."""

    fault: str
    severity: str
    summary: str
    visible: bool
    visibility: str
    lpips: str
    caught: bool
    checks: str
    planted: str
    blamed: str
    right: bool | None  # None: not diagnosed

    @property
    def conspicuous(self) -> bool:
        """Visible, and missed or blamed wrongly."""
        return self.visible and (not self.caught or self.right is False)


@dataclass(frozen=True)
class QuietRow:
    """One harmless change over its seeds."""

    change: str
    runs: int
    alarms: int
    checks: str


@dataclass(frozen=True)
class SensitivitySection:
    """What the page shows of a sensitivity table."""

    table: Sensitivity
    sentence: str
    figures: tuple[tuple[str, str], ...]
    trials: tuple[TrialRow, ...]
    quiet: tuple[QuietRow, ...]
    further: tuple[tuple[str, str], ...] = ()  # lane, and what is known of it


def sensitivity_of(
    table: Sensitivity | None, further: Sequence[Sensitivity] = (), lanes: Sequence[str] = ()
) -> SensitivitySection | None:
    """The section's content; None where no faults were planted.

    Args:
        further: tables of other lanes.
        lanes: that ran; of one without a table it is said that nothing was measured.
    """
    if table is None:
        return None
    trials = tuple(_trial(trial) for trial in table.trials)
    quiet = _quiet(table.quiet)
    return SensitivitySection(
        table=table,
        sentence=_sentence(trials, quiet, table.pairs) + _measured_on(table),
        figures=_figures(table.figures),
        trials=tuple(sorted(trials, key=_importance)),
        quiet=quiet,
        further=_further(table, further, lanes),
    )


def _further(table: Sensitivity, further: Sequence[Sensitivity], lanes: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Other lanes than the table's: a figure of one lane says nothing of another."""
    measured = {
        one.lane: _sentence(tuple(map(_trial, one.trials)), _quiet(one.quiet), one.pairs) + _measured_on(one)
        for one in further
    }
    unknown = (lane for lane in lanes if lane not in measured and lane != table.lane)
    return (*measured.items(), *((lane, "No faults were planted in this lane.") for lane in unknown))


def _sentence(trials: tuple[TrialRow, ...], quiet: tuple[QuietRow, ...], pairs: Sequence[Pair]) -> str:
    visible = [row for row in trials if row.visible]
    blamed = [row for row in visible if row.right is not None]
    parts = []
    if visible:
        parts.append(f"{sum(row.caught for row in visible)} of {len(visible)} visible faults caught")
    if blamed:
        parts.append(f"{sum(row.right is True for row in blamed)} of {len(blamed)} blamed rightly")
    answers = [pair.both_named for pair in pairs if pair.both_named is not None]
    if answers:
        parts.append(f"both named in {sum(answers)} of {plural(len(answers), 'pair')} of faults")
    if quiet:
        runs = sum(row.runs for row in quiet)
        alarms = sum(row.alarms for row in quiet)
        parts.append(f"{plural(alarms, 'false alarm')} in {plural(runs, 'harmless run')}")
    return "; ".join(parts) + "." if parts else ""


def _measured_on(table: Sensitivity) -> str:
    """What the figures are of: nothing beyond it was measured."""
    if not table.trials and not table.quiet:
        return ""
    cases = plural(len(table.cases), "case")
    where = f" of {table.lane}" if table.lane else ""
    seen = f" Visible is from {table.yardstick.name} {table.yardstick.threshold:g} on." if table.yardstick else ""
    return f" Measured on {cases}{where} that the limits were placed with too; of other noise it says nothing.{seen}"


def _importance(row: TrialRow) -> tuple[bool, bool]:
    """What slipped through first, then what was blamed wrongly."""
    return (row.caught or not row.visible, row.right is not False)


def _trial(trial: Trial) -> TrialRow:
    blame = trial.blame
    answers = (blame.component_right, blame.stage_right, blame.operation_right) if blame else ()
    known = [answer for answer in answers if answer is not None]
    return TrialRow(
        fault=trial.fault,
        severity=trial.severity,
        summary=trial.summary,
        visible=trial.visible,
        visibility=trial.visibility,
        lpips=show_number(trial.lpips),
        caught=trial.caught,
        checks=_metrics(trial.failing, trial.errors),
        planted=_listed(trial.component, trial.stage),
        blamed=_listed(blame.component, blame.stage, blame.operation) if blame else "",
        right=all(known) if known else None,
    )


def _metrics(failing: Sequence[str], errors: Sequence[str] = ()) -> str:
    """The metrics of the failing checks, and the codes of what did not run."""
    names = {check.rpartition("/")[2] for check in failing}
    return ", ".join([*sorted(names), *errors])


def _listed(*texts: str) -> str:
    return ", ".join(text for text in texts if text)


def _quiet(trials: Sequence[ControlTrial]) -> tuple[QuietRow, ...]:
    """Harmless changes, those with false alarms first."""
    by_change: dict[str, list[ControlTrial]] = {}
    for trial in trials:
        by_change.setdefault(trial.change, []).append(trial)
    rows = [
        QuietRow(
            change=change,
            runs=len(runs),
            alarms=sum(run.alarm for run in runs),
            checks=", ".join(dict.fromkeys(_metrics(run.failing) for run in runs if run.alarm)),
        )
        for change, runs in by_change.items()
    ]
    return tuple(sorted(rows, key=lambda row: -row.alarms))


def _figures(figures: Figures) -> tuple[tuple[str, str], ...]:
    shares: list[tuple[str, Share]] = [
        ("visible_caught", figures.visible_caught),
        ("below_visibility_caught", figures.below_visibility_caught),
        ("false_alarms", figures.false_alarms),
        ("component_right", figures.component_right),
        ("stage_right", figures.stage_right),
        ("operation_right", figures.operation_right),
        ("both_named", figures.both_named),
        ("not_running", figures.not_running),
        ("over_budget", figures.over_budget),
    ]
    return tuple((show_words(name), _counted(one)) for name, one in shares)


def _counted(share: Share) -> str:
    if not share.total:
        return "not measured"
    return f"{show_number(share.count)} of {show_number(share.total)}"
