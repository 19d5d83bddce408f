"""A dress rehearsal of the gate: plant every fault in a lane, judge it like any other, and see what is said.

Each fault at each severity, and each harmless change at each seed, is one task: measured like any lane (conversion,
generation, scoring, parity, verdicts by the committed tolerances), in worker processes, through the store, so that an
interrupted rehearsal goes on where it stopped. The result is the sensitivity table (`sdqa.faults.sensitivity`).
"""

from sdqa.rehearsal.run import rehearse
from sdqa.rehearsal.stage import Settings
from sdqa.rehearsal.tasks import Task, tasks

__all__ = ["Settings", "Task", "rehearse", "tasks"]
