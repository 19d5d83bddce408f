"""A run that ends early loses nothing and says so: real processes, real signals, real kills and a full disk."""

from __future__ import annotations

import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sdqa.bundle import Bundle, Lane, Run
from sdqa.errors import EXIT_GATE_FAILED, EXIT_INFRASTRUCTURE, EXIT_INTERRUPTED
from tests.small_suite import ABSENT, CASES, FIRST, SECOND, sdqa, write_suite

pytestmark = pytest.mark.slow

AT = """
import os
import signal
from sdqa.generate import stage

whole = stage.read_sample
seen = []

def read(folder, **rest):
    seen.append(folder)
    if len(seen) == {at}:
        {act}
    return whole(folder, **rest)

stage.read_sample = read
"""
"""A pytest plugin that does something when so many pictures have been drawn."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a green full run behind it."""
    folder = tmp_path_factory.mktemp("project")
    write_suite(folder)
    result = sdqa(folder, "qa", "--no-diagnose")
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def last_line(result: subprocess.CompletedProcess[str]) -> str:
    return result.stdout.rstrip().splitlines()[-1]


def newest(folder: Path) -> Run:
    """The run that has a folder of its own, and was the last."""
    return Bundle(max((folder / ".sdqa" / "runs").iterdir())).read()


def lanes_of(run: Run) -> dict[str, Lane]:
    return {lane.id: lane for lane in run.lanes}


@pytest.mark.parametrize("sent", ["SIGINT", "SIGTERM"])
def test_a_signal_leaves_what_there_is_and_says_how_far_it_came(project: Path, sent: str) -> None:
    before = (project / ".sdqa" / "report" / "run.json").read_bytes()
    plugin = AT.format(at=3, act=f"os.kill(os.getpid(), signal.{sent})")
    (project / f"at_third_{sent.lower()}.py").write_text(plugin, encoding="utf-8")
    result = sdqa(project, "qa", "-p", f"at_third_{sent.lower()}")
    assert result.returncode == EXIT_INTERRUPTED, result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert "Incomplete: Interrupted after 2 of 6 cases." in last_line(result)
    assert ".sdqa/report is as it was" in result.stdout
    assert (project / ".sdqa" / "report" / "run.json").read_bytes() == before
    run = newest(project)
    assert (run.status, run.exit_code) == ("incomplete", EXIT_INTERRUPTED)
    lanes = lanes_of(run)
    assert (lanes[FIRST].status, lanes[SECOND].status, lanes[ABSENT].status) == ("incomplete", "incomplete", "skipped")
    assert [sample.case for sample in lanes[FIRST].samples] == list(CASES[:2])
    assert "not begun" in lanes[SECOND].reason
    assert {verdict.status for lane in run.lanes for verdict in lane.verdicts} == {"not measured"}
    suites = ElementTree.parse(max((project / ".sdqa" / "runs").iterdir()) / "junit.xml").getroot()
    absent = next(suite for suite in suites if suite.get("name") == ABSENT)
    assert (absent.get("skipped"), absent.get("errors")) == ("1", "0")


def test_a_second_and_a_third_signal_while_the_report_is_written_do_not_cost_it(project: Path) -> None:
    plugin = AT.format(at=3, act="os.kill(os.getpid(), signal.SIGINT)")
    again = """
import sys
import sdqa.workflow.flow

report = sys.modules["sdqa.workflow.report"]

def impatient(*given, **named):
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)
    return write_bundle(*given, **named)

write_bundle = report.write
report.write = impatient
"""
    (project / "impatient.py").write_text(plugin + again, encoding="utf-8")
    result = sdqa(project, "qa", "-p", "impatient")
    assert result.returncode == EXIT_INTERRUPTED, result.stdout + result.stderr
    assert "Interrupted after 2 of 6 cases" in last_line(result)
    assert newest(project).status == "incomplete"


