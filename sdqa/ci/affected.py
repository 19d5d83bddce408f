"""Which lanes a change can have touched: their inputs here against those of the base; what nobody knows is everything.

A lane is made from its words in the suite, its model's files, its cases' pictures, its goldens and baselines, and the
code that measures, plugins among it. Limits and the audit log judge and make nothing: what they change is judged again
anyway. A lane whose model or picture the repository does not hold is touched by every change: nobody would see it.
"""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from sdqa.bundle.provenance import unverifiable
from sdqa.ci.affected_inputs import model_places, pictures, plugin_places, unseen
from sdqa.ci.revision import plan_at
from sdqa.errors import SdqaError
from sdqa.gate.audit import AUDIT_FILE
from sdqa.gate.tolerances import TOLERANCES_FILE
from sdqa.plan import Plan, PlannedLane, make_plan
from sdqa.plan.suite import TEACHER_NOW
from sdqa.store import digest_of
from sdqa.store.code import Package, own_package

GIT_SECONDS = 120
EVERYTHING = "everything"
IDLE = ("*.md", "LICENSE*", "NOTICE*", ".gitignore", ".gitattributes", ".editorconfig", "*CODEOWNERS", "mkdocs.yml")
"""Files by name that no lane is made from, wherever they lie outside of models and goldens."""
IDLE_FOLDERS = ("docs",)
OWN_IDLE_FOLDERS = ("docs", "tests", "training")
"""In sdqa's own repository; what training makes is read from sdqa/embedded."""
JUDGING = (TOLERANCES_FILE, AUDIT_FILE, "sensitivity.json")
MEASURING = ("stages", "lane", "record", "examination", "references")
"""Modules of `sdqa.workflow` whose import closure is the code that measures a lane; the rest plans, judges, shows."""


@dataclass(frozen=True)
class Affected:
    """What has to be measured again, and why."""

    reasons: Mapping[str, str]  # lane → why; a lane that is not here is as it was
    lanes: tuple[str, ...]  # all of the plan
    base: str  # the commit
    paths: tuple[str, ...] = field(default=())  # that changed

    @property
    def carried(self) -> tuple[str, ...]:
        """Lanes whose evidence of the base stands for this commit too."""
        return tuple(lane for lane in self.lanes if lane not in self.reasons)

    def words(self) -> str:
        """One sentence."""
        changed = f"{len(self.paths)} changed file{'s' if len(self.paths) != 1 else ''}"
        if not self.reasons:
            return f"nothing that a lane is made from changed since {self.base[:12]} ({changed})"
        first = next(iter(self.reasons.values()))
        return (
            f"{len(self.reasons)} of {len(self.lanes)} lanes are affected since {self.base[:12]} ({changed}): {first}"
        )


def affected(plan: Plan, base: str, *, package: Package | None = None) -> Affected:
    """The lanes that a change since a revision can have touched.

    Args:
        base: a commit of the suite's repository.
        package: sdqa's own source; the one that runs otherwise.
    """
    whole = make_plan(plan.suite, plan.suite_path, platform="linux")
    lanes = tuple(lane.id for lane in whole.lanes)
    try:
        paths = changed_paths(whole.suite_path.parent, base)
        with plan_at(base, whole.suite_path) as before:
            earlier = {} if before is None else {lane.id: _words(before, lane) for lane in before.lanes}
    except SdqaError as error:
        return Affected(dict.fromkeys(lanes, f"the base cannot be compared: {error.what}"), lanes, base)
    reasons: dict[str, str] = {}
    for lane in whole.lanes:
        if lane.id not in earlier:
            reasons[lane.id] = f"{lane.id} is new"
        elif earlier[lane.id] != _words(whole, lane):
            reasons[lane.id] = f"{lane.id} is described otherwise"
    top = _top(whole.suite_path.parent)
    code = package or own_package()
    for lane_id, place in unseen(whole, top, _git).items():
        reasons.setdefault(lane_id, f"{place} is not in the repository as a whole: what changes there is not seen")
    plugins = plugin_places(whole)
    for path in paths:
        for name in _touched(path, whole, top, code, plugins):
            for lane_id in lanes if name == EVERYTHING else (name,):
                reasons.setdefault(lane_id, f"{path} changed")
    return Affected(reasons, lanes, base, paths)


