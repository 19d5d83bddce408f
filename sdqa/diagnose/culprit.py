"""From what single operations do to the one that is to blame; the same for packages of every format."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from sdqa.bundle.diagnosis import OperationFinding, Operations, WeightFinding
from sdqa.diagnose.alignment import Alignment, plain
from sdqa.diagnose.discrepancy import decibel
from sdqa.diagnose.programs import ConstantPair
from sdqa.diagnose.tally import LOST, Tally
from sdqa.diagnose.weights import compare_weight
from sdqa.mil.graph import Node

TRIED = 12
"""Operations whose impact on the component's output is measured."""
COMPARABLE = 0.3
"""Of operations whose impact is at least this share of the largest, the first one is named: where the two part."""
LISTED_WEIGHTS = 12


def measure_impacts(tallies: Mapping[str, Tally], impact: Callable[[Node], float]) -> dict[str, float]:
    """Impact of the operations that add most.

    Args:
        impact: noise of the component's outputs, mean over the replays, when only this operation is the candidate's.
    """
    adding = [tally for tally in tallies.values() if tally.added and np.mean(tally.added) > 0]
    worst = sorted(adding, key=lambda tally: -float(np.mean(tally.added)))[:TRIED]
    return {tally.node.name: impact(tally.node) for tally in worst}


def culprit_of(
    tallies: Mapping[str, Tally],
    impacts: Mapping[str, float],
    weights: Sequence[WeightFinding],
    removed: Sequence[str],
) -> str:
    """The operation with the largest impact, the first in order among those that lose everything.

    Where its own weights are right, what was inserted before it, or is missing there, is to blame; what was inserted
    under the name of what is missing took its place.
    """
    lost = [name for name in tallies if impacts.get(name, 0.0) >= LOST]
    ranked = lost or sorted(impacts, key=lambda name: -impacts[name])
    if not ranked:
        return ""
    comparable = [name for name in ranked if impacts[name] >= COMPARABLE * impacts[ranked[0]]]
    first = next(name for name in tallies if name in comparable)
    broken = {one.operation for one in weights if not one.quantised}
    blamed = tallies[first].blame
    if not blamed or first in broken:
        return first
    if blamed not in tallies:  # missing from the candidate
        return blamed
    if plain(blamed) in {plain(name) for name in removed}:
        tallies[blamed].note(f"a {tallies[blamed].node.type} takes the place of the sound conversion's operation")
        return blamed
    return _host(blamed, first, tallies)


def _host(inserted: str, user: str, tallies: Mapping[str, Tally]) -> str:
    """The sound operation that an inserted one follows, or that takes it where it follows an input of the program."""
    makers = {value.name: name for name, tally in tallies.items() for value in tally.node.outputs}
    before = [makers[name] for name in tallies[inserted].node.names_used() if name in makers]
    host = before[0] if before else user
    place = "its result goes" if before else "what it takes goes"
    node = tallies[inserted].node
    tallies[host].note(f"{place} through {node.type} {inserted}, which is not in a sound conversion")
    tallies[host].findings.extend(
        finding for finding in tallies[inserted].findings if finding not in tallies[host].findings
    )
    return host


def finding(component: str, tally: Tally, impacts: Mapping[str, float], module: str) -> OperationFinding:
    """One operation's figures; `module` is its torch module's dotted name."""
    node = tally.node
    impact = impacts.get(node.name)
    return OperationFinding(
        component=component,
        name=node.name,
        type=node.type,
        module=module,
        added_db=_decibel(tally.added),
        carried_db=_decibel(tally.carried),
        impact_db=None if impact is None else _decibel([impact]),
        finite=not tally.nonfinite,
        low=tally.low if math.isfinite(tally.low) else 0.0,
        high=tally.high if math.isfinite(tally.high) else 0.0,
        findings=tuple(tally.findings),
    )


def weight_findings(
    component: str, pairs: Iterable[ConstantPair], parameter_of: Callable[[ConstantPair], str]
) -> list[WeightFinding]:
    """Weights that differ from their reference by more than rounding, the most different first."""
    found: dict[str, WeightFinding] = {}
    for pair in pairs:
        value = pair.value
        if value.size < 2:
            continue
        compared = compare_weight(pair.reference, value)
        if compared.ordinary:
            continue
        name = pair.name
        found[name] = WeightFinding(
            component=component,
            name=name,
            operation=pair.node.name,
            parameter=parameter_of(pair),
            relative_error=compared.relative_error,
            cosine=compared.cosine,
            verdict=compared.verdict,
            evidence=compared.evidence,
            quantised=pair.compressed or (compared.quantised and compared.factor is None),
        )
    return sorted(found.values(), key=lambda one: (one.quantised, -one.relative_error, one.name))


def listed(weights: Sequence[WeightFinding], culprit: str) -> tuple[WeightFinding, ...]:
    """The most conspicuous weights, the culprit's own first."""
    return tuple(sorted(weights, key=lambda one: one.operation != culprit)[:LISTED_WEIGHTS])


def _decibel(noises: Sequence[float]) -> float:
    """Mean noise in dB; NaN when anything was lost, the ceiling when nothing was measured."""
    if not noises:
        return decibel(0.0)
    mean = float(np.mean(noises))
    return math.nan if max(noises) >= LOST else decibel(mean)


def looked_into(
    component: str,
    tallies: Mapping[str, Tally],
    impacts: Mapping[str, float],
    weights: Sequence[WeightFinding],
    alignment: Alignment,
    module_of: Callable[[Node], str],
) -> Operations:
    """What was seen of a component beside a sound conversion of it, whatever format the two have."""
    culprit = culprit_of(tallies, impacts, weights, alignment.removed)
    return Operations(
        component=component,
        reference="package",
        culprit=culprit,
        operations=tuple(finding(component, tally, impacts, module_of(tally.node)) for tally in tallies.values()),
        weights=listed(weights, culprit),
        inserted=alignment.inserted,
        removed=alignment.removed,
    )