def test_a_worker_that_is_killed_for_memory_costs_its_lane_and_no_more(project: Path, tmp_path: Path) -> None:
    (project / "killed.py").write_text(
        AT.format(at=6, act='"PYTEST_XDIST_WORKER" in os.environ and os.kill(os.getpid(), signal.SIGKILL)'),
        encoding="utf-8",
    )
    result = sdqa(project, "qa", "-p", "killed", "-n", "1", "--max-worker-restart=0", f"--store={tmp_path}")
    assert result.returncode == EXIT_INFRASTRUCTURE, result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert "worker gw0 died" in result.stdout
    lanes = lanes_of(newest(project))
    assert [sample.case for sample in lanes[FIRST].samples] == list(CASES), "after three goldens"
    assert lanes[SECOND].status == "incomplete"


@pytest.mark.parametrize("case", CASES[:1])
def test_node_ids_select_and_leave_the_full_report_alone(project: Path, case: str) -> None:
    before = (project / ".sdqa" / "report" / "run.json").read_bytes()
    result = sdqa(project, "qa", f"sdqa.toml::{FIRST}/{case}/psnr")
    assert result.returncode == 0, result.stdout + result.stderr
    assert [verdict.check for verdict in newest(project).verdicts] == [f"{FIRST}/{case}/psnr"]
    assert (project / ".sdqa" / "report" / "run.json").read_bytes() == before
    assert ".sdqa/runs/" in result.stdout.rstrip().splitlines()[-2]


def test_x_stops_before_the_next_lane_works(project: Path) -> None:
    result = sdqa(project, "qa", "-x", "--no-diagnose", "--fault", "timestep-offset")
    assert result.returncode == EXIT_GATE_FAILED, result.stdout + result.stderr
    assert SECOND not in result.stderr
    lanes = lanes_of(newest(project))
    assert lanes[FIRST].status == "ran"
    assert "not begun" in lanes[SECOND].reason


def test_an_interrupted_diagnosis_leaves_the_verdict(project: Path, tmp_path: Path) -> None:
    plugin = """
import os
import signal
from sdqa.workflow import diagnose

def stop(*_, **__):
    os.kill(os.getpid(), signal.SIGINT)

diagnose.diagnose_lane = stop
"""
    (project / "stopped.py").write_text(plugin, encoding="utf-8")
    output = tmp_path / "out"
    result = sdqa(project, "qa", "-p", "stopped", "--fault", "timestep-offset", f"--output={output}")
    assert result.returncode == EXIT_GATE_FAILED, result.stdout + result.stderr
    assert "the diagnosis was interrupted" in result.stdout
    assert last_line(result).startswith("✕ Fail: ")
    assert Bundle(output).read().exit_code == EXIT_GATE_FAILED
    assert (output / "index.html").exists()


def test_a_full_disk_is_said_once_and_the_rest_is_not_measured(project: Path, tmp_path: Path) -> None:
    """The store is on a disk where no file may grow beyond some kilobytes."""
    plugin = "import resource\n\nresource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
    (project / "full_disk.py").write_text(plugin, encoding="utf-8")
    result = sdqa(project, "qa", "-p", "full_disk", f"--store={tmp_path / 'store'}", f"--output={tmp_path / 'out'}")
    said = result.stdout + result.stderr
    assert result.returncode == EXIT_INFRASTRUCTURE, said
    assert "Traceback" not in said
    assert "a file would grow beyond what the system allows" in said
    assert "not measured" in said


def test_a_crash_is_shown_once(project: Path, tmp_path: Path) -> None:
    (project / "crash.py").write_text(AT.format(at=3, act="raise RuntimeError('unforeseen')"), encoding="utf-8")
    result = sdqa(project, "qa", "-p", "crash", f"--output={tmp_path / 'out'}")
    assert result.returncode == EXIT_INFRASTRUCTURE, result.stdout + result.stderr
    assert result.stdout.count("Traceback") == 1
    run = Bundle(tmp_path / "out").read()
    assert [sample.case for sample in lanes_of(run)[FIRST].samples] == list(CASES[:2])
    assert lanes_of(run)[SECOND].status == "ran"
