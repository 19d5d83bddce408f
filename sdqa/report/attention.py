"""What needs attention: one entry for each metric of a lane that did not pass, with its worst check as evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sdqa.bundle import Status
from sdqa.report.checks import CheckRow
from sdqa.report.headline import SEVERITY


@dataclass(frozen=True)
class AttentionGroup:
    """Checks of one status, metric and lane; the worst is shown, the others on demand."""

    lane: str
    metric: str
    status: Status
    worst: CheckRow
    others: tuple[CheckRow, ...]
    judged: int  # checks of this metric in this lane, whatever their status

    @property
    def rows(self) -> tuple[CheckRow, ...]:
        """All checks of the group, the worst first."""
        return (self.worst, *self.others)


def attention_of(rows: Sequence[CheckRow]) -> tuple[AttentionGroup, ...]:
    """Groups by status, then by how far their worst check is beyond its bound."""
    found: dict[tuple[Status, str, str], list[CheckRow]] = {}
    judged: dict[tuple[str, str], int] = {}
    for row in rows:
        judged[row.lane, row.metric] = judged.get((row.lane, row.metric), 0) + 1
        if row.status != "pass":
            found.setdefault((row.status, row.lane, row.metric), []).append(row)
    groups = []
    for (status, lane, metric), members in found.items():
        worst, *others = sorted(members, key=lambda row: -row.excess)
        groups.append(AttentionGroup(lane, metric, status, worst, tuple(others), judged[lane, metric]))
    return tuple(sorted(groups, key=lambda group: (SEVERITY[group.status], -group.worst.excess)))
