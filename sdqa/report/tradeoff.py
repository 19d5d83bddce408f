"""Size against quality, a dot a lane: smaller is left, nearer to its limits is up; the front is what nothing beats."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sdqa.bundle import Run
from sdqa.report.charts import ticks
from sdqa.report.checks import CheckRow
from sdqa.report.format import show_bytes, show_number
from sdqa.report.glyphs import dot, line, svg, text

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 260, 64, 240, 22, 40
LABEL = 36  # letters
MOST = 4.0  # limits: beyond, a lane is off any scale


@dataclass(frozen=True)
class Spot:
    """One lane: bytes of its packages, and the share of its limits that its typical check uses."""

    lane: str
    size: int
    used: float
    failed: bool


def tradeoff_chart(run: Run, rows: Sequence[CheckRow]) -> Markup:
    """The chart; empty where fewer than two lanes have packages and figures."""
    spots = [spot for lane in run.lanes if (spot := _spot(lane.id, sum(p.bytes for p in lane.packages), rows))]
    return _drawn(spots) if len(spots) > 1 else Markup("")


def pareto(spots: Sequence[Spot]) -> list[Spot]:
    """The lanes that no other lane beats in both, the smallest first."""
    front: list[Spot] = []
    for spot in sorted(spots, key=lambda one: (one.size, one.used)):
        if not front or spot.used < front[-1].used:
            front.append(spot)
    return front


def _spot(lane: str, size: int, rows: Sequence[CheckRow]) -> Spot | None:
    own = [row for row in rows if row.lane == lane and row.case]
    used = [max(0.0, 1 + row.excess) for row in own if row.bounds_difference and math.isfinite(row.excess)]
    if not size or not used:
        return None
    return Spot(lane, size, min(statistics.median(used), MOST), any(row.status == "fail" for row in own))


def _drawn(spots: Sequence[Spot]) -> Markup:
    low, high = 0.0, max(one.size for one in spots) * 1.1
    top = max(1.0, *(one.used for one in spots)) * 1.08

    def x(size: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (size - low) / (high - low)

    def y(used: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * used / top

    body: list[Markup] = []
    for mark in ticks(0.0, top, 4):
        body += [line(LEFT, y(mark), WIDTH - RIGHT, y(mark), "grid")]
        body += [text(LEFT - 6, y(mark) + 4, f"{show_number(100 * mark)} %", "tick", "end")]
    for mark in ticks(low, high, 4):
        body.append(text(x(mark), HEIGHT - BOTTOM + 16, show_bytes(mark), "tick", "middle"))
    body.append(line(LEFT, y(1.0), WIDTH - RIGHT, y(1.0), "limit"))
    front = pareto(spots)
    path = " ".join(f"{x(one.size):.1f},{y(one.used):.1f}" for one in front)
    body.append(Markup('<polyline points="{}" class="line s5"/>').format(path))
    for one in spots:
        words = f"{one.lane}: {show_bytes(one.size)}, {show_number(100 * one.used)} % of its limits"
        body += [dot(x(one.size), y(one.used), 5, "dot-fail" if one.failed else "dot-pass", words)]
        body += [text(x(one.size) + 9, y(one.used) + 4, one.lane[:LABEL], "tick")]
    body.append(
        text(LEFT, 12, "share of its limits that a typical check of cases uses; less is better, and up", "tick")
    )
    body.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, "bytes of all packages", "tick", "middle"))
    label = f"size against quality: on the front {', '.join(one.lane for one in front)}"
    return svg(WIDTH, HEIGHT, label, body, "wide")
