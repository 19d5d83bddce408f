"""What a source's index and configurations say, before any of its weights is read: its family, and what is refused."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from sdqa.errors import ModelError, UnsupportedModel
from sdqa.families import (
    Family,
    ModelIndex,
    Part,
    demand_drawable,
    find_family,
    foreign_keys,
    ignored_parts,
    refusals,
)
from sdqa.families.index import INDEX_FILE
from sdqa.models.beside import told, unused_files, what_is_here
from sdqa.models.configuration import read_facts
from sdqa.models.json_file import read_json
from sdqa.models.shapes import expected_tensors
from sdqa.models.teacher import Facts
from sdqa.models.tensors import require_tensors
from sdqa.models.tokens import PromptTokenizer, read_tokenizer
from sdqa.models.weights import PartWeights, find_weights, read_header, require_listed, require_plain


@dataclass(frozen=True)
class Opening:
    """What a source's pipeline is."""

    source: str
    family: Family
    ignored: tuple[str, ...] = ()
    """Parts that it has and that a drawing does without."""
    scheduler: Mapping[str, JsonValue] = field(default_factory=dict)
    """Its scheduler's configuration."""
    scheduler_class: str = ""
    tokenizer: Callable[[], PromptTokenizer] | None = None
    """Reads the tokenizer of its prompts; None where that is not here."""
    remarks: tuple[str, ...] = ()
    """What else is to be said of it."""
    facts: Facts | None = field(default=None, kw_only=True)
    """Its sizes."""
    folder: Path | None = field(default=None, kw_only=True)
    """Where its files lie; None where they exist only in memory."""


@dataclass(frozen=True)
class OpenedFolder(Opening):
    """A folder whose pipeline can be drawn."""

    index: ModelIndex = field(kw_only=True)
    facts: Facts = field(kw_only=True)
    configurations: Mapping[str, Mapping[str, Any]] = field(kw_only=True)
    """Of each part that has one."""
    weights: Mapping[str, PartWeights] = field(default_factory=dict)
    """The files of each part with weights."""
    tensors: int = 0
    """How many of them were held against the configurations, by name and shape."""


def open_folder(folder: Path, *, source: str) -> OpenedFolder:
    """Look at a diffusers folder's index and configurations.

    Raises:
        ModelError: a file is missing or garbled, or the parts do not fit together.
        UnsupportedModel: its class, a part or a setting is none that can be drawn; the message names all of them.
    """
    hint = "" if (folder / INDEX_FILE).is_file() else what_is_here(folder)
    if hint:
        raise ModelError(f"the folder has no {INDEX_FILE}", where=source, hint=hint)
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
    return OpenedFolder(
        source,
        family,
        ignored_parts(family, index),
        scheduler=configurations["scheduler"],
        scheduler_class=index.parts["scheduler"].class_name,
        remarks=tuple(f"ignored: {one}" for one in foreign_keys(family, index, configurations)),
        index=index,
        configurations=configurations,
        facts=facts,
        folder=folder,
    )


def examine_folder(folder: Path, *, source: str) -> OpenedFolder:
    """Look at everything of a diffusers folder but the weights' values: seconds, and no torch.

    Raises:
        ModelError: as in `open_folder`; or weights are missing, ambiguous, of a foreign type, or not those that the
            configurations ask for; or its tokenizer has no merges, no length or another one than the text encoder, or
            more tokens than that; or a class needs a library that is not installed.
        UnsupportedModel: as in `open_folder`.
    """
    opened = open_folder(folder, source=source)
    family, facts = opened.family, opened.facts
    for part in family.parts:
        _require_library(part, opened.index.parts[part.name].class_name, source)
    weights = {part.name: find_weights(folder, part, source) for part in family.weighted_parts}
    for component in family.text_encoders:
        _require_fit(read_tokenizer(folder / component.tokenizer, source=source), component.tokenizer, facts, source)
    tensors = sum(_require_weights(opened, part, weights[part.name]) for part in family.weighted_parts)
    read = [path for found in weights.values() for path in found.files]
    beside = unused_files(folder, family, opened.index, read)
    variants = [f"{name}: {found.variant}" for name, found in weights.items() if found.variant]
    remarks = (
        *opened.remarks,
        *([f"weights of the only variant that is there: {', '.join(variants)}"] if variants else []),
        *([f"not used: {told(beside)}"] if beside else []),
    )
    first = folder / family.text_encoders[0].tokenizer
    return replace(
        opened,
        weights=weights,
        tensors=tensors,
        remarks=remarks,
        tokenizer=lambda: read_tokenizer(first, source=source),
    )


def _require_library(part: Part, class_name: str, source: str) -> None:
    """What a part's class is loaded with is installed.

    Raises:
        ModelError: it is not.
    """
    library = part.needs.get(class_name)
    if library is not None and importlib.util.find_spec(library) is None:
        raise ModelError(
            f"its {part.name} is {class_name}, which cannot be loaded without {library}",
            where=source,
            hint=f"pip install {library}, or save the pipeline with another {part.name}",
        )


def _require_weights(opened: OpenedFolder, part: Part, found: PartWeights) -> int:
    """How many tensors a part has: those, and of the shapes, that its configuration asks for.

    Raises:
        ModelError: they are others, or stored in a way that is not read.
        UnsupportedModel: the configuration names blocks that no family has.
    """
    headers = {path.name: read_header(path) for path in found.files}
    require_plain(part.name, list(headers.values()), opened.source)
    require_listed(part.name, found, headers, opened.source)
    stored = {name: one for header in headers.values() for name, one in header.items()}
    wanted = expected_tensors(part, opened.configurations[part.name], opened.source)
    require_tensors(part.name, wanted, stored, opened.source)
    return len(stored)


def _require_fit(tokenizer: PromptTokenizer, name: str, facts: Facts, source: str) -> None:
    """A prompt's tokens are what the text encoder takes."""
    if tokenizer.length != facts.sequence_length:
        raise ModelError(
            f"{name} makes prompts of {tokenizer.length} tokens, the text encoder takes {facts.sequence_length}",
            where=source,
            hint=f"set model_max_length in {name}/tokenizer_config.json, or give the tokenizer that belongs to it",
        )
    if tokenizer.highest >= facts.vocabulary:
        raise ModelError(
            f"{name} knows the token {tokenizer.highest}, the text encoder has {facts.vocabulary} (from 0)",
            where=source,
            hint="a word was added to the tokenizer alone: give the one that belongs to the text encoder",
        )
