"""Who runs a plan: jobs by kind of machine, their limits, and what a service is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdqa.ci.duration import Durations, LaneDuration
from sdqa.ci.event import base_of_event, from_a_fork, may_carry
from sdqa.ci.jobs import Sharing, jobs_of, parse_runners, rented
from sdqa.ci.plan import PlanOfRecord, plan_of_record
from sdqa.ci.services import artifact_of, gitlab_pipeline, tell_github, time_limit
from sdqa.cli import run as sdqa
from sdqa.errors import UsageError
from sdqa.plan import load_suite, make_plan, only_unit
from sdqa.plan.parts import ROLES
from sdqa.workflow.expected import expected_durations
from sdqa.workflow.gate import RULES
from tests.ci import honest
from tests.ci.gated_place import git

ROOT = Path(__file__).parents[2]
PLAN = make_plan(load_suite(ROOT / "sdqa.toml"), ROOT / "sdqa.toml", platform="linux")
SHA = "ab" * 20


def planned(**sharing: object) -> PlanOfRecord:
    plan = plan_of_record(PLAN, RULES, commit=SHA, base="cd" * 20)
    return plan.model_copy(update={"jobs": jobs_of(PLAN, Sharing(**sharing))})  # type: ignore[arg-type]


def test_every_kind_of_machine_that_a_lane_needs_has_jobs() -> None:
    assert [job.unit for job in planned().jobs] == ["any", "mac", "mac-ane"]
    assert [job.unit for job in planned(shards=2).jobs][:2] == ["any:1/2", "any:2/2"]
    assert planned().jobs[2].runner == ("self-hosted", "macOS", "sdqa-ane")


def test_a_suite_without_a_mac_needs_no_mac() -> None:
    text = honest.SUITE.partition('[[lanes]]\nmodel = "tiny"\nvariants = ["fp16"]\nruntime = "coreml"')
    suite = text[0] + text[2].partition('compute_units = ["CPU_AND_NE"]')[2]
    assert {job.role for job in jobs_of(honest.plan(text=suite), Sharing())} == {"any"}


def test_a_kind_of_machine_that_there_is_not_gets_no_job() -> None:
    jobs = planned(runners=parse_runners('{"mac-ane": "", "any": ["self-hosted", "big"]}')).jobs
    assert {job.role: job.runner for job in jobs} == {"any": ("self-hosted", "big"), "mac": ("macos-15",)}


def test_each_unit_holds_what_its_job_says() -> None:
    for job in planned(shards=3).jobs:
        lanes = only_unit(PLAN, job.unit).lanes
        assert [(lane.id, tuple(lane.cases)) for lane in lanes] == [(part.lane, part.cases) for part in job.parts]


def test_carried_lanes_are_left_out_and_the_others_named() -> None:
    jobs = planned(carried=frozenset({"tiny/fp16"})).jobs
    assert jobs[0].unit == "tiny/palettized-6bit"
    assert [lane.id for lane in only_unit(PLAN, jobs[0].unit).lanes] == ["tiny/palettized-6bit"]


def test_minutes_a_job_decide_how_many() -> None:
    each = 600.0 / len(PLAN.lanes[0].cases)
    lanes = {lane.id: LaneDuration(0.0, dict.fromkeys(lane.cases, each)) for lane in PLAN.lanes}
    durations = Durations({}, lanes)
    jobs = [job for job in planned(minutes=5.0, durations=durations).jobs if job.role == "any"]
    fewer = [job.seconds or 0 for job in planned(shards=len(jobs) - 1, durations=durations).jobs if job.role == "any"]
    assert max(job.seconds or 0 for job in jobs) <= 300 < max(fewer)
    assert sum(job.seconds or 0 for job in jobs) == pytest.approx(1200, abs=0.5)
    with pytest.raises(UsageError, match="nobody knows how long tiny/fp16 takes"):
        planned(minutes=5.0)


def test_the_start_of_every_job_is_kept_to_the_minutes_too() -> None:
    """Two lanes of ten minutes each: five minutes a job take more jobs where two of them are gone before it draws."""
    each = 600.0 / len(PLAN.lanes[0].cases)
    lanes = {lane.id: LaneDuration(20.0, dict.fromkeys(lane.cases, each)) for lane in PLAN.lanes}
    durations = Durations(dict.fromkeys(ROLES, 120.0), lanes)
    jobs = [job for job in planned(minutes=5.1, durations=durations).jobs if job.role == "any"]
    assert len(jobs) > 1200 / (306 - 120 - 20)
    assert max(job.seconds or 0 for job in jobs) <= 306
    assert sum(job.seconds or 0 for job in jobs) == pytest.approx(
        1200 + sum(120 + 20 * len(job.parts) for job in jobs), abs=1
    )
    with pytest.raises(UsageError, match="no number of jobs keeps 2 minutes") as caught:
        planned(minutes=2.0, durations=durations)
    assert "120 s of it the start of a job" in caught.value.what
    least = float((caught.value.hint or "").split()[1].rstrip(","))
    assert planned(minutes=least, durations=durations).jobs


def test_more_jobs_than_a_matrix_has_are_refused() -> None:
    text = honest.SUITE + "".join(f'[cases.c{number}]\nprompt = "a"\n' for number in range(300))
    with pytest.raises(UsageError, match="more than the 256"):
        jobs_of(honest.plan(text=text), Sharing(shards=256))


@pytest.mark.parametrize("text", ["[]", "{", '{"windows": "x"}', '{"any": 1}', '{"any": [1]}', "[" * 20_000])
def test_runners_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_runners(text)


def test_github_is_told_a_matrix(tmp_path: Path) -> None:
    output = tmp_path / "output"
    output.write_text("before=1\n", encoding="utf-8")
    tell_github(planned(shards=2), {"GITHUB_OUTPUT": str(output)})
    lines = dict(line.split("=", 1) for line in output.read_text(encoding="utf-8").splitlines())
    assert lines["before"] == "1"
    assert (lines["jobs"], lines["commit"], lines["base"]) == ("6", SHA, "cd" * 20)
    first = json.loads(lines["matrix"])["include"][0]
    assert first == {"unit": "any:1/2", "runner": ["ubuntu-24.04"], "minutes": 30, "artifact": "sdqa-bundle-any-1-2"}


def test_artifacts_have_names_of_their_own() -> None:
    names = [artifact_of(job.unit) for job in planned(shards=3).jobs]
    assert len(set(names)) == len(names)
    assert not [name for name in names if set(name) & set('"/:<>|*?\\')]


def test_gitlab_gets_a_job_a_unit_and_a_gate_whatever_became_of_them() -> None:
    pipeline = json.loads(gitlab_pipeline(planned(shards=2), "sdqa.toml"))
    lanes = [name for name in pipeline if name.startswith("lanes ")]
    assert len(lanes) == 6
    assert pipeline["lanes mac-ane:1/2"]["tags"] == ["self-hosted", "macOS", "sdqa-ane"]
    assert "tags" not in pipeline["lanes any:1/2"]
    assert pipeline["gate"]["when"] == "always"
    assert f"--expect-commit {SHA} --base {'cd' * 20}" in pipeline["gate"]["script"][-1]
    assert pipeline["workflow"]["rules"] == [{"when": "always"}]


def test_what_a_plan_says_beside_its_document_goes_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sdqa.toml").write_text(honest.SUITE, encoding="utf-8")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "first")
    assert sdqa(["ci", "plan", "--changed-since", "main"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["durations_rest_on"] == "the sizes of the models; a usual start of 10 s a job"
    assert said.err == "nothing that a lane is made from changed since main (0 changed files)\n"


def test_gitlabs_gate_installs_by_digest_where_the_list_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sdqa.toml").write_text(honest.SUITE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for there in (False, True):
        if there:
            (tmp_path / "sdqa-gate.txt").touch()
        assert sdqa(["ci", "plan", "--gitlab", "pipeline.yml", "--commit", SHA]) == 0
        jobs = json.loads((tmp_path / "pipeline.yml").read_text(encoding="utf-8"))
        assert ("--require-hashes -r sdqa-gate.txt" in " ".join(jobs["gate"]["script"])) is there
        assert "--require-hashes" not in " ".join(jobs["lanes any"]["script"])  # those need torch


def test_a_job_may_take_some_times_what_it_is_expected_to() -> None:
    job = planned().jobs[0]
    limits = [time_limit(job.model_copy(update={"seconds": seconds})) for seconds in (None, 60.0, 1200.0, 1e6)]
    assert limits == [30, 30, 100, 350]


@pytest.mark.parametrize(
    ("name", "event", "base"),
    [
        ("pull_request", {"pull_request": {"base": {"sha": SHA}}}, SHA),
        ("merge_group", {"merge_group": {"base_sha": SHA}}, SHA),
        ("push", {"before": SHA}, SHA),
        ("push", {"before": "0" * 40}, "0" * 40),
        ("schedule", {"before": SHA}, ""),
        ("pull_request", {"pull_request": []}, ""),
        ("pull_request", {"pull_request": {"base": {"sha": "$(reboot)"}}}, ""),
        ("pull_request", "no object", ""),
    ],
)
def test_the_event_names_the_base(tmp_path: Path, name: str, event: object, base: str) -> None:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(event), encoding="utf-8")
    assert base_of_event({"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(path)}) == base


def test_a_merge_says_itself_what_it_was_made_of(tmp_path: Path) -> None:
    """The base branch moves on while a pull request waits: what others loosened there is not this change's doing."""
    repository = tmp_path / "repository"
    repository.mkdir()
    git(repository, "init", "-q", "-b", "main")
    git(repository, "commit", "-q", "--allow-empty", "-m", "first")
    git(repository, "checkout", "-q", "-b", "change")
    git(repository, "commit", "-q", "--allow-empty", "-m", "change")
    head = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "-q", "main")
    git(repository, "commit", "-q", "--allow-empty", "-m", "second")
    tip = git(repository, "rev-parse", "HEAD")
    git(repository, "merge", "-q", "--no-ff", "-m", "merge", "change")
    path = tmp_path / "event.json"
    variables = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(path)}
    for known, base in ((head, tip), ("cd" * 20, SHA)):
        event = {"pull_request": {"base": {"sha": SHA}, "head": {"sha": known}}}
        path.write_text(json.dumps(event), encoding="utf-8")
        assert base_of_event(variables, repository) == base


