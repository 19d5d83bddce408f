"""Where on disk a lane's inputs lie, and which of them git cannot speak for.

A model's folder or a picture that the repository does not hold may change without a trace in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from sdqa.plan import Plan, PlannedLane
from sdqa.plugins import loaded_plugins, places_of_modules

LINK = "120000"
"""Mode of a symbolic link: git keeps where it points to, not what lies there."""
Git = Callable[..., str]


def model_places(plan: Plan, lane: PlannedLane) -> list[Path]:
    """The folders that a lane's model and its teacher are read from; none of a hub's or an embedded one."""
    sources = [source for source in (lane.model.source, lane.model.reference) if source]
    kinds = ("folder:", "packages:")
    return [(plan.root / source.partition(":")[2]).resolve() for source in sources if source.startswith(kinds)]


def pictures(plan: Plan, lane: PlannedLane) -> list[Path]:
    """The files that a lane's cases start from."""
    sources = [case.source for case in lane.cases.values() if case.source and case.source.startswith("file:")]
    return [(plan.root / source.removeprefix("file:")).resolve() for source in sources]


def plugin_places(plan: Plan) -> list[Path]:
    """Files and packages of the plugins: those that the suite names, wherever they were found, and installed ones."""
    installed = [plugin.module for plugin in loaded_plugins() if plugin.distribution]
    roots = [name.partition(".")[0] for name in plan.suite.plugins.modules]
    folder = plan.suite_path.resolve().parent
    beside = [folder / name for root in roots for name in (root, f"{root}.py")]
    return [*beside, *places_of_modules([*roots, *installed])]


def unseen(plan: Plan, top: Path, git: Git) -> Mapping[str, str]:
    """Lane → the input of it that the repository does not hold whole.

    Args:
        git: answers a command in a folder.
    """
    inputs = {lane.id: [*model_places(plan, lane), *pictures(plan, lane)] for lane in plan.lanes}
    places = {place for found in inputs.values() for place in found}
    inside = sorted(place.relative_to(top).as_posix() for place in places if place.is_relative_to(top))
    if not places:
        return {}
    words = git(top, "ls-tree", "-r", "-z", "--full-tree", "HEAD").split("\0")
    entries = [(entry[:6], entry.partition("\t")[2]) for entry in words if entry]
    held = [path for mode, path in entries if mode != LINK]
    other = [path for mode, path in entries if mode == LINK]
    if inside:  # without a path git would list all that it does not know
        other += git(top, "--literal-pathspecs", "ls-files", "--others", "-z", "--", *inside).split("\0")
    whole = {place for place in inside if _any_below(place, held) and not _any_below(place, other)}
    seen = {top / place for place in whole}
    found = {lane: next((place for place in places if place not in seen), None) for lane, places in inputs.items()}
    return {lane: _named(place, top) for lane, place in found.items() if place is not None}


def _any_below(place: str, paths: Iterable[str]) -> bool:
    """Whether any of the paths is a place or lies below it; `.` is the top."""
    return any(path == place or path.startswith(f"{place}/") or (place == "." and path) for path in paths)


def _named(place: Path, top: Path) -> str:
    return place.relative_to(top).as_posix() if place.is_relative_to(top) else place.name
