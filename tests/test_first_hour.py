"""From nothing to green with the wheel's own requirements: `init`, `plan`, `goldens`, `qa`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from shutil import copytree

import pytest

from tests.first_hour import Shell, extras


def test_what_is_blocked_cannot_be_imported(tmp_path: Path) -> None:
    shell = Shell.at(tmp_path, tmp_path / "blocked")
    assert {"skimage", "sklearn"} <= extras()
    done = subprocess.run(
        [sys.executable, "-c", "import skimage"], env={"PYTHONPATH": str(shell.blocked)}, capture_output=True, text=True
    )
    assert "No module named 'skimage'" in done.stderr


@pytest.mark.slow
def test_from_init_to_green(saved: Path, tmp_path: Path) -> None:
    copytree(saved, tmp_path / "models" / "mine")
    shell = Shell.at(tmp_path, tmp_path / "blocked")
    said = shell("init", "--model", "models/mine")
    assert "0 of 3 are recorded" in said
    assert "→ sdqa goldens" in said
    suite = tmp_path / "sdqa.toml"
    suite.write_text(suite.read_text(encoding="utf-8").replace("steps = 20", "steps = 4"), encoding="utf-8")
    assert "not ready, 1 missing:" in shell("plan")
    assert shell("goldens").count("recorded") == 3
    assert shell("plan").rstrip().endswith("ready: sdqa qa")
    assert "All 27 checks in 1 lane passed" in shell("qa")


@pytest.mark.slow
def test_the_starter_without_a_model_runs_as_it_is_written(tmp_path: Path) -> None:
    shell = Shell.at(tmp_path, tmp_path / "blocked")
    assert shell("init").splitlines() == ["sdqa.toml", "ready: sdqa qa"]
    assert "checks in 1 lane passed" in shell("qa")
