"""The charts of a diagnosis: ladders, who owns the loss, error over steps, error along the operations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from markupsafe import Markup

from sdqa.bundle.diagnosis import Diagnosis, Ladder, OperationFinding, Rung
from sdqa.families import flow_order
from sdqa.report.charts import Bar, Curve, bar_chart, line_chart, waterfall_chart
from sdqa.report.format import show_figure, show_number

PERFECT_DB = 100.0  # the scale of ladders: fp32 against fp32 is about there, identical is infinite
POOR_DB = 45.0  # a rung that ends below this, and lost more than FALL_DB on the way there, is marked
FALL_DB = 3.0
ORDER = (*flow_order(), "teacher", "candidate")
RUNG_COLUMNS = ("PSNR", "Added", "Cosine", "Largest error", "Worst tile", "Not finite", "Note")

Item = TypeVar("Item")


@dataclass(frozen=True)
class LadderChart:
    """One component's rungs, as charts and as a table."""

    component: str
    chart: Markup
    timesteps: Markup
    rungs: tuple[tuple[str, ...], ...]  # name, then RUNG_COLUMNS


def in_order(data: Mapping[str, Item]) -> list[tuple[str, Item]]:
    """A dictionary's items in the pipeline's order: run.json sorts its keys."""

    def place(item: tuple[str, Item]) -> tuple[int, str]:
        return (ORDER.index(item[0]) if item[0] in ORDER else len(ORDER), item[0])

    return sorted(data.items(), key=place)


def ladder_chart(ladder: Ladder) -> LadderChart:
    """One component's ladder."""
    component, rungs = ladder.component, ladder.rungs
    if not rungs:
        return LadderChart(component, Markup(""), Markup(""), ())
    bars, before = [], math.inf
    for rung in rungs:
        # Losing decibels from 150 to 80 is rounding; the rung that ends low is where the component broke.
        bad = math.isnan(rung.psnr_db) or (rung.psnr_db < POOR_DB and before - rung.psnr_db > FALL_DB)
        before = rung.psnr_db
        bars.append(Bar(rung.name, rung.psnr_db, show_figure(rung.psnr_db, "dB"), "bad" if bad else ""))
    series = [Curve(r.name, tuple(sorted((one.timestep, one.psnr_db) for one in r.per_timestep))) for r in rungs]
    label = f"error ladder of {component}: PSNR in dB after each rung, higher is better"
    over = line_chart(series, f"{component}: PSNR over timesteps", x_label="timestep", y_label="PSNR dB")
    return LadderChart(component, bar_chart(bars, label, reach=PERFECT_DB), over, tuple(_row(rung) for rung in rungs))


def _row(rung: Rung) -> tuple[str, ...]:
    return (
        rung.name,
        show_figure(rung.psnr_db, "dB"),
        show_figure(rung.added_db, "dB"),
        show_number(rung.cosine),
        show_number(rung.max_abs),
        show_figure(rung.tile_min_db, "dB"),
        show_number(rung.nonfinite),
        rung.note,
    )


def swap_chart(diagnosis: Diagnosis) -> tuple[Markup, tuple[tuple[str, str, str], ...]]:
    """Each component's share of the loss: a waterfall, and as rows (component, share, interval)."""
    bars, rows = [], []
    for component, share in in_order(diagnosis.swap):
        shown = show_number(share.value, signed=True)
        bars.append(Bar(component, share.value, shown, low=share.low, high=share.high))
        interval = f"[{show_number(share.low, signed=True)}, {show_number(share.high, signed=True)}]"
        rows.append((component, shown, interval))
    metric = diagnosis.swap_metric or "the loss"
    chart = waterfall_chart(bars, f"share of each component in {metric}, adding up to the total")
    return (chart if bars else Markup("")), tuple(rows)


def steps_chart(diagnosis: Diagnosis) -> Markup:
    """Error over the number of steps, a line for each pipeline."""
    series = [
        Curve(name, tuple(sorted((float(one.steps), one.error) for one in points)))
        for name, points in in_order(diagnosis.steps)
    ]
    metric = diagnosis.steps_metric or "error"
    return line_chart(series, f"{metric} over the number of steps", x_label="steps", y_label=metric, whole_x=True)


def operations_chart(operations: Sequence[OperationFinding]) -> Markup:
    """Error that reaches each operation, and error that it adds."""
    # Identical results are recorded as infinite or capped high: beyond PERFECT_DB there is nothing to see.
    carried = tuple((float(i), min(one.carried_db, PERFECT_DB)) for i, one in enumerate(operations))
    added = tuple((float(i), min(one.added_db, PERFECT_DB)) for i, one in enumerate(operations))
    label = "PSNR along the operations, higher is better: what reaches each one, and what each one adds"
    return line_chart(
        [Curve("carried", carried), Curve("added", added)],
        label,
        x_label="operation, in order of execution",
        y_label="PSNR dB",
        whole_x=True,
    )
