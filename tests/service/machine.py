"""One job on one machine: its steps in their order, with others' actions replaced by what they do."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.service.expressions import Expression, evaluated, plain
from tests.service.runner import ROOT, read

if TYPE_CHECKING:
    from tests.service.runner import Service

BASH = shutil.which("bash") or "bash"
PRETENDED = "SDQA_TEST_SYSTEM"
"""What a suite's plugin may call the machine: its labels say macOS, and everything here runs on one."""


class Machine:
    """See the file's text.

    Args:
        rights: of the job's token.
        labels: of the machine.
    """

    def __init__(
        self,
        service: Service,
        folder: Path,
        job: str,
        contexts: dict[str, Any],
        rights: Mapping[str, str],
        labels: str | list[str],
    ) -> None:
        self.service, self.folder, self.contexts, self.rights = service, folder, contexts, rights
        self.lost = False
        self.workspace = folder / "workspace"
        self.workspace.mkdir(parents=True)
        (folder / "temp").mkdir(parents=True)
        self.failed, self.log = False, ""
        words = [labels] if isinstance(labels, str) else labels
        system = "macOS" if any(word.lower().startswith("macos") for word in words) else "Linux"
        owned = "self-hosted" if "self-hosted" in words else "github-hosted"
        contexts["runner"] = {**contexts["runner"], "temp": str(folder / "temp"), "os": system}
        hidden = ("GITHUB_", "RUNNER_", "SDQA_", "PYTEST_", "CI", "AWS_", "HF_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
        github = contexts["github"]
        self.environment = {
            **kept,
            "CI": "true",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(ROOT),
            "PATH": f"{service.place / 'tools'}{os.pathsep}{os.environ['PATH']}",
            "SDQA_TEST_PIP": str(service.place / "pip.txt"),
            "SDQA_TEST_NOX": str(service.place / "nox.txt"),
            "SDQA_CACHE": str(folder / "cache"),  # a machine has fetched nothing yet
            PRETENDED: "Darwin" if system == "macOS" else system,
            "RUNNER_TEMP": str(folder / "temp"),
            "RUNNER_OS": system,
            "RUNNER_ENVIRONMENT": owned,
            "GITHUB_ACTIONS": "true",
            "GITHUB_JOB": job,
            "GITHUB_SHA": github["sha"],
            "GITHUB_REF": github["ref"],
            "GITHUB_REPOSITORY": github["repository"],
            "GITHUB_RUN_ID": github["run_id"],
            "GITHUB_RUN_ATTEMPT": github["run_attempt"],
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
            timeout=900,
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
                return self._checkout(given)
            case "actions/setup-python" | "actions/cache":
                return True
            case "actions/cache/restore":
                return self._restore(given, outputs)
            case "actions/cache/save":
                return self._keep(str(given["key"]), self.workspace / str(given["path"]))
            case "actions/upload-artifact":
                return self._upload(str(given["name"]), self.workspace / str(given["path"]))
            case "actions/upload-pages-artifact":
                return self._upload("github-pages", self.workspace / str(given["path"]))
            case "actions/attest-build-provenance":
                return self._attest(self.workspace / str(given["subject-path"]))
            case "actions/deploy-pages":
                return self._deploy(outputs)
            case "actions/download-artifact":
                return self._download(given)
            case own if own.startswith(("$/", "./")):
                root = self.workspace if own.startswith("./") else self.service.own
                folder = root / own[2:]
                action = read(folder / "action.yml")
                outer = self.contexts
                defaults = {name: one.get("default", "") for name, one in action.get("inputs", {}).items()}
                defaults = evaluated(defaults, outer, self.workspace)
                github = {**outer["github"], "action_path": str(folder)}
                self.contexts = {**outer, "inputs": {**defaults, **given}, "github": github, "steps": {}}
                self.steps(action["runs"]["steps"])
                self.contexts = outer
                return not self.failed
        raise AssertionError(f"nobody knows {uses}")

    def _checkout(self, given: Mapping[str, Any]) -> bool:
        """A clone that can push where the job's token may write and stays in the folder."""
        command = ["git", "clone", "-q", str(self.service.repository), str(self.workspace)]
        done = subprocess.run(command, check=False).returncode == 0
        if self.rights.get("contents") != "write" or given.get("persist-credentials") is not True:
            nowhere = str(self.folder / "no-right-to-push")
            git = ["git", "-C", str(self.workspace), "config", "remote.origin.pushurl", nowhere]
            subprocess.run(git, check=True)
        return done

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

    def _deploy(self, outputs: dict[str, str]) -> bool:
        """Publish the pages' artifact, with the two rights that it takes."""
        source = self.service.artifacts / "github-pages"
        if {self.rights.get("pages"), self.rights.get("id-token")} != {"write"} or not source.exists():
            return False
        shutil.copytree(source, self.service.site, dirs_exist_ok=True)
        outputs["page_url"] = "https://somebody.example/models/"
        return True

    def _attest(self, subject: Path) -> bool:
        """Sign a file, with the two rights that it takes; its digest is written down."""
        if {self.rights.get("attestations"), self.rights.get("id-token")} != {"write"} or not subject.is_file():
            return False
        with (self.service.place / "attested.txt").open("a", encoding="utf-8") as stream:
            stream.write(f"{hashlib.sha256(subject.read_bytes()).hexdigest()}  {subject.name}\n")
        return True
