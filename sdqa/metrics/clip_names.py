"""Named CLIP models: what open_clip's own tables say of `MODEL/TAG`, without loading torch or any weight."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sdqa import compat
from sdqa.errors import MetricError

QUICK = "-quickgelu"
"""How open_clip names the twin of a model whose activation is QuickGELU."""
DEFAULT_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
"""What open_clip looks for in a repository, the first that is there."""


@dataclass(frozen=True)
class ClipName:
    """A pretrained model of open_clip's."""

    spec: str
    model: str
    tag: str
    activation: str
    """`gelu` or `quick_gelu`: what the network is built with, and what its weights were trained with."""
    repository: str
    """Where a hub keeps the weights."""
    files: tuple[str, ...]
    """Names of the weights in the repository, the first that is there counts."""


def find_clip(spec: str) -> ClipName:
    """What a named model is.

    Raises:
        MetricError: open_clip knows no such model or tag, or builds it with another activation than its weights were
            trained with.
    """
    model, _, tag = spec.partition("/")
    tables = compat.open_clip_tables()
    tags = tables.list_pretrained_tags_by_model(model)
    if tag not in tags:
        known = ", ".join(tags) or f"none: there is no model {model!r}"
        raise MetricError(f"{spec!r} is not a pretrained open_clip model", hint=f"tags of {model}: {known}")
    entry: dict[str, Any] = tables.get_pretrained_cfg(model, tag)
    built, trained = _quick(tables, model), bool(entry.get("quick_gelu", False))
    if trained and not built:
        twin = f"{model}{QUICK}"
        other = tag in tables.list_pretrained_tags_by_model(twin) and _quick(tables, twin)
        hint = f"use {twin}/{tag}" if other else "use a tag that was trained with GELU"
        raise MetricError(f"{spec} was trained with QuickGELU, and open_clip builds {model} with GELU", hint=hint)
    repository, _, file = str(entry.get("hf_hub", "")).rpartition("/")
    if not repository:
        raise MetricError(f"no hub keeps the weights of {spec}", hint="use another tag, or embedded:tiny")
    return ClipName(
        spec=spec,
        model=model,
        tag=tag,
        activation="quick_gelu" if built else "gelu",
        repository=repository,
        files=_alternatives(file) if file else DEFAULT_FILES,
    )


def _alternatives(file: str) -> tuple[str, ...]:
    """The same weights as safetensors first, as open_clip takes them."""
    if file.endswith((".bin", ".pth")):
        return (f"{file[:-4]}.safetensors", file)
    return (file,)


def _quick(tables: Any, model: str) -> bool:
    """Whether open_clip builds a model with QuickGELU."""
    path = tables.folder / "model_configs" / f"{model}.json"
    try:
        configuration = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MetricError(f"open_clip has no configuration of {model}", where=str(path), hint=str(error)) from error
    return bool(configuration.get("quick_gelu", False))