def test_other_services_name_theirs_and_a_shell_none() -> None:
    assert base_of_event({"CI_MERGE_REQUEST_DIFF_BASE_SHA": SHA}) == SHA
    assert base_of_event({}) == ""
    assert base_of_event({"GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": "/nowhere"}) == ""


def test_only_pull_requests_and_people_carry() -> None:
    events = ("pull_request", "push", "schedule", "merge_group", "workflow_dispatch")
    assert [name for name in events if may_carry({"GITHUB_EVENT_NAME": name})] == ["pull_request"]
    assert may_carry({})


def test_every_lane_of_the_suite_is_expected_to_take_a_time() -> None:
    found = expected_durations(PLAN)
    assert set(found.lanes) == {lane.id for lane in PLAN.lanes}
    assert all(min(lane.cases_s.values()) > 0 for lane in found.lanes.values())
    assert found.rests_on == "the sizes of the models; a usual start of 10 s a job"


@pytest.mark.parametrize(
    ("head", "stranger"),
    [
        ({"repo": {"full_name": "somebody/models", "fork": True}}, False),  # a repository may be a fork itself
        ({"repo": {"full_name": "else/models"}}, True),
        ({"repo": None}, True),  # deleted
        ({}, True),
    ],
)
def test_a_fork_is_whose_repository_is_another(head: dict[str, object], stranger: bool, tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    base = {"repo": {"full_name": "somebody/models"}}
    path.write_text(json.dumps({"pull_request": {"base": base, "head": head}}), encoding="utf-8")
    assert from_a_fork({"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(path)}) is stranger
    assert not from_a_fork({"GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(path)})


def test_a_fork_gets_no_machine_of_ones_own() -> None:
    machines = rented(parse_runners('{"any": ["self-hosted", "big"]}'))
    assert machines == {"any": (), "mac": ("macos-15",), "mac-ane": ()}
    assert [job.role for job in planned(runners=machines).jobs] == ["mac"]
