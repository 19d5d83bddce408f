"""What runs on GitHub: pinned, least privileges, no text of a pull request in a script, a gate that absence turns red.

The scripts of the actions are run here as they stand in the files.
"""

from __future__ import annotations

import json
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
from packaging.requirements import Requirement

from sdqa.bundle import Bundle
from sdqa.ci.jobs import Sharing, jobs_of, parse_runners
from sdqa.ci.scaffold import template
from sdqa.history import add_records, record_of
from sdqa.history.places import HistoryFolder
from sdqa.plan import load_suite, make_plan
from tests.ci import honest
from tests.ci.gated_place import Place

ROOT = Path(__file__).parents[1]
GITHUB = ROOT / ".github"
FILES = sorted(GITHUB.rglob("*.yml"))
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
PAGES = {"pages": "write", "id-token": "write"}
SIGNING = {"attestations": "write", "contents": "read", "id-token": "write"}
PRIVILEGES: dict[tuple[str, str], dict[str, str]] = {
    ("attest.yml", "attest"): SIGNING,
    ("comment.yml", "comment"): {"actions": "read", "pull-requests": "write"},
    ("history.yml", "add"): {"contents": "write"},
    ("pages.yml", "deploy"): PAGES,
    ("qa.yml", "attest"): SIGNING,
    ("qa.yml", "history"): {"contents": "write"},
    ("qa.yml", "pages"): {"contents": "read", **PAGES},
    ("qa.yml", "all"): {},
}
"""Of the jobs that may do another thing than read the repository. None runs a line of a pull request: one has no
checkout and reads one small file, one signs a release's evidence without a checkout, the others run on the main branch
alone."""
AFTERWARDS = {"publish"}
"""Jobs that decide nothing any more, and write nothing but a cache."""
BASH = shutil.which("bash") or "bash"


def read(path: Path) -> dict[Any, Any]:
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(data, dict)
    return data


def steps(path: Path) -> list[dict[str, Any]]:
    data = read(path)
    jobs = data["jobs"].values() if "jobs" in data else [data["runs"]]
    return [step for job in jobs for step in job.get("steps", [])]


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
        if match and not match[1].startswith(("./", "$/")):
            assert re.fullmatch(r"[\w-]+/[\w./-]+@[0-9a-f]{40}", match[1]), line
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", match[2]), line


@pytest.mark.parametrize("path", FILES, ids=identify)
def test_own_actions_exist_and_get_inputs_that_they_know(path: Path) -> None:
    for step in steps(path):
        uses = step.get("uses", "")
        if uses.startswith(("./", "$/")):
            action = read(ROOT / uses[2:].removeprefix(".sdqa-source/") / "action.yml")
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
    for name, job in data["jobs"].items():
        assert job["permissions"] == PRIVILEGES.get((path.name, name), {"contents": "read"})
        assert "uses" in job or job["timeout-minutes"]
        for step in job.get("steps", []):
            if step.get("uses", "").startswith("actions/checkout@"):
                pushes = job["permissions"].get("contents") == "write"
                assert step["with"]["persist-credentials"] is pushes


def test_what_writes_runs_on_the_main_branch_alone_and_one_at_a_time() -> None:
    jobs = read(GITHUB / "workflows" / "qa.yml")["jobs"]
    for name in ("history", "pages"):
        assert "github.ref == 'refs/heads/main' &&" in jobs[name]["if"]
    assert read(GITHUB / "workflows" / "history.yml")["jobs"]["add"]["concurrency"]["queue"] == "max"
    assert read(GITHUB / "workflows" / "pages.yml")["jobs"]["deploy"]["concurrency"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=identify)
def test_the_gate_runs_always_and_sees_every_other_job(path: Path) -> None:
    jobs = read(path)["jobs"]
    if "gate" not in jobs:
        return
    gate = jobs["gate"]
    assert gate["if"] == "always()"
    assert set(gate["needs"]) == set(jobs) - {"gate"} - AFTERWARDS
    given = [step["with"]["results"] for step in gate["steps"] if "actions/gate" in step.get("uses", "")]
    given += [step["env"]["SDQA_RESULTS"] for step in gate["steps"] if step.get("id") == "gate" and "env" in step]
    assert given == ["${{ toJSON(needs) }}"]


