"""The doctor on a Mac that answers through fakes on PATH, and on Linux as it is."""

from __future__ import annotations

import email.utils
import json
import time
from pathlib import Path

import pytest

from sdqa.cli import run
from sdqa.errors import EXIT_INFRASTRUCTURE, EXIT_PASS
from tests.runner.github import FakeGitHub
from tests.runner.machine import Machine

HEALTHY = {
    "sw_vers": """case "$1" in -productVersion) echo 26.1 ;; -buildVersion) echo 25B78 ;; esac""",
    "sysctl": """case "$2" in
    machdep.cpu.brand_string) echo "Apple M4 Pro" ;;
    hw.memsize) echo 25769803776 ;;
    kern.hv_vmm_present) echo 0 ;;
esac""",
    "pmset": """case "$*" in
    "-g") printf ' sleep                0\\n lowpowermode         0\\n autorestart          1\\n' ;;
    "-g batt") echo "Now drawing from 'AC Power'" ;;
    "-g therm") echo "Note: No thermal warning level has been recorded" ;;
esac""",
    "xcode-select": "echo /Library/Developer/CommandLineTools",
    "system_profiler": "exit 1",
    "ask-core-ml": "echo 16 MLCPUComputeDevice,MLNeuralEngineComputeDevice",
    "id": """case "$1" in -u) echo 501 ;; -Gn) echo staff everyone ;; esac""",
}


@pytest.fixture
def mac(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    for name, text in HEALTHY.items():
        fake(machine, name, text)
    return machine


def fake(machine: Machine, name: str, text: str) -> None:
    machine.command(name, text.replace("{", "{{").replace("}", "}}"))


def examined(capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, tuple[str, str, str]], list[str], int]:
    code = run(["runner", "doctor", "--json"])
    said = json.loads(capsys.readouterr().out)
    found = {one["name"]: (one["grade"], one["found"], one["mend"]) for one in said["findings"]}
    assert said["fit"] == (code == EXIT_PASS)
    return found, said["labels"], code


def test_a_healthy_mac_gets_its_labels(mac: Machine, capsys: pytest.CaptureFixture[str], home: Path) -> None:
    found, labels, _ = examined(capsys)
    assert labels == ["sdqa-ane", "m4-pro", "macos-26", "mem-24"]
    grades = {name: grade for name, (grade, _, _) in found.items()}
    assert set(grades) == {
        "system", "chip", "neural engine", "virtual", "memory", "disk", "sleep", "power mode", "power", "heat", "tools",
        "session", "python", "clock", "runner", "network", "rights",
    }  # fmt: skip
    hardware = ("system", "chip", "neural engine", "virtual", "memory", "sleep", "power mode", "power", "heat", "tools")
    assert {grades[name] for name in (*hardware, "session", "clock", "network", "rights")} == {"ok"}
    assert grades["runner"] == "warn"
    assert run(["runner", "doctor"]) in (EXIT_PASS, EXIT_INFRASTRUCTURE)
    text = capsys.readouterr().out
    assert "✓ chip           Apple M4 Pro" in text
    assert "labels: sdqa-ane, m4-pro, macos-26, mem-24" in text


@pytest.mark.parametrize(
    ("command", "text", "name", "grade", "mend"),
    [
        ("sw_vers", "echo 13.6", "system", "fail", "softwareupdate"),
        ("sysctl", "echo Intel", "chip", "fail", "Apple silicon"),
        ("sysctl", '[ "$2" != kern.hv_vmm_present ] || echo 1', "virtual", "warn", "Neural Engine"),
        ("sysctl", "echo 4294967296", "memory", "fail", "16 GiB"),
        ("ask-core-ml", "echo 0 MLCPUComputeDevice", "neural engine", "warn", "sdqa-ane"),
        ("ask-core-ml", "exit 1", "neural engine", "warn", "Core ML"),
        ("pmset", "printf ' sleep 10\\n'", "sleep", "fail", "sudo pmset -a sleep 0"),
        ("pmset", "exit 1", "sleep", "fail", "sudo pmset -a sleep 0"),
        ("pmset", "printf ' lowpowermode 1\\n'", "power mode", "fail", "lowpowermode 0"),
        ("pmset", "printf ' autorestart 0\\n'", "power mode", "warn", "autorestart 1"),
        ("pmset", "echo \"Now drawing from 'Battery Power'\"", "power", "fail", "plug it in"),
        ("pmset", "echo 'CPU_Speed_Limit = 60'", "heat", "fail", "cool"),
        ("xcode-select", "exit 2", "tools", "fail", "xcode-select --install"),
        ("launchctl", "exit 113", "session", "fail", "log in"),
        ("id", "echo staff admin", "rights", "warn", "--user sdqa-runner"),
    ],
)
def test_what_is_amiss_is_named_with_what_mends_it(
    mac: Machine, capsys: pytest.CaptureFixture[str], command: str, text: str, name: str, grade: str, mend: str
) -> None:
    fake(mac, command, text)
    found, labels, code = examined(capsys)
    assert found[name][0] == grade
    assert mend in found[name][2]
    assert code == EXIT_INFRASTRUCTURE or grade == "warn"
    assert ("sdqa-ane" in labels) == (command != "ask-core-ml")


def test_a_chip_that_the_kernel_does_not_name_is_asked_of_the_profiler(
    mac: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    fake(mac, "sysctl", "exit 1")
    fake(mac, "system_profiler", """echo '{"SPHardwareDataType": [{"chip_type": "Apple M2"}]}'""")
    found, labels, _ = examined(capsys)
    assert found["chip"][:2] == ("ok", "Apple M2")
    assert "m2" in labels


def test_commands_that_are_not_there_are_no_accident(mac: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    for name in HEALTHY:
        (mac.bin / name).unlink()
    found, _, code = examined(capsys)
    assert code == EXIT_INFRASTRUCTURE
    assert found["chip"][0] == found["sleep"][0] == "fail"


def test_a_wrong_clock_and_no_network(
    machine: Machine, github: FakeGitHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    github.date = email.utils.formatdate(time.time() - 300, usegmt=True)
    found, labels, _ = examined(capsys)
    assert found["clock"][0] == "fail"
    assert "ahead" in found["clock"][1]
    assert found["network"][0] == "ok"
    assert [label for label in labels if not label.startswith("mem-")] == []
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:9")
    found, _, code = examined(capsys)
    assert (found["network"][0], found["clock"][0], code) == ("fail", "warn", EXIT_INFRASTRUCTURE)
    assert ("HEAD", "/") in github.asked


def test_an_old_runner_is_named(machine: Machine, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from sdqa.runner.place import RunnerFolder, RunnerState

    place = RunnerFolder(home / ".sdqa-runner")
    state = RunnerState("desk", "a/b", "https://api.github.com", ("m4",), 1, "systemd", version="2.335.9")
    place.write(state)
    assert place.read() == state
    assert examined(capsys)[0]["runner"][0] == "fail"
    place.state_file.write_text('{"name": 3}')
    assert examined(capsys)[0]["runner"][0] == "fail"
    assert run(["runner", "status"]) == EXIT_INFRASTRUCTURE
