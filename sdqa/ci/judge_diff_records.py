"""What a change does to references and tolerances that their manifests and limits do not show.

A file that lies beside a record and is not the one that it names; limits that are said to be of another teacher.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from sdqa.bundle import JudgeChange
from sdqa.errors import SdqaError
from sdqa.gate import TOLERANCES_FILE, Tolerances, baseline
from sdqa.gate.manifest import MANIFEST_FILE, GoldenFile, read_manifest
from sdqa.plan import Plan
from sdqa.plan.suite import TEACHER_NOW

POINTER = b"version https://git-lfs.github.com/spec/"
"""How a file begins that Git LFS keeps elsewhere; its digest is in it."""
POINTER_BYTES = 1024


def exchanged_files(base: Plan, head: Plan) -> list[JudgeChange]:
    """Files of goldens and baselines that are others than their records say: no record can excuse them.

    One that is missing is none: its case will not count as measured. Nor is one that the base's folder has alike.
    """
    found = []
    for kind, subject, files in _records(head):
        folder, before = head.goldens / subject, base.goldens / subject
        other = [name for name, file in sorted(files.items()) if _is_exchanged(folder, before, name, file)]
        if other:
            what = f"not the files of its record: {', '.join(other)}"
            found.append(JudgeChange(kind=kind, subject=subject, what=what, looser=True))
    return found


def _records(plan: Plan) -> Iterator[tuple[str, str, Mapping[str, GoldenFile]]]:
    """Kind, name and files of every golden and baseline of a suite whose manifest can be read."""
    for model in sorted(plan.suite.models) if plan.suite.goldens != TEACHER_NOW else ():
        for case in sorted(plan.suite.cases):
            try:
                yield "golden", f"{model}/{case}", read_manifest(plan.goldens / model / case).files
            except SdqaError:
                continue
        for place in sorted((plan.goldens / model / baseline.FOLDER).glob(f"*/*/{MANIFEST_FILE}")):
            try:
                files = baseline.read_manifest(place.parent).files
            except SdqaError:
                continue
            yield "baseline", f"{model}/{baseline.subject_of(place.parent)}", files


def _is_exchanged(folder: Path, before: Path, name: str, file: GoldenFile) -> bool:
    path = folder / name
    if file.place != "folder" or path.name != name or not path.is_file():
        return False
    digest = _digest(path, file)
    return digest != file.sha256 and not ((before / name).is_file() and _digest(before / name, file) == digest)


def _digest(path: Path, file: GoldenFile) -> str:
    """sha256 of a file, or of what a pointer to it says; of one that is too large its size."""
    size = path.stat().st_size
    if size > max(file.bytes, POINTER_BYTES):
        return f"{size} bytes"
    data = path.read_bytes()
    pointed = data.startswith(POINTER) and f"oid sha256:{file.sha256}\n".encode() in data
    return file.sha256 if pointed else hashlib.sha256(data).hexdigest()


def other_teachers(model: str, base: Plan, head: Plan, recorded: str) -> list[JudgeChange]:
    """Tables of limits that both have and that are said to be of another teacher: where that is not the lane's, they
    judge provisionally.

    Args:
        recorded: the reason that was recorded for the file as it is now.
    """
    try:
        old, new = (Tolerances.load(plan.goldens / model / TOLERANCES_FILE) for plan in (base, head))
    except SdqaError:
        return []
    found = []
    for table in sorted(old.variants.keys() & new.variants.keys()):
        before, after = old.teacher_of(table), new.teacher_of(table)
        if before != after:
            what = f"measured with the teacher {_named(after)} instead of {_named(before)}"
            change = {"subject": f"{model}/{table}", "what": what, "recorded": recorded}
            found.append(JudgeChange(kind="tolerance", looser=True, **change))
    return found


def _named(teacher: str) -> str:
    return teacher[:12] or "nobody wrote down"
