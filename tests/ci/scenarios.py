"""Evidence that is whole, and everything that was once green although it must not be. One function a scenario."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sdqa.bundle import Failure, Fingerprint, JudgeChange, Measurement, Run
from sdqa.ci.decide import Expected
from sdqa.ci.intake import Submitted
from sdqa.ci.needs import JobResult
from sdqa.ci.problem import problem
from tests.ci.honest import (
    CASES,
    expected,
    judged,
    lane_of,
    linux,
    mac,
    run_of,
    sent,
    units,
    with_lane,
)

Made = tuple[Expected, list[Submitted], list[Failure], list[JudgeChange]]
SCENARIOS: dict[str, tuple[int, Callable[[], Made]]] = {}
FP16, SMALL, ENGINE = "tiny/fp16", "tiny/small", "tiny/fp16@coreml-cpu_and_ne"


def scenario(code: int) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Register a scenario by its function's name; a bare list of runs is what arrived under the usual expectations."""

    def register(make: Callable[[], Any]) -> Callable[[], Any]:
        def made() -> Made:
            found = make()
            if isinstance(found, list):
                return expected(), sent(*found), [], []
            wanted, runs, *more = found
            changes = [one for one in more if isinstance(one, JudgeChange)]
            return wanted, sent(*runs), [one for one in more if not isinstance(one, JudgeChange)], changes

        SCENARIOS[make.__name__] = (code, made)
        return make

    return register


def figure(run: Run, lane: str, metric: str, case: str | None, **fields: Any) -> Run:
    """One figure altered; the verdicts in the bundle stay as they were."""
    [record] = [one for one in run.lanes if one.id == lane]
    changed = tuple(
        m.model_copy(update=fields) if m.metric == metric and m.case == case else m for m in record.measurements
    )
    return with_lane(run, lane, measurements=changed)


def honestly(run: Run, lane: str) -> Run:
    """The lane's own verdicts follow its figures, and so does the exit code."""
    [record] = [one for one in run.lanes if one.id == lane]
    verdicts = judged(record).verdicts
    code = 1 if any(v.status == "fail" for v in verdicts) else 4
    return with_lane(run, lane, verdicts=verdicts).model_copy(update={"exit_code": code})


# What is whole.


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
def a_lane_in_parts_by_case() -> Any:
    one, two, _ = units()
    parts = [run_of(part(one, case)) for case in CASES]
    return [*parts, run_of(lane_of(two)), mac()]


def part(unit: Any, case: str) -> Any:
    lane = lane_of(unit, [case])
    kept = tuple(v for v in lane.verdicts if (v.case in (case, None) and v.status == "pass") or "/all/" in v.check)
    passed = tuple(v.model_copy(update={"status": "pass"}) for v in kept)
    return lane.model_copy(update={"verdicts": passed, "planned": tuple(v.check for v in passed)})


@scenario(0)
def parts_say_nothing_of_all_cases() -> Any:
    one, two, _ = units()
    parts = [part(one, case) for case in CASES]
    silent = [
        with_lane(run_of(p), FP16, verdicts=tuple(v for v in p.verdicts if "/all/" not in v.check)) for p in parts
    ]
    return [*silent, run_of(lane_of(two)), mac()]


@scenario(0)
def a_statistic_over_some_cases_is_no_failure_of_all() -> Any:
    run = linux()
    told = tuple(
        v.model_copy(update={"status": "not measured"}) if "/all/" in v.check else v for v in run.lanes[0].verdicts
    )
    return [with_lane(run, FP16, verdicts=told), mac()]


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


# A check that fails is red, whatever else is missing.


@scenario(1)
def a_check_that_fails() -> Any:
    return [honestly(figure(linux(), FP16, "lpips", "cat", value=5.0), FP16), mac()]


@scenario(1)
def a_failed_check_outranks_a_missing_lane() -> Any:
    return [honestly(figure(linux(), FP16, "lpips", "cat", value=5.0), FP16)]


@scenario(1)
def measurements_beyond_the_limit_under_verdicts_that_say_pass() -> Any:
    return [figure(linux(), FP16, "psnr", "dog", value=3.0), mac()]


@scenario(1)
def an_older_attempt_that_passed_does_not_hide_a_newer_one_that_failed() -> Any:
    failed = honestly(figure(linux(origin={"attempt": 2}), FP16, "lpips", "cat", value=5.0), FP16)
    return [linux(), failed, mac()]


