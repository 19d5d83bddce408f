"""GitHub Actions on this machine, step by step: the YAML as it stands, actions of others replaced by what they do.

`pip` installs nothing (sdqa and its requirements are here already); what it was asked for is written down.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from tests.service.expressions import Expression, evaluated, plain

ROOT = Path(__file__).parents[2]
BASH = shutil.which("bash") or "bash"
PYTHON = f"""#!/bin/sh
case "$1 $2" in
  "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && exit 0;;
  "-m pip") shift 2; echo "$@" >> "$SDQA_TEST_PIP"; exit 0;;
esac
exec "{sys.executable}" "$@"
"""
PIP = '#!/bin/sh\necho "$@" >> "$SDQA_TEST_PIP"\n'
SDQA = f'#!/bin/sh\nexec "{sys.executable}" -m sdqa "$@"\n'


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


@dataclass
class Service:
    """A service with one repository, whose commit it runs a workflow for.

    Args:
        place: a folder of its own.
        repository: a work tree of git; every job clones it.
        event: name and content.
        own: where `$/` leads: the repository of the workflow itself.
    """

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

    def __post_init__(self) -> None:
        self.place.mkdir(parents=True, exist_ok=True)
        tools = self.place / "tools"
        tools.mkdir(exist_ok=True)
        for name, text in {"python": PYTHON, "pip": PIP, "sdqa": SDQA}.items():
            (tools / name).write_text(text, encoding="utf-8")
            (tools / name).chmod(0o755)
        (self.place / "event.json").write_text(json.dumps(self.event[1]), encoding="utf-8")

    @property
    def artifacts(self) -> Path:
        return self.place / "artifacts"

    @property
    def caches(self) -> Path:
        return self.place.parent / "caches"

    @property
    def sha(self) -> str:
        command = ["git", "-C", str(self.repository), "rev-parse", "HEAD"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    @property
    def installed(self) -> str:
        """What pip was asked for, a line a call."""
        path = self.place / "pip.txt"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def run(self, workflow: Path, only: Iterable[str] = ()) -> dict[str, Ended]:
        """All jobs in the order of their needs; `only` runs some again, with what the others left."""
        data = read(workflow)
        called = data[True].get("workflow_call") if isinstance(data[True], dict) else None  # `on` is true to YAML
        defaults = {name: one.get("default", "") for name, one in called["inputs"].items()} if called else {}
        self.inputs = {**defaults, **self.inputs}
        wanted = set(only) or set(data["jobs"])
        for name, job in data["jobs"].items():  # every workflow here names a job after what it needs
            if name in wanted:
                self.jobs[name] = self._job(name, job, data)
        return self.jobs

    def contexts(self, **more: Any) -> dict[str, Any]:
        name, content = self.event
        github = {"event_name": name, "event": content, "sha": self.sha, "ref": "refs/heads/main", "ref_name": "main"}
        github |= {"run_id": "7", "run_attempt": str(self.attempt), "token": "t"}
        inputs = {key: evaluated(value, {}, self.place) for key, value in self.inputs.items()}
        runner = {"os": "Linux", "arch": "X64", "temp": ""}
        return {"github": github, "inputs": inputs, "runner": runner, "secrets": {}, "matrix": {}, "env": {}, **more}

    def _job(self, name: str, job: dict[str, Any], workflow: dict[Any, Any]) -> Ended:
        needs = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
        seen = {one: {"result": self.jobs[one].result, "outputs": self.jobs[one].outputs} for one in needs}
        contexts = self.contexts(needs=seen)
        condition = str(job.get("if", ""))
        runs = bool(Expression(condition, contexts, self.place).value()) if condition else True
        if "always()" not in condition and any(one["result"] != "success" for one in seen.values()):
            runs = False
        if not runs:
            return Ended("skipped")
        if name in self.lose:
            return Ended(self.lose[name])
        matrix = evaluated(job.get("strategy", {}).get("matrix", {}), contexts, self.place)
        legs = matrix.get("include", [{}]) if isinstance(matrix, dict) else [{}]
        ended = [self._leg(name, job, workflow, {**contexts, "matrix": leg}) for leg in legs]
        worst = next((word for word in ("cancelled", "failure") if any(one.result == word for one in ended)), "success")
        outputs = {key: value for one in ended for key, value in one.outputs.items()}
        return Ended(worst, outputs, "".join(one.log for one in ended))

    def _leg(self, name: str, job: dict[str, Any], workflow: dict[Any, Any], contexts: dict[str, Any]) -> Ended:
        shown = name + "".join(f"[{contexts['matrix'][key]}]" for key in ("unit",) if key in contexts["matrix"])
        fate = self.lose.get(shown, "")
        if fate in ("cancelled", "failure"):
            return Ended(fate)
        self.runs.append(shown)
        folder = self.place / re.sub(r"[^\w.-]", "-", f"{shown}-{self.attempt}-{len(self.runs)}")
        leg = Leg(self, folder, name, {**contexts, "steps": {}}, lost=fate == "lost")
        (folder / "temp").mkdir(parents=True)
        leg.contexts["runner"] = {**contexts["runner"], "temp": str(folder / "temp")}
        leg.environment |= evaluated(workflow.get("env", {}), leg.contexts, folder)
        leg.steps(job["steps"])
        outputs = evaluated(job.get("outputs", {}), leg.contexts, folder)
        return Ended("failure" if leg.failed else "success", {k: str(plain(v)) for k, v in outputs.items()}, leg.log)


class Leg:
    """One job on one machine."""

    def __init__(self, service: Service, folder: Path, job: str, contexts: dict[str, Any], *, lost: bool) -> None:
        self.service, self.folder, self.contexts, self.lost = service, folder, contexts, lost
        self.workspace = folder / "workspace"
        self.workspace.mkdir(parents=True)
        self.failed, self.log = False, ""
        hidden = ("GITHUB_", "RUNNER_", "SDQA_", "PYTEST_", "CI")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
        self.environment = {
            **kept,
            "CI": "true",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join([str(ROOT), *([str(service.repository)] if service.extra else [])]),
            "PATH": f"{service.place / 'tools'}{os.pathsep}{os.environ['PATH']}",
            "SDQA_TEST_PIP": str(service.place / "pip.txt"),
            "RUNNER_TEMP": str(folder / "temp"),
            "RUNNER_OS": "Linux",
            "RUNNER_ENVIRONMENT": "github-hosted",
            "GITHUB_JOB": job,
            "GITHUB_SHA": service.sha,
            "GITHUB_RUN_ID": "7",
            "GITHUB_RUN_ATTEMPT": str(service.attempt),
            "GITHUB_EVENT_NAME": service.event[0],
            "GITHUB_EVENT_PATH": str(service.place / "event.json"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
            **service.extra,
        }

    def steps(self, steps: Iterable[dict[str, Any]]) -> None:
        """Step after step; after a failure only what runs always."""
        for step in steps:
            condition = str(step.get("if", ""))
            if self.failed and "always()" not in condition:
                continue
            if condition and not Expression(condition, self.contexts, self.workspace).value():
                continue
            outputs: dict[str, str] = {}
            outcome = "success" if self._step(step, outputs) else "failure"
            if step.get("id"):
                self.contexts["steps"] = {
                    **self.contexts["steps"],
                    step["id"]: {"outcome": outcome, "outputs": outputs},
                }
            if outcome == "failure" and not step.get("continue-on-error"):
                self.failed = True

    def _step(self, step: dict[str, Any], outputs: dict[str, str]) -> bool:
        given = evaluated(step.get("with", {}), self.contexts, self.workspace)
        if "uses" in step:
            return self._action(str(step["uses"]), given, outputs)
        variables = {k: str(plain(v)) for k, v in evaluated(step.get("env", {}), self.contexts, self.workspace).items()}
        files = {name: self.folder / f"{name}.txt" for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH")}
        for path in files.values():
            path.write_text("", encoding="utf-8")
        done = subprocess.run(
            [BASH, "--noprofile", "--norc", "-eo", "pipefail", "-c", str(step["run"])],
            cwd=self.workspace,
            env={**self.environment, **{k: str(v) for k, v in files.items()}, **variables},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        self.log += done.stdout + done.stderr
        outputs |= dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text(encoding="utf-8").splitlines())
        for line in files["GITHUB_ENV"].read_text(encoding="utf-8").splitlines():
            key, value = line.split("=", 1)
            own = [value, self.environment[key]] if key == "PYTHONPATH" else [value]
            self.environment[key] = os.pathsep.join(own)
        for line in files["GITHUB_PATH"].read_text(encoding="utf-8").splitlines():
            self.environment["PATH"] = f"{line}{os.pathsep}{self.environment['PATH']}"
        return done.returncode == 0

    def _action(self, uses: str, given: Mapping[str, Any], outputs: dict[str, str]) -> bool:
        match uses.partition("@")[0]:
            case "actions/checkout":
                command = ["git", "clone", "-q", str(self.service.repository), str(self.workspace)]
                return subprocess.run(command, check=False).returncode == 0
            case "actions/setup-python" | "actions/cache":
                return True
            case "actions/cache/restore":
                return self._restore(given, outputs)
            case "actions/cache/save":
                return self._keep(str(given["key"]), self.workspace / str(given["path"]))
            case "actions/upload-artifact":
                return self._upload(str(given["name"]), self.workspace / str(given["path"]))
            case "actions/download-artifact":
                return self._download(given)
            case own if own.startswith("$/"):
                folder = self.service.own / own.removeprefix("$/")
                action = read(folder / "action.yml")
                outer = self.contexts
                defaults = {name: one.get("default", "") for name, one in action.get("inputs", {}).items()}
                github = {**outer["github"], "action_path": str(folder)}
                self.contexts = {**outer, "inputs": {**defaults, **given}, "github": github, "steps": {}}
                self.steps(action["runs"]["steps"])
                self.contexts = outer
                return not self.failed
        raise AssertionError(f"nobody knows {uses}")

    def _restore(self, given: Mapping[str, Any], outputs: dict[str, str]) -> bool:
        """The exact key, or the newest that begins as `restore-keys` says."""
        wanted = str(given.get("restore-keys", "")).strip() or str(given["key"])
        found = sorted(self.service.caches.glob(f"{wanted}*"), key=lambda path: path.stat().st_mtime)
        if found:
            outputs["cache-matched-key"] = found[-1].name
            target = self.workspace / str(given["path"])
            target.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (found[-1] / "content").is_dir() else shutil.copy
            copy(found[-1] / "content", target)
        return True

    def _keep(self, key: str, source: Path) -> bool:
        if not source.exists():
            return False
        (self.service.caches / key).mkdir(parents=True)
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, self.service.caches / key / "content")
        return True

    def _upload(self, name: str, source: Path) -> bool:
        if self.lost or not source.exists():
            return True
        target = self.service.artifacts / name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
        return True

    def _download(self, given: Mapping[str, Any]) -> bool:
        target = Path(str(given["path"]))
        if "name" in given:
            source = self.service.artifacts / str(given["name"])
            if source.exists():
                shutil.copytree(source, target, dirs_exist_ok=True)
            return source.exists()
        for source in sorted(self.service.artifacts.glob("*")):
            if fnmatch(source.name, str(given["pattern"])):
                shutil.copytree(source, target / source.name)
        return True
