"""What the workflow files of a repository say about its gate, read as data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(".github") / "workflows"
MAX_BYTES = 2**20
CALLER = re.compile(r"(\./|\$/|[\w.-]+/[\w.-]+/)\.github/workflows/(quality|reusable)\.yml(?:@(?P<ref>\S+))?")
OWN = "this commit"
"""Of a workflow that a repository calls of itself."""
GATE_ACTION = re.compile(r"(\$|\.|[\w.-]+/[\w./-]+)/.*actions/gate(@\S+)?")
INSTALLED = re.compile(r"\bsdqa==(?P<version>[\w.]+)")


@dataclass(frozen=True)
class GateJob:
    """The job of a workflow that decides."""

    file: str
    name: str
    events: Mapping[str, Any]  # event → its filters
    condition: str  # `if`
    needs: tuple[str, ...]
    forgives: bool  # `continue-on-error`
    called: str = ""  # the ref of the workflow that it calls; empty where it has steps
    depth: int | None = None  # commits that its checkout fetches, 0 for all; None without a checkout
    version: str = ""  # of sdqa that it installs

    @property
    def check(self) -> str:
        """The name that a branch's rules require."""
        return f"{self.name} / gate" if self.called else self.name


def gate_jobs(root: Path) -> tuple[tuple[GateJob, ...], tuple[str, ...]]:
    """The jobs that gate, and the files that could not be read."""
    found: list[GateJob] = []
    unread: list[str] = []
    for path in sorted((root / FOLDER).glob("*.y*ml")):
        data = _read(path)
        jobs = data.get("jobs") if data is not None else None
        if not isinstance(jobs, dict):
            unread.append(path.name)
            continue
        assert data is not None
        events = _events(data)
        if set(events) == {"workflow_call"}:  # for others, not for this repository's own changes
            continue
        text = path.read_text(encoding="utf-8")
        version = INSTALLED.search(text)
        for name, job in jobs.items():
            if isinstance(job, dict) and (job_found := _gate(job)) is not None:
                called, depth = job_found
                found.append(
                    GateJob(
                        file=path.name,
                        name=str(job.get("name") or name),
                        events=events,
                        condition=str(job.get("if", "")),
                        needs=tuple(_listed(job.get("needs"))),
                        forgives=bool(job.get("continue-on-error")),
                        called=called,
                        depth=depth,
                        version=version["version"] if version else "",
                    )
                )
    return tuple(found), tuple(unread)


@dataclass(frozen=True)
class OtherGate:
    """Another service's file that calls the gate."""

    service: str
    file: str
    version: str = ""  # of sdqa that it installs


ELSEWHERE = {
    ".gitlab-ci.yml": "gitlab",
    ".buildkite/pipeline.yml": "buildkite",
    "Jenkinsfile": "jenkins",
    "quality.sh": "shell",
}
"""Files of other services, as `sdqa init --ci` names them."""


def other_gates(root: Path) -> tuple[OtherGate, ...]:
    """Files of other services than GitHub that call the gate, or on GitLab the plan that makes it."""
    found = []
    for name, service in ELSEWHERE.items():
        path = root / name
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if re.search(r"\bsdqa ci (gate\b|plan\b.*--gitlab\b)", text):
            version = INSTALLED.search(text)
            found.append(OtherGate(service, name, version["version"] if version else ""))
    return tuple(found)


def _read(path: Path) -> dict[Any, Any] | None:
    import yaml

    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _events(data: Mapping[Any, Any]) -> dict[str, Any]:
    """`on`, which YAML takes for true, in its three forms."""
    given = data.get("on", data.get(True))
    if isinstance(given, str):
        return {given: None}
    if isinstance(given, list):
        return {str(one): None for one in given}
    return {str(name): filters for name, filters in given.items()} if isinstance(given, dict) else {}


def _gate(job: Mapping[str, Any]) -> tuple[str, int | None] | None:
    """The ref of a called workflow, and how deep the checkout of a job with steps is; None of a job that gates not."""
    called = CALLER.fullmatch(str(job.get("uses", "")))
    if called:
        return called["ref"] or OWN, None
    steps = [step for step in job.get("steps") or [] if isinstance(step, dict)]
    decides = any(
        re.search(r"\bsdqa ci gate\b", str(step.get("run", ""))) or GATE_ACTION.fullmatch(str(step.get("uses", "")))
        for step in steps
    )
    return ("", _depth(steps)) if decides else None


def _depth(steps: list[dict[str, Any]]) -> int | None:
    for step in steps:
        if str(step.get("uses", "")).startswith("actions/checkout@"):
            given = (step.get("with") or {}).get("fetch-depth", 1)
            return int(given) if str(given).isdigit() else 1
    return None


def _listed(value: Any) -> Iterator[str]:
    yield from ([value] if isinstance(value, str) else [str(one) for one in value] if isinstance(value, list) else [])
