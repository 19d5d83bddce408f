"""Small charts that stand in a table's row: interval against tolerance, figure against limit, sparkline.

All are inline SVG with a text alternative; colours come from classes, so that they follow the page's theme and print.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

WIDTH, HEIGHT = 168, 24
LARGEST = 1e100  # beyond, the arithmetic of a scale overflows


def svg(width: int, height: int, label: str, body: Sequence[Markup], extra: str = "") -> Markup:
    """An SVG element with its text alternative."""
    return Markup(
        '<svg class="chart {extra}" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" aria-label="{label}">'
        "<title>{label}</title>{body}</svg>"
    ).format(extra=extra, w=width, h=height, label=label, body=Markup("").join(body))


def line(x1: float, y1: float, x2: float, y2: float, css: str) -> Markup:
    """A straight line."""
    return Markup('<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" class="{}"/>').format(x1, y1, x2, y2, css)


def rect(x: float, y: float, width: float, height: float, css: str, title: str = "") -> Markup:
    """A rectangle, with a tooltip where a title is given."""
    tip = Markup("<title>{}</title>").format(title) if title else ""
    return Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" class="{}">{}</rect>').format(
        x, y, max(width, 0.0), max(height, 0.0), css, tip
    )


def dot(x: float, y: float, radius: float, css: str, title: str = "") -> Markup:
    """A dot, with a tooltip where a title is given."""
    tip = Markup("<title>{}</title>").format(title) if title else ""
    return Markup('<circle cx="{:.1f}" cy="{:.1f}" r="{:.1f}" class="{}">{}</circle>').format(x, y, radius, css, tip)


def text(x: float, y: float, content: str, css: str = "", anchor: str = "start") -> Markup:
    """A text, escaped."""
    return Markup('<text x="{:.1f}" y="{:.1f}" class="{}" text-anchor="{}">{}</text>').format(
        x, y, css, anchor, escape(content)
    )


def drawable(value: float | None) -> float | None:
    """A value that a scale can hold: None where it is not finite or astronomic, zero where it is next to nothing."""
    if value is None or not abs(value) < LARGEST:
        return None
    return value if abs(value) > 1 / LARGEST else 0.0


def finite(values: Sequence[float | None]) -> list[float]:
    """The values that can be drawn."""
    return [value for value in map(drawable, values) if value is not None]


def interval_glyph(
    difference: float | None, interval: tuple[float, float] | None, limit: float | None, better: str, label: str
) -> Markup:
    """The paired difference with its interval; the golden is at 0, what lies beyond the limit is shaded.

    Args:
        limit: of the difference, with its sign: a metric that is better higher may fall to a negative one.
        better: `higher`, `lower`, or anything else for a limit on both sides.
    """
    difference, limit = drawable(difference), drawable(limit)
    ends = finite(interval or ())
    if difference is None and not ends:
        return Markup("")
    limits = _limits(limit, better)
    reach = max(abs(end) for end in finite([difference, *ends, *(x for x, _ in limits)])) * 1.15 or 1.0
    middle, scale = WIDTH / 2, (WIDTH / 2 - 3) / reach
    y = HEIGHT / 2
    body = [line(2, y, WIDTH - 2, y, "axis")]
    for value, side in limits:
        x = middle + value * scale
        left, right = (x, WIDTH - 2.0) if side > 0 else (2.0, x)
        body += [rect(left, 2, right - left, HEIGHT - 4, "beyond"), line(x, 2, x, HEIGHT - 2, "limit")]
    body.append(line(middle, 4, middle, HEIGHT - 4, "zero"))
    body += _whisker([middle + end * scale for end in ends], y)
    if difference is not None:
        body.append(dot(middle + difference * scale, y, 3.5, "point"))
    return svg(WIDTH, HEIGHT, label, body, "glyph")


def _limits(limit: float | None, better: str) -> list[tuple[float, int]]:
    """Where the forbidden sides begin, and in which direction they lie."""
    if limit is None:
        return []
    if better in ("higher", "lower"):
        return [(limit, -1 if better == "higher" else 1)]
    return [(-abs(limit), -1), (abs(limit), 1)]


def _whisker(ends: Sequence[float], y: float) -> list[Markup]:
    if len(ends) != 2:
        return []
    low, high = ends
    return [line(low, y, high, y, "whisker"), *(line(x, y - 4, x, y + 4, "whisker") for x in ends)]


def limit_glyph(
    value: float | None, interval: tuple[float, float] | None, limit: float | None, better: str, label: str
) -> Markup:
    """A figure as a bar from zero against a limit, with its interval where there is one."""
    value, limit = drawable(value), drawable(limit)
    if value is None or limit is None or min(value, limit) < 0:
        return Markup("")
    ends = [max(end, 0.0) for end in finite(interval or ())]
    reach = max(value, limit, *ends) * 1.15 or 1.0
    scale, y = (WIDTH - 4) / reach, HEIGHT / 2
    over = value < limit if better in ("higher", "equal") else value > limit
    body = [rect(2, 7, WIDTH - 4, HEIGHT - 14, "track"), rect(2, 7, value * scale, HEIGHT - 14, f"bar{' bad' * over}")]
    body += _whisker([2 + end * scale for end in ends], y)
    body.append(line(2 + limit * scale, 2, 2 + limit * scale, HEIGHT - 2, "limit"))
    return svg(WIDTH, HEIGHT, label, body, "glyph")


def sparkline(values: Sequence[float], label: str) -> Markup:
    """A line through the values in their order; the last one is marked."""
    known = finite(values)
    if len(known) < 2:
        return Markup("")
    low, high = min(known), max(known)
    width, height = 120, 22
    step = (width - 8) / (len(known) - 1)
    points = [
        (4 + i * step, height - 4 - (height - 8) * ((v - low) / (high - low) if high > low else 0.5))
        for i, v in enumerate(known)
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    body = [Markup('<polyline points="{}" class="line s0"/>').format(path), dot(*points[-1], 2.5, "point")]
    return svg(width, height, label, body, "spark")
