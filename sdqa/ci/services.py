"""A plan in the words of a CI service: a matrix and outputs for GitHub, a child pipeline for GitLab."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import sdqa
from sdqa.ci.jobs import PlannedJob
from sdqa.ci.plan import PlanOfRecord
from sdqa.store import write_atomically

SPARE = 5
"""Times what a job is expected to take, after which a service stops it."""
LEAST_MINUTES, MOST_MINUTES = 30, 350
SHORT_S = 90
"""Below, a time is said in seconds."""


def github_outputs(plan: PlanOfRecord) -> dict[str, str]:
    """`matrix` for `strategy.matrix`, `jobs` (a number), `commit` and `base`."""
    include = [
        {"unit": job.unit, "runner": list(job.runner), "minutes": time_limit(job), "artifact": artifact_of(job.unit)}
        for job in plan.jobs
    ]
    text = json.dumps({"include": include}, separators=(",", ":"))
    return {"matrix": text, "jobs": str(len(include)), "commit": plan.commit, "base": plan.base}


def tell_github(plan: PlanOfRecord, environment: Mapping[str, str] | None = None) -> str:
    """Append the outputs to the file that `GITHUB_OUTPUT` names; the lines, in any case."""
    variables = os.environ if environment is None else environment
    lines = "".join(f"{name}={value}\n" for name, value in github_outputs(plan).items())
    if variables.get("GITHUB_OUTPUT"):
        with Path(variables["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as stream:
            stream.write(lines)
    return lines


def time_limit(job: PlannedJob) -> int:
    """Minutes after which a job is stopped."""
    expected = (job.seconds or 0) / 60
    return min(MOST_MINUTES, max(LEAST_MINUTES, round(SPARE * expected)))


def artifact_of(unit: str) -> str:
    """The name of a unit's bundle: what no service accepts in a name is replaced."""
    return "sdqa-bundle-" + "".join(one if one.isalnum() or one in "-_." else "-" for one in unit)


def gitlab_pipeline(plan: PlanOfRecord, suite: str, gate_file: str = "") -> str:
    """A child pipeline: one job a unit, then the gate, whatever became of them. JSON is YAML, and needs no quoting.

    Args:
        suite: as `--suite` takes it.
        gate_file: a requirements file with digests that the gate installs from; empty where there is none.
    """
    install = [f"pip install --quiet sdqa=={sdqa.__version__}"]
    deciding = [
        f"pip install --quiet --require-hashes -r {gate_file}",
        f"pip install --quiet --no-deps sdqa=={sdqa.__version__}",
    ]
    pipeline: dict[str, object] = {
        "workflow": {"rules": [{"when": "always"}]},  # a child of a merge request's pipeline inherits none
        "stages": ["lanes", "gate"],
        "default": {"image": "python:3.11"},
    }
    for job in plan.jobs:
        folder = f"bundles/{artifact_of(job.unit)}"
        command = f"sdqa ci unit '{job.unit}' --suite '{suite}' --output '{folder}'"
        pipeline[f"lanes {job.unit}"] = {
            "stage": "lanes",
            "script": [*install, command],
            "artifacts": {"when": "always", "paths": [folder]},
            "timeout": f"{time_limit(job)} minutes",
            **({} if job.role == "any" else {"tags": list(job.runner)}),
        }
    pipeline["gate"] = {
        "stage": "gate",
        "when": "always",
        "script": [*(deciding if gate_file else install), _gate(plan, suite)],
        "artifacts": {"when": "always", "paths": ["report"], "reports": {"junit": "report/junit.xml"}},
        "variables": {"GIT_DEPTH": "0"},  # who loosened the judge is seen against the base
    }
    return json.dumps(pipeline, indent=2) + "\n"


def _gate(plan: PlanOfRecord, suite: str) -> str:
    base = f" --base {plan.base}" if plan.base else ""
    return f"sdqa ci gate bundles --suite '{suite}' --expect-commit {plan.commit}{base} --output report"


def write_pipeline(path: Path, plan: PlanOfRecord, suite: str, gate_file: str = "") -> None:
    """Write the child pipeline in one step."""
    write_atomically(path, gitlab_pipeline(plan, suite, gate_file).encode())


def described_jobs(jobs: Sequence[PlannedJob], rests_on: str = "") -> str:
    """The jobs for people, a line each, and what their times rest on."""
    lines = []
    for job in jobs:
        took = "" if job.seconds is None else f", about {_about(job.seconds)}"
        cases = sum(len(part.cases) for part in job.parts)
        lines.append(f"  {job.unit:28} {', '.join(job.runner)}: {cases} cases, {job.unet_calls} U-Net calls{took}")
    if rests_on and any(job.seconds is not None for job in jobs):
        lines.append(f"  times by {rests_on}")
    return "\n".join(lines)


def _about(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < SHORT_S else f"{seconds / 60:.0f} min"
