"""What another teacher draws of the same case: its own figures beside those of the one before."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from sdqa.bundle import Better
from sdqa.gate.calibrate import FLOORS
from sdqa.gate.manifest import Manifest
from sdqa.metrics.floors import own_figures


@dataclass(frozen=True)
class TeacherFigure:
    """One metric of the teacher's own picture, before and now."""

    metric: str
    before: float
    now: float
    better: Better

    @property
    def loss(self) -> float:
        """How much worse it is; negative where it is better."""
        return self.before - self.now if self.better == "higher" else self.now - self.before

    @property
    def worse(self) -> bool:
        """Whether it is worse by more than what is too small to matter."""
        return self.loss > abs(FLOORS.get(self.metric, 0.0))

    def __str__(self) -> str:
        return f"{self.metric} {self.before:.4g} → {self.now:.4g}{' (worse)' if self.worse else ''}"


@dataclass(frozen=True)
class TeacherChange:
    """One case, drawn by two teachers from the same noise."""

    case: str
    before: str
    """Digest of the teacher before."""
    now: str
    figures: tuple[TeacherFigure, ...]

    def __str__(self) -> str:
        said = ", ".join(map(str, self.figures)) or "no figure of both"
        return f"{self.case}: teacher {self.before[:12]} → {self.now[:12]}: {said}"


def teacher_change(before: Manifest | None, now: Manifest) -> TeacherChange | None:
    """The two teachers' figures of a case; None where it is the same teacher, or not the same task.

    A figure whose metric changed, and one that only one of them has, is left out.
    """
    if before is None or before.teacher == now.teacher or (before.inputs, before.seed) != (now.inputs, now.seed):
        return None
    if (before.origin, now.origin) != ("teacher", "teacher"):
        return None  # a lane drew the one before
    figures = []
    for name, one in sorted(own_figures().items()):
        old, new = before.scores.get(name), now.scores.get(name)
        if old is not None and new is not None and before.metrics.get(name) == now.metrics.get(name):
            figures.append(TeacherFigure(name, old, new, one.better))
    return TeacherChange(f"{now.model}/{now.case}", before.teacher, now.teacher, tuple(figures))


def got_worse(changes: Sequence[TeacherChange]) -> list[str]:
    """The metrics whose mean over the cases is worse than with the teacher before, in words."""
    found = []
    for name in sorted({figure.metric for change in changes for figure in change.figures}):
        figures = [figure for change in changes for figure in change.figures if figure.metric == name]
        before, now = (statistics.fmean(values) for values in zip(*((f.before, f.now) for f in figures), strict=True))
        mean = TeacherFigure(name, before, now, figures[0].better)
        if mean.worse:
            found.append(f"{name} {before:.4g} → {now:.4g} on average over {len(figures)} cases")
    return found
