"""Strangers' repositories from `sdqa init` to the gate: a Mac that joins, a fork, pictures that lie outside of git."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from sdqa.bundle import Bundle, Run
from sdqa.gate.manifest import read_manifest
from tests.ci.gated_place import git
from tests.service.consumer import LARGE, LARGE_SUITE, MAC, MAC_SUITE, Consumer, pull_request
from tests.service.runner import ROOT, Service

pytestmark = pytest.mark.long

WORKFLOWS = ROOT / ".github" / "workflows"
QUALITY = WORKFLOWS / "quality.yml"
ENGINE = "mini/fp16@pretended-cpu_and_ne"


def report(service: Service) -> Run:
    return Bundle(service.artifacts / "sdqa-report").read()


def said(service: Service) -> str:
    return "".join(job.log[-3000:] for job in service.jobs.values() if job.result != "success")


# A Mac joins.


@pytest.fixture(scope="module")
def apples(tmp_path_factory: pytest.TempPathFactory) -> Consumer:
    """A suite of which one lane needs a Neural Engine."""
    root = tmp_path_factory.mktemp("apples") / "stranger"
    return Consumer(root, "--repository", "somebody/sdqa@v1", suite=MAC_SUITE, files={"pretended_mac.py": MAC})


def test_a_mac_is_judged_provisionally_until_a_task_calibrates_it(apples: Consumer, tmp_path: Path) -> None:
    """The caller that `init` wrote, the task on each machine, its patch committed, and the caller again."""
    before = Service(tmp_path / "before", apples.root, pull_request(apples.first))
    before.run(apples.workflow)
    assert before.jobs["quality"].result == "success", said(before)
    assert before.runs[1:3] == ["quality / lanes[any]", "quality / lanes[mac-ane]"]
    run = report(before)
    assert {lane.id: lane.fingerprint.system for lane in run.lanes} == {"mini/fp16@torch": "Linux", ENGINE: "Darwin"}
    assert any(verdict.provisional for lane in run.lanes if lane.id == ENGINE for verdict in lane.verdicts)

    labels = '["self-hosted", "macOS", "sdqa-ane"]'
    given = {"task": "calibrate", "lane": ENGINE, "reason": "first of this machine", "runner": labels}
    task = Service(tmp_path / "task", apples.root, ("workflow_dispatch", {}), given)
    task.run(WORKFLOWS / "by-hand.yml")
    assert task.jobs["task"].result == "success", said(task)
    git(apples.root, "apply", str(task.artifacts / "sdqa-calibrate" / "changes.patch"))
    base, _ = apples.head, apples.commit("Calibrate")

    after = Service(tmp_path / "after", apples.root, pull_request(base))
    after.run(apples.workflow)
    assert after.jobs["quality"].result == "success", said(after)
    [lane] = [lane for lane in report(after).lanes if lane.id == ENGINE]
    assert not any(verdict.provisional for verdict in lane.verdicts)
    assert report(after).judge_comparison


def test_a_fork_gets_no_machine_of_ones_own_and_stays_red(apples: Consumer, tmp_path: Path) -> None:
    secrets = {"hub-token": "secret-hub", "goldens-key": "secret-key"}
    fork = Service(tmp_path / "fork", apples.root, pull_request(apples.first, fork=True), secrets=secrets)
    fork.run(QUALITY)
    assert fork.runs == ["plan", "lanes[any]", "gate"]
    assert "no job for a machine of your own" in fork.jobs["plan"].log
    run = report(fork)
    assert run.exit_code == 4
    assert {lane.id: lane.status for lane in run.lanes} == {"mini/fp16@torch": "ran", ENGINE: "incomplete"}


def test_a_machine_of_ones_own_waits_for_its_environment(apples: Consumer, tmp_path: Path) -> None:
    inputs = {"environment": "macs"}
    waiting = Service(tmp_path / "waiting", apples.root, pull_request(apples.first), inputs, approved=False)
    waiting.run(QUALITY)
    assert waiting.runs == ["plan", "lanes[any]", "gate"]
    assert waiting.jobs["lanes"].result == "cancelled"
    assert report(waiting).exit_code == 4


# Pictures outside of git.


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """An S3 on loopback, as variables name it."""
    moto = pytest.importorskip("moto.server")
    s3fs = pytest.importorskip("s3fs")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_DEFAULT_REGION": "us-east-1", "no_proxy": host}
    for name, value in {**address, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().mkdirs("pictures", exist_ok=True)
    yield address
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.mark.parametrize("kind", ["file", "s3"])
def test_pictures_of_512_px_lie_where_the_repository_says(
    kind: str, tmp_path: Path, address: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = "s3://pictures/goldens" if kind == "s3" else f"file://{tmp_path}/pictures"
    monkeypatch.setenv("SDQA_GOLDENS_PLACE", place)
    monkeypatch.setenv("SDQA_CACHE", str(tmp_path / "home"))
    consumer = Consumer(tmp_path / "stranger", suite=LARGE_SUITE, files={"large.py": LARGE})
    manifest = read_manifest(consumer.root / "goldens" / "mini" / "one")
    assert any(file.place != "folder" for file in manifest.files.values())
    secrets = {"SDQA_GOLDENS_KEY_ID": "key", "SDQA_GOLDENS_KEY": "secret"}
    alone = Service(
        tmp_path / "alone", consumer.root, extra=address, variables={"SDQA_GOLDENS_PLACE": place}, secrets=secrets
    )
    alone.run(consumer.workflow)
    assert report(alone).exit_code == 0, said(alone)
    bundle = Bundle(alone.artifacts / "sdqa-report")
    [sample] = [sample for lane in bundle.read().lanes for sample in lane.samples]
    assert Image.open(io.BytesIO(bundle.read_blob(sample.images["golden"]))).size == (512, 512)

    inputs, secrets = {"goldens": place}, {"goldens-key-id": "key", "goldens-key": "secret"}
    service = Service(tmp_path / "called", consumer.root, extra=address, inputs=inputs, secrets=secrets)
    service.run(QUALITY)
    assert report(service).exit_code == 0, said(service)

    nowhere = Service(
        tmp_path / "nowhere", consumer.root, extra=address, inputs={"goldens": f"{place}-that-is-not-there"}
    )
    nowhere.run(QUALITY)
    assert nowhere.jobs["gate"].result == "failure"
