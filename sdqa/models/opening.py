"""What a source's index and configurations say, before any of its weights is read: its family, and what is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdqa.errors import ModelError, UnsupportedModel
from sdqa.families import (
    Family,
    ModelIndex,
    demand_drawable,
    find_family,
    ignored_parts,
    refusals,
)
from sdqa.families.index import INDEX_FILE
from sdqa.foreign import recognise
from sdqa.models.configuration import read_facts
from sdqa.models.teacher import Facts

MAX_CONFIGURATION_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Opening:
    """What a source's pipeline is."""

    source: str
    family: Family
    ignored: tuple[str, ...] = ()
    """Parts that it has and that a drawing does without."""
    facts: Facts | None = field(default=None, kw_only=True)
    """Its sizes."""
    folder: Path | None = field(default=None, kw_only=True)
    """Where its files lie; None where they exist only in memory."""


@dataclass(frozen=True)
class OpenedFolder(Opening):
    """A folder whose pipeline can be drawn."""

    index: ModelIndex = field(kw_only=True)
    facts: Facts = field(kw_only=True)


def open_folder(folder: Path, *, source: str) -> OpenedFolder:
    """Look at a diffusers folder's index and configurations.

    Raises:
        ModelError: a file is missing or garbled, or the parts do not fit together.
        UnsupportedModel: its class, a part or a setting is none that can be drawn; the message names all of them.
    """
    index = ModelIndex.parse(read_json(folder / INDEX_FILE, source), where=source)
    try:
        family = find_family(index)
    except UnsupportedModel as error:
        raise UnsupportedModel(error.what, where=source) from error
    demand_drawable(family, class_name=index.class_name, source=source, found=refusals(family, index, {}))
    configurations = {
        part.name: read_json(folder / part.name / part.configuration, source)
        for part in family.parts
        if part.configuration
    }
    found = refusals(family, index, configurations)
    demand_drawable(family, class_name=index.class_name, source=source, found=found)
    facts = read_facts(family, configurations, source=source)
    return OpenedFolder(source, family, ignored_parts(family, index), index=index, facts=facts, folder=folder)


def read_json(path: Path, source: str) -> dict[str, Any]:
    """A JSON object of modest size.

    Raises:
        ModelError: missing, too big, or not a JSON object.
    """
    try:
        if path.stat().st_size > MAX_CONFIGURATION_BYTES:
            raise ModelError(f"{path.name} is too big to be a configuration", where=str(path))
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ModelError(
            f"{path.parent.name}/{path.name} is missing", where=source, hint="expected a folder in diffusers format"
        ) from error
    except (ValueError, RecursionError) as error:
        foreign = recognise(path)
        if foreign is not None:
            raise ModelError(f"{path.name} is {foreign.what}", where=str(path), hint=foreign.hint) from error
        raise ModelError(f"{path.name} is not JSON: {error}", where=str(path)) from error
    if not isinstance(content, dict):
        raise ModelError(f"{path.name} is not a JSON object", where=str(path))
    return content
