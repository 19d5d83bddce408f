"""Every file of a model's folder that nothing reads: in full, where a plan is explained."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from sdqa.address import package_path, resolved
from sdqa.families import tokenizer_parts
from sdqa.families.index import INDEX_FILE
from sdqa.models.folder import TOKENIZER_FILES
from sdqa.models.opening import OpenedFolder
from sdqa.models.packages import MAPPING_FILE, ExistingPackages
from sdqa.models.tokens_beside import tokenizer_files


def idle_in_folder(opening: OpenedFolder) -> dict[str, list[str]]:
    """Files of a diffusers folder that are no index, configuration, weights or tokenizer of what is drawn with.

    Returns:
        Names by the folder that they lie in, from the model's: `unet/`, and `./` for the model's own.
    """
    folder = opening.folder
    assert folder is not None
    used = {folder / INDEX_FILE}
    for part in opening.family.parts:
        place = folder / part.name
        used |= {place / part.configuration} if part.configuration else set()
        found = opening.weights.get(part.name)
        if found is not None:
            infix = f".{found.variant}" if found.variant else ""
            used |= {*found.files, *([place / f"{part.weights}.index{infix}.json"] if found.table else [])}
        if part.name in tokenizer_parts():
            used |= {place / name for name in TOKENIZER_FILES}
    return _grouped(folder, (path for path in _files(folder) if path not in used))


def idle_beside_packages(existing: ExistingPackages) -> dict[str, list[str]]:
    """Files of a folder of packages that lie in none that is taken; packages by their own names.

    Returns:
        As `idle_in_folder`.
    """
    folder = existing.folder
    taken = {resolved(package_path(path)) for paths in existing.packages.values() for path in paths}
    used = {folder / name for name in (MAPPING_FILE, *tokenizer_files(folder))}
    left = (path for path in _files(folder) if path not in used)
    return _grouped(folder, (path for path in left if not any(each in taken for each in _around(path, folder))))


def _around(path: Path, folder: Path) -> Iterator[Path]:
    """The folders between a model's and a file, links followed, and the file."""
    yield from (resolved(each) for each in (path, *path.parents) if each.is_relative_to(folder) and each != folder)


def _files(folder: Path) -> Iterator[Path]:
    """Every file below a folder; a link to a folder is one."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        yield from (Path(place) / name for name in sorted([*names, *links]))


def _grouped(folder: Path, paths: Iterable[Path]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in paths:
        found.setdefault(f"{path.parent.relative_to(folder).as_posix()}/", []).append(path.name)
    return dict(sorted(found.items()))
