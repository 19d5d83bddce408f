"""Coverage: every parameter of the checkpoint is in the package, and nothing was invented; free, so it is first."""

from __future__ import annotations

from pathlib import Path

from sdqa.bundle.diagnosis import ComponentCoverage
from sdqa.convert.coverage import Coverage, measure_coverage
from sdqa.convert.inventory import take_inventory
from sdqa.convert.sidecar import constant_name, plain_name
from sdqa.diagnose.harness import Harness
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
        # What a sound conversion does not hold either, the computation does not use.
        unused = _measured(harness, component, reference).missing if reference else ()
        found = _measured(harness, component, package, unused)
        return ComponentCoverage(
            component=component, parameters=found.parameters, missing=found.missing, invented=found.invented
        )

    return harness.remembered("coverage", key, ComponentCoverage, measure)


def _measured(harness: Harness, component: str, package: Path, unused: tuple[str, ...] = ()) -> Coverage:
    parameters = harness.evidence.checkpoint(component)
    names = {constant_name(name): name for name in parameters}
    weights = take_inventory(package).weights()
    constants = [(name, names.get(plain_name(name)), value) for name, value in weights]
    return measure_coverage(parameters, constants, unused=unused)
