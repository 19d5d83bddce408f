"""Reports: page, JUnit XML, Markdown, annotations, terminal. Pure functions of a bundle; neither torch nor Core ML."""

from sdqa.report.writer import ReportFiles, write_report

__all__ = ["ReportFiles", "write_report"]
