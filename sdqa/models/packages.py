"""A folder of .mlpackages that some other tool converted: which file is which component."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sdqa.errors import ModelError
from sdqa.families import known_components
from sdqa.store import file_digest

SAFETY_CHECKER = "safety_checker"
"""Published beside the others; a drawing does without it."""


def _names() -> dict[str, str]:
    names: dict[str, str] = {}
    for name, component in known_components().items():
        names[name] = component.file_name
        if component.runs == "each step":
            names |= {f"{name}_chunk{index}": f"{component.file_name}Chunk{index}" for index in (1, 2)}
    return {**names, SAFETY_CHECKER: "SafetyChecker"}


NAMES = _names()
"""Component to file name, as Apple's Swift package looks for it and as Hugging Face publishes it."""

MAPPING_FILE = "packages.json"
"""In the folder: component to file name, where the names say nothing."""


@dataclass(frozen=True)
class ExistingPackages:
    """Packages by component; a chunked U-Net has two, in order."""

    source: str
    folder: Path
    packages: Mapping[str, tuple[Path, ...]]
    digest: str
    """sha256 over the sorted digests of every file of every package."""

    @classmethod
    def find(cls, folder: Path, *, source: str, mapping: Mapping[str, str] | None = None) -> ExistingPackages:
        """Match the folder's packages with components: by `mapping`, else by packages.json, else by known names.

        Raises:
            ModelError: nothing matches, two packages claim one component, or a chunk is missing.
        """
        folder = folder.expanduser().resolve()
        if not folder.is_dir():
            raise ModelError("there is no such folder", where=source)
        if mapping is None and (folder / MAPPING_FILE).is_file():
            mapping = _read_mapping(folder / MAPPING_FILE)
        found = _by_mapping(folder, mapping, source) if mapping is not None else _by_name(folder, source)
        chunks = [found.pop(name, None) for name in ("unet_chunk1", "unet_chunk2")]
        if any(chunks) and not all(chunks):
            raise ModelError("one chunk of the U-Net is missing", where=source, hint="both UnetChunk1 and UnetChunk2")
        packages: dict[str, tuple[Path, ...]] = {name: (path,) for name, path in found.items()}
        if all(chunks):
            packages["unet"] = tuple(chunk for chunk in chunks if chunk is not None)
        if not packages:
            raise ModelError(
                "no package in the folder has a known name",
                where=source,
                hint=f"names: {', '.join(NAMES.values())}, Apple's Stable_Diffusion_version_…_unet; or write "
                f'{MAPPING_FILE}: {{"unet": "my-unet.mlpackage", …}}',
            )
        ordered = {name: packages[name] for name in NAMES if name in packages}
        return cls(source, folder, ordered, _digest(folder, ordered))


def recognise(stem: str) -> str | None:
    """The component that a package of this name holds, if the name is one of the known ones."""
    for component, name in NAMES.items():
        if stem.lower() == name.lower():
            return component
    apple = re.fullmatch(r"Stable_Diffusion_version_.+?_(" + "|".join(sorted(NAMES, key=len, reverse=True)) + ")", stem)
    return apple.group(1) if apple else None


def _by_name(folder: Path, source: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.mlpackage")):
        component = recognise(path.stem)
        if component is None:
            continue
        if component in found:
            raise ModelError(
                f"{found[component].name} and {path.name} are both {component}",
                where=source,
                hint=f"choose in {MAPPING_FILE}",
            )
        found[component] = path
    if not found and any(folder.glob("*.mlmodelc")):
        raise ModelError(
            "the folder holds compiled models (.mlmodelc)",
            where=source,
            hint="sdqa reads the .mlpackage they came from",
        )
    return found


def _by_mapping(folder: Path, mapping: Mapping[str, str], source: str) -> dict[str, Path]:
    found = {}
    for component, name in mapping.items():
        path = (folder / name).resolve()
        if component not in NAMES:
            raise ModelError(f"{component!r} is not a component", where=source, hint="components: " + ", ".join(NAMES))
        if not path.is_relative_to(folder) or path.suffix != ".mlpackage" or not path.is_dir():
            raise ModelError(f"{component}: there is no package {name!r} in the folder", where=source)
        found[component] = path
    return found


def _read_mapping(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path.name} cannot be read: {error}", where=str(path)) from error
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content.values()):
        raise ModelError(f"{path.name} is not an object of file names", where=str(path))
    return content


def _digest(folder: Path, packages: Mapping[str, tuple[Path, ...]]) -> str:
    whole = hashlib.sha256()
    files = (file for paths in packages.values() for path in paths for file in path.rglob("*") if file.is_file())
    for path in sorted(files):
        whole.update(f"{path.relative_to(folder).as_posix()}\0{file_digest(path)}\n".encode())
    return whole.hexdigest()
