"""Where a run comes from: the CI service's variables, git where there is a work tree, and the machine.

Everything here is said by the machine that runs and can be said wrongly; the gate compares it with what it expects and
never trusts it further. Texts are cut and freed of control characters before they are recorded.
"""

from __future__ import annotations

import os
import re
import subprocess
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sdqa.bundle.environment import environment as machine_facts
from sdqa.bundle.record import Record
from sdqa.store import digest_of

# In this order: what GitHub, GitLab, Buildkite, CircleCI and Jenkins call it.
REPOSITORY = ("GITHUB_REPOSITORY", "CI_PROJECT_PATH", "BUILDKITE_REPO", "CIRCLE_PROJECT_REPONAME", "GIT_URL")
COMMIT = ("GITHUB_SHA", "CI_COMMIT_SHA", "BUILDKITE_COMMIT", "CIRCLE_SHA1", "GIT_COMMIT")
REF = ("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME", "BUILDKITE_BRANCH", "CIRCLE_BRANCH", "GIT_BRANCH")
BASE = ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "BUILDKITE_PULL_REQUEST_BASE_BRANCH", "CHANGE_TARGET")
RUN = ("GITHUB_RUN_ID", "CI_PIPELINE_ID", "BUILDKITE_BUILD_ID", "CIRCLE_WORKFLOW_ID", "BUILD_TAG")
ATTEMPT = ("GITHUB_RUN_ATTEMPT", "BUILDKITE_RETRY_COUNT")
JOB = ("GITHUB_JOB", "CI_JOB_NAME", "BUILDKITE_STEP_KEY", "CIRCLE_JOB", "JOB_NAME")
LABELS = ("RUNNER_OS", "RUNNER_ARCH", "RUNNER_ENVIRONMENT", "ImageOS", "CI_RUNNER_TAGS", "SDQA_LABELS")
MAX_TEXT = 200
MAX_LABELS = 32
GIT_SECONDS = 20
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
MACHINE = ("system", "os_build", "machine", "processor", "cores")


class Provenance(Record):
    """Where a bundle comes from, as the machine that made it says; the gate holds it against the plan of record."""

    repository: str = ""
    commit: str = ""  # what was checked out
    modified: bool = False  # files under version control differ from the commit
    base: str = ""  # what a pull request is to be merged into
    ref: str = ""
    run_id: str = ""
    attempt: int = 1
    job: str = ""
    labels: tuple[str, ...] = ()  # of the machine: system, architecture, and what SDQA_LABELS says
    machine: str = ""  # digest of what the machine is
    started: str = ""  # ISO 8601, UTC
    ended: str = ""
    judge_digest: str = ""  # of limits, budgets, tolerances and goldens, see `sdqa.ci.judge`
    narrowed: tuple[str, ...] = ()  # why lanes are not whole: "12 of 223 checks of tiny/fp16 were selected"
    interrupted: bool = False
    replayed: tuple[str, ...] = ()  # lanes whose samples were all in the store, see `Lane.replayed`


def provenance(
    folder: Path,
    *,
    started: str,
    judge_digest: str = "",
    narrowed: Sequence[str] = (),
    interrupted: bool = False,
    replayed: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Provenance:
    """What can be said of a run that ends now.

    Args:
        folder: of the suite; its work tree's commit is the run's.
        started: ISO 8601, UTC.
        environment: the process' own otherwise.
    """
    variables = os.environ if environment is None else environment
    checked_out, modified = work_tree(folder)
    named = stated(variables, COMMIT).lower()
    attempt = stated(variables, ATTEMPT)
    labels = [label for name in LABELS for label in re.split(r"[\s,\[\]\"]+", variables.get(name, "")) if label]
    facts = machine_facts()
    return Provenance(
        repository=stated(variables, REPOSITORY),
        commit=checked_out or (named if _COMMIT.fullmatch(named) else ""),
        modified=modified,
        base=stated(variables, BASE),
        ref=stated(variables, REF),
        run_id=stated(variables, RUN),
        attempt=max(1, int(attempt)) if re.fullmatch(r"[0-9]{1,9}", attempt) else 1,
        job=stated(variables, JOB),
        labels=tuple(dict.fromkeys(_plain(label) for label in labels))[:MAX_LABELS],
        machine=digest_of([*(getattr(facts, name) for name in MACHINE), variables.get("RUNNER_NAME", "")]),
        started=started,
        ended=datetime.now(UTC).isoformat(timespec="seconds"),
        judge_digest=judge_digest,
        narrowed=tuple(narrowed),
        interrupted=interrupted,
        replayed=tuple(replayed),
    )


def work_tree(folder: Path) -> tuple[str, bool]:
    """The commit that is checked out around a folder, and whether tracked files differ from it; nothing without git."""
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    if not _COMMIT.fullmatch(commit):
        return "", False
    return commit, bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))


def unverifiable(folder: Path) -> str:
    """Why git does not say which commit is checked out around a folder, in git's own words; empty where it does."""
    command = ["git", "-C", str(folder.resolve()), "rev-parse", "--verify", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=GIT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"git cannot be asked: {error}"
    if done.returncode == 0:
        return ""
    return _plain(done.stderr.decode("utf-8", errors="replace")) or f"git ended with {done.returncode}"


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder.resolve()), "--no-optional-locks", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=GIT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", errors="replace").strip() if done.returncode == 0 else ""


def stated(variables: Mapping[str, str], names: Sequence[str]) -> str:
    """What the first of these variables that is set says, as one short line; empty where none is."""
    return next((_plain(variables[name]) for name in names if variables.get(name)), "")


def _plain(text: str) -> str:
    """One line without control, format and surrogate characters."""
    kept = "".join(" " if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") else one for one in text)
    return " ".join(kept.split())[:MAX_TEXT]
