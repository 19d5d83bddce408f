"""The page's larger charts as inline SVG: bars, waterfall, lines. Static, so they print and need no script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sdqa.report.format import show_number
from sdqa.report.glyphs import dot, drawable, finite, line, rect, svg, text

SERIES = 6  # classes s0 … s5 in page.css


@dataclass(frozen=True)
class Bar:
    """One bar of a chart; an infinite value (identical, in dB) reaches the end of the scale."""

    label: str
    value: float | None
    shown: str
    css: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Curve:
    """One named line; `marked` points are drawn as alarms."""

    name: str
    points: tuple[tuple[float, float], ...]
    css: str = ""


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers inside [low, high], about `count` of them."""
    span = high - low
    if span <= 0 or not math.isfinite(span):
        return [low]
    raw = span / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]


def bar_chart(bars: Sequence[Bar], label: str, *, reach: float = 0.0, label_width: int = 140) -> Markup:
    """Horizontal bars from zero, with the figure in words at the end and a whisker where there is an interval.

    The scale ends at `reach`, or at the largest figure beyond it; infinite bars go to the end.
    """
    known = finite([bar.value for bar in bars])
    known += finite([bar.low for bar in bars]) + finite([bar.high for bar in bars])
    low, high = min([0.0, *known]), max([0.0, reach, *known])
    span = (high - low) or 1.0
    row, width, room = 24, 480, 92
    plot = width - label_width - room
    body: list[Markup] = []

    def x(value: float) -> float:
        return label_width + plot * ((min(max(value, low), high) if known else 0.0) - low) / span

    for i, bar in enumerate(bars):
        y = 4 + i * row
        body.append(text(label_width - 8, y + 13, _cut(bar.label, label_width // 7), "label", "end"))
        value = drawable(bar.value)
        if value is not None or bar.value == math.inf:
            ends = sorted((x(0.0), label_width + plot if value is None else x(value)))
            body.append(rect(ends[0], y + 3, max(ends[1] - ends[0], 1.5), row - 10, f"bar {bar.css}", bar.label))
        whisker = finite([bar.low, bar.high])
        if len(whisker) == 2:
            middle = y + 10
            body += [line(x(whisker[0]), middle, x(whisker[1]), middle, "whisker")]
            body += [line(x(end), middle - 4, x(end), middle + 4, "whisker") for end in whisker]
        body.append(text(width - room + 8, y + 13, bar.shown, "value"))
    height = 8 + row * max(len(bars), 1)
    body.append(line(x(0.0), 2, x(0.0), height - 4, "zero"))
    return svg(width, height, label, body, "wide")


def waterfall_chart(bars: Sequence[Bar], label: str, total_label: str = "total") -> Markup:
    """Contributions that add up: each bar starts where the one before it ended; the last is their sum."""
    known = [(bar, value) for bar in bars if (value := drawable(bar.value)) is not None]
    total = sum(value for _, value in known)
    starts: list[float] = []
    level = 0.0
    for _, value in known:
        starts.append(level)
        level += value
    ends = [start + value for start, (_, value) in zip(starts, known, strict=True)]
    low, high = min([0.0, *starts, *ends]), max([0.0, *starts, *ends])
    span = (high - low) or 1.0
    label_width, room, width, row = 140, 92, 480, 26
    plot = width - label_width - room

    def x(value: float) -> float:
        return label_width + plot * (value - low) / span

    body: list[Markup] = []
    for i, ((bar, value), start, end) in enumerate(zip(known, starts, ends, strict=True)):
        y = 4 + i * row
        body.append(text(label_width - 8, y + 14, _cut(bar.label, label_width // 7), "label", "end"))
        left, right = sorted((x(start), x(end)))
        body.append(rect(left, y + 3, max(right - left, 1.5), row - 10, f"bar {'bad' if value > 0 else 'good'}"))
        body.append(line(x(end), y + 3, x(end), y + row + 3, "guide"))
        body.append(text(width - room + 8, y + 14, bar.shown, "value"))
    y = 4 + len(known) * row
    left, right = sorted((x(0.0), x(total)))
    body.append(text(label_width - 8, y + 14, total_label, "label strong", "end"))
    body.append(rect(left, y + 3, max(right - left, 1.5), row - 10, "bar total"))
    body.append(text(width - room + 8, y + 14, show_number(total, signed=True), "value strong"))
    height = 10 + row * (len(known) + 1)
    body.append(line(x(0.0), 2, x(0.0), height - 4, "zero"))
    return svg(width, height, label, body, "wide")


def line_chart(
    series: Sequence[Curve], label: str, *, x_label: str, y_label: str, log: bool = False, whole_x: bool = False
) -> Markup:
    """Lines over a numeric axis with ticks and a legend; points that are not finite are left out."""
    drawn = []
    for one in series:
        plain = ((drawable(x), drawable(y)) for x, y in one.points)
        points = tuple((x, y) for x, y in plain if x is not None and y is not None and (y > 0 or not log))
        if points:
            drawn.append(Curve(one.name, points, one.css))
    if not drawn:
        return Markup("")
    xs = [p[0] for one in drawn for p in one.points]
    ys = [math.log10(p[1]) if log else p[1] for one in drawn for p in one.points]
    x_low, x_high = min(xs), max(xs)
    y_low, y_high = (math.floor(min(ys)), math.ceil(max(ys))) if log else (min([0.0, *ys]), max([0.0, *ys]))
    width, height, left, right, top, bottom = 640, 240, 64, 12, 28, 40
    plot_w, plot_h = width - left - right, height - top - bottom

    def px(value: float) -> float:
        return left + plot_w * ((value - x_low) / (x_high - x_low) if x_high > x_low else 0.5)

    def py(value: float) -> float:
        level = math.log10(value) if log else value
        return top + plot_h * (1 - ((level - y_low) / (y_high - y_low) if y_high > y_low else 0.5))

    body: list[Markup] = []
    powers = range(int(y_low), int(y_high) + 1) if log else range(0)
    marks = [10.0**power for power in powers] if log else ticks(y_low, y_high)
    for mark in marks[:: max(1, math.ceil(len(marks) / 7))]:
        body += [line(left, py(mark), width - right, py(mark), "grid")]
        body += [text(left - 6, py(mark) + 4, show_number(mark), "tick", "end")]
    for mark in ticks(x_low, x_high, 8):
        if not whole_x or float(mark).is_integer():
            body.append(text(px(mark), height - bottom + 16, show_number(mark), "tick", "middle"))
    body.append(line(left, top + plot_h, width - right, top + plot_h, "axis"))
    for i, one in enumerate(drawn):
        css = one.css or f"s{i % SERIES}"
        path = " ".join(f"{px(x):.1f},{py(y):.1f}" for x, y in one.points)
        body.append(Markup('<polyline points="{}" class="line {}"/>').format(path, css))
        if len(one.points) <= 60:
            body += [
                dot(px(x), py(y), 2.6, css, f"{one.name}: {show_number(x)}, {show_number(y)}") for x, y in one.points
            ]
        body += [rect(left + i * 140, 6, 14, 4, f"swatch {css}"), text(left + i * 140 + 20, 13, _cut(one.name, 16))]
    body.append(text(left + plot_w / 2, height - 6, x_label, "tick", "middle"))
    body.append(text(4, 13, y_label, "tick"))
    return svg(width, height, label, body, "wide")


def _cut(content: str, length: int) -> str:
    return content if len(content) <= length else content[: length - 1] + "…"
