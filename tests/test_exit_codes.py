"""Whatever ends a run, the exit code is sdqa's own: pytest's and Python's numbers for the same things mean others."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sdqa import cli, errors
from sdqa.errors import EXIT_INCOMPLETE, EXIT_INFRASTRUCTURE, EXIT_USAGE, UsageError, worst
from sdqa.pytest_status import OUTCOMES, REFUSED, Outcomes, exit_code_of

ROOT = Path(__file__).parents[1]
KNOWN = (1, 130, 2, 3, 4, 0)  # worst first


def qa(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`sdqa qa` in a process of its own; nothing here comes as far as running a lane."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "sdqa",
            "qa",
            f"--store={folder / 'store'}",
            f"--output={folder / 'report'}",
            *arguments,
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(("one", "other"), itertools.combinations(KNOWN, 2))
def test_the_worse_of_two_codes_speaks_for_both(one: int, other: int) -> None:
    assert worst((one, other)) == worst((other, one)) == one


def test_nothing_is_a_pass_and_what_sdqa_does_not_give_is_infrastructure() -> None:
    assert worst(()) == 0
    assert worst((4, 77)) == EXIT_INFRASTRUCTURE
    assert worst((1, 77)) == 1


def test_every_code_has_a_place_in_the_order() -> None:
    assert {value for name, value in vars(errors).items() if name.startswith("EXIT_")} == set(KNOWN)


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_a_selection_of_nothing_is_incomplete_and_says_so(tmp_path: Path, workers: tuple[str, ...]) -> None:
    result = qa(tmp_path, "-k", "nothing", *workers)
    assert result.returncode == EXIT_INCOMPLETE
    assert "-k nothing selected none of the 518 checks" in result.stdout
    assert not (tmp_path / "report").exists()


def test_a_selection_of_nothing_does_not_print_another_runs_json(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "run.json").write_text("{}", encoding="utf-8")
    result = qa(tmp_path, "--json", "-k", "nothing")
    assert (result.returncode, result.stdout) == (EXIT_INCOMPLETE, "")
    assert not (tmp_path / "report" / "run.json").exists(), "a folder that was named is this run's: no older verdict"


@pytest.mark.parametrize("arguments", [("--bogus",), ("-k", "("), ("nowhere.py",)])
def test_what_pytest_refuses_is_a_usage_error(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = qa(tmp_path, *arguments)
    assert result.returncode == EXIT_USAGE, result.stdout + result.stderr


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_a_mistyped_metric_is_a_usage_error_and_no_interruption(tmp_path: Path, workers: tuple[str, ...]) -> None:
    text = (ROOT / "sdqa.toml").read_text(encoding="utf-8")
    assert "[metrics]" in text
    suite = tmp_path / "sdqa.toml"
    suite.write_text(text.replace("[metrics]", '[metrics]\nnames = ["lpisp"]', 1), encoding="utf-8")
    result = qa(tmp_path, f"--suite={suite}", *workers)
    assert result.returncode == EXIT_USAGE, result.stdout + result.stderr
    assert "lpisp" in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr


def test_an_error_inside_pytest_is_infrastructure(tmp_path: Path) -> None:
    plugin = "def pytest_collection_modifyitems():\n    raise RuntimeError('a plugin broke')\n"
    (tmp_path / "broken_plugin.py").write_text(plugin, encoding="utf-8")
    result = qa(tmp_path, "-p", "broken_plugin", PYTHONPATH=f"{ROOT}{os.pathsep}{tmp_path}")
    assert result.returncode == EXIT_INFRASTRUCTURE, result.stdout + result.stderr


def test_an_error_that_nobody_foresaw_is_not_a_failed_gate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr("sdqa.plan.make_plan", crash)
    monkeypatch.chdir(ROOT)
    assert cli.run(("plan",)) == EXIT_INFRASTRUCTURE
    assert "RuntimeError: unforeseen" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("status", "statuses", "expected"),
    [
        (pytest.ExitCode.OK, (), 0),
        (pytest.ExitCode.OK, ("pass", "suspicious"), 0),
        (pytest.ExitCode.TESTS_FAILED, ("pass", "fail", "not measured"), 1),
        (pytest.ExitCode.TESTS_FAILED, ("pass", "not measured"), 4),
        (pytest.ExitCode.TESTS_FAILED, ("not measured", "error"), 3),
        (pytest.ExitCode.TESTS_FAILED, ("pass",), 3),
        (pytest.ExitCode.INTERRUPTED, (), 130),
        (pytest.ExitCode.INTERNAL_ERROR, ("fail",), 3),
        (pytest.ExitCode.USAGE_ERROR, (), 2),
        (pytest.ExitCode.NO_TESTS_COLLECTED, (), 4),
        (99, (), 3),
    ],
)
def test_pytests_statuses(status: int, statuses: tuple[str, ...], expected: int) -> None:
    outcomes = Outcomes()
    outcomes.statuses.update(statuses)
    stash = pytest.Stash()
    stash[OUTCOMES] = outcomes
    assert exit_code_of(status, stash) == expected


def test_a_collection_that_failed_is_no_interruption() -> None:
    outcomes = Outcomes()
    outcomes.uncollected = True
    stash = pytest.Stash()
    stash[OUTCOMES] = outcomes
    assert exit_code_of(pytest.ExitCode.INTERRUPTED, stash) == EXIT_INFRASTRUCTURE
    stash[REFUSED] = UsageError("there is no metric 'lpisp'")
    assert exit_code_of(pytest.ExitCode.INTERRUPTED, stash) == EXIT_USAGE
