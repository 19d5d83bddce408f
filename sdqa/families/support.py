"""Whether a pipeline, as its index and configurations describe it, is one that its family can draw."""

from __future__ import annotations

from collections.abc import Mapping

from sdqa.errors import UnsupportedModel
from sdqa.families.index import ModelIndex
from sdqa.families.records import Family, Setting
from sdqa.families.registry import drawable_classes

Configurations = Mapping[str, Mapping[str, object]]
"""Configuration of each part by its diffusers name: `text_encoder`, `unet`, `vae`, `scheduler` …"""


def refusals(family: Family, index: ModelIndex, configurations: Configurations) -> tuple[str, ...]:
    """Everything about a pipeline that its family does not support, in words; empty when it is supported.

    Args:
        configurations: of the parts that have one; those that are not given are not looked at.
    """
    return (*_part_refusals(family, index), *_setting_refusals(family, configurations))


def ignored_parts(family: Family, index: ModelIndex) -> tuple[str, ...]:
    """The parts of a pipeline that a drawing does without."""
    return tuple(name for name in family.ignored if name in index.parts)


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
