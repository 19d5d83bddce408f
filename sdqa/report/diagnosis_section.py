"""The diagnosis section of the page, from `Run.diagnosis`.

The dictionary follows this schema. Every key is optional and unknown keys are ignored; a value of the wrong kind is
left out and never breaks the page. NaN and infinities are the strings "NaN", "Infinity", "-Infinity", as in run.json.

    verdict     str                 in plain words, line by line
    confidence  str | float         how sure, 0 … 1 or in words
    lane        str                 the lane that was diagnosed
    causes      [{component: str,
                  stage: str,                          # coverage, conversion, precision, quantisation, hardware, glue …
                  operation: str, module: str,         # the MIL operation, and the torch module's dotted name
                  explains: float,                     # share of the loss, 0 … 1
                  interval: [low, high],               # of `explains`
                  evidence: str | [str],
                  next: str | [str]}]                  # what to try
    excluded    [{suspect: str, why: str}]             # what it was not
    ladder      [{component: str,
                  rungs: [{name: str, psnr_db: float, cosine: float, max_abs: float, tile_min_db: float}]}]
    swap        {component: {value: float, low: float, high: float}}    # Shapley value, in units of `swap_metric`
    swap_metric str
    steps       {teacher: [{steps: int, error: float}], candidate: [...]}   # any names; error in `steps_metric`
    steps_metric str
    operations  [{name: str, type: str, module: str, added_db: float, carried_db: float, findings: [str]}]
                                                       # in the order of execution; dB of error, higher is better (PSNR)
    operations_component str
    coverage    [{component: str, missing: [str], invented: [str]}]
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from sdqa.report.charts import Bar, Series, bar_chart, line_chart, waterfall_chart
from sdqa.report.figures import number_of, show_figure, show_number

LISTED_OPERATIONS = 12
PERFECT_DB = 100.0  # the scale of ladders: fp32 against fp32 is about there, identical is infinite
ORDER = ("text_encoder", "text_encoder_2", "vae_encoder", "unet", "vae_decoder", "teacher", "candidate")


@dataclass(frozen=True)
class Cause:
    """One named culprit."""

    component: str
    stage: str
    operation: str
    module: str
    explains: str
    evidence: tuple[str, ...]
    next: tuple[str, ...]


@dataclass(frozen=True)
class Ladder:
    """One component's rungs, as a chart and as a table."""

    component: str
    chart: Markup
    rungs: tuple[tuple[str, str, str, str, str], ...]  # name, PSNR, cosine, max, tile minimum


@dataclass(frozen=True)
class OperationRow:
    """One operation with the error it adds and the error it carries."""

    number: int
    name: str
    type: str
    module: str
    added: str
    carried: str
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Diagnosis:
    """What the page shows of a diagnosis."""

    verdict: tuple[str, ...]
    confidence: str
    lane: str
    causes: tuple[Cause, ...]
    excluded: tuple[tuple[str, str], ...]
    coverage: tuple[tuple[str, str, str], ...]
    ladders: tuple[Ladder, ...]
    swap: Markup
    swap_rows: tuple[tuple[str, str, str], ...]
    steps: Markup
    operations: Markup
    operations_component: str
    operation_rows: tuple[OperationRow, ...]


def diagnosis_of(data: Mapping[str, Any] | None) -> Diagnosis | None:
    """The section's content; None where there is no diagnosis."""
    if not isinstance(data, Mapping) or not data:
        return None
    operations = _records(data, "operations")
    swap, swap_rows = _swap(data)
    confidence = number_of(data.get("confidence"))
    return Diagnosis(
        verdict=tuple(line for line in _text(data, "verdict").splitlines() if line.strip()),
        confidence=_text(data, "confidence") if confidence is None else show_share(confidence),
        lane=_text(data, "lane"),
        causes=tuple(_cause(record) for record in _records(data, "causes")),
        excluded=tuple((_text(r, "suspect"), _text(r, "why")) for r in _records(data, "excluded")),
        coverage=tuple(
            (_text(r, "component"), ", ".join(_texts(r, "missing")), ", ".join(_texts(r, "invented")))
            for r in _records(data, "coverage")
        ),
        ladders=tuple(_ladder(record) for record in _records(data, "ladder")),
        swap=swap,
        swap_rows=swap_rows,
        steps=_steps(data),
        operations=_operations_chart(operations),
        operations_component=_text(data, "operations_component"),
        operation_rows=_operation_rows(operations),
    )


