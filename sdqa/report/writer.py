"""Writes all forms of a report next to each other."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sdqa.bundle import Bundle, documents
from sdqa.bundle.comparison import RunComparison
from sdqa.history import History
from sdqa.report.against import compare
from sdqa.report.annotations import workflow_commands
from sdqa.report.html import render_page
from sdqa.report.junit import junit_xml
from sdqa.report.links import PAGE, page_of
from sdqa.report.summary import summary_markdown
from sdqa.store import write_atomically

COMPARISON_FILE = "comparison.json"


@dataclass(frozen=True)
class ReportFiles:
    """Where a report's files are."""

    html: Path
    junit: Path
    summary: Path
    annotations: Path


def write_report(
    bundle: Bundle, destination: Path, *, history: History | None = None, against: Bundle | None = None
) -> ReportFiles:
    """Write `index.html`, `junit.xml`, `summary.md` and `annotations.txt` of a bundle.

    Where that fails nothing is left of an earlier run's either: it would be read as this one's.

    Args:
        bundle: the run; it is only read.
        destination: the folder to write into, made where it is missing.
        history: earlier runs, shown as trends.
        against: an earlier run: what is new, still failing and fixed since then, in `comparison.json` too.

    Raises:
        BundleError: a bundle cannot be read. A history never stands in the way of a report.
    """
    files = ReportFiles(
        html=destination / PAGE,
        junit=destination / "junit.xml",
        summary=destination / "summary.md",
        annotations=destination / "annotations.txt",
    )
    comparison = destination / COMPARISON_FILE
    try:
        compared = compare(against.read(), bundle.read()) if against is not None else None
        texts = _rendered(bundle, files, history, compared)
    except BaseException:
        for path in (*vars(files).values(), comparison):
            with suppress(OSError):
                path.unlink()
        raise
    for path, text in texts.items():
        # A lone surrogate from a bundle cannot be encoded: it must not cost the report.
        write_atomically(path, text.encode("utf-8", errors="replace"))
    if compared is not None:
        documents.write(comparison, compared.to_json())
    else:
        comparison.unlink(missing_ok=True)  # an earlier report's
    return files


def _rendered(
    bundle: Bundle, files: ReportFiles, history: History | None, compared: RunComparison | None
) -> dict[Path, str]:
    run, place = bundle.read(), page_of()
    earlier = history or History()
    return {
        files.html: render_page(bundle, run, earlier.records, unread=earlier.unread),
        files.junit: junit_xml(run, place),
        files.summary: summary_markdown(run, compared, place),
        files.annotations: workflow_commands(run, place),
    }
