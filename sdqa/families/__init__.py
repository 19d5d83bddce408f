"""What a pipeline family is made of, one file a family; every other room asks here. Nothing here imports torch."""

from sdqa.families import sd, sdxl  # noqa: F401 - they fill the registry
from sdqa.families.index import IndexEntry, ModelIndex
from sdqa.families.records import Between, Component, Family, Part, Port, Setting
from sdqa.families.registry import (
    FAMILIES,
    drawable_classes,
    drawable_components,
    family,
    find_family,
    flow_order,
    idle_components,
    known_components,
    module_roots,
    tokenizer_parts,
)
from sdqa.families.support import Configurations, demand_drawable, foreign_keys, ignored_parts, refusals

__all__ = [
    "FAMILIES",
    "Between",
    "Component",
    "Configurations",
    "Family",
    "IndexEntry",
    "ModelIndex",
    "Part",
    "Port",
    "Setting",
    "demand_drawable",
    "drawable_classes",
    "drawable_components",
    "family",
    "find_family",
    "flow_order",
    "foreign_keys",
    "idle_components",
    "ignored_parts",
    "known_components",
    "module_roots",
    "refusals",
    "tokenizer_parts",
]
