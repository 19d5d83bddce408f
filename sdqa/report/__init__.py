"""Reports: page, JUnit XML, Markdown, annotations, terminal. Pure functions of a bundle; neither torch nor Core ML."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdqa.report.writer import ReportFiles as ReportFiles
    from sdqa.report.writer import write_report as write_report

_LAZY = {
    "ReportFiles": "sdqa.report.writer",
    "write_report": "sdqa.report.writer",
}

__all__ = ["ReportFiles", "write_report"]


def __getattr__(name: str) -> object:
    """Import what draws the page only for those who write it: a verdict in a terminal needs none of it."""
    if name in _LAZY:
        import importlib

        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
