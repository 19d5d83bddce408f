"""A machine's whole life as a runner: set up, armed, one job, status, drained, removed; twice, and nothing is left."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sdqa.cli import run
from sdqa.errors import EXIT_INCOMPLETE, EXIT_INFRASTRUCTURE, EXIT_INTERRUPTED, EXIT_PASS, EXIT_USAGE
from tests.runner.conftest import TOKEN
from tests.runner.github import SCOPE, FakeGitHub
from tests.runner.machine import Machine

SERVICES = {"launchd": "Darwin", "systemd": "Linux"}


def setup(machine: Machine, *more: str) -> int:
    where = ["--scope", SCOPE, "--name", "desk", "--archive", str(machine.archive), "--sha256", machine.sha256]
    return run(["runner", "setup", *where, *more])


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 15
    while not is_so():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def is_lived(capsys: pytest.CaptureFixture[str]) -> bool:
    run(["runner", "status", "--json"])
    return bool(json.loads(capsys.readouterr().out)["running"])


def tree(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything in a folder that a run could change, but what a life is doing."""
    return {
        str(path): (path.lstat().st_mtime_ns, path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
        if "work" not in path.relative_to(folder).parts
    }


@pytest.mark.parametrize("service", SERVICES)
def test_set_up_one_job_status_remove_twice_leaves_no_file(
    service: str,
    machine: Machine,
    github: FakeGitHub,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("platform.system", lambda: SERVICES[service])
    other = github.add("somebody-else")
    for _ in range(2):
        assert setup(machine) == EXIT_PASS
        until(lambda: any(one["status"] == "online" and one["id"] != other for one in github.runners.values()))
        capsys.readouterr()
        assert run(["runner", "status", "--json"]) == EXIT_PASS
        said = json.loads(capsys.readouterr().out)
        assert (said["works"], said["running"], said["armed"], said["drained"]) == (True, True, False, False)
        assert said["state"]["version"] == "2.340.1"
        assert [one["status"] for one in said["registered"]] == ["online"]

        machine.job()
        until(lambda: list(github.runners) == [other])
        assert github.jobs[-1][1] == "success"
        until(lambda: not (home / ".sdqa-runner" / "work" / "life").exists())
        assert Path((machine.control / "home").read_text()).parts[-3:] == ("work", "life", "home")
        until(lambda: not is_lived(capsys))
        assert run(["runner", "status"]) == EXIT_INCOMPLETE
        assert "setup once more arms the next life" in capsys.readouterr().out

        assert run(["runner", "remove"]) == EXIT_PASS
        assert [str(path) for path in home.rglob("*") if not path.is_dir()] == []
        assert not (home / ".sdqa-runner").exists()
    assert list(github.runners) == [other]
    assert len(github.jobs) == 2
    assert run(["runner", "remove"]) == EXIT_PASS  # nothing is there, and that is said


@pytest.mark.parametrize("service", SERVICES)
def test_a_second_run_changes_nothing_and_the_next_life_is_armed_when_one_ended(
    service: str,
    machine: Machine,
    github: FakeGitHub,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("platform.system", lambda: SERVICES[service])
    machine.command("ask-core-ml", "echo 16")
    assert setup(machine) == EXIT_PASS
    assert ("ask-core-ml " in machine.calls()) == (service == "launchd")
    until(lambda: any(one["status"] == "online" for one in github.runners.values()))
    before, calls, writes = tree(home), machine.changes(), github.writes()
    (machine.state.parent / "linger").mkdir(exist_ok=True)
    monkeypatch.setattr("sdqa.runner.service.LINGERING", machine.state.parent)
    (machine.state.parent / "tester").touch()
    capsys.readouterr()
    assert setup(machine) == EXIT_PASS
    assert "nothing was to be done" in capsys.readouterr().out
    assert (tree(home), machine.changes(), github.writes()) == (before, calls, writes)

    machine.job()
    until(lambda: not github.runners and not is_lived(capsys))
    assert setup(machine) == EXIT_PASS
    assert len([one for one in github.writes() if one[0] == "POST"]) == 2
    until(lambda: any(one["status"] == "online" for one in github.runners.values()))
    assert run(["runner", "remove"]) == EXIT_PASS


def test_the_foreground_lives_one_job_after_the_other(
    machine: Machine, github: FakeGitHub, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (machine.state / "session").unlink()  # no systemd for this user: `auto` takes the foreground
    machine.job()
    assert setup(machine, "--lives", "1") == EXIT_PASS
    machine.job()
    assert setup(machine, "--lives", "1") == EXIT_PASS
    assert [outcome for _, outcome in github.jobs] == ["success", "success"]
    assert github.jobs[0][0] != github.jobs[1][0]
    assert github.runners == {}
    assert list((home / ".sdqa-runner" / "work").iterdir()) == []  # no configuration, no life, nothing of the job
    assert "TOKEN" not in (machine.control / "seen").read_text()
    assert run(["runner", "remove"]) == EXIT_PASS
    assert list(home.iterdir()) == []


def test_lives_that_end_badly_end_the_loop_and_take_their_registrations_back(
    machine: Machine, github: FakeGitHub, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert setup(machine, "--service", "systemd") == EXIT_PASS
    assert run(["runner", "remove"]) == EXIT_PASS
    (machine.state / "session").unlink()
    machine.control.rename(machine.control.with_name("gone"))  # the fake runner fails at once
    assert setup(machine) == EXIT_INFRASTRUCTURE
    assert "3 lives in a row" in capsys.readouterr().err
    assert github.runners == {}
    machine.control.with_name("gone").rename(machine.control)


def test_a_pull_request_of_a_fork_is_refused_by_the_hook(machine: Machine, github: FakeGitHub, tmp_path: Path) -> None:
    (machine.state / "session").unlink()
    event = tmp_path / "event.json"
    head, base = ({"repo": {"full_name": name}} for name in ("stranger/models", SCOPE))
    event.write_text(json.dumps({"pull_request": {"head": head, "base": base}}))
    machine.job("pull_request", GITHUB_EVENT_PATH=str(event))
    assert setup(machine, "--lives", "1") == EXIT_PASS
    assert [outcome for _, outcome in github.jobs] == ["refused"]


def test_drained_finishes_its_job_and_takes_no_other(
    machine: Machine, github: FakeGitHub, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert setup(machine) == EXIT_PASS
    until(lambda: any(one["status"] == "online" for one in github.runners.values()))
    [number] = github.runners
    github.runners[number]["busy"] = True
    assert run(["runner", "drain"]) == EXIT_INCOMPLETE
    assert list(github.runners) == [number]
    assert run(["runner", "remove"]) == EXIT_INFRASTRUCTURE
    assert "--force" in capsys.readouterr().err
    assert setup(machine) == EXIT_USAGE  # not again, without being told so
    github.runners[number]["busy"] = False
    assert run(["runner", "drain"]) == EXIT_PASS
    assert github.runners == {}
    until(lambda: not (home / ".sdqa-runner" / "work" / "life").exists())
    capsys.readouterr()
    assert run(["runner", "status"]) == EXIT_INCOMPLETE
    assert "drained" in capsys.readouterr().out
    assert setup(machine, "--resume") == EXIT_PASS
    until(lambda: any(one["status"] == "online" for one in github.runners.values()))
    assert run(["runner", "remove"]) == EXIT_PASS


def test_a_dry_run_says_what_is_done_and_does_nothing(
    machine: Machine,
    github: FakeGitHub,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert setup(machine, "--dry-run") == EXIT_PASS
    planned = [line.partition(": ")[2] for line in capsys.readouterr().out.splitlines()]
    assert list(home.iterdir()) == []
    assert github.asked == []
    assert machine.changes() == []
    assert setup(machine) == EXIT_PASS
    done = [line.partition(": ")[2] for line in capsys.readouterr().out.splitlines()]
    assert done == planned
    until(lambda: any(one["status"] == "online" for one in github.runners.values()))
    assert run(["runner", "remove", "--dry-run"]) == EXIT_PASS
    assert (home / ".sdqa-runner").exists()
    assert run(["runner", "remove", "--local"]) == EXIT_PASS
    assert len(github.runners) == 1  # nobody told GitHub
    assert not (home / ".sdqa-runner").exists()


def test_a_download_is_held_to_its_published_digest(
    machine: Machine,
    github: FakeGitHub,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    (machine.state / "session").unlink()
    name = machine.archive.name
    github.files[name] = machine.archive.read_bytes()
    one = {"os": "linux", "architecture": "x64", "download_url": f"{github.url}/files/{name}", "filename": name}
    github.downloads = [{"os": "osx", "architecture": "arm64"}, {**one, "sha256_checksum": "0" * 64}]
    arguments = ["runner", "setup", "--scope", SCOPE, "--name", "desk", "--download", "--lives", "1"]
    assert run(arguments) == EXIT_INFRASTRUCTURE
    assert "sha256" in capsys.readouterr().err
    assert not (home / ".sdqa-runner" / "application").exists()
    github.downloads = [one]
    assert run(arguments) == EXIT_INFRASTRUCTURE
    assert "without a digest" in capsys.readouterr().err
    github.downloads = [{**one, "sha256_checksum": machine.sha256}]
    machine.job()
    assert run(arguments) == EXIT_PASS
    machine.job()
    assert run(arguments) == EXIT_PASS
    assert github.authorised == [False, False]  # fetched twice in all, and the token did not go along


def test_the_token_is_nowhere_but_in_the_request(
    machine: Machine, github: FakeGitHub, home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GH_TOKEN", TOKEN)
    github.scripted = [(400, {}, json.dumps({"message": f"{TOKEN} is wrong"}).encode())]  # repeated by the other side
    assert setup(machine) == EXIT_INFRASTRUCTURE
    assert setup(machine) == EXIT_PASS
    until(lambda: any(one["status"] == "online" for one in github.runners.values()))
    run(["runner", "status"])
    run(["runner", "doctor", "--api", github.url])
    lying = [path for folder in (home, machine.state) for path in folder.rglob("*") if path.is_file()]
    lying += [machine.log, machine.log.with_name("log.environment")]
    assert len(lying) > 8
    assert machine.log.with_name("log.environment").stat().st_size > 0
    assert [str(path) for path in lying if TOKEN.encode() in path.read_bytes()] == []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line, belongs = (process / "cmdline").read_bytes(), str(home).encode() in (process / "cmdline").read_bytes()
            told = (process / "environ").read_bytes() if belongs else b""
        except OSError:
            continue
        assert TOKEN.encode() not in line + told, process
        assert github.configurations[-1].encode() not in line, process  # the job's credential is in no argv either
    machine.job()
    until(lambda: not github.runners)
    assert run(["runner", "remove"]) == EXIT_PASS
    said = capfd.readouterr()
    assert TOKEN not in said.out + said.err
    assert not any(one in said.out + said.err for one in github.configurations)


def test_the_token_comes_from_standard_input_too(
    machine: Machine, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import io

    monkeypatch.delenv("SDQA_RUNNER_TOKEN")
    assert setup(machine) == EXIT_USAGE
    monkeypatch.setattr("sys.stdin", io.StringIO("half a token"))
    assert setup(machine, "--token-stdin") == EXIT_USAGE
    assert "half" not in capsys.readouterr().err
    assert github.asked == []
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{TOKEN}\n"))
    assert setup(machine, "--token-stdin") == EXIT_PASS
    until(lambda: any(one["status"] == "online" for one in github.runners.values()))
    assert run(["runner", "remove", "--local"]) == EXIT_PASS


def test_a_configuration_that_cannot_be_kept_is_taken_back(
    machine: Machine, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def full(path: object, *rest: object, **more: object) -> int:
        if str(path).endswith("/once"):
            raise OSError(28, "No space left on device")
        return real(path, *rest, **more)  # type: ignore[call-overload]

    monkeypatch.setattr("os.open", full)
    assert setup(machine) == EXIT_INFRASTRUCTURE
    assert github.runners == {}


def test_a_loop_that_is_ended_takes_its_registration_back(
    machine: Machine, github: FakeGitHub, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def end() -> None:
        until(lambda: any(one["status"] == "online" for one in github.runners.values()))
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    ending = threading.Thread(target=end)
    ending.start()
    assert setup(machine, "--service", "foreground") == EXIT_INTERRUPTED
    ending.join()
    assert github.runners == {}
    assert not (home / ".sdqa-runner" / "work" / "life").exists()
    assert signal.getsignal(signal.SIGTERM) is before
