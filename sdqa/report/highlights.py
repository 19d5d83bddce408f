"""What needs attention: one entry for each metric of a lane that did not pass, with its worst check as evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sdqa.bundle import Status
from sdqa.report.checks import CheckRow
from sdqa.report.headline import SEVERITY

NAMED = 4  # metrics of one entry that are listed


@dataclass(frozen=True)
class AttentionGroup:
    """Checks of one status, metric and lane; the worst is shown, the others on demand."""

    lane: str
    metric: str  # several, where all of them were not measured for the same reason
    status: Status
    worst: CheckRow
    others: tuple[CheckRow, ...]
    judged: int  # checks of this metric in this lane, whatever their status

    @property
    def rows(self) -> tuple[CheckRow, ...]:
        """All checks of the group, the worst first."""
        return (self.worst, *self.others)

    @property
    def among(self) -> str:
        """` (worst of 9)`, or nothing where there is only one."""
        which = "one" if self.status == "not measured" else "worst"
        return f" ({which} of {len(self.rows)})" if self.others else ""


def attention_of(rows: Sequence[CheckRow]) -> tuple[AttentionGroup, ...]:
    """Groups by status, then by how far their worst check is beyond its bound."""
    found: dict[tuple[Status, str, str], list[CheckRow]] = {}
    judged: dict[tuple[str, str], int] = {}
    for row in rows:
        judged[row.lane, row.metric] = judged.get((row.lane, row.metric), 0) + 1
        if row.status not in ("pass", "not judged"):
            # "psnr has no tolerance" and "ssim has no tolerance" are one reason.
            cause = row.reason.replace(row.metric, "…") if row.status == "not measured" else row.metric
            found.setdefault((row.status, row.lane, cause), []).append(row)
    groups = []
    for (status, lane, _), members in found.items():
        worst, *others = sorted(members, key=lambda row: -row.excess)
        metrics = list(dict.fromkeys(row.metric for row in members))
        total = sum(judged[lane, metric] for metric in metrics)
        groups.append(AttentionGroup(lane, _name(metrics), status, worst, tuple(others), total))
    return tuple(sorted(groups, key=lambda group: (SEVERITY[group.status], -group.worst.excess)))


def _name(metrics: list[str]) -> str:
    if len(metrics) <= NAMED:
        return ", ".join(metrics)
    return f"{', '.join(metrics[: NAMED - 1])} and {len(metrics) - NAMED + 1} more metrics"
