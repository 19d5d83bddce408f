"""Floors: what a suite asks of the teacher's own pictures, in the metrics that say something of one picture alone."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping

from sdqa.metrics.registry import METRICS, Metric
from sdqa.metrics.scoring import SHAPELESS, applicable


def own_figures() -> dict[str, Metric]:
    """The metrics that say something of a picture without another one of the same case."""
    directed = {name: one for name, one in METRICS.items() if one.better in ("higher", "lower")}
    return {name: one for name, one in directed.items() if not one.compares and name not in SHAPELESS}


def wrong_floors(floors: Mapping[str, float], measured: Collection[str]) -> dict[str, str]:
    """What is wrong with a suite's floors, by name.

    Args:
        measured: the metrics that the suite measures.
    """
    own, found = own_figures(), {}
    for name, floor in floors.items():
        if name not in own:
            found[name] = f"{name!r} says nothing of the teacher alone; these do: {', '.join(sorted(own))}"
        elif name not in measured:
            found[name] = f"{name!r} is not measured: add it to $.metrics.names"
        elif not math.isfinite(floor):
            found[name] = "must be a finite number"
    return found


def below(floors: Mapping[str, float], scores: Mapping[str, float | None], offered: Iterable[str]) -> list[str]:
    """Where figures of a case do not reach the floors that apply to it, in words.

    Args:
        offered: what the case offers to metrics.
    """
    found = []
    for name in applicable(frozenset(offered), tuple(floors)) if floors else ():
        floor, figure = floors[name], scores.get(name)
        higher = METRICS[name].better == "higher"
        if figure is None:
            found.append(f"{name} was not measured, [floors] has {floor:.4g}")
        elif not (figure >= floor if higher else figure <= floor):
            found.append(f"{name} is {figure:.4g}, [floors] takes no {'less' if higher else 'more'} than {floor:.4g}")
    return found
