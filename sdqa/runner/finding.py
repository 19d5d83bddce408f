"""What the doctor finds: one line each, with what mends it; and the labels that a machine may carry."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Grade = Literal["ok", "warn", "fail"]
SIGNS: dict[Grade, str] = {"ok": "✓", "warn": "!", "fail": "✕"}


@dataclass(frozen=True)
class Vital:
    """One thing that was looked at."""

    name: str
    grade: Grade
    found: str
    mend: str = ""  # a command, or what to do; empty where nothing is to be done


@dataclass(frozen=True)
class Examination:
    """A machine, looked over."""

    findings: tuple[Vital, ...]
    labels: tuple[str, ...]

    @property
    def fit(self) -> bool:
        """Whether nothing fails."""
        return all(finding.grade != "fail" for finding in self.findings)

    def lines(self) -> list[str]:
        """In words."""
        found = []
        for one in self.findings:
            found.append(f"{SIGNS[one.grade]} {one.name:14} {one.found}")
            if one.mend:
                found.append(f"  {'':14} → {one.mend}")
        return [*found, f"labels: {', '.join(self.labels)}"]

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        findings = [asdict(finding) for finding in self.findings]
        return {"fit": self.fit, "labels": list(self.labels), "findings": findings}


def graded(name: str, value: float, *, good: float, poor: float, found: str, mend: str) -> Vital:
    """A figure of which more is better: `good` and more is ok, less than `poor` fails."""
    grade: Grade = "ok" if value >= good else "warn" if value >= poor else "fail"
    return Vital(name, grade, found, "" if grade == "ok" else mend)