def test_the_main_workflow_calls_the_one_for_others_and_requires_every_job_of_its_own() -> None:
    jobs = read(GITHUB / "workflows" / "qa.yml")["jobs"]
    assert jobs["quality"]["uses"] == "./.github/workflows/quality.yml"
    assert jobs["all"]["if"] == "always()"
    assert set(jobs["all"]["needs"]) == set(jobs) - {"all", "attest", "history", "pages"}
    roles = parse_runners(jobs["quality"]["with"]["runners"])
    assert roles == {"any": ("ubuntu-24.04",), "mac": ("macos-15",), "mac-ane": ("macos-15",)}


def test_every_lane_of_the_suite_has_a_machine() -> None:
    plan = make_plan(load_suite(ROOT / "sdqa.toml"), ROOT / "sdqa.toml", platform="linux")
    jobs = jobs_of(plan, Sharing(shards=1, runners=parse_runners('{"mac-ane": "macos-15"}')))
    assert sorted(part.lane for job in jobs for part in job.parts) == sorted(lane.id for lane in plan.lanes)


def pinned(*more: str) -> dict[str, str]:
    """What plans and gates, and what further lists name: distribution → version."""
    text = "\n".join(template(name) for name in ("gate.txt", *more))
    assert all(block.count("--hash=sha256:") for block in re.split(r"\n(?=\w)", text)[1:])
    return dict(re.findall(r"^([\w-]+)==([\w.]+)", text, re.MULTILINE))


def test_what_decides_is_pinned_within_sdqas_own_ranges() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [*project["dependencies"], *project["optional-dependencies"]["dashboard"]]
    ranges = {one.name: one.specifier for one in map(Requirement, named)}
    known = pinned("dashboard.txt")
    assert {"ruptures", "click", "filelock", "jinja2", "numpy", "pillow", "pydantic", "rich", "safetensors"} <= set(
        known
    )
    assert [name for name, version in known.items() if name in ranges and version not in ranges[name]] == []
    for path in (GITHUB / "actions" / "gate" / "action.yml", GITHUB / "actions" / "install" / "action.yml"):
        installs = [step["run"] for step in steps(path) if "gate.txt" in step.get("run", "")]
        assert installs
        assert all("--require-hashes" in one for one in installs)


def run_script(text: str, temporary: Path, *, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a step's script as GitHub does, `bash --noprofile --norc -eo pipefail`, in a checkout."""
    for name in ("output", "summary"):
        (temporary / name).touch()
    interpreter = temporary / "sdqa-gate" / "bin" / "python"
    if not interpreter.exists():
        interpreter.parent.mkdir(parents=True)
        interpreter.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
        interpreter.chmod(0o755)
    return subprocess.run(
        [BASH, "--noprofile", "--norc", "-eo", "pipefail", "-c", text],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "RUNNER_TEMP": str(temporary),
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(temporary / "output"),
            "GITHUB_STEP_SUMMARY": str(temporary / "summary"),
            **environment,
        },
    )


def gate_script() -> str:
    """The gate's step; a folded block is one command."""
    return script("gate", "Gate")


