"""What the start of a job takes, and what a case takes beside its drawing, learned from jobs that ran.

A job's seconds beyond its conversions and drawings are a start, which it pays whatever it runs, and the scoring of
its cases: `rest = start x jobs + scoring x cases`. Jobs of different sizes tell the two apart, by least squares; jobs
of one size cannot, and then the start is the one that was measured with the miniature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

USUAL_START_S = 10.0
"""Of a job with a small model: imports, teacher, goldens, self-tests and report; docs/ci.md has the measurement."""
UNLIKE = 1.25
"""Times as many cases a job as another one has, from which on the two tell start and scoring apart."""


@dataclass(frozen=True)
class SeenJobs:
    """Jobs that ran; of those behind a merged report only the sum is known."""

    jobs: int
    cases: int  # of all lanes together
    rest_s: float  # of all of them, without converting and drawing

    @property
    def size(self) -> float:
        """Cases a job."""
        return self.cases / self.jobs


@dataclass(frozen=True)
class Overhead:
    """What comes to the conversions and drawings of jobs."""

    start_s: float  # a job
    case_s: float  # a case
    rests_on: str


def learned(seen: Sequence[SeenJobs]) -> Overhead | None:
    """Start and scoring from jobs that ran; None where there are none."""
    if not seen:
        return None
    jobs, cases = sum(one.jobs for one in seen), sum(one.cases for one in seen)
    rest = max(0.0, sum(one.rest_s for one in seen))
    sizes = [one.size for one in seen]
    least, most = min(sizes), max(sizes)
    if most < UNLIKE * least:
        start = min(USUAL_START_S, rest / jobs)
        said = f"{jobs} earlier jobs of one size" if jobs > 1 else "one earlier job"
        words = f"{said}, {start:.1f} s taken as a job's start"
        return Overhead(start, (rest - start * jobs) / cases if cases else 0.0, words)
    start, case = _line(seen)
    if case < 0:
        start, case = rest / jobs, 0.0
    elif start < 0:
        start, case = 0.0, rest / cases
    words = f"{jobs} earlier jobs of {least:.0f} to {most:.0f} cases: {start:.1f} s to start, the rest by case"
    return Overhead(start, case, words)


def _line(seen: Sequence[SeenJobs]) -> tuple[float, float]:
    """Intercept and slope of the rest of a job over its cases; each report counts by its jobs."""
    jobs = sum(one.jobs for one in seen)
    x = sum(one.cases for one in seen) / jobs
    y = sum(one.rest_s for one in seen) / jobs
    spread = sum(one.jobs * (one.size - x) ** 2 for one in seen)
    slope = sum(one.jobs * (one.size - x) * (one.rest_s / one.jobs - y) for one in seen) / spread
    return y - slope * x, slope
