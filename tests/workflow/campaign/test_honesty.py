"""False alarms are counted by kind of case, with an interval that a few runs cannot make narrow."""

from __future__ import annotations

from typing import Any

import pytest
from scipy.stats import binomtest

from sdqa.bundle import Lane, Verdict
from sdqa.bundle.honesty import CleanRun, Honesty, Kind
from sdqa.errors import UsageError
from sdqa.gate.statistics import exact_interval
from sdqa.plan import Plan, find_suite, load_suite, make_plan, reseeded
from sdqa.workflow.campaign.honesty import FRESH, OTHER_SEED, TRIES, clean_run, rate, settled
from sdqa.workflow.campaign.stage import SEED_STEP

KINDS: dict[str, Kind] = {"portrait": "image-to-image", "winter": "image-to-image", "girl": "text-to-image"}


def judged(**statuses: Any) -> Lane:
    verdicts = tuple(
        Verdict(check=f"tiny/fp16/{case}/lpips", metric="lpips", case=None if case == "all" else case, status=status)
        for case, status in statuses.items()
    )
    return Lane(
        id="tiny/fp16", model="tiny", variant="fp16", runtime="reference", compute_unit="CPU_ONLY", verdicts=verdicts
    )


def test_failed_and_unmeasured_cases_are_alarms_and_suspicious_ones_are_not() -> None:
    found = clean_run(judged(portrait="fail", winter="suspicious", girl="not measured"), KINDS, 7, 1, 0.0)
    assert found.alarms == ("portrait", "girl")
    assert found.failing == ("portrait/lpips",)
    assert found.suspicious == ("winter/lpips",)


def test_a_mean_that_fails_is_an_alarm_of_the_run_and_of_no_case() -> None:
    found = clean_run(judged(all="fail", girl="pass"), KINDS, 7, 1, 0.0)
    assert found.alarms == ()
    assert rate([found], "whole runs").alarms == 1


def test_rates_are_of_cases_of_their_kind() -> None:
    runs = [CleanRun(offset=1, cases=KINDS, alarms=("girl",), exit_code=1), CleanRun(offset=2, cases=KINDS)]
    photos, texts, whole = (rate(runs, kind) for kind in ("image-to-image", "text-to-image", "whole runs"))  # type: ignore[arg-type]
    assert (photos.alarms, photos.total) == (0, 4)
    assert (texts.alarms, texts.total) == (1, 2)
    assert (whole.alarms, whole.total) == (1, 2)
    assert str(texts) == "1 of 2 (50.0 %; 95 % interval 1.3 % to 98.7 %)"
    assert str(rate([], "whole runs")) == "not measured"


@pytest.mark.parametrize(("count", "total"), [(0, 30), (1, 30), (15, 30), (30, 30), (3, 330)])
def test_the_interval_is_scipys_exact_one(count: int, total: int) -> None:
    known = binomtest(count, total).proportion_ci(0.95, method="exact")
    assert exact_interval(count, total) == pytest.approx((known.low, known.high))


def test_nothing_counted_leaves_everything_possible() -> None:
    assert exact_interval(0, 0) == (0.0, 1.0)


def test_no_fresh_seed_meets_one_of_calibration_or_campaign() -> None:
    seeds = range(11, 36)
    fresh = {seed + FRESH * index for seed in seeds for index in range(1, 301)}
    calibrated = {seed + 1000 * index for seed in seeds for index in range(1005)}
    planted = {seed + SEED_STEP * index for seed in seeds for index in range(5)}
    assert not fresh & (calibrated | planted)


@pytest.fixture(scope="module")
def plan() -> Plan:
    path = find_suite("embedded")
    return make_plan(load_suite(path), path, only=("tiny/fp16",))


def test_a_chaotic_case_gets_another_seed_and_the_others_keep_theirs(plan: Plan) -> None:
    drawn = reseeded(plan, FRESH)
    first = drawn.suite.cases["text-portrait"].seed
    calm, replaced = settled(drawn, lambda one, name: one.suite.cases[name].seed in (first, first + OTHER_SEED))
    assert replaced == ("text-portrait",)
    assert calm.suite.cases["text-portrait"].seed == first + 2 * OTHER_SEED
    assert calm.lanes[0].cases["text-portrait"] == calm.suite.cases["text-portrait"]
    others = set(drawn.suite.cases) - {"text-portrait"}
    assert all(calm.suite.cases[name] == drawn.suite.cases[name] for name in others)
    assert calm.suite.goldens == drawn.suite.goldens != plan.suite.goldens


def test_calm_cases_are_drawn_from_the_noise_that_they_have(plan: Plan) -> None:
    assert settled(plan, lambda _, __: False) == (plan, ())


def test_a_case_that_is_chaotic_at_every_seed_is_refused(plan: Plan) -> None:
    asked: list[int] = []

    def chaotic(one: Plan, name: str) -> bool:
        asked.append(one.suite.cases[name].seed)
        return True

    with pytest.raises(UsageError, match=f"chaotic at {TRIES} seeds"):
        settled(plan, chaotic)
    assert len(set(asked)) == TRIES


def test_another_seed_is_none_that_any_run_has(plan: Plan) -> None:
    seeds = {case.seed for case in plan.suite.cases.values()}
    fresh = {seed + FRESH * index for seed in seeds for index in range(301)}
    others = {seed + OTHER_SEED * attempt for seed in fresh for attempt in range(1, TRIES)}
    calibrated = {seed + 1000 * index for seed in seeds for index in range(1005)}
    assert not others & (fresh | calibrated)


def test_replaced_cases_are_counted() -> None:
    runs = (CleanRun(offset=1, cases=KINDS, replaced=("girl",)), CleanRun(offset=2, cases=KINDS))
    found = Honesty(lane="tiny/fp16", stated=0.001, tolerances="", rates=(), runs=runs)
    assert str(found.replaced) == "1 of 6 (16.7 %)"
