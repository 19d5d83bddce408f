"""What `sdqa init --ci` writes: complete, pinned to this version, and nothing of what is there already."""

from __future__ import annotations

import ast
import contextlib
import os
import re
import runpy
import subprocess
from pathlib import Path
from shutil import which
from types import SimpleNamespace

import pytest
import yaml

import sdqa
from sdqa.ci.scaffold import SERVICES, Service, starting_files, write_file
from sdqa.cli import cli
from sdqa.cli import run as verb
from sdqa.errors import UsageError
from sdqa.plan import load_suite, make_plan
from tests.ci import honest
from tests.ci.gated_place import git

ROOT = Path(__file__).parents[2]
PLAN = make_plan(load_suite(ROOT / "sdqa.toml"), ROOT / "sdqa.toml")
FILES = {
    "github": ".github/workflows/quality.yml",
    "gitlab": ".gitlab-ci.yml",
    "buildkite": ".buildkite/pipeline.yml",
    "jenkins": "Jenkinsfile",
    "shell": "quality.sh",
}


TASKS = ".github/workflows/tasks.yml"


def text_of(service: Service, **options: object) -> str:
    files = {file.path: file.text for file in starting_files(service, PLAN, **options)}  # type: ignore[arg-type]
    return files[FILES[service]]


@pytest.mark.parametrize("service", SERVICES)
def test_a_ci_file_calls_the_three_verbs_of_this_version_and_leaves_no_word_open(service: Service) -> None:
    text = text_of(service)
    called = set(re.findall(r"sdqa ci (\w+)", text.partition("\n")[2]))
    assert called <= set(cli.commands["ci"].commands)  # type: ignore[attr-defined]
    assert called <= {"plan", "unit", "gate"}
    assert {"plan"} <= called if service == "gitlab" else {"unit", "gate"} <= called
    assert service == "shell" or f"sdqa=={sdqa.__version__}" in text
    assert not re.search(r"@[A-Z]+@", text)


@pytest.mark.parametrize("service", ["buildkite", "jenkins", "shell"])
def test_every_kind_of_machine_that_the_suite_needs_has_its_step(service: Service) -> None:
    text = text_of(service)
    assert all(re.search(rf"\b{role}\b", text) for role in ("any", "mac", "mac-ane"))
    suite = honest.SUITE.replace('runtime = "coreml"\ncompute_units = ["CPU_AND_NE"]', 'runtime = "torch"')
    linux = starting_files(service, honest.plan(text=suite))[0].text
    assert not re.search(r"\bmac\b", linux)


def test_a_caller_on_github_has_ten_lines_at_most_and_names_the_repository() -> None:
    text = text_of("github", repository="somebody/else")
    assert len(text.splitlines()) <= 10
    job = yaml.safe_load(text)["jobs"]["quality"]
    assert job["uses"] == f"somebody/else/.github/workflows/quality.yml@v{sdqa.__version__}"
    given = yaml.safe_load((ROOT / ".github/workflows/quality.yml").read_text(encoding="utf-8"))[True]["workflow_call"]
    assert set(job["with"]) <= set(given["inputs"])
    assert "@v9" in text_of("github", repository="somebody/else@v9")


@pytest.mark.parametrize("name", ["somebody", "a/b/c", "a/b@", "${{ x }}/y", "a/b; reboot"])
def test_a_repository_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="is no repository"):
        starting_files("github", PLAN, repository=name)


def test_no_logic_of_more_than_five_lines_stands_in_the_yaml() -> None:
    for path in sorted((ROOT / ".github").rglob("*.yml")):
        if path.name == "qa.yml":  # this project's own: it plants faults to see that the gate turns red
            continue
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        jobs = data["jobs"].values() if "jobs" in data else [data["runs"]]
        for step in (step for job in jobs for step in job.get("steps", [])):
            if path.parent.name not in ("sdqa",):  # the action of one machine, older than `ci unit`
                assert len(str(step.get("run", "")).splitlines()) <= 5, path


@pytest.mark.parametrize("service", ["github", "gitlab", "buildkite"])
def test_what_is_yaml_is_valid_yaml(service: Service) -> None:
    assert isinstance(yaml.safe_load(text_of(service)), dict)


@pytest.mark.skipif(which("check-jsonschema") is None, reason="check-jsonschema comes with the extra `lint`")
@pytest.mark.parametrize(
    ("service", "schema"),
    [
        ("github", "vendor.github-workflows"),
        ("caller", "vendor.github-workflows"),
        ("tasks", "vendor.github-workflows"),
        ("gitlab", "vendor.gitlab-ci"),
        ("buildkite", "vendor.buildkite"),
    ],
)
def test_what_init_writes_follows_the_services_schema(tmp_path: Path, service: str, schema: str) -> None:
    path = tmp_path / "ci.yml"
    texts = {
        "caller": lambda: text_of("github", repository="somebody/sdqa"),
        "tasks": lambda: next(file.text for file in starting_files("github", PLAN) if file.path == TASKS),
    }
    path.write_text(texts.get(service, lambda: text_of(service))(), encoding="utf-8")  # type: ignore[arg-type]
    subprocess.run(["check-jsonschema", "--builtin-schema", schema, str(path)], check=True, capture_output=True)


