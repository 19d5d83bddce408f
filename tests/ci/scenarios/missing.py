"""What was planned and is not proved."""

from __future__ import annotations

from typing import Any

from sdqa.bundle import Failure
from tests.ci.honest import CASES, lane_of, linux, mac, run_of, units, with_lane
from tests.ci.scenarios.making import FP16, SMALL, figure, in_parts, part, scenario


@scenario(4)
def bundles_of_two_lanes_where_three_are_planned() -> Any:
    one, two, _ = units()
    return [run_of(lane_of(one)), run_of(lane_of(two))]


@scenario(4)
def the_linux_artifact_lost_while_the_macs_arrives() -> Any:
    return [mac()]


@scenario(4)
def the_macs_artifact_lost() -> Any:
    return [linux()]


@scenario(4)
def no_bundle_at_all() -> Any:
    return []


@scenario(4)
def one_passing_verdict_of_all_that_are_planned() -> Any:
    run = linux()
    return [with_lane(run, FP16, verdicts=run.lanes[0].verdicts[:1], measurements=run.lanes[0].measurements[:1]), mac()]


@scenario(4)
def verdicts_missing_though_all_was_measured() -> Any:
    run = linux()
    return [with_lane(run, FP16, verdicts=run.lanes[0].verdicts[1:]), mac()]


@scenario(4)
def no_measurements_at_all() -> Any:
    run = linux()
    return [with_lane(with_lane(run, FP16, measurements=()), SMALL, measurements=()), mac()]


@scenario(4)
def a_figure_is_missing() -> Any:
    return [figure(linux(), FP16, "lpips", "cat", value=None), mac()]


@scenario(4)
def the_lanes_are_there_but_skipped() -> Any:
    run = linux()
    return [with_lane(run, SMALL, status="skipped"), mac()]


@scenario(4)
def a_lane_that_did_not_finish() -> Any:
    return [with_lane(linux(), FP16, status="incomplete"), mac()]


@scenario(4)
def a_lane_with_a_failure() -> Any:
    failure = Failure(stage="generate", where="cat", code="SDQA-600", message="no golden", exit_code=4)
    return [with_lane(linux(), FP16, failures=(failure,)), mac()]


@scenario(3)
def a_lane_whose_model_could_not_be_loaded() -> Any:
    failure = Failure(stage="lane", where=FP16, code="SDQA-200", message="no model", exit_code=3)
    return [with_lane(linux(), FP16, failures=(failure,), status="incomplete"), mac()]


@scenario(4)
def a_budget_that_one_of_three_parts_leaves_out() -> Any:
    """The part that exceeds it is silent; another that does not would speak for it."""
    cat, dog, fox = (part(units()[0], case) for case in CASES)
    figures = tuple(m for m in dog.measurements if m.metric != "model_memory_bytes")
    verdicts = tuple(v for v in dog.verdicts if v.metric != "model_memory_bytes")
    return in_parts(cat, dog.model_copy(update={"measurements": figures, "verdicts": verdicts}), fox)
