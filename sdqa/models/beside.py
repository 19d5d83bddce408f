"""What lies in a model's folder and is not drawn with: adapters, embeddings, further parts, other copies of weights."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sdqa.errors import ModelError
from sdqa.families import Family, ModelIndex
from sdqa.families.index import INDEX_FILE
from sdqa.foreign import packages_inside, recognise
from sdqa.models.json_file import read_json
from sdqa.models.single_file import LOAD
from sdqa.models.weights import OTHERS, PICKLES

NESTING = 3
"""How deep models are looked for inside a folder that is none."""
SHOWN = 8
CODE, PACKAGE = ".py", ".mlpackage"
MAX_HEADER_BYTES = 16 * 2**20
_LENGTH = 8
"""Bytes of a safetensors file that say how long its header is."""
_KINDS = (
    ("lora", "a LoRA adapter: fuse it into the weights to draw with it"),
    ("ip-adapter", "an IP-Adapter, which takes a picture as a prompt"),
    ("ip_adapter", "an IP-Adapter, which takes a picture as a prompt"),
    ("image_proj", "an IP-Adapter, which takes a picture as a prompt"),
    ("controlnet", "a ControlNet, which takes a picture as a condition"),
    ("adapter", "an adapter: nothing that it changes is drawn"),
    ("emb_params", "a textual inversion: its word means nothing to the tokenizer"),
    ("embeds", "a textual inversion: its word means nothing to the tokenizer"),
)
"""A word in a file's name or in the names of its tensors, and what it is."""


def unused_files(folder: Path, family: Family, index: ModelIndex, used: Iterable[Path]) -> tuple[str, ...]:
    """What else lies there, by its path from the folder, with what it is where that is known: this and folders first.

    Args:
        used: the files of weights that are read.
    """
    found: list[str] = []
    read = set(used)
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() and path.name in family.part_names:
            inside = [item for item in sorted(path.iterdir()) if item not in read]
            found += [_named(item, folder) for item in inside if _is_meant(item)]
        elif path.is_dir() and path.name not in (*index.parts, *family.ignored):
            found += [_named(path, folder)] if _model_files(path) else []
        elif path.is_file() and _is_meant(path):
            found.append(_named(path, folder))
    return tuple(sorted(found, key=lambda name: not _stands_out(name)))  # stable: by path among its like


def _stands_out(name: str) -> bool:
    """Whether somebody may have meant it to change the pictures: an adapter, code, or a folder like a part's."""
    return name.endswith(("/", ")"))


def _is_meant(path: Path) -> bool:
    """Whether somebody may think that it is drawn with: weights, code, a folder of such."""
    return bool(_model_files(path)) if path.is_dir() else _is_weights(path) or path.suffix == CODE


def _is_weights(path: Path) -> bool:
    return path.is_file() and path.suffix in (*PICKLES, *OTHERS)


def _model_files(folder: Path) -> list[Path]:
    """What makes a folder one of a model's: weights and configurations in it, at any depth that models have."""
    found: list[Path] = []
    level = [folder]
    for _ in range(NESTING):
        items = [item for each in level for item in sorted(each.iterdir())]
        found += [item for item in items if item.is_file() and (_is_weights(item) or item.suffix == ".json")]
        level = [item for item in items if item.is_dir() and not item.is_symlink()]
    return found[:SHOWN]


def _named(path: Path, folder: Path) -> str:
    name = path.relative_to(folder).as_posix() + ("/" if path.is_dir() else "")
    inside = _model_files(path) if path.is_dir() else [path]
    words = " ".join([name.lower(), *(word for item in inside for word in (item.name.lower(), *_told(item)))])
    kind = next((what for word, what in _KINDS if word in words), "")
    kind = "code, which is never run" if path.suffix == CODE else kind
    return f"{name} ({kind})" if kind else name


def _told(path: Path) -> Iterator[str]:
    """What a file says of its kind: a configuration its class, weights the names of a few tensors."""
    if path.suffix == ".json":
        try:
            said = read_json(path, str(path))
        except ModelError:  # nobody reads it: its name is enough
            return
        yield str(said.get("_class_name", "")).lower()
    yield from _tensors(path)


def _tensors(path: Path) -> Iterator[str]:
    """A few names of a safetensors file's tensors; none of anything else."""
    if path.suffix != ".safetensors" or recognise(path, expected="safetensors") is not None:
        return
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_LENGTH), "little")
            header = json.loads(file.read(length)) if length <= MAX_HEADER_BYTES else {}
    except (OSError, ValueError, RecursionError):  # nobody needs it: its name is enough
        return
    yield from (name.lower() for name in list(header if isinstance(header, dict) else {})[:SHOWN])


def listed(names: Sequence[str]) -> str:
    """Names in one line, the first few of them."""
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def told(names: Sequence[str]) -> str:
    """What `unused_files` found, in one line: what stands out never hides behind the rest."""
    shown = max(SHOWN, sum(map(_stands_out, names)))
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")


def what_is_here(folder: Path) -> str:
    """What to do about a folder without an index; empty where nothing in it says."""
    inside = _models_inside(folder)
    if inside:
        return f"inside are: {listed(inside)}: name one"
    if (folder / "config.json").is_file() and (folder.parent / INDEX_FILE).is_file():
        return f"this is a part of a pipeline: name {folder.parent}"
    single = sorted(
        path.name for path in folder.glob("*") if _is_weights(path) and path.suffix in (*PICKLES, OTHERS[-1])
    )
    if single:
        return f"{listed(single)} may be a whole checkpoint in one file: {LOAD}"
    around = next((each for each in (folder, *folder.parents) if each.suffix == PACKAGE), None)
    if around is not None or packages_inside(folder):
        place = folder if around is None else around.parent
        instead = f"name them as packages:{place}, and the model that they came from as reference"
        return f"this is a folder of packages: {instead}"
    foreign = recognise(folder)
    return f"this is {foreign.what}: {foreign.hint}" if foreign is not None else ""


def _models_inside(folder: Path) -> list[str]:
    found: list[str] = []
    level = [folder]
    for _ in range(NESTING):
        below = [item for each in level for item in sorted(each.iterdir()) if item.is_dir() and not item.is_symlink()]
        found += [item.relative_to(folder).as_posix() for item in below if (item / INDEX_FILE).is_file()]
        level = [item for item in below if not (item / INDEX_FILE).is_file()]
    return found
