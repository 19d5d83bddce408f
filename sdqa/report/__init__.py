"""Reports: page, JUnit XML, Markdown, annotations, terminal. Pure functions of a bundle; neither torch nor Core ML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.lazy import offering

if TYPE_CHECKING:
    from sdqa.report.writer import ReportFiles as ReportFiles
    from sdqa.report.writer import write_report as write_report

_LAZY = {
    "ReportFiles": "sdqa.report.writer",
    "write_report": "sdqa.report.writer",
}

__all__ = ["ReportFiles", "write_report"]

__getattr__ = offering(__name__, _LAZY)