@pytest.mark.skipif(which("zizmor") is None, reason="zizmor comes with the extra `lint`")
def test_the_workflow_that_init_writes_has_no_finding(tmp_path: Path) -> None:
    for file in starting_files("github", PLAN):
        write_file(tmp_path, file)
    subprocess.run(["zizmor", "--offline", "--min-severity", "medium", "-q", str(tmp_path)], check=True)


@pytest.mark.skipif(which("shellcheck") is None, reason="shellcheck comes with the extra `lint`")
def test_scripts_have_no_finding_of_shellcheck(tmp_path: Path) -> None:
    subprocess.run(["shellcheck", "-s", "sh", "-"], input=text_of("shell"), text=True, check=True)
    for file in starting_files("github", PLAN):
        write_file(tmp_path, file)
    for path in sorted([*(ROOT / ".github").rglob("*.yml"), *tmp_path.rglob("*.yml")]):
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        jobs = data["jobs"].values() if "jobs" in data else [data["runs"]]
        for script in (step["run"] for job in jobs for step in job.get("steps", []) if "run" in step):
            done = subprocess.run(
                ["shellcheck", "-S", "warning", "-s", "bash", "-"], input=script, text=True, capture_output=True
            )
            assert done.returncode == 0, f"{path}: {done.stdout}"


def test_the_shell_script_is_valid_and_says_what_the_gate_said(tmp_path: Path) -> None:
    script = tmp_path / "quality.sh"
    script.write_text(text_of("shell"), encoding="utf-8")
    subprocess.run(["sh", "-n", str(script)], check=True)
    fake = '#!/bin/sh\necho "$@" >> calls\n[ "$2" = gate ] && exit 4\nexit 1\n'
    (tmp_path / "sdqa").write_text(fake, encoding="utf-8")
    (tmp_path / "sdqa").chmod(0o755)
    done = subprocess.run(["sh", str(script)], cwd=tmp_path, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False)
    assert done.returncode == 4
    calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert [call.split()[2] for call in calls] == ["any", "mac", "mac-ane", ".sdqa/bundles"]


