"""The packages that another tool made: which are taken, which are left out, and which a run would refuse, and why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.errors import PackagesError, SdqaError
from sdqa.plan import PlannedLane
from sdqa.runtime.registry import find_runtime
from sdqa.workflow.preflight.record import Lack, Look, Note

if TYPE_CHECKING:
    from sdqa.convert.formats import PackageFormat
    from sdqa.convert.looked import Looked
    from sdqa.models.opening import Opening
    from sdqa.models.packages import ExistingPackages

SUBJECT = "packages"


def look_at_packages(lanes: Sequence[PlannedLane], opening: Opening | None) -> Look:
    """The packages of a model's lanes, in each of the formats that they execute; nothing where it is no such model.

    Args:
        lanes: of one model.
        opening: the teacher; None where it is not here, or cannot be used: then no sizes are held against it.
    """
    from sdqa.convert.formats import find_format

    look = Look()
    for name in dict.fromkeys(find_runtime(lane.runtime).package_format for lane in lanes):
        running = [lane for lane in lanes if find_runtime(lane.runtime).package_format == name]
        if running[0].model.source.startswith("packages:") and find_runtime(running[0].runtime).needs_packages:
            look += _look(running, find_format(name), opening)
    return look


def _look(lanes: Sequence[PlannedLane], form: PackageFormat, opening: Opening | None) -> Look:
    from sdqa.families import drawable_components
    from sdqa.models.packages import ExistingPackages

    source = lanes[0].model.source
    folder = Path(source.removeprefix("packages:")).expanduser()
    try:
        existing = ExistingPackages.find(folder, source=source, suffix=form.suffix)
    except SdqaError as error:
        return Look(lacks=(Lack.of(SUBJECT, error, in_suite=isinstance(error, PackagesError)),))
    wanted = {one for lane in lanes for one in lane.components}
    notes, lacks = [], []
    for component, paths in existing.packages.items():
        said = f"{component}: {', '.join(path.name for path in paths)}"
        if component not in wanted:
            notes.append(Note(SUBJECT, f"{said}, ignored: nothing that is drawn runs it"))
            continue
        try:
            seen = _seen(lanes, form, opening, component, paths)
        except SdqaError as error:
            notes.append(Note(SUBJECT, f"{said}, refused"))
            lacks.append(Lack.of(SUBJECT, error, in_suite=True))
        else:
            notes.append(Note(SUBJECT, said))
            notes += [Note(SUBJECT, f"{component}: {remark}") for remark in seen.remarks]
            notes += [Note(SUBJECT, f"{component}/contract will fail: {breach}") for breach in seen.breaches]
    tokens = _tokenizer(existing, opening)
    notes, lacks = [*notes, *tokens.notes], [*lacks, *tokens.lacks]
    notes += [Note(SUBJECT, f"left out: {item.name} ({item.reason})") for item in existing.left_out]
    missing = [one for one in drawable_components() if one in wanted and one not in existing.packages]
    if missing:
        what = f"{source} has no package for {', '.join(missing)}"
        lacks.append(Lack(SUBJECT, what, existing.listing()))
    return Look(tuple(notes), tuple(lacks))


def _tokenizer(existing: ExistingPackages, opening: Opening | None) -> Look:
    """What is to be said of tokenizer files beside the packages."""
    from sdqa.models.tokens_beside import compare_tokenizer, tokenizer_files

    there = ", ".join(tokenizer_files(existing.folder))
    if not there or opening is None or opening.tokenizer is None:
        return Look((Note(SUBJECT, f"{there}: held against the reference's tokenizer by a run"),) if there else ())
    try:
        remarks = compare_tokenizer(existing.folder, opening.tokenizer(), source=existing.source)
    except SdqaError as error:
        return Look(lacks=(Lack.of(SUBJECT, error, in_suite=True),))
    return Look(tuple(Note(SUBJECT, remark) for remark in remarks))


def _seen(
    lanes: Sequence[PlannedLane], form: PackageFormat, opening: Opening | None, component: str, paths: tuple[Path, ...]
) -> Looked:
    from sdqa.convert.contract import contract

    expected = None
    if opening is not None and opening.facts is not None and component in opening.family.component_names:
        expected = contract(component, opening.family, opening.facts)
    variants = list({lane.variant.name: lane.variant for lane in lanes}.values())
    return form.look(component, paths, expected, variants)
