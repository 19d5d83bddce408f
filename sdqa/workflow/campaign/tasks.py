"""What there is to try: every fault at every severity, faults in pairs, and harmless changes at several seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sdqa.faults import all_faults, injection
from sdqa.faults.controls import all_controls
from sdqa.faults.pairs import pairs

SEEDS = 5


@dataclass(frozen=True)
class Task:
    """One fault at one severity, several faults at their default severities, or one harmless change at one seed."""

    name: str
    severity: str = ""
    seed: int = -1
    second: str = ""  # the fault that is planted besides, or several, joined by `+`

    @property
    def id(self) -> str:
        """For people."""
        if self.second:
            return f"{self.name}+{self.second}"
        return f"{self.name}@{self.severity}" if self.severity else f"{self.name}, seed {self.seed}"


def tasks(*, quick: bool, only: Sequence[str] = (), seeds: int = SEEDS) -> list[Task]:
    """What is to be tried: everything, or each fault at its default severity, a few pairs, each harmless change once.

    Args:
        only: names of faults (`name`, `name@severity`, or `name+name+…`) and of harmless changes; empty for all.

    Raises:
        FaultError: a name is unknown.
    """
    changes = {change.name for change in all_controls()}
    for name in only:
        if name not in changes:
            injection(name)
    both = [tuple(name.split("+", 1)) for name in only if "+" in name]
    found = [
        Task(fault.name, severity)
        for fault in all_faults()
        for severity in fault.severities
        if (f"{fault.name}@{severity}" in only)
        or ((not only or fault.name in only) and (not quick or severity == fault.default))
    ]
    found += [Task(first, second=second) for first, second in (both if only else pairs(quick=quick))]
    for index, change in enumerate(all_controls()):
        if not only or change.name in only:
            found += [Task(change.name, seed=seed) for seed in ([index % seeds] if quick else range(seeds))]
    return found
