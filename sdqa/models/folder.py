"""A teacher from a local folder in diffusers format: safetensors only, every parameter accounted for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sdqa.address import resolved
from sdqa.errors import ModelError
from sdqa.families import IndexEntry, Part, tokenizer_parts
from sdqa.families.index import INDEX_FILE
from sdqa.models.finite import require_finite
from sdqa.models.opening import OpenedFolder, examine_folder
from sdqa.models.single_file import refuse_file
from sdqa.models.teacher import Teacher
from sdqa.models.weights import read_shapes

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
)
"""What is fetched of a hub's tokenizers; whatever else lies in a folder counts too, once it is there."""
UNREAD_SUFFIXES = frozenset(
    (".safetensors", ".bin", ".ckpt", ".pt", ".pth", ".msgpack", ".h5", ".onnx", ".onnx_data", ".pb", ".md", ".png")
)
"""Of files that no loader reads here: weights in other formats and precisions, and what is for people. The safetensors
files that are read are named one by one (`sdqa.models.opening`)."""
MESSAGE_LETTERS = 400
"""Of a library's error that are shown."""


def load_folder(folder: Path, *, source: str | None = None) -> Teacher:
    """A teacher from a diffusers folder.

    Raises:
        ModelError: no such folder, a file missing or garbled, weights not in safetensors.
        UnsupportedModel: it cannot be drawn.
    """
    folder = resolved(folder)
    source = source or f"folder:{folder}"
    if folder.is_file():
        raise refuse_file(folder, source)
    if not folder.is_dir():
        raise ModelError("there is no such folder", where=source, hint="give the folder that holds model_index.json")
    opening = examine_folder(folder, source=source)
    files = tuple(sorted(set(_files(folder, opening))))
    return Teacher(
        source=source,
        family=opening.family,
        digest=digest_files(folder, files),
        folder=folder,
        facts=opening.facts,
        parameters=count_parameters(opening),
        loader=lambda part: load_part(folder, opening, part),
        outliner=lambda part: load_outline(folder, opening, part),
    )


def _files(folder: Path, opening: OpenedFolder) -> Iterable[str]:
    """Names of the files that make this teacher, relative to its folder."""
    yield INDEX_FILE
    for part in opening.family.parts:
        if part.configuration:
            yield f"{part.name}/{part.configuration}"
        if part.weights:
            yield from (f"{part.name}/{path.name}" for path in opening.weights[part.name].files)
    for name in {*(part.name for part in opening.family.parts), *tokenizer_parts()}:
        yield from (path.relative_to(folder).as_posix() for path in readable_files(folder / name))


def readable_files(folder: Path) -> Iterable[Path]:
    """Every file of a part that a loader may read besides weights: all but what is listed here as read by none.

    A tokenizer reads `added_tokens.json` where there is one, a later version of a library something else.
    """
    for path in sorted(folder.rglob("*")):
        ignored = path.suffix.lower() in UNREAD_SUFFIXES or path.name.startswith((".", "README", "LICENSE"))
        if path.is_file() and not ignored:
            yield path


def digest_files(folder: Path, names: Iterable[str]) -> str:
    """sha256 over `name` and sha256 of each file, in the order given."""
    whole = hashlib.sha256()
    for name in names:
        path = folder / name
        stat = path.stat()
        whole.update(f"{name}\0{_digest_file(path, stat.st_size, stat.st_mtime_ns)}\n".encode())
    return whole.hexdigest()


@cache
def _digest_file(path: Path, size: int, modified: int) -> str:  # noqa: ARG001 - size and time are the cache's key
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def count_parameters(opening: OpenedFolder) -> dict[str, int]:
    """Parameters of each component, from the headers of the safetensors files.

    Raises:
        ModelError: weights are no safetensors.
    """
    counts = {}
    for component in opening.family.components:
        paths = opening.weights[component.part].files
        shapes = [shape for path in paths for shape in read_shapes(path).items()]
        inside = tuple(f"{name}." for name in component.submodules) or ("",)
        counts[component.name] = sum(_product(shape) for name, shape in shapes if name.startswith(inside))
    return counts


