"""Evidence that is whole, and everything that was once green although it must not be. One function a scenario."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sdqa.bundle import Failure, Fingerprint, JudgeChange, Measurement, Run
from sdqa.ci.expected import Expected
from sdqa.ci.intake import Submitted
from sdqa.ci.needs import JobResult
from sdqa.ci.problem import problem
from sdqa.gate import judge
from tests.ci.honest import (
    CASES,
    expected,
    figure_of,
    judged,
    lane_of,
    linux,
    mac,
    measurements,
    run_of,
    sample_of,
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


def part(unit: Any, *cases: str, **fields: Any) -> Any:
    """What a job leaves that was planned for some cases of a lane: it answers the checks of these, and says so."""
    lane = lane_of(unit, cases, **fields)
    asked = [c for c in unit.checks if all(not c.startswith(f"{unit.lane}/{o}/") for o in CASES if o not in cases)]
    planned = lane.model_copy(update={"planned": tuple(asked)})
    return planned.model_copy(update={"verdicts": verdicts(expected(), planned)})


def verdicts(wanted: Expected, lane: Any) -> Any:
    """A machine's own, on what it was planned for."""
    return judge(lane, wanted.judge.standards[lane.id], wanted.judge.budgets[lane.id], planned=lane.planned)


def in_parts(*parts: Any) -> list[Run]:
    return [*(run_of(one) for one in parts), run_of(lane_of(units()[1])), mac()]


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
        "samples": (*lane.samples, sample_of("cat").model_copy(update={"case": "owl"})),
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
