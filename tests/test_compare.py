"""`sdqa compare` and `sdqa report --against`: two bundles on disk, one record."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sdqa.bundle import Bundle, Run
from sdqa.bundle.comparison import RunComparison
from sdqa.cli import run as sdqa
from sdqa.errors import EXIT_INFRASTRUCTURE, EXIT_PASS, EXIT_USAGE
from sdqa.report.against import compare


@pytest.fixture(scope="module")
def earlier(bundle: Bundle, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The realistic bundle, before its damaged lane was damaged."""
    folder = tmp_path_factory.mktemp("earlier") / "bundle"
    shutil.copytree(bundle.folder, folder)
    damaged = run.lanes[2]
    mended = tuple(one.model_copy(update={"status": "pass"}) for one in damaged.verdicts)
    lanes = (*run.lanes[:2], damaged.model_copy(update={"verdicts": mended}), *run.lanes[3:])
    made = Bundle(folder)
    made.write(run.model_copy(update={"lanes": lanes, "created": "2026-01-01T00:00:00Z"}))
    return made


def test_a_difference_is_no_verdict_and_json_is_the_record(
    bundle: Bundle, earlier: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sdqa(["compare", str(earlier.folder), str(bundle.folder), "--json"]) == EXIT_PASS
    found = RunComparison.model_validate(json.loads(capsys.readouterr().out))
    assert repr(found) == repr(compare(earlier.read(), bundle.read()))
    assert found.counts()["new"] == sum(one.status == "fail" for one in bundle.read().lanes[2].verdicts)
    assert sdqa(["compare", str(bundle.folder), str(earlier.folder)]) == EXIT_PASS
    said = capsys.readouterr().out.splitlines()
    assert said[-1].startswith("Against 2026-01-02 03:04 UTC: 0 new failures, 0 still failing, 31 fixed;")
    assert sdqa(["compare", str(earlier.folder), str(bundle.folder), "--markdown"]) == EXIT_PASS
    assert capsys.readouterr().out.startswith("### Against an earlier run\n")


def test_the_page_of_a_comparison_is_the_later_run_s(
    bundle: Bundle, earlier: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sdqa(["compare", str(earlier.folder), str(bundle.folder), "--output", str(tmp_path)]) == EXIT_PASS
    assert "Against 2026-01-01 00:00 UTC: 31 new failures" in capsys.readouterr().out
    assert "31 new failures" in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert (tmp_path / "comparison.json").exists()


def test_what_cannot_be_read_and_what_cannot_be_meant(
    bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sdqa(["compare", str(bundle.folder), str(tmp_path / "nowhere")]) == EXIT_INFRASTRUCTURE
    assert "no bundle here" in capsys.readouterr().err
    assert sdqa(["compare", str(bundle.folder)]) == EXIT_USAGE
    assert sdqa(["compare", str(bundle.folder), str(bundle.folder), "--json", "--markdown"]) == EXIT_USAGE


def test_a_report_against_an_earlier_run_says_what_is_new(
    bundle: Bundle, earlier: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["report", str(bundle.folder), "--output", str(tmp_path), "--against"]
    assert sdqa([*arguments, str(earlier.folder)]) == EXIT_PASS
    assert "### Against an earlier run" in (tmp_path / "summary.md").read_text(encoding="utf-8")
    written = RunComparison.model_validate_json((tmp_path / "comparison.json").read_bytes())
    assert written.counts()["new"] == 31
    assert sdqa(arguments[:-1]) == EXIT_PASS
    assert not (tmp_path / "comparison.json").exists()  # an earlier report's is not this one's
    assert sdqa([*arguments, str(earlier.folder)]) == EXIT_PASS
    assert sdqa([*arguments, str(tmp_path / "nowhere")]) == EXIT_INFRASTRUCTURE
    assert "no bundle here" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []  # nothing is left that could be read as this report's
