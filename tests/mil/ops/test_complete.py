"""Every operation that coremltools can write is implemented or refused with a reason."""

from __future__ import annotations

import inspect

import pytest

from sdqa import compat
from sdqa.mil.registry import OPERATIONS, UNPACKERS, operation

REFUSED = {
    "const": "not executed: constants are read when the package is loaded",
    "_const_symbolic": "exists during conversion only and is never written to a package",
}
"""Operations of coremltools' registry without an implementation, and why."""


def registered() -> dict[str, list[type]]:
    """Every operation class that coremltools registers for iOS15 to iOS18, by name."""
    compat.prepare_coremltools()
    import coremltools as ct
    from coremltools.converters.mil.mil.ops.registry import SSAOpRegistry

    targets = (ct.target.iOS15, ct.target.iOS16, ct.target.iOS17, ct.target.iOS18)
    found: dict[str, list[type]] = {}
    for name, versions in SSAOpRegistry.core_ops.items():
        classes = {versions[target] for target in targets if target in versions}
        if classes:
            found[name] = sorted(classes, key=lambda cls: cls.__module__)
    return found


def test_every_operation_of_ios15_to_ios18_is_implemented_or_refused() -> None:
    operation("identity")
    missing = {name for name in registered() if name not in OPERATIONS and name not in UNPACKERS}
    assert missing == set(REFUSED)


def test_the_registry_holds_what_the_specification_counts() -> None:
    assert len(registered()) == 168
    assert "write_state" not in registered()  # only the protobuf has it
    assert operation("write_state") is not None


@pytest.mark.parametrize("version", ["iOS15", "iOS16", "iOS17", "iOS18"])
def test_every_argument_of_every_operation_is_accepted(version: str) -> None:
    operation("identity")
    unknown = []
    for name, classes in registered().items():
        if name in REFUSED:
            continue
        implementation = OPERATIONS[name].run if name in OPERATIONS else UNPACKERS[name]
        parameters = inspect.signature(implementation).parameters.values()
        if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
            continue
        accepted = {parameter.name for parameter in parameters}
        for cls in classes:
            if version in cls.__module__:
                declared = set(cls.input_spec.input_types)  # type: ignore[attr-defined]
                unknown += [f"{name}.{argument}" for argument in declared - accepted if not argument.startswith("_")]
    assert unknown == []
