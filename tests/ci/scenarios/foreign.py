"""Evidence of something else than this commit and its plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sdqa.bundle import Fingerprint, Measurement
from tests.ci.honest import CASES, expected, figure_of, lane_of, linux, mac, run_of, sample_of, units, with_lane
from tests.ci.scenarios.making import ENGINE, FP16, figure, scenario


@scenario(4)
def a_bundle_of_another_year() -> Any:
    old = linux(created="2020-01-01T00:00:00Z", origin={"commit": "0" * 40})
    return [old, mac()]


@scenario(4)
def a_bundle_of_another_commit_beside_whole_evidence() -> Any:
    return [linux(), mac(), linux(origin={"commit": "1" * 40, "run_id": "9"})]


@scenario(4)
def a_bundle_that_does_not_say_where_it_comes_from() -> Any:
    return [linux(provenance=None), mac()]


@scenario(4)
def a_bundle_of_another_suite() -> Any:
    return [linux(suite_digest="0" * 64), mac()]


@scenario(4)
def a_bundle_of_a_suite_whose_digest_begins_alike() -> Any:
    return [linux(suite_digest=expected().plan.suite_digest[:12] + "0" * 52), mac()]


@scenario(4)
def a_bundle_of_another_version() -> Any:
    return [linux(sdqa_version="0.0.0"), mac()]


@scenario(4)
def a_bundle_with_a_planted_fault() -> Any:
    return [linux(fault="vae-decoder-noise"), mac()]


@scenario(4)
def a_bundle_of_another_judge() -> Any:
    return [linux(origin={"judge_digest": "0" * 64}), mac()]


@scenario(4)
def a_bundle_of_a_changed_work_tree() -> Any:
    return [linux(origin={"modified": True}), mac()]


@scenario(4)
def a_lane_that_was_judged_as_another() -> Any:
    return [with_lane(linux(), FP16, variant="small"), mac()]


@scenario(4)
def a_lane_of_core_ml_that_ran_on_linux() -> Any:
    return [linux(), with_lane(mac(), ENGINE, fingerprint=Fingerprint(system="Linux"))]


@scenario(4)
def a_lane_of_core_ml_that_ran_nobody_knows_where() -> Any:
    return [linux(), with_lane(mac(), ENGINE, fingerprint=Fingerprint())]


@scenario(4)
def cases_that_nobody_planned_lift_the_mean() -> Any:
    run = linux()
    more = tuple(Measurement(metric="lpips", case=f"easy-{i}", value=0.0) for i in range(50))
    return [with_lane(run, FP16, measurements=(*run.lanes[0].measurements, *more)), mac()]


@scenario(4)
def a_whole_case_that_nobody_planned_lifts_the_mean() -> Any:
    """With its sample, pictures and times, where no golden is recorded that would be missing."""
    wanted = expected()
    references = {name: replace(one, goldens=None) for name, one in wanted.judge.references.items()}
    lane = lane_of(units()[0])
    figures = tuple(
        m.model_copy(update={"cases": CASES}) if m.metric == "end_to_end_s" else m for m in lane.measurements
    )
    owl = figure_of("lpips", 0.0, case="owl", golden=0.0)
    more = {
        "measurements": (*figures, owl),
        "samples": (*lane.samples, sample_of("cat").model_copy(update={"case": "owl", "seconds": None})),
    }
    judge = replace(wanted.judge, references=references)
    return replace(wanted, judge=judge), [with_lane(linux(), FP16, **more), mac()]


@scenario(4)
def a_whole_bundle_of_core_ml_that_was_made_on_linux() -> Any:
    return [linux(), run_of(lane_of(units()[2].model_copy(update={"system": "Linux"})))]


@scenario(4)
def checks_that_nobody_planned_were_answered() -> Any:
    run = linux()
    extra = run.lanes[0].verdicts[0].model_copy(update={"check": f"{FP16}/cat/beauty"})
    return [with_lane(run, FP16, verdicts=(*run.lanes[0].verdicts, extra)), mac()]


@scenario(4)
def a_lane_that_nobody_planned() -> Any:
    stranger = linux().lanes[0].model_copy(update={"id": "tiny/other"})
    return [linux(), mac(), run_of(stranger)]


@scenario(4)
def a_failure_that_its_measurements_do_not_show() -> Any:
    run = linux()
    failed = run.lanes[0].verdicts[0].model_copy(update={"status": "fail"})
    return [
        with_lane(run, FP16, verdicts=(failed, *run.lanes[0].verdicts[1:])).model_copy(update={"exit_code": 1}),
        mac(),
    ]


@scenario(4)
def the_same_case_with_other_figures_in_two_bundles() -> Any:
    return [linux(), figure(linux(), FP16, "lpips", "cat", value=0.02), mac()]
