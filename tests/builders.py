"""Records of runs, made by hand in one line: what every room of tests builds its cases from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sdqa.bundle import Lane, Run, Status, Verdict

if TYPE_CHECKING:
    from sdqa.convert import PackageRecord

Convert = Callable[..., "PackageRecord"]
"""`packages(component, source="random:miniature", **variant)`."""


def lane_record(name: str = "a", *verdicts: Verdict, **fields: Any) -> Lane:
    """A lane of nothing in particular; any field may be given."""
    facts = {"id": name, "model": "m", "variant": "v", "runtime": "reference", "compute_unit": "CPU_ONLY"}
    return Lane(**{**facts, "verdicts": verdicts, **fields})


def run_record(*lanes: Lane, **fields: Any) -> Run:
    """A run of nothing in particular; any field may be given."""
    facts = {"sdqa_version": "0", "suite": "s", "suite_digest": "d", "created": "2026-01-01T00:00:00Z"}
    return Run(**{**facts, "lanes": lanes, **fields})


def verdicts_of(lane: str, *statuses: Status) -> tuple[Verdict, ...]:
    """One verdict a status, on checks `LANE/0`, `LANE/1` …"""
    return tuple(
        Verdict(check=f"{lane}/{position}", metric="m", status=status) for position, status in enumerate(statuses)
    )
