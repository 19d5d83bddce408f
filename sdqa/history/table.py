"""The last runs on a terminal."""

from __future__ import annotations

from sdqa.history.reading import History
from sdqa.history.records import RecordedRun

WORDS = {0: "pass", 1: "failed", 2: "usage", 3: "infrastructure", 4: "incomplete", 130: "interrupted"}
"""Of exit codes."""
NAMED = 3


def history_text(history: History, of: int, where: str) -> str:
    """One line a run, the newest first, and what was left out.

    Args:
        of: how many files there are.
    """
    if not history.records and not history.unread:
        return f"no runs in {where} yet: each `sdqa qa` adds one"
    lines = [_line(record) for record in reversed(history.records)]
    lines.append(f"{len(history.records)} of {of} runs in {where}")
    if history.unread:
        lines.append(f"not records, and skipped: {history.unread}")
    return "\n".join(lines)


def _line(record: RecordedRun) -> str:
    counts = record.counts
    failed = [
        f"{lane.id}/{figure.case or figure.component or 'all'}/{figure.metric}"
        for lane in record.lanes
        for figure in lane.figures.rows()
        if figure.status == "fail"
    ]
    said = WORDS.get(record.exit_code, f"exit {record.exit_code}")
    commit = f"{record.commit[:10] or '-':10}{'+' if record.modified else ' '}"
    checks = f"{counts['pass'] + counts['suspicious']:4} pass {counts['fail']:3} fail"
    notes = [f"fault {record.fault}"] if record.fault else []
    notes += ["partial"] if record.partial else []
    notes += [", ".join(failed[:NAMED]) + (f" and {len(failed) - NAMED} more" if len(failed) > NAMED else "")]
    ref = f"#{record.pull_request}" if record.pull_request else record.ref[:18]
    return f"{record.created[:16]}  {commit} {ref:18}  {said:14} {checks}  {'; '.join(filter(None, notes))}".rstrip()
