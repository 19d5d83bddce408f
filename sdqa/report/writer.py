"""Writes all forms of a report next to each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sdqa.bundle import Bundle
from sdqa.history import History
from sdqa.report.annotations import workflow_commands
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


def write_report(bundle: Bundle, destination: Path, *, history: History | None = None) -> ReportFiles:
    """Write `index.html`, `junit.xml`, `summary.md` and `annotations.txt` of a bundle.

    Args:
        bundle: the run; it is only read.
        destination: the folder to write into, made where it is missing.
        history: earlier runs, shown as trends.

    Raises:
        BundleError: the bundle cannot be read. A history never stands in the way of a report.
    """
    run = bundle.read()
    files = ReportFiles(
        html=destination / "index.html",
        junit=destination / "junit.xml",
        summary=destination / "summary.md",
        annotations=destination / "annotations.txt",
    )
    earlier = history or History()
    page = render_page(bundle, run, earlier.records, unread=earlier.unread)
    for path, text in (
        (files.html, page),
        (files.junit, junit_xml(run)),
        (files.summary, summary_markdown(run)),
        (files.annotations, workflow_commands(run)),
    ):
        # A lone surrogate from a bundle cannot be encoded: it must not cost the report.
        write_atomically(path, text.encode("utf-8", errors="replace"))
    return files
