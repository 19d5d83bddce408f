"""Whether a folder's weights are those of the modules that the libraries build of its configurations.

A plan holds them against shapes that are worked out without a library (`sdqa.models.shapes`); a run asks the libraries.
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
from sdqa.models.tensors import require_tensors
from sdqa.models.weights import read_header

MESSAGE_LETTERS = 300


def demand_architecture(folder: Path, opened: OpenedFolder) -> None:
    """Build every part with weights and compare it with the headers of its files.

    Raises:
        ModelError: a configuration cannot be built, or describes other tensors.
    """
    for part in opened.family.weighted_parts:
        headers = [read_header(path) for path in opened.weights[part.name].files]
        stored = {name: one for header in headers for name, one in header.items()}
        require_tensors(part.name, _tensors(folder, part, opened.source), stored, opened.source)


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
