"""Coverage: every parameter of the checkpoint is in the package, and nothing was invented; free, so it is first."""

from __future__ import annotations

from pathlib import Path

from sdqa.bundle.diagnosis import ComponentCoverage
from sdqa.convert.coverage import Coverage, measure_coverage
from sdqa.convert.inventory import take_inventory
from sdqa.convert.sidecar import constant_name
from sdqa.diagnose.harness import Harness
from sdqa.diagnose.pattern import NONE, Pattern, pattern
from sdqa.runtime.asset import is_asset
from sdqa.store import tree_digest


def coverage(harness: Harness, component: str) -> ComponentCoverage:
    """Match a candidate's constants with the checkpoint's parameters, by name and by value."""
    evidence = harness.evidence
    package = evidence.packages[component]
    reference = evidence.float32.get(component) or evidence.uncompressed.get(component)
    key = {
        "component": component,
        "package": tree_digest(package),
        "reference": tree_digest(reference) if reference else "",
    }

    def measure() -> ComponentCoverage:
        if is_asset(package):
            from sdqa.diagnose.coreai.coverage import asset_coverage

            return asset_coverage(component, package, reference, evidence.checkpoint(component), _scaling(harness))
        # What a sound conversion does not hold either, the computation does not use.
        unused = _measured(harness, component, reference).missing if reference else ()
        found = _measured(harness, component, package, unused)
        seen = _pattern(harness, component, package, found)
        return ComponentCoverage(
            component=component,
            parameters=found.parameters,
            missing=found.missing,
            invented=found.invented,
            changed=found.changed,
            scaled=found.scaled,
            pattern=seen.kind,
            words=seen.words,
        )

    return harness.remembered("coverage", key, ComponentCoverage, measure)


def _pattern(harness: Harness, component: str, package: Path, found: Coverage) -> Pattern:
    """What the parameters that differ have in common."""
    differing = {*found.changed, *found.scaled, *found.missing}
    if not differing:
        return NONE
    parameters = harness.evidence.checkpoint(component)
    names = {constant_name(name): name for name in differing}
    held = {
        one.hint: one.value
        for one in take_inventory(package).weights(names)
        if one.hint is not None and one.value.size == parameters[one.hint].size
    }
    return pattern(parameters, held, found.scaled, _scaling(harness))


def _scaling(harness: Harness) -> float:
    return float(harness.graph_parts["vae_config"].get("scaling_factor") or 1.0)


def _measured(harness: Harness, component: str, package: Path, unused: tuple[str, ...] = ()) -> Coverage:
    parameters = harness.evidence.checkpoint(component)
    names = {constant_name(name): name for name in parameters}
    return measure_coverage(parameters, take_inventory(package).weights(names), unused=unused)
