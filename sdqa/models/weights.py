"""The files that a part's weights are read from: whole or in shards, of one variant; and what their headers say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sdqa.errors import ModelError
from sdqa.families import Part
from sdqa.foreign import recognise
from sdqa.models.json_file import KeyTwice, once, read_json
from sdqa.models.plain_header import plain_header

PICKLES = (".bin", ".ckpt", ".pt", ".pth")
OTHERS = (".onnx", ".msgpack", ".h5", ".gguf", ".safetensors")
FLOATS = ("F64", "F32", "F16", "BF16")
"""Types of safetensors that are read as they are."""
SHOWN = 6
RIGHTS = "change them, or run as somebody who may read it"
_ADAPTER = "adapter_config.json"


@dataclass(frozen=True)
class PartWeights:
    """A part's files, chosen."""

    files: tuple[Path, ...]
    variant: str = ""
    """`fp16` or another word between the name and `.safetensors`; empty for the plain files."""
    table: Mapping[str, str] = field(default_factory=dict)
    """File of each tensor by the index of the shards; empty where there is one file."""


@dataclass(frozen=True)
class StoredTensor:
    """A tensor as a header describes it."""

    shape: tuple[int, ...]
    dtype: str
    """As safetensors names it: `F16`."""


def find_weights(folder: Path, part: Part, source: str) -> PartWeights:
    """The safetensors files of one part: the plain ones, or those of the only variant that is there.

    Raises:
        ModelError: there are none, several variants and no plain one, a whole file beside an index of shards, or a
            shard is missing or outside the folder.
    """
    place = folder / part.name
    there = sorted(place.iterdir()) if place.is_dir() else []
    _demand_files(part, there, source)
    variant = choose_variant(part, [path.name for path in there if path.is_file()], source)
    files, table = _files(place, part, variant, source)
    return PartWeights(files, variant, table)


def choose_variant(part: Part, names: Sequence[str], source: str) -> str:
    """Which variant of a part's weights is read; empty for the plain files.

    Args:
        names: of the files in the part's folder.

    Raises:
        ModelError: there are no weights in safetensors, or several variants and no plain ones.
    """
    if _ADAPTER in names:
        raise ModelError(
            f"{part.name} has an {_ADAPTER}: an adapter that would be loaded, or not, without a word",
            where=source,
            hint="fuse the adapter into the weights and save the pipeline again, or remove it",
        )
    variants = {variant for name in names if (variant := _variant(part, name)) is not None}
    if not variants:
        raise ModelError(
            f"{part.name} has no {part.weights}{_instead(names)}", where=source, hint=_what_to_do(part, names)
        )
    if "" not in variants and len(variants) > 1:
        raise ModelError(
            f"{part.name} has its weights in several variants ({', '.join(sorted(variants))}) and none without one",
            where=source,
            hint=f"leave one of them in the folder, or name the one that is meant {part.weights}",
        )
    return "" if "" in variants else next(iter(variants))


def has_weights(part: Part, names: Sequence[str]) -> bool:
    """Whether some of the files in a part's folder are its weights."""
    return any(_variant(part, name) is not None for name in names)


def weight_names(part: Part, names: Sequence[str], variant: str) -> list[str]:
    """Of the files in a part's folder, those that hold the weights of a variant."""
    return [name for name in names if _variant(part, name) == variant]


def _variant(part: Part, name: str) -> str | None:
    """The variant of a whole file, an index, or a shard; empty for the plain ones, None for any other file."""
    stem, suffix = re.escape(Path(part.weights).stem), re.escape(Path(part.weights).suffix)
    whole = re.fullmatch(rf"{stem}(?:\.(\w+))?(?:-\d{{5}}-of-\d{{5}})?{suffix}", name)
    match = whole or re.fullmatch(rf"{stem}{suffix}\.index(?:\.(\w+))?\.json", name)
    return (match[1] or "") if match else None


def _demand_files(part: Part, there: Iterable[Path], source: str) -> None:
    """What has the name of weights is a file, and a link leads to one."""
    for path in there:
        if _variant(part, path.name) is not None and not path.is_file():
            what = "a folder" if path.is_dir() else "a link to nothing" if path.is_symlink() else "a device or pipe"
            raise ModelError(
                f"{part.name}/{path.name} is {what}, not a file",
                where=source,
                hint="fetch the file again" if path.is_symlink() else "save the pipeline again",
            )


def _files(place: Path, part: Part, variant: str, source: str) -> tuple[tuple[Path, ...], dict[str, str]]:
    """The files, and where an index says that each tensor lies."""
    stem, suffix = Path(part.weights).stem, Path(part.weights).suffix
    whole = place / (f"{stem}.{variant}{suffix}" if variant else part.weights)
    index = place / (f"{part.weights}.index.{variant}.json" if variant else f"{part.weights}.index.json")
    if whole.is_file() and index.is_file():  # one library loads the file, another the shards
        raise ModelError(
            f"{part.name} has both a whole file ({whole.name}) and a shard index ({index.name})",
            where=source,
            hint="remove one of them: they may hold different weights",
        )
    if whole.is_file():
        return (whole,), {}
    if not index.is_file():
        raise ModelError(
            f"{part.name} has shards of its weights, but no {index.name}", where=source, hint="download the whole part"
        )
    table = read_json(index, source).get("weight_map")
    if not isinstance(table, dict) or not table or not all(isinstance(name, str) for name in table.values()):
        what = f"{part.name}/{index.name} has no weight_map that names files"
        raise ModelError(what, where=source, hint="download it again, or save the pipeline again")
    names = sorted(set(table.values()))
    shards = tuple(place / name for name in names)
    bad = [path.name for path in shards if path.parent != place or not path.is_file()]
    if not bad:
        return shards, table
    listed = ", ".join(bad[:SHOWN]) + (" …" if len(bad) > SHOWN else "")
    raise ModelError(
        f"{part.name}: shards are missing: {listed}",
        where=source,
        hint=f"download the whole part: {index.name} names {len(names)} files, {len(names) - len(bad)} are here",
    )