def show_share(value: float | None) -> str:
    """`0.964` → `96 %`."""
    if value is None or not math.isfinite(value):
        return show_number(value)
    return f"{show_number(round(value * 100, 1 if abs(value) < 0.1 else 0))} %"


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _texts(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = data.get(key)
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(part for part in value if isinstance(part, str)) if isinstance(value, list | tuple) else ()


def _records(data: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = data.get(key)
    return [record for record in value if isinstance(record, Mapping)] if isinstance(value, list | tuple) else []


def _cause(record: Mapping[str, Any]) -> Cause:
    explains = show_share(number_of(record.get("explains")))
    interval = record.get("interval")
    if isinstance(interval, list | tuple) and len(interval) == 2:
        low, high = (show_share(number_of(end)) for end in interval)
        explains = f"{explains} ({low} to {high})"
    return Cause(
        component=_text(record, "component"),
        stage=_text(record, "stage"),
        operation=_text(record, "operation"),
        module=_text(record, "module"),
        explains=explains,
        evidence=_texts(record, "evidence"),
        next=_texts(record, "next"),
    )


def _ladder(record: Mapping[str, Any]) -> Ladder:
    component = _text(record, "component")
    bars, rows = [], []
    worst: float | None = None
    for rung in _records(record, "rungs"):
        psnr = number_of(rung.get("psnr_db"))
        # The rung where most decibels are lost is where the component broke.
        fall = worst is not None and psnr is not None and worst - psnr > 10
        worst = psnr if psnr is not None else worst
        name = _text(rung, "name")
        shown = show_figure(psnr, "dB")
        bars.append(Bar(name, psnr, shown, "bad" if fall or (psnr is not None and math.isnan(psnr)) else ""))
        cosine, largest, tile = (show_number(number_of(rung.get(k))) for k in ("cosine", "max_abs", "tile_min_db"))
        rows.append((name, shown, cosine, largest, tile))
    chart = bar_chart(
        bars, f"error ladder of {component}: PSNR in dB after each rung, higher is better", reach=PERFECT_DB
    )
    return Ladder(component, chart if bars else Markup(""), tuple(rows))


def _swap(data: Mapping[str, Any]) -> tuple[Markup, tuple[tuple[str, str, str], ...]]:
    swap = data.get("swap")
    if not isinstance(swap, Mapping):
        return Markup(""), ()
    bars, rows = [], []
    for component, record in sorted(swap.items(), key=_place):
        if not isinstance(record, Mapping):
            continue
        value, low, high = (number_of(record.get(key)) for key in ("value", "low", "high"))
        shown = show_number(value, signed=True)
        interval = f"[{show_number(low, signed=True)}, {show_number(high, signed=True)}]" if low is not None else ""
        bars.append(Bar(str(component), value, f"{shown} {interval}".rstrip(), low=low, high=high))
        rows.append((str(component), shown, interval))
    metric = _text(data, "swap_metric") or "the loss"
    chart = waterfall_chart(bars, f"share of each component in {metric}, adding up to the total")
    return (chart if bars else Markup("")), tuple(rows)


def _place(item: tuple[str, Any]) -> tuple[int, str]:
    """The pipeline's order: run.json sorts its keys."""
    name = str(item[0])
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)


def _steps(data: Mapping[str, Any]) -> Markup:
    steps = data.get("steps")
    if not isinstance(steps, Mapping):
        return Markup("")
    series = []
    for name, _ in sorted(steps.items(), key=_place):
        points = []
        for record in _records(steps, name):
            x, y = number_of(record.get("steps")), number_of(record.get("error"))
            if x is not None and y is not None:
                points.append((x, y))
        series.append(Series(str(name), tuple(sorted(points))))
    metric = _text(data, "steps_metric") or "error"
    return line_chart(series, f"{metric} over the number of steps", x_label="steps", y_label=metric, whole_x=True)


def _operations_chart(operations: list[Mapping[str, Any]]) -> Markup:
    series = []
    for name, key in (("carried", "carried_db"), ("added", "added_db")):
        values = ((i, number_of(record.get(key))) for i, record in enumerate(operations))
        series.append(Series(name, tuple((float(i), value) for i, value in values if value is not None)))
    label = "PSNR along the operations, higher is better: what reaches each one, and what each one adds"
    return line_chart(series, label, x_label="operation, in order of execution", y_label="PSNR dB", whole_x=True)


def _operation_rows(operations: list[Mapping[str, Any]]) -> tuple[OperationRow, ...]:
    """The operations that add most error, the worst first; NaN is worse than anything."""

    def added(item: tuple[int, Mapping[str, Any]]) -> float:
        value = number_of(item[1].get("added_db"))
        return math.inf if value is None else (-math.inf if math.isnan(value) else value)

    return tuple(
        OperationRow(
            number=number,
            name=_text(record, "name"),
            type=_text(record, "type"),
            module=_text(record, "module"),
            added=show_number(number_of(record.get("added_db"))),
            carried=show_number(number_of(record.get("carried_db"))),
            findings=_texts(record, "findings"),
        )
        for number, record in sorted(enumerate(operations), key=added)[:LISTED_OPERATIONS]
    )
