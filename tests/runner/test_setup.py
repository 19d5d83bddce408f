"""What setting up refuses, what it writes for whom, and the files of fleets."""

from __future__ import annotations

import json
import plistlib
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from sdqa.cli import run
from sdqa.errors import EXIT_PASS, EXIT_USAGE, UsageError
from sdqa.runner import fleet, setup, texts
from sdqa.runner.place import RunnerFolder, RunnerState, choose_root
from sdqa.runner.users import check_user
from tests.runner.github import SCOPE, FakeGitHub
from tests.runner.machine import Machine

STATE = RunnerState("desk", SCOPE, "https://api.github.com", ("self-hosted", "m4"), 1, "launchd")


def test_jobs_never_run_as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    for user in ("", "root"):
        with pytest.raises(UsageError, match="root"):
            setup.check_user(user)
    setup.check_user("sdqa-runner")
    monkeypatch.setattr("os.geteuid", lambda: 501)
    setup.check_user("")
    with pytest.raises(UsageError, match="only root"):
        setup.check_user("sdqa-runner")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--scope", "a/b/c", "--download"],
        ["--scope", SCOPE, "--name", "a b", "--download"],
        ["--scope", SCOPE, "--label", "a,b", "--download"],
        ["--scope", SCOPE, "--user", "Robert; drop", "--download"],
        ["--scope", SCOPE, "--archive", "x.tar.gz"],
        ["--scope", SCOPE, "--archive", "x.tar.gz", "--sha256", "0" * 64, "--download"],
        ["--scope", SCOPE, "--archive", "x.tar.gz", "--sha256", "12"],
        ["--scope", SCOPE],
        ["--scope", SCOPE, "--download", "--root", "/"],
        ["--scope", SCOPE, "--download", "--api", "http://api.github.com"],
        ["--scope", SCOPE, "--download", "--service", "launchd"],
        ["--scope", SCOPE, "--download", "--isolation", "tart", "--image", "x;y"],
    ],
)
def test_a_wrong_command_line_is_refused_before_anything_is_done(
    machine: Machine, github: FakeGitHub, home: Path, arguments: list[str]
) -> None:
    assert run(["runner", "setup", *arguments]) == EXIT_USAGE
    assert github.asked == []
    assert list(home.iterdir()) == []


def test_a_home_is_no_folder_for_a_runner(home: Path) -> None:
    for root in (home, Path("/"), Path("/opt")):
        with pytest.raises(UsageError, match="folder of its own"):
            choose_root(root, "")
    assert choose_root(None, "") == home / ".sdqa-runner"
    assert choose_root(None, "sdqa-runner") == Path("/opt/sdqa-runner/sdqa-runner")  # not in a home that is theirs


