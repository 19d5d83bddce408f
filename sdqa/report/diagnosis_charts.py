"""The charts of a diagnosis: ladders, who owns the loss, error over steps, error along the operations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from sdqa.report.charts import Bar, Series, bar_chart, line_chart, waterfall_chart
from sdqa.report.format import show_figure, show_number
from sdqa.report.untyped import Untyped, number_at, record_at, records_at, text_at

PERFECT_DB = 100.0  # the scale of ladders: fp32 against fp32 is about there, identical is infinite
POOR_DB = 45.0  # a rung that ends below this, and lost more than FALL_DB on the way there, is marked
FALL_DB = 3.0
ORDER = ("text_encoder", "text_encoder_2", "vae_encoder", "unet", "vae_decoder", "teacher", "candidate")
RUNG_COLUMNS = ("PSNR", "Added", "Cosine", "Largest error", "Worst tile", "Not finite", "Note")


@dataclass(frozen=True)
class Ladder:
    """One component's rungs, as charts and as a table."""

    component: str
    chart: Markup
    timesteps: Markup
    rungs: tuple[tuple[str, ...], ...]  # name, then RUNG_COLUMNS


def in_order(data: Untyped) -> list[tuple[str, Any]]:
    """A dictionary's items in the pipeline's order: run.json sorts its keys."""

    def place(item: tuple[str, Any]) -> tuple[int, str]:
        name = str(item[0])
        return (ORDER.index(name) if name in ORDER else len(ORDER), name)

    return sorted(data.items(), key=place)


def ladder_of(record: Untyped) -> Ladder:
    """One component's ladder."""
    component = text_at(record, "component")
    bars, rows, series = [], [], []
    before: float | None = None
    for rung in records_at(record, "rungs"):
        psnr, name = number_at(rung, "psnr_db"), text_at(rung, "name")
        # Losing decibels from 150 to 80 is rounding; the rung that ends low is where the component broke.
        fall = psnr is not None and psnr < POOR_DB and (before is None or before - psnr > FALL_DB)
        before = psnr if psnr is not None else before
        shown = show_figure(psnr, "dB")
        bars.append(Bar(name, psnr, shown, "bad" if fall or (psnr is not None and math.isnan(psnr)) else ""))
        rows.append(
            (
                name,
                shown,
                show_figure(number_at(rung, "added_db"), "dB"),
                *(show_number(number_at(rung, key)) for key in ("cosine", "max_abs")),
                show_figure(number_at(rung, "tile_min_db"), "dB"),
                show_number(number_at(rung, "nonfinite")),
                text_at(rung, "note"),
            )
        )
        points = ((number_at(one, "timestep"), number_at(one, "psnr_db")) for one in records_at(rung, "per_timestep"))
        series.append(Series(name, tuple(sorted((x, y) for x, y in points if x is not None and y is not None))))
    if not bars:
        return Ladder(component, Markup(""), Markup(""), ())
    label = f"error ladder of {component}: PSNR in dB after each rung, higher is better"
    over = line_chart(series, f"{component}: PSNR over timesteps", x_label="timestep", y_label="PSNR dB")
    return Ladder(component, bar_chart(bars, label, reach=PERFECT_DB), over, tuple(rows))


def swap_chart(data: Untyped) -> tuple[Markup, tuple[tuple[str, str, str], ...]]:
    """Each component's share of the loss: a waterfall, and as rows (component, share, interval)."""
    bars, rows = [], []
    for component, record in in_order(record_at(data, "swap")):
        if not isinstance(record, dict):
            continue
        value, low, high = (number_at(record, key) for key in ("value", "low", "high"))
        shown = show_number(value, signed=True)
        interval = f"[{show_number(low, signed=True)}, {show_number(high, signed=True)}]" if low is not None else ""
        bars.append(Bar(str(component), value, shown, low=low, high=high))
        rows.append((str(component), shown, interval))
    metric = text_at(data, "swap_metric") or "the loss"
    chart = waterfall_chart(bars, f"share of each component in {metric}, adding up to the total")
    return (chart if bars else Markup("")), tuple(rows)


def steps_chart(data: Untyped) -> Markup:
    """Error over the number of steps, a line for each pipeline."""
    steps = record_at(data, "steps")
    series = []
    for name, _ in in_order(steps):
        points = ((number_at(one, "steps"), number_at(one, "error")) for one in records_at(steps, name))
        series.append(Series(str(name), tuple(sorted((x, y) for x, y in points if x is not None and y is not None))))
    metric = text_at(data, "steps_metric") or "error"
    return line_chart(series, f"{metric} over the number of steps", x_label="steps", y_label=metric, whole_x=True)


def operations_chart(operations: Sequence[Untyped]) -> Markup:
    """Error that reaches each operation, and error that it adds."""
    series = []
    for name, key in (("carried", "carried_db"), ("added", "added_db")):
        values = ((i, number_at(record, key)) for i, record in enumerate(operations))
        # Identical results are recorded as infinite or capped high: beyond PERFECT_DB there is nothing to see.
        points = ((float(i), min(value, PERFECT_DB)) for i, value in values if value is not None)
        series.append(Series(name, tuple(points)))
    label = "PSNR along the operations, higher is better: what reaches each one, and what each one adds"
    return line_chart(series, label, x_label="operation, in order of execution", y_label="PSNR dB", whole_x=True)
