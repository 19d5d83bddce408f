"""Figures as people read them: numbers with units, intervals, digests. Nothing is ever shown as a plain blank."""

from __future__ import annotations

import math
import re

MISSING = "—"
_NUMBER = re.compile(r"(?<![\w./:+-])([+-]?)(\d+(?:\.\d+)?)(e[+-]?\d{1,3})?(?!\w|\.\d|-\w)")
_BYTE_UNITS = {"B": 1, "byte": 1, "bytes": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_SECOND_UNITS = {"s": 1.0, "seconds": 1.0, "ms": 1e-3}


def show_number(value: float | None, *, signed: bool = False) -> str:
    """Four significant digits, at most; thousands grouped; `NaN` and `∞` spelt out."""
    if value is None:
        return MISSING
    if math.isnan(value):
        return "NaN"
    sign = "−" if value < 0 else ("+" if signed and value > 0 else "")
    size = abs(value)
    if math.isinf(size):
        return f"{sign}∞"
    if size == 0:
        return "0"
    if size >= 1e7 or size < 1e-4:
        mantissa, _, exponent = f"{size:.2e}".partition("e")
        return f"{sign}{mantissa}e{int(exponent)}".replace("e-", "e−")
    decimals = min(max(0, 3 - math.floor(math.log10(size))), 6)
    text = f"{size:,.{decimals}f}"
    while size < 1 and float(text) == 1 and decimals < 8:
        decimals += 1  # a cosine of 0.999996 is not 1
        text = f"{size:.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{sign}{text}"


def show_share(share: float, *, signed: bool = False) -> str:
    """`0.33` → `33 %`, signed `+33 %`."""
    return f"{show_number(float(round(100 * share)), signed=signed)} %"


def show_bytes(count: float, *, signed: bool = False) -> str:
    """`1530000` → `1.53 MB`."""
    size = abs(count)
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if size >= scale:
            return f"{show_number(count / scale, signed=signed)} {unit}"
    return f"{show_number(count, signed=signed)} B"


def show_seconds(seconds: float, *, signed: bool = False) -> str:
    """`0.0123` → `12.3 ms`, `75` → `1 min 15 s`."""
    size = abs(seconds)
    if not math.isfinite(size):
        return f"{show_number(seconds, signed=signed)} s"
    if size < 1:
        return f"{show_number(seconds * 1000, signed=signed)} ms"
    if size < 60:
        return f"{show_number(seconds, signed=signed)} s"
    sign = "−" if seconds < 0 else ("+" if signed else "")
    minutes, rest = divmod(round(size), 60)
    return f"{sign}{minutes} min {rest} s" if rest else f"{sign}{minutes} min"


def show_figure(value: float | None, unit: str = "", *, signed: bool = False) -> str:
    """A value with its unit; bytes and times in the unit that reads best."""
    if value is None or not math.isfinite(value):
        return show_number(value, signed=signed)
    if unit in _BYTE_UNITS:
        return show_bytes(value * _BYTE_UNITS[unit], signed=signed)
    if unit in _SECOND_UNITS:
        return show_seconds(value * _SECOND_UNITS[unit], signed=signed)
    return f"{show_number(value, signed=signed)} {unit}".rstrip()


def show_interval(interval: tuple[float, float] | None, unit: str = "", *, signed: bool = True) -> str:
    """`[−0.01, +0.02]`; without signs for an interval of a figure that is no difference."""
    if interval is None:
        return MISSING
    low, high = interval
    return f"[{show_figure(low, unit, signed=signed)}, {show_figure(high, unit, signed=signed)}]"


def show_said(text: str) -> str:
    """Words of the gate or of a machine, their numbers as all others are shown: `-0.02` → `−0.02`, `1e-05` → `1.00e−5`.

    Only what stands alone is a number: names, dates, ranges and options stay as they are.
    """
    if "-" not in text and "e" not in text:
        return text
    return _NUMBER.sub(lambda found: _said(*found.groups("")), text)


def _said(sign: str, digits: str, exponent: str) -> str:
    return ("−" if sign == "-" else sign) + (show_number(float(digits + exponent)) if exponent else digits)


def show_digest(digest: str, length: int = 12) -> str:
    """The beginning of a digest, enough to compare by eye."""
    return digest.removeprefix("sha256:")[:length] or MISSING


def show_words(name: str) -> str:
    """`latency_ms` → `latency`, `lpips_source` → `lpips source`: the unit stands with the figure."""
    for suffix in ("_ms", "_s", "_bytes"):
        name = name.removesuffix(suffix)
    return name.replace("_", " ")


def plural(count: int, noun: str, nouns: str = "") -> str:
    """`1 check`, `2 checks`."""
    return f"{count} {noun if count == 1 else (nouns or noun + 's')}"


def show_minute(created: str) -> str:
    """`2026-01-02T03:04:05+00:00` → `2026-01-02 03:04 UTC`; anything else as it is."""
    found = re.fullmatch(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}):\d{2}(?:\.\d+)?(?:Z|\+00:00)", created)
    return f"{found[1]} {found[2]} UTC" if found else created
