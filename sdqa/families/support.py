"""Whether a pipeline, as its index and configurations describe it, is one that its family can draw."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping

from sdqa.errors import UnsupportedModel
from sdqa.families.index import INDEX_FILE, ModelIndex
from sdqa.families.records import Family, Setting
from sdqa.families.registry import drawable_classes

Configurations = Mapping[str, Mapping[str, object]]
"""Configuration of each part by its diffusers name: `text_encoder`, `unet`, `vae`, `scheduler` …"""

VALUE_LETTERS = 40
"""Of a value that are shown."""


def refusals(family: Family, index: ModelIndex, configurations: Configurations) -> tuple[str, ...]:
    """Everything about a pipeline that its family does not support, in words; empty when it is supported.

    Args:
        configurations: of the parts that have one; those that are not given are not looked at.
    """
    return (
        *_part_refusals(family, index),
        *_class_refusals(family, index, configurations),
        *_setting_refusals(family, configurations),
    )


def ignored_parts(family: Family, index: ModelIndex) -> tuple[str, ...]:
    """The parts of a pipeline that a drawing does without."""
    return tuple(name for name in family.ignored if name in index.parts)


def foreign_keys(family: Family, index: ModelIndex, configurations: Configurations) -> tuple[str, ...]:
    """What a pipeline's files state and nothing follows, in words: the classes of its parts do not take it."""
    found = [f"{INDEX_FILE}: {key}={_short(value)}" for key, value in index.flags.items() if key not in family.flags]
    for part in family.parts:
        said = configurations.get(part.name, {})
        for key in part.foreign(said):
            close = difflib.get_close_matches(key, [one for one in part.keys if one not in said], n=1, cutoff=0.8)
            meant = f" (did you mean {close[0]}?)" if close else ""
            value = _short(said[key])
            found.append(f"{part.name}/{part.configuration}: {key}={value} is none of {part.classes[0]}'s keys{meant}")
    return tuple(found)


def _short(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= VALUE_LETTERS else f"{text[:VALUE_LETTERS]}…"


def demand_drawable(family: Family, *, source: str, class_name: str = "", found: tuple[str, ...] = ()) -> None:
    """Refuse what cannot be drawn, in one sentence.

    Args:
        class_name: the pipeline's own; the family's text-to-image class where nothing names one.
        found: what `refusals` found.

    Raises:
        UnsupportedModel: the family cannot be drawn, or something was found.
    """
    reasons = found if family.drawable else (family.reason or f"nothing draws {family.title} yet",)
    if reasons:
        raise UnsupportedModel(
            f"this {class_name or family.text_to_image} cannot be drawn: {'; '.join(reasons)}; "
            f"what can be drawn: {drawable_classes()}",
            where=source,
        )


def _part_refusals(family: Family, index: ModelIndex) -> list[str]:
    found = []
    for part in family.parts:
        entry = index.parts.get(part.name)
        if entry is None:
            found.append(f"it has no part {part.name}")
        elif not part.accepts(entry.library, entry.class_name):
            found.append(f"its {part.name} is {entry}, not {part.wanted}")
    known = (*family.part_names, *family.ignored)
    extra = [name for name in index.parts if name not in known]
    return found + [f"its part {name} ({index.parts[name]}) is none of {family.title}'s" for name in extra]


def _class_refusals(family: Family, index: ModelIndex, configurations: Configurations) -> list[str]:
    """The parts whose configuration was written by another class than the index names, and than would be loaded."""
    found = []
    for part in family.parts:
        entry, said = index.parts.get(part.name), configurations.get(part.name, {})
        if entry is None or not part.accepts(entry.library, entry.class_name):
            continue  # that is said of the index
        file, named = f"{part.name}/{part.configuration}", f"{INDEX_FILE} names {entry.class_name}"
        if "_class_name" in said and said["_class_name"] != entry.class_name:
            wanted = f"both have to be {part.wanted}" if len(part.classes) == 1 else "the two have to be one"
            found.append(f"{file} is of {_shown(said['_class_name'])}, {named}: {wanted}")
        model_type = said.get("model_type")
        if part.model_type and model_type not in (None, part.model_type):
            found.append(f"{file} has the model_type {model_type!r}, {named}, whose is {part.model_type!r}")
        built = said.get("architectures")
        if part.model_type and isinstance(built, list | tuple) and built and entry.class_name not in built:
            found.append(f"{file} is of {_shown(built)} (architectures), {named}")
    return found


def _shown(name: object) -> str:
    """A class as it is named, or whatever else stands there."""
    several = name if isinstance(name, list | tuple) else [name]
    return ", ".join(one if isinstance(one, str) else repr(one) for one in several)


def _setting_refusals(family: Family, configurations: Configurations) -> list[str]:
    found = []
    for part in family.parts:
        for setting in (*part.settings, *_between(family, part.name)):
            value = configurations.get(part.name, {}).get(setting.key, setting.default)
            if part.name in configurations and value not in setting.supported:
                supported = " or ".join(map(repr, setting.supported))
                found.append(f"{part.name}'s {setting.key} is {value!r}, supported is {supported}")
    return found


def _between(family: Family, part: str) -> tuple[Setting, ...]:
    """What the scheduler's configuration says that the family may not know."""
    between = family.between
    return (Setting(between.prediction_key, between.prediction_types, "epsilon"),) if part == "scheduler" else ()