def _instead(names: Iterable[str]) -> str:
    """What is there in its place."""
    found = [name for name in names if name.endswith((*PICKLES, *OTHERS))]
    listed = ", ".join(found[:SHOWN]) + (" …" if len(found) > SHOWN else "")
    return f", only {listed}" if found else ""


def _what_to_do(part: Part, names: Iterable[str]) -> str:
    """About weights that are not there, by what is there in their place."""
    found = [name for name in names if name.endswith((*PICKLES, *OTHERS))]
    if any(name.endswith(OTHERS[-1]) for name in found):
        return f"if it holds the weights of {part.name}, call it {part.weights}"
    if found:
        return (
            "sdqa reads safetensors only and opens no pickle: load the pipeline with diffusers and save it again with "
            "safe_serialization=True"
        )
    return f"download {part.name}/{part.weights}; a repository without it may have pickles only, which are not read"


def read_header(path: Path) -> dict[str, StoredTensor]:
    """The tensors of a safetensors file, from its header alone.

    Raises:
        ModelError: the header is truncated or garbled, or has a key twice.
    """
    plain = plain_header(path)
    if plain is not None:
        return {name: StoredTensor(*one) for name, one in plain.items()}
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            _demand_once(path)
            return {name: StoredTensor(tuple(one.get_shape()), str(one.get_dtype())) for name, one in slices.items()}
    except (OSError, SafetensorError) as error:
        foreign = recognise(path, expected="safetensors")
        if foreign is not None:
            raise ModelError(f"{path.name} is {foreign.what}", where=str(path), hint=foreign.hint) from error
        if isinstance(error, PermissionError):
            what = f"{path.name} cannot be read: its rights forbid it"
            raise ModelError(what, where=str(path), hint=RIGHTS) from error
        hint = "download it again, or save the pipeline again"
        raise ModelError(f"{path.name} is not a safetensors file: {error}", where=str(path), hint=hint) from error


def _demand_once(path: Path) -> None:
    """Refuse a header that a library opened, and that has a name twice.

    Raises:
        ModelError: with the name.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        try:
            json.loads(file.read(length), object_pairs_hook=once)
        except KeyTwice as error:
            what = f"{path.name} has {error.args[0]!r} twice in its header"
            raise ModelError(what, where=str(path), hint="save the pipeline again") from error


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Shapes of the tensors in a safetensors file; errors as in `read_header`."""
    return {name: stored.shape for name, stored in read_header(path).items()}


def require_plain(part: str, headers: Sequence[dict[str, StoredTensor]], source: str) -> None:
    """Refuse weights that are stored in a type whose meaning is not in the file, as quantised ones are; and no weights.

    Raises:
        ModelError: with the names.
    """
    if not any(headers):
        raise ModelError(f"{part}'s files of weights hold no tensors", where=source, hint="save the pipeline again")
    odd = [
        f"{name} as {stored.dtype}"
        for header in headers
        for name, stored in sorted(header.items())
        if stored.dtype not in FLOATS and not name.endswith("position_ids")
    ]
    if odd:
        raise ModelError(
            f"{part} stores {', '.join(odd[:SHOWN])}" + (f" and {len(odd) - SHOWN} more" if len(odd) > SHOWN else ""),
            where=source,
            hint=f"give the checkpoint that it was quantised from; types that are read: {', '.join(FLOATS)}",
        )


def require_listed(
    part: str, weights: PartWeights, headers: Mapping[str, Mapping[str, StoredTensor]], source: str
) -> None:
    """Refuse shards that do not hold what their index says.

    Args:
        headers: of the files, by name.

    Raises:
        ModelError: with the first tensors that lie in another shard, or in none, or that the index does not name.
    """
    if not weights.table:
        return
    said = set(weights.table.items())
    there = {(tensor, file) for file, header in headers.items() for tensor in header}
    absent = [f"{tensor} in {file}" for tensor, file in sorted(said - there)]
    unnamed = [f"{tensor} in {file}" for tensor, file in sorted(there - said)]
    problems = [
        f"{len(names)} tensors {what}: {', '.join(names[:SHOWN])}{' …' if len(names) > SHOWN else ''}"
        for what, names in (("that its index names are not there", absent), ("that it does not name are", unnamed))
        if names
    ]
    if problems:
        raise ModelError(
            f"{part}'s shards and their index do not match; {'; '.join(problems)}",
            where=source,
            hint="download the whole part again, or save the pipeline again",
        )