def _product(shape: Iterable[int]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


def load_part(folder: Path, opening: OpenedFolder, name: str) -> Any:
    """One part as the object that diffusers uses: fp32, eval mode, no gradients.

    Raises:
        ModelError: parameters are missing from the checkpoint or left over, so something would be random or lost; or a
            value is not finite.
    """
    import torch

    part, source = opening.family.part(name), opening.source
    if part.name == "scheduler":
        return load_scheduler(folder, opening.index.parts[name], source)
    loader = _class_of(part)
    if not part.weights:
        return _loaded(name, source, lambda: loader.from_pretrained(folder / name, local_files_only=True))
    variant = opening.weights[name].variant
    options: dict[str, Any] = {"low_cpu_mem_usage": False} if part.library == "diffusers" else {}
    module, report = _loaded(
        name,
        source,
        lambda: loader.from_pretrained(
            folder / name,
            torch_dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
            variant=variant or None,
            **options,
        ),
    )
    refuse_partial_load(name, report, source)
    whole = module.to(torch.float32).eval().requires_grad_(False)
    require_finite(name, whole, source=source)
    return whole


def load_outline(folder: Path, opening: OpenedFolder, name: str) -> Any:
    """One part without its weights: what diffusers would use, or something that has nothing but its `config`.

    Raises:
        ModelError: its configuration cannot be loaded.
    """
    import torch

    part = opening.family.part(name)
    if not part.weights:
        return load_part(folder, opening, name)
    loader = _class_of(part)

    def load() -> Any:
        if part.library == "transformers":
            return SimpleNamespace(config=loader.config_class.from_pretrained(folder / name, local_files_only=True))
        with torch.device("meta"):
            return loader.from_config(loader.load_config(folder / name, local_files_only=True))

    return _loaded(name, opening.source, load)


def _class_of(part: Part) -> Any:
    """The library's class of a part, with the library kept quiet."""
    from sdqa import compat

    compat.prepare_hub()
    with compat.uncollected():
        import diffusers
        import transformers

        transformers.utils.logging.disable_progress_bar()
        diffusers.utils.logging.disable_progress_bar()
        return getattr({"transformers": transformers, "diffusers": diffusers}[part.library], part.classes[0])


def _loaded(name: str, source: str, load: Callable[[], Any]) -> Any:
    """What a library loads of somebody's files: whatever it raises of them is the files' fault."""
    try:
        return load()
    except Exception as error:
        said = " ".join(str(error).split())[:MESSAGE_LETTERS]
        raise ModelError(f"{name} cannot be loaded: {type(error).__name__}: {said}", where=source) from error


def refuse_partial_load(part: str, report: dict[str, Any], source: str) -> None:
    """A checkpoint loads completely or not at all: what is missing would be random, what is left over is lost."""
    problems = []
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        # position_ids was saved as a buffer by older transformers and is recomputed by newer ones
        names = [str(name) for name in report.get(kind) or () if not str(name).endswith("position_ids")]
        if names:
            listing = ", ".join(sorted(names)[:6]) + (" …" if len(names) > 6 else "")
            problems.append(f"{len(names)} {kind.replace('_', ' ')}: {listing}")
    if problems:
        raise ModelError(
            f"{part}: checkpoint and architecture do not match; " + "; ".join(problems),
            where=source,
            hint="config.json and the weights belong to different models",
        )


def load_scheduler(folder: Path, entry: IndexEntry, source: str) -> Any:
    """The scheduler that model_index.json names, if diffusers has it."""
    import diffusers

    loader = getattr(diffusers, entry.class_name, None)
    if loader is None:
        raise ModelError(f"model_index.json names {entry} as scheduler", where=source, hint="use one of diffusers'")
    return _loaded("scheduler", source, lambda: loader.from_pretrained(folder / "scheduler", local_files_only=True))
