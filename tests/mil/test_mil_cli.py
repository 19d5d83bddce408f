"""The runtime from the shell."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from sdqa import mil
from sdqa.errors import InputError
from sdqa.mil.cli import mil_group


def invoke(*arguments: object) -> Result:
    result = CliRunner().invoke(mil_group, [str(item) for item in arguments], catch_exceptions=False)
    assert result.exit_code in (0, 1, 2)
    return result


def test_info(network: Path) -> None:
    output = invoke("info", network).output
    assert "x: tensor fp32[1, 3, 6, 6]" in output
    assert "2 conv" in output
    facts = json.loads(invoke("info", network, "--json").output)
    assert facts["operations"]["conv"] == 2


def test_run_writes_what_predict_gives(network: Path, image: Any, tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", x=image)
    result = invoke(
        "run", network, "--inputs", tmp_path / "in.npz", "--output", tmp_path / "out.npz", "--capture", "act"
    )
    assert result.exit_code == 0
    ((name, expected),) = mil.load(network).predict({"x": image}).items()
    with np.load(tmp_path / "out.npz") as written:
        np.testing.assert_allclose(written[name], expected, rtol=1e-6)
        assert written["capture/act"].shape == (1, 8, 6, 6)


def test_run_draws_inputs(network: Path) -> None:
    assert invoke("run", network, "--random", 3).output == invoke("run", network, "--random", 3).output
    assert invoke("run", network).exit_code == 2


def test_run_reads_no_pickles(network: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError, match="cannot be read"):
        invoke("run", network, "--inputs", tmp_path / "in.npz")


def test_profile(network: Path) -> None:
    assert "second" in invoke("profile", network).output
    assert json.loads(invoke("profile", network, "--json").output)["flops"] > 0


def test_diff_exits_with_one_where_packages_differ(network: Path, half_network: Path) -> None:
    same = invoke("diff", network, network)
    assert (same.exit_code, same.output) == (0, "no differences\n")
    other = invoke("diff", network, half_network)
    assert other.exit_code == 1
    assert json.loads(invoke("diff", network, half_network, "--json").output)


def test_diff_of_values(network: Path, half_network: Path) -> None:
    assert invoke("diff", network, network, "--random", 1).exit_code == 0
    other = invoke("diff", network, half_network, "--random", 1, "--json")
    assert other.exit_code == 1
    assert {item["type"] for item in json.loads(other.output)} >= {"conv", "linear"}


def test_errors_have_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "x.mlmodel").write_bytes(b"\xff\xff")
    command = [sys.executable, "-m", "sdqa.mil", "info", str(tmp_path / "x.mlmodel")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 3
    assert result.stderr.startswith("SDQA-400")
    assert "Traceback" not in result.stderr
