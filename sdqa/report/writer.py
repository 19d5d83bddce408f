"""Writes all forms of a report next to each other."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sdqa.bundle import Bundle
from sdqa.report.annotations import workflow_commands
from sdqa.report.brief import FILE as BRIEF
from sdqa.report.brief import brief_of
from sdqa.report.history import History, read_history
from sdqa.report.html import render_page
from sdqa.report.junit import junit_xml
from sdqa.report.summary import summary_markdown
from sdqa.store import write_atomically


@dataclass(frozen=True)
class ReportFiles:
    """Where a report's files are."""

    html: Path
    junit: Path
    summary: Path
    annotations: Path
    brief: Path


def write_report(bundle: Bundle, destination: Path, *, history: Path | None = None) -> ReportFiles:
    """Write `index.html`, `junit.xml`, `summary.md`, `summary.json` and `annotations.txt` of a bundle.

    Where that fails nothing is left of an earlier run's either: it would be read as this one's.

    Args:
        bundle: the run; it is only read.
        destination: the folder to write into, made where it is missing.
        history: JSON lines of earlier runs (see `sdqa.report.history`), shown as trends.

    Raises:
        BundleError: the bundle cannot be read. A history never stands in the way of a report.
    """
    files = ReportFiles(
        html=destination / "index.html",
        junit=destination / "junit.xml",
        summary=destination / "summary.md",
        annotations=destination / "annotations.txt",
        brief=destination / BRIEF,
    )
    try:
        texts = _rendered(bundle, files, history)
    except BaseException:
        for path in vars(files).values():
            with suppress(OSError):
                path.unlink()
        raise
    for path, text in texts.items():
        # A lone surrogate from a bundle cannot be encoded: it must not cost the report.
        write_atomically(path, text.encode("utf-8", errors="replace"))
    return files


def _rendered(bundle: Bundle, files: ReportFiles, history: Path | None) -> dict[Path, str]:
    run = bundle.read()
    earlier = read_history(history) if history else History(())
    return {
        files.html: render_page(bundle, run, earlier.entries, unread=earlier.unread),
        files.junit: junit_xml(run),
        files.summary: summary_markdown(run),
        files.annotations: workflow_commands(run),
        files.brief: json.dumps(brief_of(run).to_json(), sort_keys=True),
    }
