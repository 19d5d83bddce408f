"""Bundles that are honest but for one thing: each is red, and says in which lane, case and figure, and what to do."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import pytest

from sdqa.bundle import Failure, Lane, Run
from sdqa.bundle.facts import WeightCoverage
from sdqa.ci import examined
from sdqa.ci.decide import decide
from tests.ci import honest_pictures
from tests.ci.forged import LANES, RUNS
from tests.ci.forged.altered import FP16, SMALL, golden_said, with_facts, with_figure
from tests.ci.honest import expected, lane_of, linux, mac, run_of, sent, units
from tests.ci.sound import SOUND, held_by, lanes


def whole(lane: Lane) -> list[Run]:
    """The evidence of all machines, with one lane as it is."""
    return [run_of(lane, lane_of(units()[1])), mac()]


def said(run: Run) -> list[Failure]:
    return [*run.failures, *(failure for lane in run.lanes for failure in lane.failures)]


@pytest.mark.parametrize("name", LANES)
def test_a_lane_that_contradicts_itself_or_the_checkout(name: str) -> None:
    words, make = LANES[name]
    run = decide(expected(), sent(*whole(make())))
    assert run.exit_code in (1, 4)
    [found] = [one for one in said(run) if words in one.message]
    assert (found.where, found.exit_code) == (FP16, 4)
    assert found.message.endswith("run the lane again")


@pytest.mark.parametrize("name", RUNS)
def test_a_bundle_that_contradicts_itself_or_the_checkout(name: str) -> None:
    words, make = RUNS[name]
    run = decide(expected(), sent(make(), mac()))
    assert run.exit_code == 4
    assert [one for one in said(run) if words in one.message and one.where == "bundle-0"], said(run)


def test_a_refused_figure_is_not_judged_and_says_why() -> None:
    run = decide(expected(), sent(*whole(LANES["a_distance_below_nothing"][1]())))
    [verdict] = [one for one in run.verdicts if one.check == f"{FP16}/cat/lpips"]
    assert (verdict.status, verdict.value) == ("not measured", None)
    assert "cannot be a value of lpips" in verdict.reason


def test_a_figure_that_fails_is_red_whatever_else_contradicts_it() -> None:
    worse = with_figure("psnr", "dog", value=3.0).model_copy(update={"samples": ()})
    assert decide(expected(), sent(*whole(worse))).exit_code == 1


# Goldens without a record.


@functools.cache
def drawn_now() -> Any:
    """A checkout whose teacher draws the goldens in every run."""
    wanted = expected()
    references = {name: replace(one, goldens=None) for name, one in wanted.judge.references.items()}
    return replace(wanted, judge=replace(wanted.judge, references=references))


def test_lanes_agree_on_a_golden_that_nobody_recorded() -> None:
    assert decide(drawn_now(), sent(linux(), mac())).exit_code == 0
    run = decide(drawn_now(), sent(golden_said(SMALL, 0.2, linux()), mac()))
    [found] = said(run)
    assert (run.exit_code, found.where) == (4, SMALL)
    assert found.message == f"cat/lpips: the golden's figure is 0.2, {FP16} says 0: run both lanes again"


def test_lanes_agree_on_what_a_checkpoint_holds() -> None:
    fewer = WeightCoverage(parameters=1, found=1, exact=1, equal=1)
    run = decide(expected(), sent(*whole(with_facts(coverage=fewer))))
    found = {one.message for one in said(run)}
    assert run.exit_code == 4
    assert f"unet/coverage: 3 parameters, {FP16} says 1: run both lanes again" in found


def test_another_machine_may_draw_another_golden() -> None:
    engine = units()[2].lane
    assert decide(drawn_now(), sent(linux(), golden_said(engine, 0.2, mac()))).exit_code == 0


# What is no contradiction.


@pytest.mark.parametrize("name", SOUND)
def test_what_is_no_contradiction(name: str) -> None:
    assert examined.examined(lanes()[name], held_by()["the goldens"], honest_pictures.shown())[1] == []


def test_a_golden_that_the_checkout_has_no_record_of() -> None:
    _, found = examined.examined(lanes()["honest"], held_by()["nothing recorded"], honest_pictures.shown())
    assert "cat/finite: the checkout has no golden of this case: sdqa goldens: run the lane again" in found
