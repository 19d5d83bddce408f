"""What runs on GitHub: pinned, least privileges, no text of a pull request in a script, a gate that absence turns red.

The scripts of the actions are run here as they stand in the files.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from sdqa.bundle import Bundle, Status, Verdict
from sdqa.plan import load_suite, make_plan
from tests.builders import lane_record, run_record

ROOT = Path(__file__).parents[1]
GITHUB = ROOT / ".github"
FILES = sorted(GITHUB.rglob("*.yml"))
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
BASH = shutil.which("bash") or "bash"


def read(path: Path) -> dict[Any, Any]:
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(data, dict)
    return data


def steps(path: Path) -> list[dict[str, Any]]:
    data = read(path)
    jobs = data["jobs"].values() if "jobs" in data else [data["runs"]]
    return [step for job in jobs for step in job["steps"]]


def script(action: str, name: str) -> str:
    """One step's script of an action."""
    step = next(step for step in steps(GITHUB / "actions" / action / "action.yml") if step.get("name") == name)
    return str(step["run"])


def identify(path: Path) -> str:
    return str(path.relative_to(GITHUB))


@pytest.mark.parametrize("path", FILES, ids=identify)
def test_others_actions_are_pinned_by_commit_with_their_version(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        match = re.search(r"^\s*(?:- )?uses: (\S+)(.*)", line)
        if match and not match[1].startswith("./"):
            assert re.fullmatch(r"[\w-]+/[\w./-]+@[0-9a-f]{40}", match[1]), line
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", match[2]), line


@pytest.mark.parametrize("path", FILES, ids=identify)
def test_own_actions_exist_and_get_inputs_that_they_know(path: Path) -> None:
    for step in steps(path):
        uses = step.get("uses", "")
        if uses.startswith("./"):
            action = read(ROOT / uses.removeprefix("./").removeprefix(".sdqa-source/") / "action.yml")
            given = set(step.get("with", {}))
            assert given <= set(action["inputs"])
            assert {name for name, one in action["inputs"].items() if one.get("required")} <= given


@pytest.mark.parametrize("path", FILES, ids=identify)
def test_no_expression_stands_in_a_script(path: Path) -> None:
    """A branch's name or an input in a script would be run as a part of it; environment variables are not."""
    for step in steps(path):
        assert "${{" not in step.get("run", "")


@pytest.mark.parametrize("path", FILES, ids=identify)
def test_scripts_are_valid_bash_and_say_their_shell(path: Path) -> None:
    for step in steps(path):
        if "run" in step:
            subprocess.run([BASH, "-n"], input=step["run"], text=True, check=True)
            assert "jobs" in read(path) or step["shell"] == "bash"


@pytest.mark.parametrize("path", WORKFLOWS, ids=identify)
def test_privileges_are_least_and_jobs_end(path: Path) -> None:
    data = read(path)
    assert data["permissions"] == {}
    for job in data["jobs"].values():
        assert job["permissions"] == {"contents": "read"}
        assert job["timeout-minutes"]
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", WORKFLOWS, ids=identify)
def test_the_gate_runs_always_and_sees_every_other_job(path: Path) -> None:
    jobs = read(path)["jobs"]
    gate = jobs["gate"]
    assert gate["if"] == "always()"
    assert set(gate["needs"]) == set(jobs) - {"gate"}
    given = next(step["with"]["result"] for step in gate["steps"] if "actions/gate" in step.get("uses", ""))
    assert given.split(" ${{ ") == [
        f"{'${{ ' if i == 0 else ''}needs.{job}.result }}}}" for i, job in enumerate(gate["needs"])
    ]


def test_the_main_workflow_runs_the_readmes_commands_on_both_systems() -> None:
    jobs = read(GITHUB / "workflows" / "qa.yml")["jobs"]
    assert jobs["lanes"]["strategy"]["matrix"]["runner"] == ["ubuntu-24.04", "macos-15"]
    assert [step["run"] for step in jobs["lanes"]["steps"] if "run" in step] == [
        "pip install nox",
        "nox -s qa -- --output .sdqa/report",
        "nox -s qa -- --lane '*@coreml-*' --output .sdqa/report",
    ]


def test_every_lane_of_the_suite_runs_on_exactly_one_machine() -> None:
    """As the workflow shares them out: Linux runs what it can, the Mac what needs Core ML."""
    suite = load_suite(ROOT / "sdqa.toml")
    planned = [lane.id for lane in make_plan(suite, ROOT / "sdqa.toml", platform="darwin").lanes]
    linux = [lane.id for lane in make_plan(suite, ROOT / "sdqa.toml", platform="linux").running]
    mac = [lane.id for lane in make_plan(suite, ROOT / "sdqa.toml", only=("*@coreml-*",), platform="darwin").running]
    assert sorted(linux + mac) == sorted(planned)


def test_what_reads_bundles_is_a_part_of_the_requirements() -> None:
    step = next(s for s in steps(GITHUB / "actions" / "gate" / "action.yml") if "READER" in s.get("env", {}))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = {re.split(r"[<>=\[]", name)[0] for name in project["dependencies"]}
    assert set(step["env"]["READER"].split()) <= required


def run_script(text: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a step's script as GitHub does: `bash --noprofile --norc -eo pipefail`."""
    for name in ("output", "summary"):
        (folder / name).touch()
    interpreter = folder / "sdqa-gate" / "bin" / "python"
    if not interpreter.exists():
        interpreter.parent.mkdir(parents=True)
        interpreter.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
        interpreter.chmod(0o755)
    return subprocess.run(
        [BASH, "--noprofile", "--norc", "-eo", "pipefail", "-c", text],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={
            **os.environ,
            "RUNNER_TEMP": str(folder),
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
            **environment,
        },
    )


@pytest.mark.parametrize(
    ("result", "code", "exit_code"),
    [
        ("success", "0", 0),
        ("success success", "0", 0),
        ("success", "1", 1),
        ("success", "4", 4),
        ("failure", "1", 1),
        ("failure", "4", 4),
        ("failure", "0", 3),
        ("success failure", "0", 3),
        ("cancelled", "0", 4),
        ("skipped", "0", 4),
        ("success skipped", "0", 4),
        ("skipped", "1", 1),
        ("", "0", 4),
        ("success", "", 3),
    ],
)
def test_the_gates_verdict(tmp_path: Path, result: str, code: str, exit_code: int) -> None:
    assert run_script(script("gate", "Verdict"), tmp_path, RESULT=result, CODE=code).returncode == exit_code


def leave_bundle(folder: Path, *lanes: tuple[str, Status | None]) -> None:
    """What a machine left: lanes with one verdict each, or skipped."""
    records = []
    for name, status in lanes:
        verdicts = (Verdict(check=f"{name}/all/lpips", metric="lpips", status=status, reason="why"),) if status else ()
        records.append(lane_record(name, *verdicts, status="ran" if status else "skipped"))
    Bundle(folder).write(run_record(*records))


@pytest.mark.parametrize(
    ("linux", "mac", "exit_code", "word"),
    [
        ([("a", "pass"), ("b", None)], [("a", None), ("b", "pass")], 0, "Pass"),
        ([("a", "pass"), ("b", None)], [("a", None), ("b", "fail")], 1, "Fail"),
        ([("a", "pass"), ("b", None)], None, 4, "Incomplete"),
        (None, None, 4, "nothing was checked"),
    ],
)
def test_the_gate_merges_what_the_machines_left(
    tmp_path: Path,
    linux: list[tuple[str, Status | None]] | None,
    mac: list[tuple[str, Status | None]] | None,
    exit_code: int,
    word: str,
) -> None:
    for name, lanes in (("linux", linux), ("mac", mac)):
        if lanes is not None:
            leave_bundle(tmp_path / "sdqa-bundles" / f"sdqa-bundle-{name}", *lanes)
    history = tmp_path / "history.jsonl"
    done = run_script(script("gate", "Merge and report"), tmp_path, HISTORY=str(history))
    assert done.returncode == 0, done.stderr  # the step after it gives the verdict, once the report is uploaded
    assert (tmp_path / "output").read_text(encoding="utf-8") == f"exit-code={exit_code}\n"
    assert word in (tmp_path / "summary").read_text(encoding="utf-8")
    assert (tmp_path / "sdqa-report" / "index.html").exists() == (linux is not None)
    assert ("::error title=" in done.stdout) == (exit_code != 0)
    assert history.exists() == (tmp_path / "sdqa-report" / "history.jsonl").exists() == (linux is not None)


def test_merging_needs_only_what_the_gate_installs(tmp_path: Path) -> None:
    leave_bundle(tmp_path / "one", ("a", "pass"))
    step = next(s for s in steps(GITHUB / "actions" / "gate" / "action.yml") if "READER" in s.get("env", {}))
    code = (
        "import sys, importlib.metadata as metadata\n"
        "from sdqa.cli import run\n"
        f"assert run(['merge', {str(tmp_path / 'one')!r}, '--output', {str(tmp_path / 'out')!r}]) == 0\n"
        "packages = metadata.packages_distributions()\n"
        "roots = {module.partition('.')[0] for module in sys.modules}\n"
        "print(*{name for root in roots for name in packages.get(root, ())}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    needed = {name.lower().replace("_", "-") for name in done.stderr.split()}
    installed = set(step["env"]["READER"].split())
    # What comes with them: the requirements of jinja2, pydantic and rich, and what every environment has.
    installed |= {"markupsafe", "annotated-types", "pydantic-core", "typing-extensions", "typing-inspection"}
    installed |= {"markdown-it-py", "mdurl", "pygments", "setuptools", "pip", "sdqa"}
    assert needed <= installed
