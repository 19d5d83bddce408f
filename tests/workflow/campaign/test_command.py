"""`sdqa faults run` as a CI job meets it: mistyped, and cancelled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sdqa.errors import EXIT_INTERRUPTED, EXIT_USAGE

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "sdqa", "faults", "run"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


@pytest.mark.parametrize("wrong", ["--quik", "--workers=many"])
def test_a_mistyped_option_is_a_usage_error(wrong: str) -> None:
    result = subprocess.run([*COMMAND, wrong], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert result.returncode == EXIT_USAGE
    assert wrong.split("=")[0] in result.stderr


def test_a_cancelled_campaign_ends_as_interrupted_and_takes_its_workers_along(tmp_path: Path) -> None:
    command = [*COMMAND, "--quick", "--store", str(tmp_path / "store"), "--output", str(tmp_path / "output")]
    with subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        assert any(line.startswith("the teacher's own spread") for line in running.stderr)
        running.terminate()
        # The workers hold the other end of this pipe: it is read to its end only when they are gone.
        assert "interrupted" in running.stderr.read()
        assert running.wait(timeout=300) == EXIT_INTERRUPTED
    assert not (tmp_path / "output").exists()
