"""`sdqa plan --explain`: every file of the models' folders that nothing reads, in full and by folder."""

from __future__ import annotations

from pathlib import Path

from sdqa.convert.formats import find_format
from sdqa.errors import SdqaError
from sdqa.models import look_at
from sdqa.models.idle import idle_beside_packages, idle_in_folder
from sdqa.models.lock import LOCK_NAME
from sdqa.models.opening import OpenedFolder
from sdqa.models.packages import ExistingPackages
from sdqa.plan import Plan
from sdqa.runtime.registry import find_runtime

Idle = dict[str, dict[str, list[str]]]
"""By source, then by folder: names."""


def idle_files(plan: Plan) -> Idle:
    """Of each source whose files lie in a folder here; what cannot be opened is left to whoever says why."""
    found: Idle = {}
    for lane in plan.lanes:
        source = lane.model.source
        teacher = lane.model.reference or source
        try:
            opening = look_at(teacher, lock=plan.root / LOCK_NAME)
            if isinstance(opening, OpenedFolder):
                found[teacher] = idle_in_folder(opening)
            if source.startswith("packages:") and find_runtime(lane.runtime).needs_packages:
                suffix = find_format(find_runtime(lane.runtime).package_format).suffix
                folder = Path(source.removeprefix("packages:"))
                found[source] = idle_beside_packages(ExistingPackages.find(folder, source=source, suffix=suffix))
        except SdqaError:
            continue
    return found


def explain_files(plan: Plan) -> str:
    """The same for people."""
    lines = []
    for source, folders in idle_files(plan).items():
        count = sum(map(len, folders.values()))
        lines.append(f"{source}: {count or 'no'} file{'' if count == 1 else 's'} that nothing reads")
        lines += [f"  {folder:24} {', '.join(names)}" for folder, names in folders.items()]
    return "\n".join(lines)
