"""What jobs are expected to take, from records of jobs that ran: `measured_jobs.json` has real ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sdqa.bundle import Bundle, Package, PackageFacts, Provenance, Run, Sample
from sdqa.bundle.cost import Bill
from sdqa.ci.jobs import Sharing, jobs_of
from sdqa.plan import Plan
from sdqa.workflow.expected import durations_of, expected_durations
from tests.builders import lane_record, run_record
from tests.ci import honest
from tests.service.measured import suite_of

TABLE: dict[str, Any] = json.loads((Path(__file__).parent / "measured_jobs.json").read_text(encoding="utf-8"))
NEAR = 0.2


def run_of(job: dict[str, Any]) -> Run:
    """The run that a measured job wrote, as far as times go; its processor seconds stand for its time."""
    lanes = []
    for name, told in job["lanes"].items():
        packages = tuple(
            Package(
                component=f"c{number}", name="p", digest="d", bytes=1, facts=PackageFacts(conversion_seconds=seconds)
            )
            for number, seconds in enumerate(told["converted_s"])
        )
        samples = tuple(Sample(case=case, seconds=seconds) for case, seconds in told["cases_s"].items())
        lanes.append(lane_record(name, packages=packages, samples=samples))
    return run_record(*lanes, cost=Bill(jobs=1, spent_minutes=job["processor_s"] / 60))


def plan_of(name: str) -> Plan:
    return honest.plan(text=suite_of(name))


def expected(name: str, shards: int, by: list[dict[str, Any]]) -> dict[str, float]:
    """Unit → seconds, by the records of some jobs."""
    plan = plan_of(name)
    jobs = jobs_of(plan, Sharing(shards, durations=durations_of(plan, [run_of(job) for job in by])))
    return {job.unit: job.seconds or 0.0 for job in jobs}


@pytest.mark.parametrize("name", sorted(TABLE["suites"]))
@pytest.mark.parametrize("known", [(1, 2), (1, 3), (2, 3)])
def test_a_job_takes_what_is_expected_of_it_by_jobs_of_other_sizes(name: str, known: tuple[int, int]) -> None:
    """Each is held against jobs that the fit has not seen."""
    jobs = TABLE["suites"][name]
    by = [job for job in jobs if job["shards"] in known]
    for job in jobs:
        if job["shards"] not in known:
            found = expected(name, job["shards"], by)[job["unit"]]
            assert found == pytest.approx(job["processor_s"], rel=NEAR), job["unit"]


@pytest.mark.parametrize("name", sorted(TABLE["suites"]))
def test_one_size_of_job_foretells_the_sum_of_others(name: str) -> None:
    """With the usual start taken from each: less sure of a single job, and said to be so."""
    jobs = TABLE["suites"][name]
    by = [job for job in jobs if job["shards"] == 1]
    assert "one earlier job, " in durations_of(plan_of(name), [run_of(job) for job in by]).rests_on
    for shards in (2, 3):
        took = sum(job["processor_s"] for job in jobs if job["shards"] == shards)
        assert sum(expected(name, shards, by).values()) == pytest.approx(took, rel=NEAR)


def test_without_a_start_of_its_own_a_job_is_foretold_too_short() -> None:
    """What dividing a lane's time over its shares says."""
    jobs = TABLE["suites"]["torch"]
    whole = next(job["processor_s"] for job in jobs if job["shards"] == 1)
    thirds = [job["processor_s"] for job in jobs if job["shards"] == 3]
    assert whole / 3 < (1 - NEAR) * min(thirds)


def timed(*, drawn: float | None = 5.0, converted: float | None = 1.0, earlier: float | None = None) -> Run:
    """A bundle of two lanes, three cases each, in which every drawing and conversion took the same."""
    run = honest.linux()
    facts = {"conversion_seconds": converted, "replayed_conversion_seconds": earlier}
    said = {name: value for name, value in facts.items() if value is not None}
    lanes = tuple(
        lane.model_copy(
            update={
                "samples": tuple(sample.model_copy(update={"seconds": drawn}) for sample in lane.samples),
                "packages": tuple(
                    one.model_copy(update={"facts": PackageFacts.model_validate(said)}) for one in lane.packages
                ),
            }
        )
        for lane in run.lanes
        if lane.status == "ran"
    )
    times = {"started": "2026-11-26T10:00:00+00:00", "ended": "2026-11-26T10:02:00+00:00"}
    return honest.with_origin(run.model_copy(update={"lanes": lanes}), **times)


def test_what_a_job_took_is_expected_of_it_again(tmp_path: Path) -> None:
    plan = honest.plan()
    Bundle(tmp_path / "one").write(timed())
    for place in (tmp_path, tmp_path / "one"):
        found = expected_durations(plan, [place])
        (job,) = [job for job in jobs_of(plan, Sharing(durations=found)) if job.role == "any"]
        assert job.seconds == pytest.approx(120)
    assert "2 of 3 lanes as they were measured; the others by the sizes of their models" in found.rests_on


def test_conversions_that_were_replayed_are_expected_of_an_empty_store() -> None:
    cold, warm = (durations_of(honest.plan(), [run]) for run in (timed(), timed(converted=None, earlier=1.0)))
    assert {name: one.once_s for name, one in warm.lanes.items()} == {
        name: one.once_s for name, one in cold.lanes.items()
    }


def test_pictures_that_were_replayed_say_nothing_of_their_time() -> None:
    plan = honest.plan()
    assert durations_of(plan, [timed(drawn=None)]) == durations_of(plan, [])


@pytest.mark.parametrize("change", ["fault", "skipped", "no times"])
def test_what_is_another_work_teaches_nothing_of_the_start(change: str) -> None:
    run = timed()
    changed = {
        "fault": run.model_copy(update={"fault": "nan"}),
        "skipped": run.model_copy(
            update={"lanes": tuple(lane.model_copy(update={"status": "incomplete"}) for lane in run.lanes)}
        ),
        "no times": run.model_copy(update={"provenance": Provenance(started="yesterday", ended="")}),
    }[change]
    found = durations_of(honest.plan(), [changed])
    assert "a usual start of 10 s a job" in found.rests_on
    assert found.start_s["any"] == 10


def test_a_merged_report_of_several_jobs_counts_each_start() -> None:
    """The same two minutes by four jobs are four starts; beside a report of one job they tell what one takes."""
    plan, run = honest.plan(), timed()
    merged = run.model_copy(update={"cost": Bill(jobs=4, spent_minutes=3.0), "provenance": None})
    alone = run.model_copy(update={"cost": Bill(jobs=1, spent_minutes=2.0), "provenance": None})
    found = durations_of(plan, [merged, alone])
    jobs = [job for job in jobs_of(plan, Sharing(4, durations=found)) if job.role == "any"]
    assert sum(job.seconds or 0 for job in jobs) == pytest.approx(180, abs=1)
