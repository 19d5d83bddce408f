"""A whole run on a second machine: what the first one made comes from the shared store, and nothing is added."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.small_suite import FIRST, sdqa, write_suite

pytestmark = pytest.mark.slow


def test_a_second_machine_draws_nothing_again(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    written = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        write_suite(folder)
        result = sdqa(folder, "qa", "--no-diagnose", "--lane", FIRST, "--store", f"file://{shared}")
        assert result.returncode == 0, result.stdout + result.stderr
        written.append(
            {path.relative_to(shared): path.stat().st_mtime_ns for path in shared.rglob("*") if path.is_file()}
        )
        assert (folder / ".sdqa" / "store" / "sample").is_dir()
    assert written[0]
    assert written[0] == written[1]
