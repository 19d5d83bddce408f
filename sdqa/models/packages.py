"""A folder of .mlpackages, or .aimodels, that some other tool converted: which one is which component."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from sdqa.address import package_path, read_address, resolved
from sdqa.errors import ModelError, PackagesError
from sdqa.families import known_components
from sdqa.foreign import listed, packages_inside
from sdqa.foreign import recognise as foreign_kind
from sdqa.models.json_file import KeyTwice, once

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

PICTURES = ("png", "jpeg", "gif", "tiff", "svg", "heif")
"""Kinds of files that lie beside published packages and are none."""
SUFFIXES = (".mlpackage", ".aimodel")
"""Formats of packages: Core ML's and Core AI's."""
OLDER_SUFFIX, OLDER = ".mlmodel", "a model in Core ML's older format (.mlmodel)"
MAX_MAPPING_BYTES = 2**16
MAPPING_FILE = "packages.json"
"""In the folder: component to file name, `Unet.mlpackage#style_b` for a function; others go by their names."""
NAMELESS = f"its name is none of the known ones; say in {MAPPING_FILE} which component it is"

WHOLE, CHUNKS = "unet", ("unet_chunk1", "unet_chunk2")


@dataclass(frozen=True)
class LeftOut:
    """A package in the folder that was not taken, or what may be meant as one."""

    name: str
    reason: str


@dataclass(frozen=True)
class ExistingPackages:
    """Packages by component; a chunked U-Net has two, in order."""

    source: str
    folder: Path
    packages: Mapping[str, tuple[Path, ...]]
    """Where they lie; a function other than the default is named after a `#`."""
    left_out: tuple[LeftOut, ...] = ()

    @classmethod
    def find(
        cls, folder: Path, *, source: str, mapping: Mapping[str, str] | None = None, suffix: str = SUFFIXES[0]
    ) -> ExistingPackages:
        """Match the folder's packages with components: by `mapping`, else by packages.json; the rest by known names.

        Args:
            suffix: one of `SUFFIXES`: the format that is looked for.

        Raises:
            ModelError: there is no such folder.
            PackagesError: nothing matches, two packages claim one component, or a chunk is missing.
        """
        folder = resolved(folder)
        if not folder.is_dir():
            raise _no_folder(folder, source)
        if folder.suffix in SUFFIXES:
            hint = f"give the folder that holds it, {folder.parent}"
            raise PackagesError("this is a package itself, not a folder of packages", where=source, hint=hint)
        if mapping is None and (folder / MAPPING_FILE).exists():
            mapping = _read_mapping(folder / MAPPING_FILE)
        chosen = _by_mapping(folder, mapping or {}, source, suffix)
        found = chosen | _by_name(folder, source, _settled(chosen), suffix)
        packages = _in_order(found, source, suffix)
        if not packages:
            raise _nothing(folder, source, suffix)
        return cls(source, folder, packages, _left_out(folder, packages, chosen, suffix))

    def lines(self) -> list[str]:
        """What was taken and what was left out, a line each."""
        taken = [f"{name}: {', '.join(path.name for path in paths)}" for name, paths in self.packages.items()]
        return taken + [f"left out: {item.name} ({item.reason})" for item in self.left_out]

    def listing(self) -> str:
        """The same in a sentence, for a hint."""
        return "found: " + "; ".join(self.lines())


def _no_folder(place: Path, source: str) -> ModelError:
    """The error for a source that is no folder."""
    foreign = foreign_kind(place)
    if foreign:
        return PackagesError(f"this is {foreign.what}, not a folder", where=source, hint=foreign.hint)
    hint = "give the folder that the packages lie in"
    if place.exists():
        what = OLDER if place.suffix == OLDER_SUFFIX else "a file"
        return PackagesError(f"this is {what}, not a folder", where=source, hint=hint)
    return ModelError("there is no such folder", where=source, hint=hint)


def _in_order(found: Mapping[str, Path], source: str, suffix: str) -> dict[str, tuple[Path, ...]]:
    """One entry a component, in flow order; a chunked U-Net's two packages together.

    Raises:
        PackagesError: a whole U-Net and chunks of one, or one chunk alone.
    """
    chunks = [found[name] for name in CHUNKS if name in found]
    if chunks and WHOLE in found:
        both = ", ".join(path.name for path in chunks)
        whole = found[WHOLE].name
        pieces = ", ".join(f'"{name}": "{found[name].name}"' for name in CHUNKS if name in found)
        raise PackagesError(
            f"{whole} and {both} are both the U-Net",
            where=source,
            hint=f'choose in {MAPPING_FILE}: {{"unet": "{whole}"}}, or {{{pieces}}}',
        )
    missing = next((name for name in CHUNKS if chunks and name not in found), None)
    if missing is not None:
        raise _half(chunks[0], missing, source, suffix)
    packages: dict[str, tuple[Path, ...]] = {name: (path,) for name, path in found.items() if name not in CHUNKS}
    if chunks:
        packages[WHOLE] = tuple(chunks)
    return {name: packages[name] for name in NAMES if name in packages}


def _half(chunk: Path, missing: str, source: str, suffix: str) -> PackagesError:
    """The error that names the chunk that a chunk lacks, as its sibling would be called."""
    stem = package_path(chunk).stem
    sibling = stem[:-1] + missing[-1] if recognise(stem) in CHUNKS else NAMES[missing]
    folder = package_path(chunk).parent
    there = [path.name for path in sorted(folder.iterdir()) if path.name.partition(".")[0] == sibling]
    instead = f"; {there[0]} is no {suffix}" if there else ""
    return PackagesError(
        f"{chunk.name} is one chunk of the U-Net, its {missing} is missing{instead}",
        where=source,
        hint=f'put {sibling}{suffix} beside it, or name it in {MAPPING_FILE}: {{"{missing}": "…{suffix}"}}; '
        f"or give the U-Net in one piece, as {NAMES[WHOLE]}{suffix}, and take the chunk away",
    )


def _settled(chosen: Mapping[str, Path]) -> frozenset[str]:
    """The components that a mapping decides: who names the whole U-Net has decided against chunks, and the reverse."""
    settled = set(chosen)
    if WHOLE in chosen or any(name in chosen for name in CHUNKS):
        settled |= {WHOLE} if any(name in chosen for name in CHUNKS) else set(CHUNKS)
    return frozenset(settled)


def _left_out(
    folder: Path, packages: Mapping[str, tuple[Path, ...]], chosen: Mapping[str, Path], suffix: str
) -> tuple[LeftOut, ...]:
    taken = {package_path(path) for paths in packages.values() for path in paths}
    found = []
    for path in sorted(folder.iterdir()):
        if resolved(path) in taken or path in taken:
            continue
        if path.suffix == suffix:
            component = recognise(path.stem)
            named = f"{MAPPING_FILE} decides the {component}" if chosen else f"another package is the {component}"
            found.append(LeftOut(path.name, named if component else NAMELESS))
        elif path.suffix.lower() == suffix or path.name.lower() == MAPPING_FILE != path.name:
            meant = MAPPING_FILE if path.suffix.lower() != suffix else f"{path.stem}{suffix}"
            found.append(LeftOut(path.name, f"call it {meant}: capitals count"))
        elif path.suffix == OLDER_SUFFIX:
            found.append(LeftOut(path.name, f"{OLDER}: convert the model again, to an {suffix}"))
        elif path.suffix not in SUFFIXES:
            foreign = foreign_kind(path)
            if foreign is not None and foreign.kind not in PICTURES:
                found.append(LeftOut(path.name, f"{foreign.what}: {foreign.hint}"))
    return tuple(found)


def _nothing(folder: Path, source: str, suffix: str) -> PackagesError:
    """The error that says what lies in the folder instead."""
    there = sorted(path.name for path in folder.iterdir())
    others = {Path(name).suffix for name in there} & set(SUFFIXES) - {suffix}
    if others:
        other = others.pop()
        hint = 'a lane with runtime = "coreai" executes .aimodel, the other runtimes .mlpackage'
        return PackagesError(f"the folder has {other}s and no {suffix}", where=source, hint=hint)
    foreign = foreign_kind(folder) if not any(name.endswith(suffix) for name in there) else None
    if foreign is not None and foreign.kind == "folder" and suffix == SUFFIXES[0]:
        inside = packages_inside(folder)
        places = sorted({f"{source}/{Path(name).parent.as_posix()}" for name in inside})
        hint = f"inside are: {listed(inside)}: name their folder, {listed(places)}"
        return PackagesError("this is a folder around packages", where=source, hint=hint)
    if foreign is not None:
        return PackagesError(f"this is {foreign.what}", where=source, hint=foreign.hint)
    return PackagesError(
        "no package in the folder has a known name",
        where=source,
        hint=f"in it are: {listed(there) or 'nothing'}. Known names: {', '.join(NAMES.values())}, Apple's "
        f'Stable_Diffusion_version_…_unet; or write {MAPPING_FILE}: {{"unet": "my-unet{suffix}", …}}',
    )


def recognise(stem: str) -> str | None:
    """The component that a package of this name holds: a known name, the component's own, or Apple's long one."""
    for component, name in NAMES.items():
        if stem.lower() in (name.lower(), component):
            return component
    apple = re.fullmatch(r"Stable_Diffusion_version_.+?_(" + "|".join(sorted(NAMES, key=len, reverse=True)) + ")", stem)
    return apple.group(1) if apple else None


def _by_name(folder: Path, source: str, settled: Set[str], suffix: str) -> dict[str, Path]:
    """Packages by their names, of the components that are not settled."""
    found: dict[str, Path] = {}
    for path in sorted(folder.glob(f"*{suffix}")):
        component = recognise(path.stem)
        if component is None or component in settled:
            continue
        if component in found:
            raise PackagesError(
                f"{found[component].name} and {path.name} are both {component}",
                where=source,
                hint=f'choose in {MAPPING_FILE}: {{"{component}": "{path.name}"}}',
            )
        found[component] = path
    return found


def _by_mapping(folder: Path, mapping: Mapping[str, str], source: str, suffix: str) -> dict[str, Path]:
    """Addresses of the packages that a mapping names.

    Raises:
        PackagesError: no such component, or no such package in the folder.
    """
    found = {}
    for component, name in mapping.items():
        if component not in NAMES:
            raise PackagesError(
                f"{component!r} is not a component", where=source, hint="components: " + ", ".join(NAMES)
            )
        address = read_address(folder / name)
        path = resolved(address.path)
        if not path.is_relative_to(folder) or path.suffix != suffix or not path.is_dir():
            there = ", ".join(sorted(each.name for each in folder.glob(f"*{suffix}"))) or "no packages"
            raise PackagesError(
                f"{component}: there is no package {name!r} in the folder", where=source, hint=f"in it are: {there}"
            )
        found[component] = path if address.function is None else path.with_name(f"{path.name}#{address.function}")
    return found


def _read_mapping(path: Path) -> dict[str, str]:
    try:
        if path.stat().st_size > MAX_MAPPING_BYTES:
            raise PackagesError(f"{path.name} is too big", where=str(path), hint="a line for each component is enough")
        # an editor on Windows begins a file with a mark
        content = json.loads(path.read_text("utf-8-sig"), object_pairs_hook=once)
    except KeyTwice as error:
        what = f"{path.name} has the key {error.args[0]!r} twice"
        raise PackagesError(what, where=str(path), hint="leave the one that is meant") from error
    except (OSError, ValueError, RecursionError) as error:
        foreign = foreign_kind(path)
        said = error.strerror if isinstance(error, OSError) else error
        what = f"is {foreign.what}" if foreign else f"cannot be read: {said}"
        raise PackagesError(f"{path.name} {what}", where=str(path), hint=foreign.hint if foreign else "") from error
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content.values()):
        raise PackagesError(f"{path.name} is not an object of file names", where=str(path))
    return content
