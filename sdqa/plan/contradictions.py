"""What a suite's tables say against each other: names that point to nothing, things twice, words without effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdqa.plan.lines import Location, json_path
from sdqa.plan.spelling import closest
from sdqa.plan.suite import Suite
from sdqa.runtime.registry import RUNTIMES

PACKAGES = "packages:"
OWN_TEACHERS = ("embedded", "folder", "hub", "random")
"""Sources that are PyTorch models."""
OF_A_SOURCE = ("background", "source_prompt", "strength")
"""Keys of a case that say something of its source picture alone."""
DRAWN = "scene:"

Found = tuple[Location, str]


def contradictions(suite: Suite, data: Mapping[str, Any]) -> list[Found]:
    """Every contradiction, with its path.

    Args:
        data: the suite as it was written: what a case takes over of `[defaults]` is not in its table there.
    """
    return [*_cross_references(suite), *_twice(suite), *_pointless(data), *_teachers(suite)]


def _twice(suite: Suite) -> list[Found]:
    """Lanes and metrics that are asked for more than once: their checks would be one check, and count as several."""
    problems: list[Found] = []
    lanes: dict[tuple[str, str, str, str], Location] = {}
    for index, group in enumerate(suite.lanes):
        for place, variant in enumerate(group.variants):
            where: Location = ("lanes", index, "variants", place)
            for unit in RUNTIMES[group.runtime].units(group.compute_units):
                first = lanes.setdefault((group.model, variant, group.runtime, unit), where)
                if first != where or group.compute_units.count(unit) > 1:
                    lane = f"{group.model}/{variant} by {group.runtime}"
                    at = json_path(first) if first != where else json_path(("lanes", index, "compute_units"))
                    problems.append((where, f"this lane is there already ({lane}, {at}): name it once"))
                    break
    names = suite.metrics.names
    for place, name in enumerate(names):
        if name in names[:place]:
            problems.append((("metrics", "names", place), f"{name!r} is there already: name it once"))
    return problems


def _pointless(data: Mapping[str, Any]) -> list[Found]:
    """What a case says and its source cannot use; what it takes over of `[defaults]` is for others."""
    found: list[Found] = []
    for name, case in data.get("cases", {}).items():
        source = case.get("source")
        if source is None:
            what = "means nothing without a source picture: give the case a source, or take it out"
            found += [(("cases", name, key), what) for key in OF_A_SOURCE if key in case]
        elif str(source).startswith(DRAWN) and "background" in case:
            what = f"means nothing for {source}: a drawn scene has no transparent pixels; take it out"
            found.append((("cases", name, "background"), what))
    return found


def _cross_references(suite: Suite) -> list[Found]:
    """Names that point to nothing."""
    problems: list[Found] = []

    def check(path: Location, name: str, known: dict[str, Any]) -> None:
        if name not in known:
            close = closest(name, known)
            likely = f"did you mean {close!r}? " if close else ""
            problems.append((path, f"no such name {name!r}; {likely}defined: {', '.join(known)}"))

    for index, group in enumerate(suite.lanes):
        check(("lanes", index, "model"), group.model, suite.models)
        for position, variant in enumerate(group.variants):
            check(("lanes", index, "variants", position), variant, suite.variants)
    for name, case in suite.cases.items():
        for position, model in enumerate(case.models):
            check(("cases", name, "models", position), model, suite.models)
    return problems


def _teachers(suite: Suite) -> list[Found]:
    """Packages need the model that they were converted from; nothing else has a second one."""
    problems: list[Found] = []
    for name, model in suite.models.items():
        where: Location = ("models", name, "reference")
        teacher, scheme = model.reference or model.source, model.source.partition(":")[0]
        if teacher.startswith(PACKAGES):
            needed = "name the one that they were converted from, as reference: folder:PATH or hub:OWNER/NAME"
            place = where if model.reference is not None else where[:2]
            problems.append((place, f"{teacher} holds packages, and no PyTorch model to hold them against: {needed}"))
        elif model.reference is not None and scheme in OWN_TEACHERS:
            instead = "leave reference out, or give packages:PATH as source"
            problems.append((where, f"{model.source} is a PyTorch model itself: {instead}"))
    return problems