def changed_paths(folder: Path, base: str) -> tuple[str, ...]:
    """Paths below the top of the repository that differ between a commit and what is checked out.

    Raises:
        SdqaError: git cannot say.
    """
    arguments = ("diff", "--name-only", "-z", "--no-renames", "--end-of-options", base, "HEAD", "--")
    found = _git(folder, *arguments)
    return tuple(sorted(path for path in found.split("\0") if path))


def _words(plan: Plan, lane: PlannedLane) -> str:
    """Digest of what the suite says of a lane that is not said by files."""
    return digest_of(
        {
            "model": lane.model.model_dump(mode="json"),
            "variant": lane.variant.model_dump(mode="json"),
            "runtime": [lane.runtime, lane.compute_unit, lane.baseline],
            "cases": {name: case.model_dump(mode="json") for name, case in lane.cases.items()},
            "metrics": plan.suite.metrics.model_dump(mode="json"),
            "plugins": plan.suite.plugins.model_dump(mode="json"),
            "goldens": plan.suite.goldens,
        }
    )


def _touched(path: str, plan: Plan, top: Path, code: Package, plugins: Sequence[Path]) -> Iterable[str]:
    """The lanes that a changed file is an input of: ids, `EVERYTHING`, or none."""
    place = (top / path).resolve()
    if place == plan.suite_path.resolve():
        return ()  # compared word by word
    if any(place.is_relative_to(one) for one in plugins):
        return (EVERYTHING,)
    if plan.suite.goldens != TEACHER_NOW and place.is_relative_to(plan.goldens.resolve()):
        return _by_golden(place.relative_to(plan.goldens.resolve()).parts, plan)
    by_model = [lane.id for lane in plan.lanes if any(place.is_relative_to(one) for one in model_places(plan, lane))]
    by_picture = [lane.id for lane in plan.lanes if place in pictures(plan, lane)]
    if by_model or by_picture:
        return [*by_model, *by_picture]
    own = code.root.resolve().parent == top
    if own and place.is_relative_to(code.root.resolve()):
        return () if _shows_only(place, code) else (EVERYTHING,)
    if plan.suite.plugins.modules and place.suffix == ".py":
        return (EVERYTHING,)  # a plugin may import whatever lies in the repository
    folders = OWN_IDLE_FOLDERS if own else IDLE_FOLDERS
    idle = path.partition("/")[0] in folders or any(fnmatch(PurePosixPath(path).name, one) for one in IDLE)
    return () if idle else (EVERYTHING,)


def _by_golden(parts: Sequence[str], plan: Plan) -> Iterable[str]:
    """Of `<model>/<case>/…`, or `<model>/baselines/…`, the model's lanes; of what judges, none."""
    if parts and parts[-1] in JUDGING and len(parts) <= 2:
        return ()
    models = {lane.model_name for lane in plan.lanes}
    if len(parts) < 2 or parts[0] not in models:
        return (EVERYTHING,)
    return [lane.id for lane in plan.lanes if lane.model_name == parts[0]]


def _shows_only(place: Path, code: Package) -> bool:
    """Whether a file of sdqa's own is none that measures: a module outside the closure, or data of rooms outside it."""
    try:
        measuring = _measuring(code)
    except LookupError:  # modules were renamed, and nobody told this list
        return False
    if place.suffix == ".py":
        return place.is_file() and place not in measuring
    rooms = {path.relative_to(code.root.resolve()).parts[0] for path in measuring}
    return place.relative_to(code.root.resolve()).parts[0] not in rooms


@functools.lru_cache(maxsize=4)
def _measuring(code: Package) -> frozenset[Path]:
    """The files of the code that measures a lane."""
    files = code.files(*(f"{code.root.name}.workflow.{name}" for name in MEASURING))
    return frozenset(path.resolve() for path in files)


def _top(folder: Path) -> Path:
    return Path(_git(folder, "rev-parse", "--show-toplevel").strip()).resolve()


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "--no-optional-locks", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=GIT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SdqaError(f"git cannot be asked: {error}", where=str(folder)) from error
    if done.returncode:
        said = unverifiable(folder) or done.stderr.decode("utf-8", errors="replace").strip()
        raise SdqaError(f"git says: {said[:200]}", where=str(folder), hint="fetch the base (fetch-depth: 0)")
    return done.stdout.decode("utf-8", errors="surrogateescape")
