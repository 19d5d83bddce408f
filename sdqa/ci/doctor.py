"""A repository, looked over: whether its required check means what it says, and what mends it where it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import sdqa
from sdqa.ci.workflows import GateJob, OtherGate, gate_jobs, other_gates
from sdqa.errors import SdqaError
from sdqa.gate import Tolerances
from sdqa.gate.manifest import MANIFEST_FILE, read_manifest
from sdqa.plan import Plan, PlannedLane
from sdqa.plan.parts import role_of
from sdqa.plan.suite import TEACHER_NOW

Grade = Literal["ok", "warn", "fail"]
FILTERS = ("paths", "paths-ignore")
UNSAFE = "pull_request_target"
OWNERS = (".github/CODEOWNERS", ".gitlab/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
NAMED = 3
WRITE = "sdqa init --ci github"
REQUIRED = {
    "gitlab": "turn on “Pipelines must succeed” for merge requests",
    "buildkite": "require the pipeline's status in the branch's rules",
    "jenkins": "require the build's status in the branch's rules",
    "shell": "let what runs it be required, and stop at its exit code",
}
"""Of services whose settings no file shows: what makes the gate one."""


@dataclass(frozen=True)
class Symptom:
    """One thing that was looked at in a repository."""

    grade: Grade
    subject: str
    found: str
    mend: str = ""  # a command, or what to do; empty where nothing is to be done


def examine_repository(
    root: Path,
    plan: Plan,
    limits: Callable[[Plan, PlannedLane], Tolerances | None],
    *,
    reach: Callable[[str, str, int], object],
    place: str,
) -> tuple[Symptom, ...]:
    """Everything that keeps a required check from meaning "measured, planned and passed".

    Args:
        root: the repository's top folder.
        limits: of a lane; None where nobody measured or stated any.
        reach: fetches a golden's large file: place, digest, bytes.
        place: where large files lie.
    """
    jobs, unread = gate_jobs(root)
    others = other_gates(root)
    service = others[0].service if others and not jobs else "github"
    return (
        *_workflows(jobs, unread, others),
        *_goldens(plan, reach, place),
        *_limits(plan, limits),
        *_files(root, plan, f"sdqa init --ci {service}"),
    )


def _workflows(jobs: Iterable[GateJob], unread: Iterable[str], others: Iterable[OtherGate]) -> Iterator[Symptom]:
    found, elsewhere = list(jobs), list(others)
    for name in unread:
        yield Symptom("fail", name, "is no workflow that can be read", "correct its YAML")
    if not found and not elsewhere:
        yield Symptom("fail", "gate", "no workflow decides anything", WRITE)
    for other in elsewhere:
        yield Symptom("ok", other.file, "calls the gate; whether it is required no file says", REQUIRED[other.service])
        yield from _version(other.file, other.version)
    for job in found:
        yield from _job(job)
    if found and not any("pull_request" in job.events for job in found):
        yield Symptom("fail", "events", "nothing is gated before it is merged", "add `pull_request:` to the events")


def _job(job: GateJob) -> Iterator[Symptom]:
    where = f"{job.file}: {job.check}"
    skipping = _ways_to_skip(job)
    yield from (Symptom("fail", where, what, mend) for what, mend in skipping)
    if not skipping:
        yield Symptom("ok", where, f"cannot be skipped; require the check {job.check!r} in the branch's rules")
    if UNSAFE in job.events:
        mend = "use `pull_request`, and `workflow_run` for what has to write"
        yield Symptom("fail", where, f"{UNSAFE} runs a stranger's code with this repository's rights", mend)
    if "merge_group" not in job.events:
        yield Symptom("warn", where, "a merge queue would wait for it for ever", "add `merge_group:` to the events")
    if not job.called and job.depth not in (0, None):
        mend = "give its checkout `fetch-depth: 0`"
        yield Symptom("warn", where, "who loosened the judge cannot be seen: the base is not fetched", mend)
    yield from _version(where, job.version)


def _version(where: str, installed: str) -> Iterator[Symptom]:
    if installed and installed != sdqa.__version__:
        said = f"it installs sdqa {installed}, here is {sdqa.__version__}"
        yield Symptom("warn", where, said, f"change the workflow to sdqa=={sdqa.__version__}")


def _ways_to_skip(job: GateJob) -> list[tuple[str, str]]:
    """How a pull request could come to be without this check, or with one that says nothing."""
    found = []
    filters = job.events.get("pull_request")
    filtered = [name for name in FILTERS if isinstance(filters, Mapping) and name in filters]
    if filtered:
        mend = "take the filter away: the plan says by itself when nothing is affected"
        found.append((f"`{filtered[0]}` leaves pull requests without it", mend))
    if job.called and job.condition:
        found.append((f"`if: {job.condition}` can skip it, and a skipped check passes", "take the condition away"))
    if not job.called and job.needs and job.condition.strip("${} ") != "always()":
        found.append(("it is skipped when a job before it fails, and a skipped check passes", "give it `if: always()`"))
    if not job.called and not job.needs and job.condition and job.condition.strip("${} ") != "always()":
        found.append((f"`if: {job.condition}` can skip it, and a skipped check passes", "give it `if: always()`"))
    if job.forgives:
        found.append(("`continue-on-error` makes it green whatever it says", "take it away"))
    return found


def _goldens(plan: Plan, reach: Callable[[str, str, int], object], place: str) -> Iterator[Symptom]:
    if plan.suite.goldens == TEACHER_NOW:
        yield Symptom("warn", "goldens", "the teacher draws them in the same run: nothing guards the teacher itself")
        return
    missing, elsewhere = [], []
    for name in dict.fromkeys(f"{lane.model_name}/{case}" for lane in plan.lanes for case in lane.cases):
        folder = plan.goldens / name
        try:
            manifest = read_manifest(folder)
        except SdqaError:
            missing.append(name)
            continue
        elsewhere += [file for file in manifest.files.values() if file.place != "folder"]
        missing += [
            name for file, one in manifest.files.items() if one.place == "folder" and not (folder / file).is_file()
        ]
    if missing:
        said = f"{len(set(missing))} are not here, or not whole: {', '.join(sorted(set(missing))[:NAMED])}"
        yield Symptom(
            "fail", "goldens", said, "sdqa goldens, and commit the folder (git lfs pull, where they are there)"
        )
    else:
        yield Symptom("ok", "goldens", f"every case has its {MANIFEST_FILE} and files")
    if elsewhere:
        first = elsewhere[0]
        try:
            reach(place, first.sha256, first.bytes)
        except SdqaError as error:
            mend = "set SDQA_GOLDENS_PLACE (input `goldens`), and the secrets that it needs"
            yield Symptom("fail", "goldens' place", f"{place} does not give them: {error.what}", mend)
        else:
            yield Symptom("ok", "goldens' place", f"{place} gives {len(elsewhere)} large files")


def _limits(plan: Plan, limits: Callable[[Plan, PlannedLane], Tolerances | None]) -> Iterator[Symptom]:
    without = [lane for lane in plan.lanes if limits(plan, lane) is None]
    for lane in without:
        mend = f"sdqa calibrate --lane {lane.id} --reason …, on a machine of the kind {role_of(lane)!r}"
        yield Symptom(
            "warn", lane.id, "has no limits: it is judged provisionally, by what stands out from sound variants", mend
        )
    if not without:
        yield Symptom("ok", "limits", f"all {len(plan.lanes)} lanes have some")
    if any(role_of(lane) == "mac-ane" for lane in plan.lanes):
        said = "lanes on a Neural Engine need a Mac of your own: hosted ones are virtual and have none"
        yield Symptom("warn", "machines", said, "register one with the labels self-hosted, macOS, sdqa-ane")


def _files(root: Path, plan: Plan, write: str) -> Iterator[Symptom]:
    ignored = root / ".gitignore"
    if ignored.is_file() and ".sdqa" in ignored.read_text(encoding="utf-8", errors="replace"):
        yield Symptom("ok", ".gitignore", "leaves .sdqa out")
    else:
        yield Symptom("warn", ".gitignore", "does not leave .sdqa out", write)
    owners = next((root / name for name in OWNERS if (root / name).is_file()), None)
    text = owners.read_text(encoding="utf-8", errors="replace") if owners is not None else ""
    if plan.suite_path.name in text:
        yield Symptom("ok", "CODEOWNERS", "somebody owns the suite")
    else:
        yield Symptom("warn", "CODEOWNERS", "nobody has to look at a looser judge", f"{write} --owners @NAME")


def symptom_lines(symptoms: Iterable[Symptom]) -> list[str]:
    """In words, the worst first."""
    order: list[Grade] = ["fail", "warn", "ok"]
    lines = []
    for one in sorted(symptoms, key=lambda one: order.index(one.grade)):
        lines.append(f"{one.grade:4}  {one.subject}: {one.found}")
        if one.mend:
            lines.append(f"      → {one.mend}")
    return lines
