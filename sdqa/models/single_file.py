"""A file where a model's folder is expected: what it is, and what to do with it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sdqa.errors import ModelError
from sdqa.foreign import recognise

CHECKPOINTS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")
"""How a checkpoint in one file may be called."""
LOAD = (
    "load it with diffusers' StableDiffusionPipeline.from_single_file(…) and save it as a folder with save_pretrained"
)
_CHECKPOINT = ("safetensors", "torch", "pickle")
_ARCHIVES = ("zip", "gzip", "xz", "bzip2", "zstd", "7z", "rar", "tar")
_POINTERS = ("lfs", "annex", "empty", "html")
FOLDER = "give the folder that holds model_index.json"


def refuse_file(place: Path, source: str) -> ModelError:
    """The error that says what lies where a diffusers folder is expected."""
    what, hint = described(place)
    return ModelError(f"this is {what}, not a folder in diffusers format", where=source, hint=hint)


def described(place: Path) -> tuple[str, str]:
    """What a file is, and what to do to get a folder of it."""
    foreign = recognise(place)
    kind = foreign.kind if foreign is not None else ""
    if foreign is None:
        return "a file", FOLDER
    if kind in _CHECKPOINT:
        form = "safetensors" if kind == "safetensors" else "a pickle, which is never opened here"
        return f"a checkpoint in one file ({form})", LOAD
    if kind in _ARCHIVES:
        return foreign.what, f"unpack it, and {FOLDER}"
    return foreign.what, foreign.hint if kind in _POINTERS else f"{FOLDER}, of the model that it was made from"


def beside(place: Path) -> str:
    """What lies where a folder is missing that may be meant: a file of its name; empty where none does."""
    if not place.parent.is_dir():
        return ""
    there: Iterable[Path] = sorted(place.parent.glob("*"))
    alike = [item for item in there if item.is_file() and item.name.partition(".")[0] == place.name.partition(".")[0]]
    for item in alike:
        if recognise(item) is not None:
            what, hint = described(item)
            return f"{item.name} beside it is {what}: {hint}"
    return ""
