"""What a run carries besides its lanes, and what an interruption makes of it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from sdqa.bundle import Bundle, Lane, Status, Verdict
from sdqa.bundle.diagnosis import FILE, Diagnosis
from sdqa.plan import Plan, load_suite, make_plan
from sdqa.store import Store
from sdqa.workflow.job import Job
from sdqa.workflow.report import committed_sensitivities, report

SUITE = Path(__file__).parents[2] / "sdqa.toml"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(load_suite(SUITE), SUITE, platform="linux")


@pytest.fixture
def job(plan: Plan, tmp_path: Path) -> Job:
    return Job(plan, Store(tmp_path / "store"), Bundle(tmp_path / "report"))


def lane(status: Status) -> Lane:
    verdicts = (
        Verdict(check="tiny/fp16/c/lpips", metric="lpips", status=status),
        Verdict(check="tiny/fp16/c/psnr", metric="psnr", status="pass"),
    )
    return Lane(
        id="tiny/fp16",
        model="tiny",
        variant="fp16",
        runtime="reference",
        compute_unit="CPU_ONLY",
        verdicts=verdicts,
        planned=tuple(verdict.check for verdict in verdicts),
    )


@pytest.mark.parametrize(
    ("status", "interrupted", "crashed", "code"),
    [
        ("pass", False, False, 0),
        ("pass", True, False, 130),
        ("pass", False, True, 3),
        ("not measured", True, False, 130),
        ("fail", True, False, 1),
        ("fail", False, True, 1),
    ],
)
def test_what_a_finished_check_found_stays_true_whatever_ends_the_run(
    job: Job, status: Status, interrupted: bool, crashed: bool, code: int
) -> None:
    run = report(job, [lane(status)], interrupted=interrupted, crashed=crashed)
    assert run.exit_code == code
    assert run.status == ("incomplete" if interrupted or crashed else "complete")
    assert job.bundle.read().exit_code == code


def test_a_narrowed_run_is_judged_by_what_was_selected(job: Job) -> None:
    run = report(job, [lane("fail")], checks=frozenset({"tiny/fp16/c/psnr"}))
    assert (run.exit_code, run.planned_checks, len(run.verdicts)) == (0, 2, 1)


def test_every_diagnosis_is_written_and_another_runs_does_not_stay(job: Job) -> None:
    found = [Diagnosis(verdict=name, sound=False, confidence="high", lane=name) for name in ("a", "b")]
    run = report(job, [lane("fail")], diagnoses=found)
    assert run.diagnosis is not None
    written = json.loads((job.bundle.folder / FILE).read_text(encoding="utf-8"))
    assert [Diagnosis.model_validate(one) for one in written] == found
    report(job, [lane("pass")])
    assert not (job.bundle.folder / FILE).exists()


def test_the_sensitivity_table_is_shown_beside_the_tolerances_it_was_measured_with(plan: Plan, tmp_path: Path) -> None:
    goldens = tmp_path / "goldens"
    shutil.copytree(plan.goldens / "tiny", goldens / "tiny", ignore=shutil.ignore_patterns("*.png", "*.safetensors"))
    suite = plan.suite.model_copy(update={"goldens": "goldens"})
    job = Job(replace(plan, suite=suite, suite_path=tmp_path / "sdqa.toml"), Store(tmp_path), Bundle(tmp_path))
    assert committed_sensitivities(job) == (), "nobody has measured"
    shutil.copy(plan.goldens / "sensitivity.json", goldens)
    (shown,) = committed_sensitivities(job)
    assert shown.figures.visible_caught.count > 90
    tolerances = goldens / "tiny" / "tolerances.json"
    text = tolerances.read_text(encoding="utf-8")
    table = json.loads(text)
    table["variants"]["palettized-6bit"]["lpips"]["limit"] *= 2
    tolerances.write_text(json.dumps(table), encoding="utf-8")
    assert committed_sensitivities(job) == (shown,), "the limits of another lane"
    table["variants"]["fp16"]["lpips"]["limit"] *= 2
    tolerances.write_text(json.dumps(table), encoding="utf-8")
    assert committed_sensitivities(job) == (), "other limits"
    tolerances.write_text(text, encoding="utf-8")
    (goldens / "sensitivity.json").write_text("{", encoding="utf-8")
    assert committed_sensitivities(job) == (), "damaged"


def test_goldens_that_nothing_asks_for_are_part_of_the_run(tmp_path: Path) -> None:
    suite = tmp_path / "sdqa.toml"
    shutil.copy(SUITE, suite)
    shutil.copytree(SUITE.parent / "goldens", tmp_path / "goldens")
    (tmp_path / "goldens" / "tiny").rename(tmp_path / "goldens" / "left")
    job = Job(make_plan(load_suite(suite), suite, platform="linux"), Store(tmp_path / "s"), Bundle(tmp_path / "report"))
    run = report(job, [lane("pass")])
    assert len(run.orphans) == 34
    assert {one.kind for one in run.orphans} == {"baseline", "golden", "tolerances"}
    assert "orphans" in Bundle(tmp_path / "report").read().to_json()
    assert "34 references that no model, lane or case asks for" in (tmp_path / "report" / "summary.md").read_text(
        "utf-8"
    )


def test_a_run_without_orphans_writes_nothing_of_them(job: Job) -> None:
    assert "orphans" not in report(job, [lane("pass")]).to_json()
