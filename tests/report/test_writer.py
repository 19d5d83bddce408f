"""A report is a pure function of a bundle."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sdqa.bundle import Bundle, Run
from sdqa.errors import BundleError
from sdqa.report import write_report


def test_all_files_are_written_into_a_new_folder(bundle: Bundle, empty_folder: Path) -> None:
    files = write_report(bundle, empty_folder)
    assert {path.name for path in empty_folder.iterdir()} == {
        "index.html",
        "junit.xml",
        "summary.json",
        "summary.md",
        "annotations.txt",
    }
    assert all(path.stat().st_size for path in (files.html, files.junit, files.summary, files.annotations))


def test_others_may_read_the_report(bundle: Bundle, tmp_path: Path) -> None:
    files = write_report(bundle, tmp_path)
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in vars(files).values())


def test_the_same_bundle_gives_the_same_bytes(bundle: Bundle, tmp_path: Path) -> None:
    first, second = write_report(bundle, tmp_path / "a"), write_report(bundle, tmp_path / "b")
    for one, other in zip(vars(first).values(), vars(second).values(), strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_the_bundle_is_only_read(bundle: Bundle, tmp_path: Path) -> None:
    before = sorted(path.stat().st_mtime_ns for path in bundle.folder.rglob("*"))
    write_report(bundle, tmp_path)
    assert sorted(path.stat().st_mtime_ns for path in bundle.folder.rglob("*")) == before


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no bundle here"):
        write_report(Bundle(tmp_path), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_with_nothing_in_it_is_reported_and_is_no_pass(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path / "bundle")
    bundle.write(Run(sdqa_version="0", suite="s", suite_digest="d", created="2026-01-01T00:00:00Z"))
    page = write_report(bundle, tmp_path / "out").html.read_text(encoding="utf-8")
    assert "Nothing was checked" in page


def test_reporting_imports_neither_torch_nor_converters_and_starts_quickly(bundle: Bundle, tmp_path: Path) -> None:
    code = (
        "import sys, time; start = time.process_time()\n"
        "sys.modules['flip_evaluator'] = None  # an extra, which needs numpy\n"
        "from pathlib import Path\n"
        "from sdqa.bundle import Bundle\n"
        "from sdqa.report import write_report\n"
        f"write_report(Bundle(Path({str(bundle.folder)!r})), Path({str(tmp_path)!r}))\n"
        "heavy = {'torch', 'coremltools', 'diffusers', 'transformers', 'numpy', 'scipy'} & set(sys.modules)\n"
        "print(sorted(heavy), time.process_time() - start)"
    )
    heavy, seconds = subprocess.check_output([sys.executable, "-c", code], text=True).rsplit(maxsplit=1)
    assert heavy == "[]"
    assert float(seconds) < 2.0  # processor time; 0.7 s on a 2-core machine, with room for a slower one
