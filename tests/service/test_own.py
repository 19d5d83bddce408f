"""This repository's own workflow, with a small suite in place of its own: what is required, kept, published, by hand.

`nox` is a program that writes down what it was asked for, and is red where a fault is planted.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sdqa.bundle import Bundle
from sdqa.history import open_place
from tests.ci.gated_place import git
from tests.service.consumer import Consumer
from tests.service.runner import ROOT, Refused, Service

pytestmark = pytest.mark.long

QA, BY_HAND = (ROOT / ".github" / "workflows" / name for name in ("qa.yml", "by-hand.yml"))
NOX = """#!/bin/sh
echo "$@" >> "$SDQA_TEST_NOX"
case "$*" in
  *--fault*) while [ "$1" != "--output" ]; do shift; done; mkdir -p "$2"
             echo '<failure type="gate"' > "$2/junit.xml"; exit 1;;
esac
"""
BLIND = '#!/bin/sh\ncase "$*" in *--fault*) exit 0;; esac\n'
PUSH = ("push", {"before": "0" * 40, "repository": {"default_branch": "main"}})


@pytest.fixture(scope="module")
def main(tmp_path_factory: pytest.TempPathFactory) -> Service:
    """A push to the main branch, with pages switched on."""
    root = tmp_path_factory.mktemp("own")
    consumer = Consumer(root / "repository")
    shutil.rmtree(consumer.root / ".github")
    shutil.copytree(ROOT / ".github", consumer.root / ".github")
    consumer.commit("This project's workflows")
    variables = {"SDQA_PAGES": "true"}
    service = Service(root / "push", consumer.root, PUSH, tools={"nox": NOX}, variables=variables)
    service.run(QA)
    return service


def again(service: Service, name: str, **changed: Any) -> Service:
    """Another run for the same repository; the quality part stands as it ended."""
    fresh = replace(service, place=service.place.parent / name, jobs={}, runs=[], **changed)
    if "quality" in service.jobs and "lose" not in changed:
        fresh.jobs = {"quality": service.jobs["quality"]}
    return fresh


def test_a_push_to_the_branch_is_gated_recorded_and_published(main: Service) -> None:
    results = {name: job.result for name, job in main.jobs.items() if " / " not in name}
    assert set(results.values()) == {"success"}, [j.log[-2000:] for j in main.jobs.values() if j.result == "failure"]
    assert "quality / lanes[any]" in main.runs
    assert main.jobs["quality"].outputs["verdict"].startswith("pass")
    asked = main.asked("nox").splitlines()
    assert asked.count("-s lint") == 2
    assert sum("--fault" in line for line in asked) == 4
    assert len(open_place("git:sdqa-history", folder=main.repository).names()) == 1
    assert git(main.repository, "rev-parse", "--abbrev-ref", "HEAD") == "main"
    assert (main.site / "index.html").is_file()
    assert main.jobs["pages"].outputs["page"] == "https://somebody.example/models/"


def test_what_every_other_event_keeps_is_nothing(main: Service) -> None:
    git(main.repository, "tag", "-f", "v1")
    for name, event in {
        "release": ("release", {"action": "published", "release": {"tag_name": "v1"}}),
        "queue": ("merge_group", {"merge_group": {"base_sha": main.sha}}),
    }.items():
        service = again(main, name, event=event)
        service.jobs = {}
        service.run(QA)
        assert service.jobs["all"].result == "success", service.jobs["quality"].log[-2000:]
        assert service.jobs["history"].result == service.jobs["pages"].result == "skipped"
        evidence = (service.artifacts / "sdqa-report" / "run.json").read_bytes()
        signed = f"{hashlib.sha256(evidence).hexdigest()}  run.json\n"
        assert service.asked("attested") == (signed if name == "release" else "")
        assert service.jobs["attest"].result == ("success" if name == "release" else "skipped")
        run = Bundle(service.artifacts / "sdqa-report").read()
        assert run.provenance is not None
        assert run.provenance.commit == git(main.repository, "rev-parse", "v1^{commit}")
    assert len(open_place("git:sdqa-history", folder=main.repository).names()) == 1


@pytest.mark.parametrize("fate", ["failure", "cancelled", "skipped"])
@pytest.mark.parametrize("job", ["quality", "tests", "alarms"])
def test_no_job_of_its_own_can_be_missed(main: Service, job: str, fate: str) -> None:
    service = again(main, f"{job}-{fate}")
    service.jobs = dict(main.jobs)
    service.jobs[job] = replace(main.jobs[job], result=fate)
    service.run(QA, only=("all",))
    assert service.jobs["all"].result == "failure"


def test_what_was_red_is_not_signed(main: Service) -> None:
    release = ("release", {"action": "published", "release": {"tag_name": "v1"}})
    git(main.repository, "tag", "-f", "v1")
    service = again(main, "red-release", event=release)
    service.jobs = {**main.jobs, "tests": replace(main.jobs["tests"], result="failure")}
    service.run(QA, only=("all", "attest"))
    assert service.jobs["attest"].result == "skipped"
    assert service.asked("attested") == ""


def test_an_alarm_that_does_not_ring_is_red(main: Service) -> None:
    service = again(main, "blind", tools={"nox": BLIND})
    service.run(QA, only=("alarms",))
    assert service.jobs["alarms"].result == "failure"
    assert "the gate did not turn red" in service.jobs["alarms"].log


def test_a_caller_that_gives_too_few_rights_is_not_started(main: Service, tmp_path: Path) -> None:
    text = QA.read_text(encoding="utf-8")
    for name in ("contents: write", "pages: write", "id-token: write", "attestations: write"):
        path = tmp_path / "qa.yml"
        path.write_text(text.replace(f"      {name}\n", f"      {name.partition(':')[0]}: read\n"), encoding="utf-8")
        release = ("release", {"release": {"tag_name": "v1"}})
        service = again(main, f"poor-{name[:5]}", **({"event": release} if name.startswith("att") else {}))
        service.jobs = dict(main.jobs)
        with pytest.raises(Refused, match=name):
            service.run(path, only=("attest", "history", "pages"))


def test_by_hand_the_repository_is_looked_over_and_goldens_come_as_a_patch(main: Service) -> None:
    smoke = again(main, "smoke", event=("workflow_dispatch", {}), inputs={"task": "smoke"})
    smoke.run(BY_HAND)
    assert smoke.jobs["task"].result == "success", smoke.jobs["task"].log[-3000:]
    assert "cannot be skipped" in smoke.jobs["task"].log
    assert (smoke.artifacts / "sdqa-smoke" / "plan.json").is_file()
    suite = main.repository / "sdqa.toml"
    suite.write_text(suite.read_text(encoding="utf-8").replace('"a lake"', '"a green lake"'), encoding="utf-8")
    git(main.repository, "commit", "-q", "-a", "-m", "Another lake")
    try:
        inputs = {"task": "goldens", "reason": "another lake"}
        goldens = again(main, "goldens", event=("workflow_dispatch", {}), inputs=inputs)
        goldens.run(BY_HAND)
        assert goldens.jobs["task"].result == "success", goldens.jobs["task"].log[-3000:]
        patch = goldens.artifacts / "sdqa-goldens" / "changes.patch"
        touched = git(main.repository, "apply", "--numstat", str(patch))
        assert "goldens/mini/three/" in touched
        assert "goldens/mini/one/" not in touched
    finally:
        git(main.repository, "reset", "-q", "--hard", "HEAD~1")
