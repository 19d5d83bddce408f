"""The diagnosis section of the page, from `Run.diagnosis`.

The dictionary is what `nox -s diagnose` writes (`sdqa.bundle.diagnosis.Diagnosis`), of which the page uses these keys.
It is read as untyped data: every key is optional, unknown keys are ignored, a value of the wrong kind is left out and
never breaks the page. NaN and infinities are the strings "NaN", "Infinity", "-Infinity", as in run.json.

    verdict     str                 in plain words, line by line
    sound       bool                nothing is wrong with the candidate
    confidence  str | float         how sure, 0 … 1 or in words
    lane        str                 the lane that was diagnosed
    causes      [{component: str,
                  stage: str,                          # coverage, conversion, precision, quantisation, hardware, glue …
                  operation: str, module: str,         # the MIL operation, and the torch module's dotted name
                  weight: str,                         # the constant's name, where one is to blame
                  explains: float,                     # share of the loss, 0 … 1
                  interval: [low, high],               # of `explains`
                  evidence: str | [str],
                  next: str | [str]}]                  # what to try
    excluded    [{suspect: str, why: str}]             # what it was not
    ladder      [{component: str,
                  rungs: [{name: str, psnr_db: float, added_db: float, cosine: float, max_abs: float,
                           tile_min_db: float, nonfinite: int, note: str,
                           per_timestep: [{timestep: float, psnr_db: float}]}]}]
    swap        {component: {value: float, low: float, high: float}}    # Shapley value, in units of `swap_metric`
    swap_metric str
    attributions [{metric: str, total: float, shares: {component: {value, low, high}}}]    # other metrics
    steps       {teacher: [{steps: int, error: float}], candidate: [...]}   # any names; error in `steps_metric`
    steps_metric str
    operations  [{name: str, type: str, module: str, added_db: float, carried_db: float, findings: [str]}]
                                                       # in the order of execution; dB of error, higher is better (PSNR)
    operations_component str
    weights     [{component: str, name: str, parameter: str, verdict: str, relative_error: float, cosine: float}]
    glue        [{field: str, expected: str, found: str, words: str}]
    coverage    [{component: str, missing: [str], invented: [str]}]
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from sdqa.report.diagnosis_charts import Ladder, in_order, ladder_of, operations_chart, steps_chart, swap_chart
from sdqa.report.format import show_number
from sdqa.report.untyped import Untyped, number_at, record_at, records_at, text_at, texts_at

LISTED_OPERATIONS = 12
LISTED_WEIGHTS = 30


@dataclass(frozen=True)
class Cause:
    """One named culprit."""

    component: str
    stage: str
    operation: str
    module: str
    weight: str
    explains: str
    evidence: tuple[str, ...]
    next: tuple[str, ...]


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
    sound: bool
    confidence: str
    lane: str
    causes: tuple[Cause, ...]
    excluded: tuple[tuple[str, str], ...]
    coverage: tuple[tuple[str, str, str], ...]
    ladders: tuple[Ladder, ...]
    swap: Markup
    swap_rows: tuple[tuple[str, str, str], ...]
    attributions: tuple[tuple[str, str, str], ...]  # metric, total, shares in words
    steps: Markup
    operations: Markup
    operations_component: str
    operation_rows: tuple[OperationRow, ...]
    weights: tuple[tuple[str, ...], ...]  # component, name, parameter, verdict, relative error, cosine
    glue: tuple[tuple[str, ...], ...]  # field, expected, found, words


def diagnosis_of(data: Untyped | None) -> Diagnosis | None:
    """The section's content; None where there is no diagnosis."""
    if not isinstance(data, dict) or not data:
        return None
    operations = records_at(data, "operations")
    swap, swap_rows = swap_chart(data)
    confidence = number_at(data, "confidence")
    return Diagnosis(
        verdict=tuple(line for line in text_at(data, "verdict").splitlines() if line.strip()),
        sound=data.get("sound") is True,
        confidence=text_at(data, "confidence") if confidence is None else show_share(confidence),
        lane=text_at(data, "lane"),
        causes=tuple(_cause(record) for record in records_at(data, "causes")),
        excluded=tuple((text_at(r, "suspect"), text_at(r, "why")) for r in records_at(data, "excluded")),
        coverage=tuple(
            (text_at(r, "component"), ", ".join(texts_at(r, "missing")), ", ".join(texts_at(r, "invented")))
            for r in records_at(data, "coverage")
        ),
        ladders=tuple(ladder_of(record) for record in records_at(data, "ladder")),
        swap=swap,
        swap_rows=swap_rows,
        attributions=tuple(_attribution(record) for record in records_at(data, "attributions")),
        steps=steps_chart(data),
        operations=operations_chart(operations),
        operations_component=text_at(data, "operations_component"),
        operation_rows=_operation_rows(operations),
        weights=tuple(_weight(record) for record in records_at(data, "weights")[:LISTED_WEIGHTS]),
        glue=tuple(
            tuple(text_at(record, key) for key in ("field", "expected", "found", "words"))
            for record in records_at(data, "glue")
        ),
    )


def show_share(value: float | None) -> str:
    """`0.964` → `96 %`."""
    if value is None or not math.isfinite(value):
        return show_number(value)
    return f"{show_number(round(value * 100, 1 if abs(value) < 0.1 else 0))} %"


def _cause(record: Untyped) -> Cause:
    explains = show_share(number_at(record, "explains"))
    interval = record.get("interval")
    if isinstance(interval, list | tuple) and len(interval) == 2:
        low, high = (show_share(number_at({"end": end}, "end")) for end in interval)
        explains = f"{explains} ({low} to {high})"
    return Cause(
        component=text_at(record, "component"),
        stage=text_at(record, "stage"),
        operation=text_at(record, "operation"),
        module=text_at(record, "module"),
        weight=text_at(record, "weight"),
        explains=explains,
        evidence=texts_at(record, "evidence"),
        next=texts_at(record, "next"),
    )


def _attribution(record: Untyped) -> tuple[str, str, str]:
    shares = [
        f"{name} {show_number(number_at(share, 'value'), signed=True)}"
        for name, share in in_order(record_at(record, "shares"))
        if isinstance(share, dict)
    ]
    return (text_at(record, "metric"), show_number(number_at(record, "total"), signed=True), ", ".join(shares))


def _weight(record: Untyped) -> tuple[str, ...]:
    texts = tuple(text_at(record, key) for key in ("component", "name", "parameter", "verdict"))
    return (*texts, *(show_number(number_at(record, key)) for key in ("relative_error", "cosine")))


def _operation_rows(operations: list[Untyped]) -> tuple[OperationRow, ...]:
    """The operations that add most error, the worst first; NaN is worse than anything."""

    def added(item: tuple[int, Untyped]) -> float:
        value = number_at(item[1], "added_db")
        return math.inf if value is None else (-math.inf if math.isnan(value) else value)

    return tuple(
        OperationRow(
            number=number,
            name=text_at(record, "name"),
            type=text_at(record, "type"),
            module=text_at(record, "module"),
            added=show_number(number_at(record, "added_db")),
            carried=show_number(number_at(record, "carried_db")),
            findings=texts_at(record, "findings"),
        )
        for number, record in sorted(enumerate(operations), key=added)[:LISTED_OPERATIONS]
    )
