"""GitHub Actions on this machine: workflows, jobs, matrices and workflows that call others, as the YAML stands.

What a job's steps do is in `machine.py`. `pip` installs nothing (sdqa and its requirements are here already) and `nox`
runs nothing; what they were asked for is written down.
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import yaml

from tests.service.expressions import Expression, evaluated, plain

ROOT = Path(__file__).parents[2]
PYTHON = """#!/bin/sh
case "$1 $2" in
  "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && exit 0;;
  "-m pip") shift 2; echo "$@" >> "$SDQA_TEST_PIP"; exit 0;;
  "-m sdqa") exec "{warm}" "$@";;
esac
exec "{python}" "$@"
"""
PIP = '#!/bin/sh\necho "$@" >> "$SDQA_TEST_PIP"\n'
NOX = '#!/bin/sh\necho "$@" >> "$SDQA_TEST_NOX"\n'
SDQA = '#!/bin/sh\nexec "{warm}" -m sdqa "$@"\n'
LEVELS = ("none", "read", "write")
DEFAULT_BRANCH = "main"


class Refused(Exception):
    """The service does not start this workflow at all."""


def read(path: Path) -> dict[Any, Any]:
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(data, dict)
    return data


@dataclass
class Ended:
    """What became of a job."""

    result: str
    outputs: dict[str, str] = field(default_factory=dict)
    log: str = ""


@dataclass(frozen=True)
class Call:
    """One workflow file that runs: the one that an event starts, or one that another calls."""

    data: Mapping[Any, Any]
    inputs: Mapping[str, Any]
    secrets: Mapping[str, str]
    jobs: dict[str, Ended]
    prefix: str = ""
    allowed: Mapping[str, str] | None = None  # rights that the caller has to give; None: the service's own


@dataclass
class Service:
    """A service with one repository, whose commit it runs a workflow for.

    Args:
        place: a folder of its own.
        repository: a work tree of git; every job clones it.
        event: name and content.
        own: where `$/` leads: the repository of the workflow itself, and of any other that is called by name.
        tools: programs by name that stand before all others on every machine.
        approved: whether somebody lets jobs into deployment environments; otherwise they wait, and are cancelled.
    """

    warm: ClassVar[str] = sys.executable
    """What runs `python -m sdqa`."""

    place: Path
    repository: Path
    event: tuple[str, Mapping[str, Any]] = ("push", {})
    inputs: Mapping[str, Any] = field(default_factory=dict)
    own: Path = ROOT
    attempt: int = 1
    extra: Mapping[str, str] = field(default_factory=dict)
    lose: Mapping[str, str] = field(default_factory=dict)  # job or its name with the matrix → cancelled, failure, lost
    jobs: dict[str, Ended] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)  # names of jobs that ran
    secrets: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    approved: bool = True

    def __post_init__(self) -> None:
        self.place.mkdir(parents=True, exist_ok=True)
        tools = self.place / "tools"
        tools.mkdir(exist_ok=True)
        own = {"python": PYTHON, "pip": PIP, "sdqa": SDQA, "nox": NOX, **self.tools}
        for name, text in own.items():
            said = text.replace("{warm}", self.warm).replace("{python}", sys.executable)
            (tools / name).write_text(said, encoding="utf-8")
            (tools / name).chmod(0o755)
        (self.place / "event.json").write_text(json.dumps(self.event[1]), encoding="utf-8")

    @property
    def artifacts(self) -> Path:
        return self.place / "artifacts"

    @property
    def caches(self) -> Path:
        return self.place.parent / "caches"

    @property
    def site(self) -> Path:
        """What was published as pages."""
        return self.place.parent / "pages"

    @property
    def sha(self) -> str:
        command = ["git", "-C", str(self.repository), "rev-parse", "HEAD"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    @property
    def ref(self) -> str:
        """The ref that GitHub names for the event."""
        name, content = self.event
        tag = str(content.get("release", {}).get("tag_name", ""))
        queue = f"refs/heads/gh-readonly-queue/{DEFAULT_BRANCH}/pr-1-{self.sha}"
        refs = {"pull_request": "refs/pull/1/merge", "merge_group": queue, "release": f"refs/tags/{tag}"}
        return refs.get(name, f"refs/heads/{DEFAULT_BRANCH}")

    @property
    def from_a_fork(self) -> bool:
        pull_request = self.event[1].get("pull_request", {})
        return bool(pull_request.get("head", {}).get("repo", {}).get("fork"))

    def asked(self, tool: str) -> str:
        """What a tool was asked for, a line a call."""
        path = self.place / f"{tool}.txt"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    @property
    def installed(self) -> str:
        """What pip was asked for, a line a call."""
        return self.asked("pip")

    def run(self, workflow: Path, only: Iterable[str] = ()) -> dict[str, Ended]:
        """All jobs in the order of their needs; `only` runs some again, with what the others left.

        Raises:
            Refused: the service would not start it.
        """
        data = read(workflow)
        secrets = {} if self.from_a_fork else self.secrets
        self.inputs = {**_defaults(data), **self.inputs}
        self._run(Call(data, self.inputs, secrets, self.jobs), only)
        return self.jobs

    def _run(self, call: Call, only: Iterable[str] = ()) -> None:
        jobs = call.data["jobs"]
        wanted = set(only) or set(jobs)
        for name, job in jobs.items():  # every workflow here names a job after what it needs
            if name in wanted:
                call.jobs[name] = self._job(name, job, call)

    def contexts(self, call: Call, **more: Any) -> dict[str, Any]:
        name, content = self.event
        github = {"event_name": name, "event": content, "sha": self.sha, "ref": self.ref, "token": "t"}
        github |= {"ref_name": self.ref.removeprefix("refs/heads/"), "repository": "somebody/models"}
        github |= {"run_id": "7", "run_attempt": str(self.attempt), "workflow": str(call.data.get("name", ""))}
        inputs = {key: evaluated(value, {}, self.place) for key, value in call.inputs.items()}
        runner = {"os": "Linux", "arch": "X64", "temp": ""}
        fixed = {"github": github, "inputs": inputs, "runner": runner, "secrets": call.secrets, "vars": self.variables}
        return {**fixed, "matrix": {}, "strategy": {"job-index": 0}, "env": {}, **more}

    def _job(self, name: str, job: dict[str, Any], call: Call) -> Ended:
        needs = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
        seen = {one: {"result": call.jobs[one].result, "outputs": call.jobs[one].outputs} for one in needs}
        contexts = self.contexts(call, needs=seen)
        _demand_rights(call.prefix + name, job.get("permissions", {}), call.allowed)
        condition = str(job.get("if", "")).removeprefix("${{").removesuffix("}}")
        runs = bool(Expression(condition, contexts, self.place).value()) if condition else True
        if "always()" not in condition and any(one["result"] != "success" for one in seen.values()):
            runs = False
        if not runs:
            return Ended("skipped")
        if call.prefix + name in self.lose:
            return Ended(self.lose[call.prefix + name])
        if "uses" in job:
            return self._called(name, job, call, contexts)
        matrix = evaluated(job.get("strategy", {}).get("matrix", {}), contexts, self.place)
        ended = [self._leg(name, job, call, {**contexts, "matrix": leg}) for leg in _legs(matrix)]
        outputs = {key: value for one in ended for key, value in one.outputs.items()}
        return Ended(_worst(ended), outputs, "".join(one.log for one in ended))

    def _called(self, name: str, job: dict[str, Any], call: Call, contexts: dict[str, Any]) -> Ended:
        """A job that is another workflow."""
        path = re.sub(r"^(\./|\$/|[\w.-]+/[\w.-]+/)|@.*$", "", str(job["uses"]))
        data = read(self.own / path)
        given = evaluated(job.get("with", {}), contexts, self.place)
        known = data[True]["workflow_call"]
        unknown = set(given) - set(known.get("inputs", {}))
        if unknown:
            raise Refused(f"{path} has no input {unknown}")
        secrets = evaluated(job.get("secrets", {}), contexts, self.place)
        rights = job.get("permissions", {})
        inner = Call(data, {**_defaults(data), **given}, secrets, {}, f"{call.prefix}{name} / ", rights)
        self._run(inner)
        outputs = {key: one["value"] for key, one in known.get("outputs", {}).items()}
        jobs = {key: {"outputs": one.outputs, "result": one.result} for key, one in inner.jobs.items()}
        said = evaluated(outputs, {**contexts, "jobs": jobs}, self.place)
        log = "".join(one.log for one in inner.jobs.values())
        self.jobs |= {f"{call.prefix}{name} / {key}": one for key, one in inner.jobs.items()}
        return Ended(_worst(inner.jobs.values()), {key: str(plain(value)) for key, value in said.items()}, log)

    def _leg(self, name: str, job: dict[str, Any], call: Call, contexts: dict[str, Any]) -> Ended:
        from tests.service.machine import Machine

        matrix = contexts["matrix"]
        words = [str(matrix["unit"])] if "unit" in matrix else [str(one) for one in matrix.values()]
        shown = call.prefix + name + "".join(f"[{word}]" for word in words)
        fate = self.lose.get(shown, "")
        if fate in ("cancelled", "failure"):
            return Ended(fate)
        environment = job.get("environment", "")
        named = environment if isinstance(environment, str) else environment["name"]  # its address is known afterwards
        if evaluated(named, contexts, self.place) and not self.approved:
            return Ended("cancelled")
        self.runs.append(shown)
        folder = self.place / re.sub(r"[^\w.-]", "-", f"{shown}-{self.attempt}-{len(self.runs)}")
        labels = evaluated(job["runs-on"], contexts, self.place)
        machine = Machine(self, folder, name, {**contexts, "steps": {}}, job.get("permissions", {}), labels)
        machine.lost = fate == "lost"
        machine.environment |= evaluated(dict(call.data.get("env", {})), machine.contexts, folder)
        machine.environment |= {
            name: str(plain(value)) for name, value in evaluated(job.get("env", {}), machine.contexts, folder).items()
        }
        machine.steps(job["steps"])
        outputs = evaluated(job.get("outputs", {}), machine.contexts, folder)
        result = "failure" if machine.failed else "success"
        return Ended(result, {k: str(plain(v)) for k, v in outputs.items()}, machine.log)


def _defaults(data: Mapping[Any, Any]) -> dict[str, Any]:
    """The inputs of a workflow that others call or people start."""
    events = data[True] if isinstance(data[True], dict) else {}  # `on` is true to YAML
    kinds = [events.get(kind) or {} for kind in ("workflow_call", "workflow_dispatch")]
    return {name: one.get("default", "") for kind in kinds for name, one in kind.get("inputs", {}).items()}


def _demand_rights(job: str, wanted: Mapping[str, str], allowed: Mapping[str, str] | None) -> None:
    """GitHub starts no workflow in which a called job asks for more than its caller has."""
    for name, level in wanted.items():
        if allowed is not None and LEVELS.index(level) > LEVELS.index(allowed.get(name, "none")):
            raise Refused(f"{job} asks for {name}: {level}, and its caller gives {allowed.get(name, 'none')}")


def _legs(matrix: Any) -> list[dict[str, Any]]:
    """A matrix' jobs: what it includes, or every combination."""
    if not matrix:
        return [{}]
    if "include" in matrix:
        return list(matrix["include"])
    return [dict(zip(matrix, values, strict=True)) for values in itertools.product(*matrix.values())]


def _worst(ended: Iterable[Ended]) -> str:
    results = {one.result for one in ended}
    return next((word for word in ("cancelled", "failure") if word in results), "success")
