"""The whole product, one file a verb; `flow` shows it on one screen: plan → examine → convert → … → gate → report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.lazy import offering

if TYPE_CHECKING:
    from sdqa.workflow.flow import Stage as Stage
    from sdqa.workflow.flow import measure_lane as measure_lane
    from sdqa.workflow.flow import run as run
    from sdqa.workflow.flow import run_lane as run_lane

_LAZY = {
    "Stage": "sdqa.workflow.flow",
    "measure_lane": "sdqa.workflow.flow",
    "run": "sdqa.workflow.flow",
    "run_lane": "sdqa.workflow.flow",
}

__all__ = ["Stage", "measure_lane", "run", "run_lane"]

__getattr__ = offering(__name__, _LAZY)
