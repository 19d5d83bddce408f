"""Evidence that is whole, in one piece or in parts, and parts of which one is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sdqa.ci.expected import Expected
from tests.ci.honest import CASES, expected, lane_of, linux, mac, measurements, run_of, units, with_lane
from tests.ci.scenarios.making import FP16, in_parts, part, scenario, verdicts


@scenario(0)
def everything_measured_and_within_limits() -> Any:
    return [linux(), mac()]


@scenario(0)
def the_order_does_not_matter() -> Any:
    return [mac(), linux()]


@scenario(0)
def the_same_bundle_twice() -> Any:
    return [linux(), mac(), linux()]


@scenario(0)
def a_lane_in_three_parts_by_case() -> Any:
    return in_parts(*(part(units()[0], case) for case in CASES))


@scenario(0)
def a_lane_in_parts_that_overlap() -> Any:
    return in_parts(part(units()[0], "cat", "dog"), part(units()[0], "dog", "fox"))


def calibrated() -> Expected:
    """A judge that lets a single case go further than the mean."""
    wanted = expected()
    standards = wanted.judge.standards[FP16]
    assert standards.tolerances is not None
    table = standards.tolerances.variants["*"]
    wide = table["lpips"].model_copy(update={"case_limit": 1.0, "severe": 1.0})
    tolerances = standards.tolerances.model_copy(update={"variants": {"*": {**table, "lpips": wide}}})
    of_lanes = dict(wanted.judge.standards) | {FP16: replace(standards, tolerances=tolerances)}
    return replace(wanted, judge=replace(wanted.judge, standards=of_lanes))


@scenario(0)
def a_statistic_that_fails_over_a_parts_own_cases_and_not_over_all() -> Any:
    """One case lies beyond the mean's limit: allowed among three, and a failure where it stands alone."""
    wanted = calibrated()
    parts = []
    for case in CASES:
        figures = tuple(
            m.model_copy(update={"value": 0.15}) if (m.metric, m.case) == ("lpips", "cat") else m
            for m in measurements(units()[0], [case])
        )
        lane = part(units()[0], case, measurements=figures)
        parts.append(lane.model_copy(update={"verdicts": verdicts(wanted, lane)}))
    found = {v.status for one in parts for v in one.verdicts if v.check == f"{FP16}/all/lpips"}
    assert found == {"pass", "fail"}
    return wanted, in_parts(*parts)


@scenario(0)
def units_of_a_plan_that_cuts_a_lane() -> Any:
    one, *others = units()
    cut = [
        one.model_copy(update={"id": f"{one.id}#{n}", "cases": (case,), "checks": part(one, case).planned})
        for n, case in enumerate(CASES, 1)
    ]
    plan = expected().plan.model_copy(update={"units": (*cut, *others)})
    return replace(expected(), plan=plan), in_parts(*(part(one, case) for case in CASES))


@scenario(4)
def one_of_three_parts_is_lost() -> Any:
    return in_parts(part(units()[0], "cat"), part(units()[0], "fox"))


@scenario(4)
def a_case_that_failed_in_its_part_though_its_figures_pass() -> Any:
    broken = part(units()[0], "cat")
    first = broken.verdicts[0].model_copy(update={"status": "fail"})
    lane = broken.model_copy(update={"verdicts": (first, *broken.verdicts[1:])})
    return in_parts(lane, part(units()[0], "dog", "fox"))


@scenario(4)
def a_whole_lanes_statistic_that_failed_where_it_ran() -> Any:
    run = linux()
    worse = tuple(
        v.model_copy(update={"status": "fail"}) if v.check == f"{FP16}/all/lpips" else v for v in run.lanes[0].verdicts
    )
    return [with_lane(run, FP16, verdicts=worse), mac()]


@scenario(0)
def parts_say_nothing_of_all_cases() -> Any:
    one, two, _ = units()
    parts = [part(one, case) for case in CASES]
    silent = [
        with_lane(run_of(p), FP16, verdicts=tuple(v for v in p.verdicts if "/all/" not in v.check)) for p in parts
    ]
    return [*silent, run_of(lane_of(two)), mac()]


@scenario(0)
def a_newer_attempt_heals_an_interrupted_one() -> Any:
    one = units()[0]
    broken = run_of(lane_of(one, ["cat"]), exit_code=130, origin={"interrupted": True})
    return [broken, linux(origin={"attempt": 2}), mac()]


@scenario(0)
def a_machine_that_had_nothing_to_run() -> Any:
    return [linux(), mac(), run_of()]


@scenario(0)
def no_service_that_tells_of_jobs() -> Any:
    return replace(expected(), results=None), [linux(), mac()]


@scenario(0)
def a_bundle_from_outside_the_service() -> Any:
    return [linux(origin={"job": ""}), mac()]
