"""The sensitivity table of the page, from `Run.sensitivity`: which planted faults the gate caught, and whom it blamed.

The dictionary is the document that `nox -s faults` writes (`sdqa.faults.sensitivity.Sensitivity`). It is read as
untyped data: every key is optional, unknown keys are ignored, a value of the wrong kind never breaks the page. Used are

    lane, kind, date   str
    trials    [{fault: str, severity: str, component: str, stage: str, summary: str,
                visible: bool, visibility: str,        # a person would see it, and why; others are not counted
                lpips: float, caught: bool,
                failing: [str], errors: [str],         # checks that failed, codes of what did not run
                blame: {component: str, stage: str, operation: str,
                        component_right: bool, stage_right: bool, operation_right: bool}}]     # null: not diagnosed
    pairs     [{first: str, second: str, both_named: bool}]                                    # two faults at once
    quiet     [{change: str, seed: int, alarm: bool, failing: [str]}]                          # harmless changes
    figures   {name: {count: int, total: int}}
    smallest_caught  {fault: severity}                 # null: not caught at any
"""

from __future__ import annotations

from dataclasses import dataclass

from sdqa.report.format import plural, show_number, show_words
from sdqa.report.untyped import Untyped, number_at, record_at, records_at, text_at, texts_at


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
class Sensitivity:
    """What the page shows of a sensitivity table."""

    lane: str
    kind: str
    date: str
    sentence: str
    figures: tuple[tuple[str, str], ...]
    trials: tuple[TrialRow, ...]
    quiet: tuple[QuietRow, ...]


def sensitivity_of(data: Untyped | None) -> Sensitivity | None:
    """The section's content; None where no faults were planted."""
    if not isinstance(data, dict) or not data:
        return None
    trials = tuple(_trial(record) for record in records_at(data, "trials"))
    quiet = _quiet(records_at(data, "quiet"))
    return Sensitivity(
        lane=text_at(data, "lane"),
        kind=text_at(data, "kind"),
        date=text_at(data, "date"),
        sentence=_sentence(trials, quiet, [record.get("both_named") for record in records_at(data, "pairs")]),
        figures=_figures(record_at(data, "figures")),
        trials=tuple(sorted(trials, key=_importance)),
        quiet=quiet,
    )


def _sentence(trials: tuple[TrialRow, ...], quiet: tuple[QuietRow, ...], both_named: list[object]) -> str:
    visible = [row for row in trials if row.visible]
    blamed = [row for row in visible if row.right is not None]
    parts = []
    if visible:
        parts.append(f"{sum(row.caught for row in visible)} of {len(visible)} visible faults caught")
    if blamed:
        parts.append(f"{sum(row.right is True for row in blamed)} of {len(blamed)} blamed rightly")
    answers = [answer for answer in both_named if isinstance(answer, bool)]
    if answers:
        parts.append(f"both named in {sum(answers)} of {plural(len(answers), 'pair')} of faults")
    if quiet:
        runs = sum(row.runs for row in quiet)
        alarms = sum(row.alarms for row in quiet)
        parts.append(f"{plural(alarms, 'false alarm')} in {plural(runs, 'harmless run')}")
    return "; ".join(parts) + "." if parts else ""


def _importance(row: TrialRow) -> tuple[bool, bool]:
    """What slipped through first, then what was blamed wrongly."""
    return (row.caught or not row.visible, row.right is not False)


def _trial(record: Untyped) -> TrialRow:
    blame = record_at(record, "blame")
    answers = [blame.get(key) for key in ("component_right", "stage_right", "operation_right")]
    known = [answer for answer in answers if isinstance(answer, bool)]
    return TrialRow(
        fault=text_at(record, "fault"),
        severity=text_at(record, "severity"),
        summary=text_at(record, "summary"),
        visible=record.get("visible") is not False,
        visibility=text_at(record, "visibility"),
        lpips=show_number(number_at(record, "lpips")),
        caught=record.get("caught") is True,
        checks=_metrics(record),
        planted=_listed(record, "component", "stage"),
        blamed=_listed(blame, "component", "stage", "operation"),
        right=all(known) if known else None,
    )


def _metrics(record: Untyped) -> str:
    """The metrics of the failing checks, and the codes of what did not run."""
    names = {check.rpartition("/")[2] for check in texts_at(record, "failing")}
    return ", ".join([*sorted(names), *texts_at(record, "errors")])


def _listed(record: Untyped, *keys: str) -> str:
    return ", ".join(text for text in (text_at(record, key) for key in keys) if text)


def _quiet(records: list[Untyped]) -> tuple[QuietRow, ...]:
    """Harmless changes, those with false alarms first."""
    by_change: dict[str, list[Untyped]] = {}
    for record in records:
        by_change.setdefault(text_at(record, "change"), []).append(record)
    rows = [
        QuietRow(
            change=change,
            runs=len(runs),
            alarms=sum(run.get("alarm") is True for run in runs),
            checks=", ".join(dict.fromkeys(_metrics(run) for run in runs if run.get("alarm") is True)),
        )
        for change, runs in by_change.items()
    ]
    return tuple(sorted(rows, key=lambda row: -row.alarms))


def _figures(data: Untyped) -> tuple[tuple[str, str], ...]:
    rows = []
    for name in data:
        count, total = (number_at(record_at(data, name), key) for key in ("count", "total"))
        if count is not None and total is not None:
            rows.append((show_words(str(name)), f"{show_number(count)} of {show_number(total)}"))
    return tuple(rows)
