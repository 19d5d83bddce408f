"""Evidence that is whole, and everything that was once green although it must not be. One function a scenario."""

from __future__ import annotations

from tests.ci.scenarios import failing, foreign, jobs, judging, missing, whole
from tests.ci.scenarios.making import SCENARIOS

__all__ = ["SCENARIOS", "failing", "foreign", "jobs", "judging", "missing", "whole"]
