"""The conformance run from the shell, on few tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SUITE = "coremltools.converters.mil.mil.ops.tests.iOS17.test_activation"
ROOT = Path(__file__).parents[3]


def test_a_small_run_counts_what_predicts(tmp_path: Path) -> None:
    target = tmp_path / "outcomes.json"
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "sdqa.mil.conformance",
            "--only",
            "TestGELU|TestCumSum",
            "--sample",
            "6",
            "--json",
            target,
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    outcomes = json.loads(target.read_text())
    kinds = {item["outcome"] for item in outcomes if "::" in item["test"]}
    assert "passed" in kinds
    assert kinds <= {"passed", "not applicable"}
    assert all(item["predictions"] > 0 for item in outcomes if item["outcome"] == "passed")
    assert "applicable tests passed: 100.00%" in run.stdout