def test_a_user_of_their_own_is_made_and_given_what_they_may_write(
    machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.command("id", "exit 1")
    monkeypatch.setattr("sdqa.runner.service.BOOTED", machine.state)
    where = ["--scope", SCOPE, "--name", "desk", "--archive", str(machine.archive), "--sha256", machine.sha256]
    assert run(["runner", "setup", *where, "--user", "sdqa-runner", "--dry-run"]) == EXIT_PASS
    planned = [line.partition(": ")[2] for line in capsys.readouterr().out.splitlines()]
    assert planned[0] == "useradd --create-home --shell /bin/sh sdqa-runner"
    assert "loginctl enable-linger sdqa-runner" in planned
    assert planned[-1] == "systemctl --user --machine=sdqa-runner@ start --no-block sdqa-runner-desk.service"
    with pytest.raises(UsageError, match="user's name"):
        check_user("Root")


def test_another_runner_is_not_set_up_over_one(machine: Machine, home: Path) -> None:
    RunnerFolder(home / ".sdqa-runner").write(STATE)
    where = ["--archive", str(machine.archive), "--sha256", machine.sha256]
    assert run(["runner", "setup", "--scope", "else/where", "--name", "desk", *where]) == EXIT_USAGE


def test_the_files_say_what_they_should(tmp_path: Path) -> None:
    place = RunnerFolder(tmp_path / "it's a folder")
    agent = plistlib.loads(texts.launch_agent(place, "sdqa.runner.desk"))
    assert agent["ProgramArguments"] == ["/bin/sh", str(place.script)]
    assert agent["LimitLoadToSessionType"] == "Aqua"
    assert "KeepAlive" not in agent  # one life is one job
    unit = texts.systemd_unit(RunnerFolder(Path("/srv/100%")), "desk")
    assert 'ExecStart=/bin/sh "/srv/100%%/life.sh"' in unit
    for state in (STATE, replace(STATE, isolation="tart")):
        script = tmp_path / "life.sh"
        script.write_text(texts.one_life(place, state))
        for shell in ("sh", "bash"):
            assert subprocess.run([shell, "-n", str(script)], check=False).returncode == 0


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="there is no shellcheck here")
def test_shellcheck_has_nothing_to_say(tmp_path: Path) -> None:
    place = RunnerFolder(tmp_path / "a folder")
    scripts = [texts.one_life(place, STATE), texts.one_life(place, replace(STATE, isolation="tart")), texts.hook()]
    scripts += [text for name, (text, _) in fleet.files("orchard", STATE).items() if name.endswith(".sh")]
    for number, text in enumerate(scripts):
        (tmp_path / f"{number}.sh").write_text(text)
    command = ["shellcheck", "--severity=warning", *map(str, sorted(tmp_path.glob("*.sh")))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == ""


TART = """case "$1" in
    exec) shift; [ "$1" = -i ] && shift; shift
        [ "$1" = true ] || { sed "s:/Volumes/My Shared Files:$SHARED:g" > /dev/null < /dev/null; cat > "$SEEN"; } ;;
    run) echo "$*" > "$SEEN.run" ;;
esac"""


def test_a_life_in_a_virtual_mac_is_cloned_told_through_standard_input_and_deleted(
    machine: Machine, tmp_path: Path
) -> None:
    place = RunnerFolder(tmp_path / "root")
    place.work.mkdir(parents=True)
    place.application.mkdir()
    place.script.write_text(texts.one_life(place, replace(STATE, isolation="tart")))
    machine.command("tart", TART.replace("{", "{{").replace("}", "}}"))
    seen = tmp_path / "seen"
    environment = {"PATH": f"{machine.bin}:/usr/bin:/bin", "SEEN": str(seen), "SHARED": str(tmp_path)}

    def live() -> int:
        return subprocess.run(["sh", str(place.script)], env=environment, check=False).returncode

    assert live() == 0  # without a configuration nothing happens
    assert [call for call in machine.calls() if call.startswith("tart")] == []
    place.once.write_text("aml0")
    assert live() == 0
    assert seen.read_text() == "aml0"
    words = [call.split()[1] for call in machine.calls() if call.startswith("tart")]
    assert words[:2] == ["clone", "set"]
    assert words[-2:] == ["stop", "delete"]
    assert "aml0" not in machine.log.read_text()
    assert f"--dir=runner:{place.application}:ro" in (tmp_path / "seen.run").read_text()
    assert list(place.work.iterdir()) == []


def test_values_of_a_linux_fleet(machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "runner",
        "setup",
        "--scope",
        SCOPE,
        "--name",
        "Desk.1",
        "--isolation",
        "arc",
        "--output",
        str(tmp_path / "a"),
    ]
    assert run([*arguments, "--dry-run"]) == EXIT_PASS
    assert not (tmp_path / "a").exists()
    assert run(arguments) == EXIT_PASS
    values = yaml.safe_load((tmp_path / "a" / "arc-values.yaml").read_text())
    assert values["githubConfigUrl"].endswith(f"/{SCOPE}")
    assert values["githubConfigSecret"] == fleet.SECRET  # a name; the secret itself is the cluster's
    assert values["runnerScaleSetName"] == "desk-1"
    pod = values["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["containers"][0]["securityContext"]["allowPrivilegeEscalation"] is False
    assert (tmp_path / "a" / "pre_job.py").read_text() == texts.hook_program()
    capsys.readouterr()
    assert run(arguments) == EXIT_PASS
    assert "done already" in capsys.readouterr().out
    assert json.dumps(values)


def test_orchard_s_script_is_a_script() -> None:
    [(text, mode)] = fleet.files("orchard", STATE).values()
    assert mode == 0o755
    assert subprocess.run(["sh", "-n"], input=text, text=True, check=False).returncode == 0
    server = replace(STATE, api="https://ghes.example/api/v3")
    assert 'githubConfigUrl: "https://ghes.example/somebody/models"' in fleet.files("arc", server)["arc-values.yaml"][0]


def test_every_command_that_mends_can_be_run_as_it_stands() -> None:
    """`setup` takes nothing without a scope, and has an application to take only from somewhere."""
    folder = Path(__file__).parents[2] / "sdqa"
    texts = [
        path.read_text(encoding="utf-8") for room in ("runner", "ci", "cli") for path in (folder / room).glob("*.py")
    ]
    named = [found[1] for text in texts for found in re.finditer(r"sdqa runner setup\b([^\"\n]*)", text)]
    assert len(named) >= 5
    assert [words for words in named if "--scope OWNER/NAME --download" not in words] == []
