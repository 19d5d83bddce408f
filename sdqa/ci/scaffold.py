"""The files of a repository that wants the gate: a CI file, sessions, ignored folders, owners; written from templates.

A file that is there already stays as it is, and that is said; lines that are missing are added to `.gitignore` and
`CODEOWNERS`. The templates call `sdqa ci plan | unit | gate` and decide nothing themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

import sdqa
from sdqa.errors import UsageError
from sdqa.plan import Plan
from sdqa.plan.parts import ROLES, role_of
from sdqa.plan.suite import TEACHER_NOW
from sdqa.store import write_atomically

Service = Literal["github", "gitlab", "buildkite", "jenkins", "shell"]
SERVICES: tuple[Service, ...] = ("github", "gitlab", "buildkite", "jenkins", "shell")
GATE_FILE = "sdqa-gate.txt"
"""What plans and gates, by digest and without torch, at the top of a repository whose service names it there."""
OWNED: dict[Service, str] = {
    "github": ".github/",
    "gitlab": ".gitlab-ci.yml",
    "buildkite": ".buildkite/",
    "jenkins": "Jenkinsfile",
    "shell": "quality.sh",
}
"""What says how a service gates: whoever changes it can take the gate away."""
_REPOSITORY = re.compile(r"[\w.-]{1,100}/[\w.-]{1,100}(@[\w./-]{1,200})?")
_PLAIN = re.compile(r"[\w./-]+")


@dataclass(frozen=True)
class StartingFile:
    """A file to write, or lines that another file must have."""

    path: str
    text: str
    adds_lines: bool = False
    executable: bool = False


def starting_files(
    service: Service, plan: Plan, *, repository: str = "", nox: bool = False, owners: str = ""
) -> tuple[StartingFile, ...]:
    """What a repository needs for a service.

    Args:
        plan: of the suite, whose file lies at the top of the repository.
        repository: OWNER/NAME[@REF] that has sdqa's own workflow, for a short caller on GitHub; without, the workflow
            stands on its own and installs sdqa from the index.
        owners: of suite and goldens, as CODEOWNERS names them; empty for no such lines.

    Raises:
        UsageError: the repository's name is none, or the suite's cannot be written into a script.
    """
    suite, goldens = plan.suite_path.name, plan.suite.goldens
    if not _PLAIN.fullmatch(suite) or not _PLAIN.fullmatch(goldens):
        raise UsageError("a CI file cannot name this suite or its goldens", where=f"{suite}, {goldens}")
    if repository and not _REPOSITORY.fullmatch(repository):
        raise UsageError(f"{repository!r} is no repository", hint="--repository OWNER/NAME, or OWNER/NAME@REF")
    roles = [role for role in ROLES if any(role_of(lane) == role for lane in plan.lanes)]
    own, _, ref = repository.partition("@")
    words = {
        "VERSION": sdqa.__version__,
        "SUITE": suite,
        "GOLDENS": suite if goldens == TEACHER_NOW else f"{goldens}/",
        "OWNERS": owners,
        "CI": OWNED[service],
        "REPOSITORY": own,
        "REF": ref or f"v{sdqa.__version__}",
    }
    files = [*_service_files(service, roles, words, short=bool(repository))]
    if nox:
        files.append(StartingFile("noxfile.py", _filled("noxfile.py.in", words)))
    if owners:
        folder = ".gitlab" if service == "gitlab" else ".github"  # each reads its own
        files.append(StartingFile(f"{folder}/CODEOWNERS", _filled("CODEOWNERS.in", words), adds_lines=True))
    return (*files, StartingFile(".gitignore", _filled("gitignore.in", words), adds_lines=True))


def _service_files(
    service: Service, roles: Sequence[str], words: Mapping[str, str], *, short: bool
) -> list[StartingFile]:
    match service:
        case "github" if short:
            return [StartingFile(".github/workflows/quality.yml", _filled("github-caller.yml.in", words))]
        case "github":
            return [
                StartingFile(".github/workflows/quality.yml", _filled("github.yml.in", words)),
                StartingFile(".github/workflows/tasks.yml", _filled("github-tasks.yml.in", words)),
                StartingFile(".github/sdqa-gate.txt", template("gate.txt")),
            ]
        case "gitlab":
            return [
                StartingFile(".gitlab-ci.yml", _filled("gitlab.yml.in", words)),
                StartingFile(GATE_FILE, template("gate.txt")),
            ]
        case "buildkite":
            steps = _steps("buildkite-step.in", roles, words)
            return [StartingFile(".buildkite/pipeline.yml", _filled("buildkite.yml.in", {**words, "STEPS": steps}))]
        case "jenkins":
            steps = _steps("Jenkinsfile-step.in", roles, words)
            unstash = "\n        ".join(
                f"catchError(buildResult: 'FAILURE') {{ unstash 'bundle-{role}' }}" for role in roles
            )
            more = {"STEPS": steps, "UNSTASH": unstash}
            return [StartingFile("Jenkinsfile", _filled("Jenkinsfile.in", {**words, **more}))]
        case "shell":
            text = _filled("quality.sh.in", {**words, "UNITS": " ".join(roles)})
            return [StartingFile("quality.sh", text, executable=True)]


def _steps(name: str, roles: Sequence[str], words: Mapping[str, str]) -> str:
    return "".join(_filled(name, {**words, "UNIT": role}) for role in roles).rstrip("\n")


def template(name: str) -> str:
    """A template's text."""
    return (resources.files("sdqa.ci") / "templates" / name).read_text(encoding="utf-8")


def _filled(name: str, words: Mapping[str, str]) -> str:
    """A template with `@WORD@` replaced; what is put in is not looked at again."""
    return re.sub(r"@([A-Z]+)@", lambda found: words.get(found[1], found[0]), template(name))


def write_file(folder: Path, file: StartingFile) -> str:
    """Write a starting file unless something is there; what was done, in words."""
    target = folder / file.path
    if file.adds_lines:
        return _add_lines(target, file)
    if target.exists():
        same = target.read_bytes() == file.text.encode()
        return f"{file.path}: {'is as it would be written' if same else 'is there already and was left as it is'}"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, file.text.encode())
    if file.executable:
        target.chmod(0o755)
    return f"{file.path}: written"


def _add_lines(target: Path, file: StartingFile) -> str:
    before = target.read_text(encoding="utf-8") if target.exists() else ""
    known = {line.strip() for line in before.splitlines()}
    missing = [line for line in file.text.splitlines() if line.strip() not in known]
    if not missing:
        return f"{file.path}: has what it needs"
    gap = "\n" if before and not before.endswith("\n") else ""
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, (before + gap + "\n".join(missing) + "\n").encode())
    return f"{file.path}: {len(missing)} line{'s' if len(missing) != 1 else ''} added"