def test_the_noxfile_calls_verbs_that_there_are(tmp_path: Path) -> None:
    files = {file.path: file.text for file in starting_files("shell", PLAN, nox=True)}
    tree = ast.parse(files["noxfile.py"])
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "sdqa"]
    named = [ast.literal_eval(call.args[1]) for call in calls]
    assert set(named) <= set(cli.commands)
    assert {"qa", "goldens", "calibrate", "diagnose"} <= set(named)
    (tmp_path / "noxfile.py").write_text(files["noxfile.py"], encoding="utf-8")
    if which("nox"):
        listed = subprocess.run(["nox", "--list"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        assert {"qa", "goldens"} <= set(re.findall(r"^[*-] (\w+)", listed, re.MULTILINE))


@pytest.mark.parametrize("code", [0, 3, 4])
def test_a_sessions_exit_code_is_the_verbs(code: int, tmp_path: Path) -> None:
    pytest.importorskip("nox")
    files = {file.path: file.text for file in starting_files("shell", PLAN, nox=True)}
    (tmp_path / "noxfile.py").write_text(files["noxfile.py"], encoding="utf-8")
    (tmp_path / "python").write_text(f'#!/bin/sh\necho "$@" > "{tmp_path}/asked"\nexit {code}\n', encoding="utf-8")
    (tmp_path / "python").chmod(0o755)
    installed: list[tuple[str, ...]] = []
    session = SimpleNamespace(
        install=lambda *words: installed.append(words), bin_paths=[str(tmp_path)], posargs=["doctor", "--json"]
    )
    found = runpy.run_path(str(tmp_path / "noxfile.py"))
    for name in ("qa", "runner"):
        with pytest.raises(SystemExit) if code else contextlib.nullcontext() as ended:
            found[name](session)
        assert ended is None or ended.value.code == code
    assert (tmp_path / "asked").read_text(encoding="utf-8") == "-m sdqa runner doctor --json\n"
    assert not any("--no-deps" in words for words in installed[:1])
    assert ("-q", "--no-deps", f"sdqa=={sdqa.__version__}") in installed


def test_a_machine_is_set_up_without_torch_and_a_merge_request_is_held_against_its_target() -> None:
    files = {file.path: file.text for file in starting_files("gitlab", PLAN, nox=True)}
    runner = files["noxfile.py"].partition("def runner")[2].partition("@nox.session")[0]
    assert '"--no-deps", SDQA' in runner
    assert "sdqa(session" not in runner
    pipeline = yaml.safe_load(files[".gitlab-ci.yml"])
    assert {"if": '$CI_PIPELINE_SOURCE == "merge_request_event"'} in pipeline["workflow"]["rules"]
    assert files["sdqa-gate.txt"].count("--hash=sha256:") > 10
    assert "-r sdqa-gate.txt" in pipeline["plan"]["script"][0]


@pytest.mark.parametrize(
    ("service", "variable"), [("buildkite", "BUILDKITE_PULL_REQUEST_BASE_BRANCH"), ("jenkins", "CHANGE_TARGET")]
)
def test_a_gate_elsewhere_is_held_against_the_target(service: Service, variable: str, tmp_path: Path) -> None:
    """The very lines, run by a shell in a clone of a repository whose main branch has moved on."""
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    origin.mkdir()
    git(origin, "init", "-q", "-b", "main")
    git(origin, "commit", "-q", "--allow-empty", "-m", "first")
    git(tmp_path, "clone", "-q", str(origin), str(clone))
    first = git(clone, "rev-parse", "HEAD")
    git(clone, "commit", "-q", "--allow-empty", "-m", "change")
    text = text_of(service)
    if service == "buildkite":  # which itself replaces what has one dollar, before any shell sees it
        gate = next(step for step in yaml.safe_load(text)["steps"] if step.get("key") == "gate")
        assert not re.search(r"(?<!\$)\$(?!\$)", "".join(gate["commands"]))
        lines = [line.replace("$$", "$") for line in gate["commands"] if "BASE_BRANCH" in line]
    else:
        lines = [found[1] for found in re.finditer(r"sh '(.*)'", text) if variable in found[1]]
    script = "\n".join(line.replace(".sdqa/gate/bin/", "") for line in lines)
    (tmp_path / "sdqa").write_text(
        '#!/bin/sh\nwhile [ "$1" != --base ]; do shift; done; echo "base=$2"\n', encoding="utf-8"
    )
    (tmp_path / "sdqa").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    said = [
        subprocess.run(
            ["sh", "-euc", script],
            cwd=clone,
            env={**environment, variable: branch},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for branch in ("", "main")
    ]
    assert said == ["base=", f"base={first}" if service == "buildkite" else "base=origin/main"]


def test_no_expression_stands_in_a_script_and_others_actions_are_pinned() -> None:
    for text in (file.text for file in starting_files("github", PLAN) if file.path.endswith(".yml")):
        steps = [step for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"]]
        assert not [step for step in steps if "${{" in step.get("run", "")]
        assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"]) for step in steps if "uses" in step)


def test_owners_are_of_suite_goldens_and_ci() -> None:
    files = {file.path: file.text for file in starting_files("github", PLAN, owners="@a/judges @b")}
    assert "/goldens/ @a/judges @b\n" in files[".github/CODEOWNERS"]
    assert "/.github/ @a/judges @b\n" in files[".github/CODEOWNERS"]
    elsewhere = {file.path: file.text for file in starting_files("gitlab", PLAN, owners="@c")}
    assert "/.gitlab-ci.yml @c\n" in elsewhere[".gitlab/CODEOWNERS"]
    assert ".github/CODEOWNERS" not in {file.path for file in starting_files("github", PLAN)}


def test_nothing_is_overwritten_and_lines_are_added_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".gitignore").write_text("build/", encoding="utf-8")
    (tmp_path / "noxfile.py").write_text("mine\n", encoding="utf-8")
    assert verb(["init", "--ci", "shell", "--nox"]) == 0
    assert (tmp_path / ".gitignore").read_text(encoding="utf-8") == "build/\n.sdqa/\n"
    assert (tmp_path / "noxfile.py").read_text(encoding="utf-8") == "mine\n"
    first = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert verb(["init", "--ci", "shell", "--nox"]) == 0
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == first


def test_what_was_done_is_said(tmp_path: Path) -> None:
    [script, ignored] = starting_files("shell", PLAN)
    assert write_file(tmp_path, script) == "quality.sh: written"
    assert (tmp_path / "quality.sh").stat().st_mode & 0o111
    assert write_file(tmp_path, script) == "quality.sh: is as it would be written"
    (tmp_path / "quality.sh").write_text("mine", encoding="utf-8")
    assert write_file(tmp_path, script) == "quality.sh: is there already and was left as it is"
    assert write_file(tmp_path, ignored) == ".gitignore: 1 line added"
    assert write_file(tmp_path, ignored) == ".gitignore: has what it needs"


def test_options_of_a_service_need_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert verb(["init", "--nox"]) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_suite_that_a_script_cannot_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot name"):
        starting_files("shell", honest.plan(tmp_path / "a b.toml"))
