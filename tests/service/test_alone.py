"""The workflows that `sdqa init --ci github` writes for a repository that calls nobody else's: gate, tasks, release."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from sdqa.bundle import Bundle
from sdqa.bundle.provenance import work_tree
from tests.ci.gated_place import git
from tests.service.consumer import Consumer, pull_request
from tests.service.runner import Service

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Consumer:
    return Consumer(tmp_path_factory.mktemp("alone") / "repository")


@pytest.fixture(scope="module")
def released(alone: Consumer, tmp_path_factory: pytest.TempPathFactory) -> Service:
    """A release: plan, lanes, gate, and the evidence signed."""
    git(alone.root, "tag", "v1")
    event = ("release", {"action": "published", "release": {"tag_name": "v1"}})
    service = Service(tmp_path_factory.mktemp("released") / "service", alone.root, event)
    service.run(alone.workflow)
    return service


def test_the_workflow_that_stands_alone_does_the_same(alone: Consumer, released: Service) -> None:
    assert {name: job.result for name, job in released.jobs.items()} == dict.fromkeys(
        ("plan", "lanes", "gate", "attest"), "success"
    ), released.jobs["gate"].log
    assert released.installed.count(".github/sdqa-gate.txt") == 2
    run = Bundle(released.artifacts / "sdqa-report").read()
    assert run.exit_code == 0
    assert work_tree(alone.root)[1] is False


def test_a_releases_evidence_is_signed_and_nothing_elses(alone: Consumer, released: Service, tmp_path: Path) -> None:
    evidence = (released.artifacts / "sdqa-report" / "run.json").read_bytes()
    assert released.asked("attested") == f"{hashlib.sha256(evidence).hexdigest()}  run.json\n"
    for number, event in enumerate((pull_request(alone.first), ("push", {"before": "0" * 40}))):
        service = Service(tmp_path / str(number), alone.root, event)
        service.jobs = {name: job for name, job in released.jobs.items() if name != "attest"}
        service.run(alone.workflow, only=("attest",))
        assert service.jobs["attest"].result == "skipped"


def test_a_release_whose_gate_is_red_is_not_signed(alone: Consumer, released: Service, tmp_path: Path) -> None:
    service = Service(tmp_path / "red", alone.root, released.event)
    service.jobs = dict(released.jobs)
    service.run(alone.workflow, only=("gate", "attest"))  # none of the bundles is there
    assert service.jobs["gate"].result == "failure"
    assert service.jobs["attest"].result == "skipped"
    assert service.asked("attested") == ""


def test_tasks_by_hand_look_around_and_bring_goldens_as_a_patch(alone: Consumer, tmp_path: Path) -> None:
    tasks = alone.root / ".github" / "workflows" / "tasks.yml"
    smoke = Service(tmp_path / "smoke", alone.root, ("workflow_dispatch", {}), {"task": "smoke"})
    smoke.run(tasks)
    assert smoke.jobs["task"].result == "success", smoke.jobs["task"].log[-3000:]
    assert "cannot be skipped" in smoke.jobs["task"].log
    left = smoke.artifacts / "sdqa-smoke"
    assert json.loads((left / "plan.json").read_text(encoding="utf-8"))["units"]
    assert (left / "changes.patch").read_text(encoding="utf-8") == ""

    alone.edit('"a lake"', '"a green lake"')
    try:
        given = {"task": "goldens", "reason": "another $(lake)"}
        goldens = Service(tmp_path / "goldens", alone.root, ("workflow_dispatch", {}), given)
        goldens.run(tasks)
        assert goldens.jobs["task"].result == "success", goldens.jobs["task"].log[-3000:]
        patch = goldens.artifacts / "sdqa-goldens" / "changes.patch"
        touched = git(alone.root, "apply", "--numstat", str(patch))
        assert "goldens/mini/three/" in touched
        assert "goldens/mini/one/" not in touched
        assert "another $(lake)" in patch.read_text(encoding="utf-8", errors="replace")
    finally:
        git(alone.root, "reset", "-q", "--hard", "HEAD~1")


def test_a_task_that_fails_leaves_no_patch(alone: Consumer, tmp_path: Path) -> None:
    tasks = alone.root / ".github" / "workflows" / "tasks.yml"
    given = {"task": "calibrate", "lane": "mini/none", "reason": "first"}
    service = Service(tmp_path / "none", alone.root, ("workflow_dispatch", {}), given)
    service.run(tasks)
    assert service.jobs["task"].result == "failure"
    assert "mini/none" in service.jobs["task"].log
    assert not (service.artifacts / "sdqa-calibrate").exists()
