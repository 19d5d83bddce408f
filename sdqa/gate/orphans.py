"""References that nothing in the suite asks for: what is left of a case, a lane or a model that was deleted or renamed.

The whole folder of the goldens is held against the suite, and against the suites beside it that use the same folder.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sdqa.bundle.orphan import Orphan, orphan_words
from sdqa.errors import SdqaError, UsageError
from sdqa.gate import baseline
from sdqa.gate.manifest import MANIFEST_FILE, read_manifest
from sdqa.gate.tolerances import TOLERANCES_FILE
from sdqa.plan import Plan, load_suite, make_plan
from sdqa.plan.load import is_suite
from sdqa.plan.suite import TEACHER_NOW

REMOVED = ""
"""What the audit log calls the digest of a reference that is not there any more."""
_VALUES = ("*.safetensors", "image.png")
"""What a golden holds; a folder without a manifest may still hold these."""


@dataclass(frozen=True)
class _Wanted:
    """What the suites ask for, by model."""

    cases: dict[str, set[str]]
    lanes: dict[str, set[str]]  # folders below `baselines`


def orphans(plan: Plan) -> tuple[Orphan, ...]:
    """Everything in the goldens' folder that no suite of it asks for, sorted by subject."""
    if plan.suite.goldens == TEACHER_NOW or not plan.goldens.is_dir():
        return ()
    return _found(plan, _sharing(plan, strict=False))


def _found(plan: Plan, suites: list[Plan]) -> tuple[Orphan, ...]:
    wanted = _wanted(suites)
    folders = (path for path in plan.goldens.iterdir() if path.is_dir() and not path.name.startswith("."))
    return tuple(sorted((one for folder in folders for one in _of_model(folder, wanted)), key=lambda one: one.subject))


def _of_model(folder: Path, wanted: _Wanted) -> Iterator[Orphan]:
    model = folder.name
    cases, lanes = wanted.cases.get(model, set()), wanted.lanes.get(model, set())
    for place in folder.iterdir():
        if place.name not in (baseline.FOLDER, *cases) and _is_reference(place):
            yield Orphan(kind="golden", subject=f"{model}/{place.name}")
    for place in (folder / baseline.FOLDER).glob("*/*"):
        if (place.parent.name not in lanes or place.name not in cases) and _is_reference(place):
            yield Orphan(kind="baseline", subject=f"{model}/{baseline.subject_of(place)}")
    if model not in wanted.cases and (folder / TOLERANCES_FILE).exists():
        yield Orphan(kind="tolerances", subject=f"{model}/tolerances")


def _is_reference(folder: Path) -> bool:
    return (folder / MANIFEST_FILE).exists() or any(any(folder.glob(pattern)) for pattern in _VALUES)


def _wanted(suites: list[Plan]) -> _Wanted:
    found = _Wanted({}, {})
    for plan in suites:
        for model in plan.suite.models:
            asked = (name for name, case in plan.suite.cases.items() if not case.models or model in case.models)
            found.cases.setdefault(model, set()).update(asked)
        for lane in plan.lanes:
            names = (lane.model_name, lane.variant.name, lane.runtime, lane.compute_unit)
            found.lanes.setdefault(lane.model_name, set()).add(baseline.folder_of(plan.goldens, *names).name)
    return found


def _sharing(plan: Plan, *, strict: bool) -> list[Plan]:
    """The suite with all its lanes, and the suites beside it that use the same folder.

    Raises:
        SdqaError: one that is beside it cannot be read, and `strict`: nobody knows what it asks for.
    """
    found = [make_plan(plan.suite, plan.suite_path, platform="linux")]
    if plan.has_packaged_goldens:
        return found
    for path in sorted(plan.suite_path.parent.glob("*.toml")):
        if path.name == plan.suite_path.name or not path.is_file() or not is_suite(path.read_bytes()):
            continue
        try:
            other = make_plan(load_suite(path), path, platform="linux")
        except SdqaError:
            if strict:
                raise
            continue
        if other.suite.goldens != TEACHER_NOW and other.goldens.resolve() == plan.goldens.resolve():
            found.append(other)
    return found


def orphans_text(plan: Plan) -> str:
    """The orphans in one line for people; empty when there are none."""
    words = orphan_words(orphans(plan))
    return f"orphans  {words} (sdqa goldens prune --reason '…')" if words else ""


def prune(plan: Plan, reason: str) -> tuple[str, ...]:
    """Remove the orphans, each with an entry of its model's audit log; their names.

    Raises:
        UsageError: there are some and no reason was given.
        SdqaError: a suite beside this one cannot be read: nobody knows what it asks for.
    """
    from sdqa.gate.audit import AuditEntry, append, author, now

    if plan.suite.goldens == TEACHER_NOW or not plan.goldens.is_dir():
        return ()
    found = _found(plan, _sharing(plan, strict=True))
    names = tuple(one.subject for one in found)
    if names and not reason.strip():
        raise UsageError(f"{len(names)} goldens would be removed", where=", ".join(names), hint="say why: --reason '…'")
    for one in found:
        before = _digest(plan.goldens, one)
        place = plan.goldens / one.subject
        if one.kind == "tolerances":
            (place.parent / TOLERANCES_FILE).unlink()
        else:
            shutil.rmtree(place)
        if one.kind == "baseline":
            with suppress(OSError):  # another case's is there
                place.parent.rmdir()
        subject = one.subject.partition("/")[2]
        entry = AuditEntry(
            date=now(), who=author(), subject=subject, before=before, after=REMOVED, reason=reason.strip(), run=""
        )
        append(plan.goldens / one.model, entry)
    return names


def _digest(goldens: Path, one: Orphan) -> str | None:
    """What the audit log calls a reference; None where it is damaged."""
    from sdqa.gate.tolerances import Tolerances

    try:
        if one.kind == "tolerances":
            return Tolerances.load(goldens / one.model / TOLERANCES_FILE).digest()
        if one.kind == "baseline":
            return baseline.read_manifest(goldens / one.subject).content()
        return read_manifest(goldens / one.subject).content()
    except SdqaError:
        return None
