"""The diagnosis section of the page: the record itself, its charts, and its longest tables cut to what is worst."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from sdqa.bundle.diagnosis import ALL, Attribution, Cause, Diagnosis, OperationFinding, WeightFinding
from sdqa.report.diagnosis_charts import LadderChart, in_order, ladder_chart, operations_chart, steps_chart, swap_chart
from sdqa.report.format import show_number

LISTED_OPERATIONS = 12
LISTED_WEIGHTS = 30
ORDER = (
    "the table is in the order of the error that each operation adds to its own result; the cause is the operation"
    " that changes the component's output most when it alone is the candidate's, the first in order of execution among"
    " those that come close."
)


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
    blamed: bool


@dataclass(frozen=True)
class DiagnosisSection:
    """What the page shows of a diagnosis."""

    found: Diagnosis
    verdict: tuple[str, ...]  # line by line
    ladders: tuple[LadderChart, ...]
    swap: Markup
    swap_rows: tuple[tuple[str, str, str], ...]
    attributions: tuple[tuple[str, str, str], ...]  # metric, total, shares in words
    steps: Markup
    operations: Markup
    operation_rows: tuple[OperationRow, ...]
    order_note: str  # why the blamed operation is not the first of them; empty where it is
    weights: tuple[tuple[str, ...], ...]  # component, name, parameter, verdict, relative error, cosine


def diagnosis_of(found: Diagnosis | None) -> DiagnosisSection | None:
    """The section's content; None where there is no diagnosis."""
    if found is None:
        return None
    swap, swap_rows = swap_chart(found)
    operations, note = _operation_rows(found)
    return DiagnosisSection(
        found=found,
        verdict=tuple(line for line in found.verdict.splitlines() if line.strip()),
        ladders=tuple(ladder_chart(ladder) for ladder in found.ladder),
        swap=swap,
        swap_rows=swap_rows,
        attributions=tuple(_attribution(one) for one in found.attributions),
        steps=steps_chart(found),
        operations=operations_chart(found.operations),
        operation_rows=operations,
        order_note=note,
        weights=tuple(_weight(one) for one in found.weights[:LISTED_WEIGHTS]),
    )


def show_share(value: float | None) -> str:
    """`0.964` → `96 %`."""
    if value is None or not math.isfinite(value):
        return show_number(value)
    return f"{show_number(round(value * 100, 1 if abs(value) < 0.1 else 0))} %"


def show_explained(cause: Cause) -> str:
    """What a cause explains, with its interval: `explains 96 % (93 % to 98 %) of the loss`."""
    if not cause.separable:
        low, high = cause.reach()
        return f"cannot be separated: its share of the loss lies between {low} and {high}"
    share, low, high = ("all" if one > ALL else show_share(one) for one in (cause.explains, *cause.interval))
    return f"explains {share} ({low} to {high}) of the loss"


def _attribution(one: Attribution) -> tuple[str, str, str]:
    shares = [f"{name} {show_number(share.value, signed=True)}" for name, share in in_order(one.shares)]
    return (one.metric, show_number(one.total, signed=True), ", ".join(shares))


def _weight(one: WeightFinding) -> tuple[str, ...]:
    figures = (show_number(one.relative_error), show_number(one.cosine))
    return (one.component, one.name, one.parameter, one.verdict, *figures)


def _operation_rows(found: Diagnosis) -> tuple[tuple[OperationRow, ...], str]:
    """The operations that add most error, the worst first, and the blamed one wherever it stands; NaN is the worst."""

    def added(item: tuple[int, OperationFinding]) -> float:
        return -math.inf if math.isnan(item[1].added_db) else item[1].added_db

    blamed = {cause.operation for cause in found.causes if cause.operation}
    ranked = sorted(enumerate(found.operations), key=added)
    listed = [item for rank, item in enumerate(ranked) if rank < LISTED_OPERATIONS or item[1].name in blamed]
    rows = tuple(
        OperationRow(
            number=number,
            name=one.name,
            type=one.type,
            module=one.module,
            added=show_number(one.added_db),
            carried=show_number(one.carried_db),
            findings=one.findings,
            blamed=one.name in blamed,
        )
        for number, one in listed
    )
    places = [(rank, one.name) for rank, (_, one) in enumerate(ranked, 1) if one.name in blamed]
    late = "; ".join(f"{name} stands at place {rank}" for rank, name in places if rank > 1)
    first = ranked[0][1].name if ranked else ""
    if not late or first in blamed:
        return rows, ""
    return rows, f"{late}: {ORDER}"
