"""Minutes and money, planned and spent."""

from __future__ import annotations

import html

import pytest

from sdqa.bundle import Provenance
from sdqa.bundle.cost import Bill
from sdqa.ci.cost import PRICES, cost_of, demand_budget, planned_cost, price_of
from sdqa.ci.jobs import JobPart, PlannedJob
from sdqa.errors import UsageError
from sdqa.report.summary import summary_markdown
from tests.builders import lane_record, run_record, verdicts_of


def job(seconds: float | None, *runner: str) -> PlannedJob:
    part = JobPart(lane="m/v", cases=("a",))
    return PlannedJob(
        unit="any", role="any", runner=runner or ("ubuntu-24.04",), parts=(part,), unet_calls=1, seconds=seconds
    )


def origin(minutes: int, *labels: str, run: str = "1") -> Provenance:
    times = {"started": "2026-01-01T00:00:00+00:00", "ended": f"2026-01-01T00:{minutes:02}:30+00:00"}
    return Provenance(run_id=run, labels=labels, **times)


@pytest.mark.parametrize(
    ("labels", "price"),
    [
        (("ubuntu-24.04",), PRICES["linux"]),
        (("Linux", "X64"), PRICES["linux"]),
        (("macos-15",), PRICES["macos"]),
        (("self-hosted", "macOS", "sdqa-ane"), 0.0),
        (("linuxish",), None),
        ((), None),
    ],
)
def test_a_machine_has_the_price_of_its_labels(labels: tuple[str, ...], price: float | None) -> None:
    assert price_of(labels) == price


def test_planned_minutes_and_whole_minutes_of_money() -> None:
    minutes, money = planned_cost([job(90.0), job(30.0, "macos-15"), job(600.0, "self-hosted")])
    assert minutes == 12.0
    assert money == round(2 * PRICES["linux"] + PRICES["macos"], 3)
    assert planned_cost([job(90.0), job(None)]) == (None, None)


def test_a_budget_fails_the_plan() -> None:
    demand_budget([job(600.0)], 10)
    demand_budget([job(None)], 0)
    with pytest.raises(UsageError, match="expected to take 10 minutes, the budget is 9"):
        demand_budget([job(600.0)], 9)
    with pytest.raises(UsageError, match="size of a model is not known"):
        demand_budget([job(None)], 9)


def test_spent_is_what_each_job_took_counted_once() -> None:
    linux = origin(4, "Linux", "github-hosted")
    found = cost_of([linux, linux, origin(9, "self-hosted", run="2")], [job(90.0)])
    assert (found.jobs, found.spent_minutes, found.planned_minutes) == (2, 14.0, 1.5)
    assert found.spent_usd == round(5 * PRICES["linux"], 3)
    assert "2026-01-01" in found.prices


def test_a_machine_that_no_service_names_has_no_price() -> None:
    found = cost_of([origin(4, "Linux")], [])
    assert found.spent_usd is None
    assert found.prices == ""
    assert cost_of([Provenance(started="x", ended="")], []).spent_minutes == 0


def test_the_summary_says_it() -> None:
    cost = Bill(jobs=2, spent_minutes=14.0, planned_minutes=12.0, spent_usd=0.03, prices="a list")
    run = run_record(lane_record("a", *verdicts_of("a", "pass")))
    assert "Cost" not in summary_markdown(run)
    text = html.unescape(summary_markdown(run.model_copy(update={"cost": cost})))
    assert "14 minutes of machines in 2 jobs, planned were about 12; about $0.03 spent (a list)" in text
    assert run.model_copy(update={"cost": cost}).identity() == run.identity()
