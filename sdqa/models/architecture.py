"""Whether a folder's weights are those of the architecture that its configurations describe, without reading one.

The parts are built on torch's meta device, which takes no memory: a key of a configuration that the library refuses,
and a tensor that is missing, left over or of another shape, are found before anything is converted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sdqa.errors import ModelError
from sdqa.families import Part
from sdqa.models.json_file import read_json
from sdqa.models.opening import OpenedFolder
from sdqa.models.weights import StoredTensor, read_header

SHOWN = 4
MESSAGE_LETTERS = 300
OLD_NAMES = (".proj_attn.", ".query.")
"""Of attention in older checkpoints, which diffusers renames while it loads."""


def demand_architecture(folder: Path, opened: OpenedFolder) -> None:
    """Build every part with weights and compare it with the headers of its files.

    Raises:
        ModelError: a configuration cannot be built, or describes other tensors.
    """
    for part in opened.family.weighted_parts:
        headers = [read_header(path) for path in opened.weights[part.name].files]
        stored = {name: one for header in headers for name, one in header.items()}
        _compare(part.name, _tensors(folder, part, opened.source), stored, opened.source)


def build_empty(part: Part, configuration: dict[str, Any], source: str) -> Any:
    """A part's module on the meta device.

    Raises:
        ModelError: the library refuses the configuration.
    """
    from sdqa import compat

    compat.prepare_hub()
    import diffusers
    import torch
    import transformers

    library = {"transformers": transformers, "diffusers": diffusers}[part.library]
    kind = getattr(library, part.classes[0])
    try:
        with torch.device("meta"):
            if part.library == "diffusers":
                return kind.from_config(configuration)
            return kind(kind.config_class(**configuration))
    except Exception as error:  # of somebody's configuration: whatever is raised is its fault
        said = " ".join(str(error).split())[:MESSAGE_LETTERS]
        raise ModelError(
            f"no {part.classes[0]} can be built of {part.name}/{part.configuration}: {type(error).__name__}: {said}",
            where=source,
            hint="config.json is damaged, or of another version of the library",
        ) from error


def _tensors(folder: Path, part: Part, source: str) -> dict[str, tuple[int, ...]]:
    configuration = read_json(folder / part.name / part.configuration, source)
    module = build_empty(part, configuration, source)
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}


def _compare(part: str, wanted: dict[str, tuple[int, ...]], stored: dict[str, StoredTensor], source: str) -> None:
    if any(old in name for name in stored for old in OLD_NAMES):
        return  # loading says whether everything was there
    there = {_plain(name): one.shape for name, one in stored.items() if not name.endswith("position_ids")}
    needed = {_plain(name): shape for name, shape in wanted.items() if not name.endswith("position_ids")}
    other = [name for name in needed if name in there and there[name] != needed[name]]
    problems = [
        f"{len(names)} {kind}: {', '.join(sorted(names)[:SHOWN])}{' …' if len(names) > SHOWN else ''}"
        for kind, names in (
            ("missing keys", needed.keys() - there.keys()),
            ("unexpected keys", there.keys() - needed.keys()),
            ("mismatched keys", other),
        )
        if names
    ]
    if problems:
        raise ModelError(
            f"{part}: checkpoint and architecture do not match; {'; '.join(problems)}",
            where=source,
            hint="config.json and the weights belong to different models",
        )


def _plain(name: str) -> str:
    """A tensor's name without the prefix that older versions of transformers gave it."""
    return name.removeprefix("text_model.")
