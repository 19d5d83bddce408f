"""The registry of families, and what holds for all of them together."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sdqa.errors import UnsupportedModel
from sdqa.families.index import ModelIndex
from sdqa.families.records import Component, Family

FAMILIES: dict[str, Family] = {}


def family(make: Callable[[], Family]) -> Callable[[], Family]:
    """Register the family that a function describes.

    Raises:
        ValueError: its name or one of its pipeline classes is taken.
    """
    record = make()
    if record.name in FAMILIES:
        raise ValueError(f"two families named {record.name!r}")
    for other in FAMILIES.values():
        shared = set(record.pipeline_classes) & set(other.pipeline_classes)
        if shared:
            raise ValueError(f"{record.name} and {other.name} both claim {', '.join(sorted(shared))}")
    FAMILIES[record.name] = record
    return make


def find_family(pipeline: str | ModelIndex) -> Family:
    """The family of a pipeline, by the name of diffusers' class or by its index.

    Raises:
        UnsupportedModel: no family has the class; an index's message names the parts that none knows.
    """
    name = pipeline if isinstance(pipeline, str) else pipeline.class_name
    for record in FAMILIES.values():
        if name in record.pipeline_classes:
            return record
    foreign = [] if isinstance(pipeline, str) else _foreign_parts(pipeline)
    parts = f" (nor does any know the parts {', '.join(foreign)})" if foreign else ""
    raise UnsupportedModel(f"no family has the class {name}{parts}; what can be drawn: {drawable_classes()}")


def drawable_classes() -> str:
    """The pipeline classes that can be drawn, in words."""
    names = [name for record in FAMILIES.values() if record.drawable for name in record.pipeline_classes]
    return ", ".join(names)


def flow_order(families: Iterable[Family] | None = None) -> tuple[str, ...]:
    """Names of the components of several families (all, unless some are named), each in its place in the flow."""
    order: list[str] = []
    for record in FAMILIES.values() if families is None else families:
        place = 0
        for name in record.component_names:
            if name not in order:
                order.insert(place, name)
            place = order.index(name) + 1
    return tuple(order)


def drawable_components() -> tuple[str, ...]:
    """The components that a lane may have, in flow order: of every family that can be drawn."""
    return flow_order(record for record in FAMILIES.values() if record.drawable)


def known_components() -> dict[str, Component]:
    """All families' components in flow order, the first one of each name: for what does not differ between them."""
    first: dict[str, Component] = {}
    for record in FAMILIES.values():
        first = {**{one.name: one for one in record.components}, **first}
    return {name: first[name] for name in flow_order()}


def idle_components(*, image_to_image: bool) -> frozenset[str]:
    """The components that no case runs: a family's encoder of pictures, where no case starts from one."""
    return frozenset(name for name, one in known_components().items() if one.image_to_image_only and not image_to_image)


def module_roots(component: str | None = None) -> tuple[str, ...]:
    """What dotted paths of torch modules start with: of one component, or of all, in any family."""
    known = (one for record in FAMILIES.values() for one in record.components)
    roots = (root for one in known if component in (None, one.name) for root in one.roots)
    return tuple(dict.fromkeys(roots))


def tokenizer_parts() -> tuple[str, ...]:
    """The parts that make token ids, of any family."""
    named = (one.tokenizer for record in FAMILIES.values() for one in record.text_encoders)
    return tuple(dict.fromkeys(named))


def _foreign_parts(index: ModelIndex) -> list[str]:
    """The parts of an index that no family builds a pipeline from, nor ignores."""
    known = {name for record in FAMILIES.values() for name in (*record.part_names, *record.ignored)}
    return sorted(name for name in index.parts if name not in known)