def place_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A repository with a suite where the runner has unpacked what the machines sent."""
    place = Place(tmp_path, monkeypatch)
    (tmp_path / "bundles").mkdir()
    (tmp_path / "sdqa-bundles").symlink_to(tmp_path / "bundles")
    return place


def gated(place: Place, results: str, **environment: str) -> subprocess.CompletedProcess[str]:
    history = "git:sdqa-history"
    given = {"SUITE": "sdqa.toml", "COMMIT": place.commit, "BASE": "", "HISTORY": history, "DOWNLOAD": "success"}
    folder = place.suite.parent
    return run_script(gate_script(), place.root, folder=folder, **{**given, "SDQA_RESULTS": results, **environment})


@pytest.mark.parametrize(
    ("linux", "mac", "results", "exit_code", "word"),
    [
        (True, True, {"lanes": "success"}, 0, "Pass"),
        (True, False, {"lanes": "success"}, 4, "Incomplete"),
        (False, True, {"lanes": "success"}, 4, "Incomplete"),
        (False, False, {"lanes": "success"}, 4, "Incomplete"),
        (True, True, {"lanes": "failure"}, 4, "Incomplete"),
        (True, True, {"lanes": "cancelled"}, 4, "Incomplete"),
        (True, True, {"lanes": "success", "tests": "skipped"}, 4, "Incomplete"),
        (True, True, {}, 4, "Incomplete"),
    ],
)
def test_the_gates_step_says_one_thing_everywhere(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    linux: bool,
    mac: bool,
    results: dict[str, str],
    exit_code: int,
    word: str,
) -> None:
    place = place_of(tmp_path, monkeypatch)
    if linux:
        place.send("linux", honest.linux())
    if mac:
        place.send("mac", honest.mac())
    done = gated(place, json.dumps({job: {"result": result, "outputs": {}} for job, result in results.items()}))
    assert done.returncode == exit_code, done.stdout + done.stderr
    assert f"exit-code={exit_code}\n" in (tmp_path / "output").read_text(encoding="utf-8")
    assert f": {word}" in (tmp_path / "summary").read_text(encoding="utf-8").splitlines()[0]
    assert (tmp_path / "sdqa-report" / "index.html").exists()
    assert ("::error title=" in done.stdout) == (exit_code != 0)


def test_the_gates_step_is_red_when_fetching_the_bundles_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = place_of(tmp_path, monkeypatch)
    place.send_all()
    assert gated(place, '{"lanes": {"result": "success"}}', DOWNLOAD="failure").returncode == 4


def test_the_gate_decides_in_no_script() -> None:
    """Every step that says something calls a verb, and nothing comes after it but the upload."""
    found = [step.get("name") or step["uses"].partition("@")[0] for step in steps(GITHUB / "actions/gate/action.yml")]
    assert found[-2:] == ["Gate", "Upload the report"]
    assert gate_script().count("\n") <= 1


def test_the_gate_needs_only_what_its_action_installs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path, monkeypatch)
    place.send_all()
    code = (
        "import sys, importlib.metadata as metadata\n"
        "from sdqa.cli import run\n"
        f"arguments = ['ci', 'gate', {str(tmp_path / 'bundles')!r}, '--base', 'HEAD']\n"
        f"assert run([*arguments, '--output', {str(tmp_path / 'out')!r}]) == 0\n"
        "packages = metadata.packages_distributions()\n"
        "roots = {module.partition('.')[0] for module in sys.modules}\n"
        "print(*{name for root in roots for name in packages.get(root, ())}, file=sys.stderr)"
    )
    path = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=place.suite.parent, capture_output=True, text=True, check=True, env=path)
    needed = {name.lower().replace("_", "-") for name in done.stderr.split()}
    assert needed <= set(pinned()) | {"setuptools", "pip", "sdqa"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("ci", "plan", "--github"),
        ("history", "add", "{report}", "--to", "{place}"),
        ("dashboard", "--history", "{place}", "--output", "{place}/site", "--index", "{place}/index"),
    ],
    ids=lambda words: str(words[:2]),
)
def test_what_plans_and_publishes_needs_no_more(arguments: tuple[str, ...], tmp_path: Path, bundle: Bundle) -> None:
    add_records(HistoryFolder(tmp_path / "history"), [record_of(bundle.read())])
    words = [one.format(report=bundle.folder, place=tmp_path / "history") for one in arguments]
    code = (
        "import sys, importlib.metadata as metadata\n"
        "from sdqa.cli import run\n"
        f"code = run({words!r})\n"
        "packages = metadata.packages_distributions()\n"
        "roots = {module.partition('.')[0] for module in sys.modules}\n"
        "print(*{name for root in roots for name in packages.get(root, ())}, file=sys.stderr)\n"
        "sys.exit(code)"
    )
    path = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=path)
    needed = {name.lower().replace("_", "-") for name in done.stderr.splitlines()[-1].split()}
    more = ["dashboard.txt"] if arguments[0] == "dashboard" else []
    assert needed <= set(pinned(*more)) | {"setuptools", "pip", "sdqa"}