@scenario(1)
def an_older_run_that_passed_does_not_hide_a_newer_one_that_failed() -> Any:
    failed = honestly(figure(linux(origin={"run_id": "10"}), FP16, "lpips", "cat", value=5.0), FP16)
    return [linux(origin={"run_id": "9", "attempt": 3}), failed, mac(origin={"run_id": "10"})]


@scenario(1)
def a_budget_that_is_exceeded() -> Any:
    return [figure(linux(), FP16, "model_memory_bytes", None, value=5000.0), mac()]


@scenario(1)
def a_figure_that_is_no_number() -> Any:
    return [figure(linux(), FP16, "lpips", "cat", value=float("nan")), mac()]


# What was planned and is not proved.


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


# Evidence of something else.


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


# Runs that were not whole.


@scenario(4)
def a_run_that_was_narrowed() -> Any:
    return [linux(origin={"narrowed": ("1 of 27 checks of tiny/fp16 were selected",)}), mac()]


@scenario(4)
def a_run_that_was_interrupted() -> Any:
    return [linux(origin={"interrupted": True}), mac()]


@scenario(4)
def a_run_that_ended_in_an_error_that_nobody_knows() -> Any:
    return [linux(exit_code=3), mac()]


@scenario(4)
def a_run_with_a_failure_of_its_own() -> Any:
    return [linux(failures=(problem("somewhere", "something"),)), mac()]


@scenario(4)
def a_bundle_in_quarantine() -> Any:
    return [linux(), mac(), "run.json is not JSON"]


# What became of the jobs.


def jobs(**results: str) -> Expected:
    return expected(*(JobResult(job=name, result=result) for name, result in results.items()))


@scenario(4)
def a_job_was_cancelled() -> Any:
    return jobs(lanes="cancelled"), [linux(), mac()]


@scenario(4)
def a_job_failed_though_its_bundle_says_pass() -> Any:
    return jobs(lanes="failure"), [linux(), mac()]


@scenario(4)
def a_job_was_skipped() -> Any:
    return jobs(lanes="success", tests="skipped"), [linux(), mac()]


@scenario(1)
def a_job_failed_because_a_check_did() -> Any:
    return jobs(lanes="failure"), [honestly(figure(linux(), FP16, "lpips", "cat", value=5.0), FP16), mac()]


@scenario(4)
def a_bundle_from_a_job_that_nobody_waited_for() -> Any:
    return jobs(tests="success"), [linux(), mac()]


@scenario(4)
def no_jobs_result_was_given() -> Any:
    return replace(expected(), results=()), [linux(origin={"job": ""}), mac(origin={"job": ""})]


@scenario(4)
def the_artifacts_did_not_all_arrive() -> Any:
    return expected(), [linux(), mac()], problem("artifacts", "fetching the bundles ended as failure")


# The plan itself.


@scenario(4)
def nobody_knows_the_commit() -> Any:
    plan = expected().plan.model_copy(update={"commit": ""})
    return replace(expected(), plan=plan, commit=""), [linux(origin={"commit": ""}), mac(origin={"commit": ""})]


@scenario(4)
def the_plan_is_of_another_commit() -> Any:
    plan = expected().plan.model_copy(update={"commit": "2" * 40})
    return replace(expected(), plan=plan), [linux(), mac()]


@scenario(4)
def a_plan_that_asks_for_nothing() -> Any:
    return replace(expected(), plan=expected().plan.model_copy(update={"units": ()})), [linux(), mac()]


@scenario(4)
def a_unit_that_asks_for_nothing() -> Any:
    one, two, three = units()
    plan = expected().plan.model_copy(update={"units": (one, two, three.model_copy(update={"checks": ()}))})
    return replace(expected(), plan=plan), [linux(), mac()]


# Who judges.

LOOSER = JudgeChange(kind="limit", subject="lpips", what="limit 0.1 → 1e+08", looser=True)


@scenario(1)
def the_judge_is_looser_and_nobody_said_why() -> Any:
    return expected(), [linux(), mac()], LOOSER


@scenario(1)
def a_looser_judge_outranks_missing_evidence() -> Any:
    return expected(), [linux()], LOOSER


@scenario(0)
def the_judge_is_looser_for_a_recorded_reason() -> Any:
    return expected(), [linux(), mac()], LOOSER.model_copy(update={"recorded": "measured again"})


@scenario(0)
def the_judge_is_stricter() -> Any:
    return expected(), [linux(), mac()], LOOSER.model_copy(update={"looser": False})
