"""The words of a verdict and of a figure."""

from __future__ import annotations

from typing import Literal

Status = Literal["pass", "fail", "suspicious", "not measured", "not judged"]
"""`not judged`: there is a figure and nothing to hold it against; neither a pass nor a hole in the evidence."""
Better = Literal["higher", "lower", "equal", "none"]
"""Which way a figure is better."""
