"""The workflows as they stand in the files, run step by step for a stranger's repository: what is green, what never.

The lanes run once, in three shares; what happens to their artifacts and jobs is then tried out on the gate alone.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from sdqa.bundle import Bundle
from tests.ci.gated_place import git
from tests.service.consumer import Consumer, pull_request
from tests.service.runner import ROOT, Ended, Service

pytestmark = pytest.mark.slow

QUALITY = ROOT / ".github" / "workflows" / "quality.yml"
UNITS = ("any:1/3", "any:2/3", "any:3/3")


@dataclass
class Stage:
    """The stranger's repository, and one run of all lanes in three shares."""

    root: Path
    consumer: Consumer
    whole: Service
    runs: list[Service] = field(default_factory=list)

    def again(self, *only: str, **changed: Any) -> Service:
        """A run that begins with what the whole one left; `only` these jobs are run again."""
        given = {"event": self.whole.event, "inputs": self.whole.inputs, **changed}
        service = Service(self.root / f"again-{len(self.runs)}", self.consumer.root, **given)
        self.runs.append(service)
        shutil.copytree(self.whole.artifacts, service.artifacts)
        service.jobs = dict(self.whole.jobs)
        service.run(QUALITY, only=only or ("gate",))
        return service


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    root = tmp_path_factory.mktemp("service")
    consumer = Consumer(root / "stranger", "--repository", "somebody/sdqa@v1")
    base = consumer.first
    (consumer.root / "notes.txt").write_text("a change\n", encoding="utf-8")
    consumer.commit("change")
    whole = Service(root / "whole", consumer.root, event=pull_request(base), inputs={"shards": 3})
    whole.run(QUALITY)
    return Stage(root, consumer, whole)


def exit_code(service: Service) -> int:
    """The gate's, from the outputs that a caller sees; the job ends the same way."""
    gate = service.jobs["gate"]
    assert (gate.result == "success") == (gate.outputs["exit-code"] == "0"), gate.log
    return int(gate.outputs["exit-code"])


def test_a_pull_request_in_three_shares_is_green(stage: Stage) -> None:
    assert exit_code(stage.whole) == 0, stage.whole.jobs["gate"].log
    assert stage.whole.runs == ["plan", *(f"lanes[{unit}]" for unit in UNITS), "gate"]
    assert stage.whole.jobs["plan"].outputs["base"] == stage.consumer.first
    run = Bundle(stage.whole.artifacts / "sdqa-report").read()
    assert {sample.case for lane in run.lanes for sample in lane.samples} == {"one", "two", "three"}
    assert run.cost is not None
    assert run.cost.jobs == 3
    assert (stage.whole.artifacts / "sdqa-report" / "summary.json").exists()


def test_the_jobs_that_decide_install_by_digest_and_the_lanes_take_the_index_arguments(stage: Stage) -> None:
    lines = stage.whole.installed.splitlines()
    assert len(lines) == 5
    assert sum("--require-hashes" in line and "gate.txt" in line for line in lines) == 2
    assert all("torch" not in line for line in lines)


def test_no_subset_of_the_artifacts_is_green(stage: Stage) -> None:
    names = sorted(path.name for path in stage.whole.artifacts.glob("sdqa-bundle-*"))
    assert len(names) == 3
    for count in (1, 2, 3):
        for lost in combinations(names, count):
            service = Service(stage.root / f"lost-{'-'.join(lost)}"[:100], stage.consumer.root, stage.whole.event)
            service.inputs, service.jobs = stage.whole.inputs, dict(stage.whole.jobs)
            kept = [path for path in stage.whole.artifacts.iterdir() if path.name not in lost]
            for path in kept:
                shutil.copytree(path, service.artifacts / path.name)
            service.run(QUALITY, only=("gate",))
            assert exit_code(service) == 4, lost
            assert service.jobs["gate"].outputs["verdict"] == "incomplete"


