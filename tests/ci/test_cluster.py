"""The engine for a cluster: addresses, resources, bundles that come back; and a cluster on this machine."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from sdqa.bundle import Bundle
from sdqa.ci import cluster
from sdqa.ci.cluster import ClusterError, Sent, able, check_scheduler, pack, received, run_jobs, unpack
from sdqa.ci.jobs import PlannedJob
from sdqa.cli import run as sdqa
from sdqa.errors import ExtraMissing, UsageError
from tests.ci.gated_place import git

ROOT = Path(__file__).parents[2]


def job(role: str, unit: str = "") -> PlannedJob:
    return PlannedJob(unit=unit or role, role=role, runner=("x",), parts=(), unet_calls=1)


@pytest.mark.parametrize("address", ["tls://cluster:8786", "tcp://127.0.0.1:8786", "tcp://localhost:1"])
def test_an_address_is_encrypted_or_here(address: str) -> None:
    assert check_scheduler(address) == address


@pytest.mark.parametrize(
    "address", ["tcp://cluster:8786", "http://x:1", "tls://x", "x:8786", "tls://x:y", "ucx://127.0.0.1:1"]
)
def test_nothing_crosses_a_network_in_the_clear(address: str) -> None:
    with pytest.raises(UsageError, match="scheduler's address"):
        check_scheduler(address)


def test_a_job_goes_where_its_machine_is() -> None:
    linux: dict[str, float] = {}
    mac = {"mac": 1.0, "ane": 1.0}
    assert [able(job(role), [linux]) for role in ("any", "mac", "mac-ane")] == [True, False, False]
    assert [able(job(role), [linux, mac]) for role in ("any", "mac", "mac-ane")] == [True, True, True]
    assert not able(job("any"), [])


class Future:
    """A task that has ended."""

    def __init__(self, error: Exception | None, end: object) -> None:
        self.exception, self.result = lambda: error, lambda: end


class Scheduler:
    """A client whose tasks end at once, as somebody says."""

    def __init__(self, **ends: Any) -> None:
        self.ends, self.asked = ends, []  # type: ignore[var-annotated]

    def scheduler_info(self, n_workers: int = 5) -> dict[str, Any]:
        return {"workers": {"a": {"resources": {"ane": 1}}, "b": {"resources": None}}}

    def submit(self, _: object, unit: str, **options: Any) -> Any:
        self.asked.append((unit, options.get("resources"), options["retries"]))
        end = self.ends.get(unit, Sent(unit, 0, "", b""))
        failed = isinstance(end, Exception)
        return Future(end if failed else None, end)


def test_jobs_ask_for_the_engine_and_a_lost_one_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(distributed, "as_completed", iter)
    scheduler = Scheduler(any=RuntimeError("a worker died three times"))
    found = list(run_jobs(scheduler, [job("any"), job("mac"), job("mac-ane")], lambda one: (one.unit,)))  # type: ignore[arg-type]
    assert scheduler.asked == [("any", None, 2), ("mac-ane", {"ane": 1}, 2)]
    assert found[0] == "mac: no worker offers {'mac': 1}: it is not run"
    assert {str(one) for one in found[1:]} == {
        "any: lost: RuntimeError: a worker died three times",
        str(Sent("mac-ane", 0, "", b"")),
    }


def test_a_bundle_comes_back_whole(bundle: Bundle, tmp_path: Path) -> None:
    lines = list(
        received([Sent("any:1/2", 0, "", pack(bundle.folder)), Sent("mac", 3, "no Mac", b""), "x: lost"], tmp_path)
    )
    assert lines == ["any:1/2: exit code 0", "mac: exit code 3, and no bundle\nno Mac", "x: lost"]
    assert Bundle(tmp_path / "sdqa-bundle-any-1-2").read().identity() == bundle.read().identity()


def archive(name: str, size: int = 1) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as found:
        found.writestr(name, bytes(size))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cannot be unpacked"),
        (b"PK\x03\x04" + bytes(40), "cannot be unpacked"),
        (archive("../outside"), "a place outside"),
        (archive("/etc/outside"), "a place outside"),
        (archive("large", cluster.MAX_PACKED_BYTES + 1), "too large"),
    ],
    ids=["nothing", "torn", "above", "absolute", "large"],
)
def test_what_is_no_bundle_is_refused(data: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=words):
        unpack(data, tmp_path / "in")
    assert not list(tmp_path.rglob("outside"))


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ExtraMissing) as raised:
        cluster.demand_dask()
    assert "sdqa[dask]" in raised.value.hint


@pytest.mark.parametrize(
    "options", [["--engine", "dask", "-k", "x"], ["--engine", "dask", "--fault", "nan"], ["--shards", "2"]]
)
def test_options_that_do_not_go_together(options: list[str]) -> None:
    assert sdqa(["qa", *options]) == 2


SUITE = """
schema_version = 1
name = "clustered"
goldens = "goldens"
[plugins]
modules = ["mortal"]
[models.mini]
source = "random:miniature"
[variants.fp16]
precision = "float16"
[[lanes]]
model = "mini"
variants = ["fp16"]
runtime = "torch"
[metrics]
names = ["finite", "shape", "psnr"]
[limits]
psnr = 10.0
parity_psnr = 10.0
[defaults]
scheduler = "ddim"
steps = 2
[cases.one]
prompt = "a man with red hair"
seed = 1
[cases.two]
prompt = "a house"
seed = 2
"""
MORTAL = '''
"""The first unit of all takes its worker with it."""

import os
import signal
from pathlib import Path

mark = Path(__file__).with_name(".sdqa") / "killed"
if os.environ.get("SDQA_TEST_KILL") and "unit" in __import__("sys").argv and not mark.exists():
    mark.parent.mkdir(exist_ok=True)
    mark.touch()
    os.kill(os.getppid(), signal.SIGKILL)
'''


@pytest.mark.long
def test_a_killed_worker_costs_one_unit_and_the_document_is_that_of_one_job(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    for name, text in {"sdqa.toml": SUITE, "mortal.py": MORTAL, ".gitignore": ".sdqa/\n__pycache__/\n"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    def run(*arguments: str, **more: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **more}
        command = [sys.executable, "-m", "sdqa", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout

    run("goldens", "--no-check-stability")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "first")
    run("ci", "unit", "any", "--output", ".sdqa/bundles/one")
    run("ci", "gate", ".sdqa/bundles", "--output", ".sdqa/whole")
    said = run("qa", "--engine", "dask", "--shards", "2", "--output", ".sdqa/clustered", SDQA_TEST_KILL="1")
    assert (tmp_path / ".sdqa" / "killed").exists()
    assert sorted(line for line in said.splitlines() if line.startswith("any:")) == [
        "any:1/2: exit code 0",
        "any:2/2: exit code 0",
    ]
    whole, clustered = (Bundle(tmp_path / ".sdqa" / name).read() for name in ("whole", "clustered"))
    assert clustered.identity() == whole.identity()