@pytest.mark.parametrize("result", ["failure", "cancelled", "skipped"])
def test_a_job_that_did_not_succeed_is_never_green(stage: Stage, result: str) -> None:
    for job in ("plan", "lanes"):
        service = Service(stage.root / f"{job}-{result}", stage.consumer.root, stage.whole.event)
        service.inputs, service.jobs = stage.whole.inputs, {**stage.whole.jobs, job: Ended(result)}
        shutil.copytree(stage.whole.artifacts, service.artifacts)
        service.run(QUALITY, only=("gate",))
        assert exit_code(service) == 4, job


def test_a_share_that_was_cancelled_heals_by_running_it_again(stage: Stage) -> None:
    first = Service(stage.root / "first", stage.consumer.root, stage.whole.event, {"shards": 3})
    first.lose = {"lanes[any:2/3]": "cancelled"}
    first.run(QUALITY)
    assert exit_code(first) == 4
    assert "ended as cancelled" in first.jobs["gate"].log
    first.lose, first.attempt = {}, 2
    first.run(QUALITY, only=("lanes", "gate"))
    assert exit_code(first) == 0


def test_a_fork_has_no_secrets_and_the_same_gate(stage: Stage) -> None:
    service = stage.again("plan", "gate", event=pull_request(stage.consumer.first, fork=True))
    assert exit_code(service) == 0


def test_a_merge_queue_is_held_against_what_it_is_put_on(stage: Stage) -> None:
    event = ("merge_group", {"merge_group": {"base_sha": stage.consumer.first}})
    service = stage.again("plan", "gate", event=event)
    assert service.jobs["plan"].outputs["base"] == stage.consumer.first
    assert exit_code(service) == 0


def test_a_looser_judge_is_red_in_a_merge_queue_too(stage: Stage) -> None:
    try:
        stage.consumer.edit("psnr = 10.0\n", "psnr = 1.0\n")
        event = ("merge_group", {"merge_group": {"base_sha": stage.consumer.first}})
        service = Service(stage.root / "looser", stage.consumer.root, event=event, inputs={"shards": 3})
        service.run(QUALITY)
        assert exit_code(service) == 1
        assert service.jobs["gate"].outputs["verdict"] == "judge changed"
    finally:
        git(stage.consumer.root, "reset", "-q", "--hard", "HEAD~1")


def test_a_plan_that_cannot_keep_its_budget_is_red_before_anything_runs(stage: Stage) -> None:
    service = Service(stage.root / "dear", stage.consumer.root, inputs={"budget-minutes": 0.001})
    service.run(QUALITY)
    assert service.jobs["plan"].result == "failure"
    assert service.jobs["lanes"].result == "skipped"
    assert service.jobs["gate"].result == "failure"
    assert "a budget of minutes cannot be kept" in service.jobs["plan"].log  # nobody knows what random weights take


def test_what_the_branch_measured_stands_for_a_change_of_words(stage: Stage, tmp_path: Path) -> None:
    """On a push everything runs and is published; a pull request that touches no lane starts no machine for any."""
    repository = stage.consumer.root
    event = ("push", {"before": stage.consumer.first, "repository": {"default_branch": "main"}})
    branch = Service(tmp_path / "branch", repository, event=event)
    branch.run(QUALITY)
    assert {name: job.result for name, job in branch.jobs.items()} == dict.fromkeys(branch.jobs, "success"), [
        job.log[-2000:] for job in branch.jobs.values() if job.result != "success"
    ]
    try:
        (repository / "README.md").write_text("words\n", encoding="utf-8")
        stage.consumer.commit("words")
        change = Service(tmp_path / "change", repository, event=pull_request(git(repository, "rev-parse", "HEAD~1")))
        change.run(QUALITY)
        assert change.runs == ["plan", "gate"]
        assert exit_code(change) == 0, change.jobs["gate"].log
        run = Bundle(change.artifacts / "sdqa-report").read()
        assert [lane.carried for lane in run.lanes] == [git(repository, "rev-parse", "HEAD~1")]
        queue = Service(tmp_path / "queue", repository, event=("merge_group", {"merge_group": {}}))
        queue.run(QUALITY)
        assert "lanes[any]" in queue.runs
        assert exit_code(queue) == 0
    finally:
        git(repository, "reset", "-q", "--hard", "HEAD~1")
