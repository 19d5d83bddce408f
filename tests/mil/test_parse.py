"""Programs that are not well-formed fail when they are loaded, naming package, function, operation and expectation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdqa import mil
from sdqa.errors import PackageError, SdqaError, UnsupportedPackage, UsageError

from .packages import edit


def body(model: Any) -> Any:
    return model.mlProgram.functions["main"].block_specializations["CoreML7"]


def operation(model: Any, kind: str) -> Any:
    return next(item for item in body(model).operations if item.type == kind)


def undefined(model: Any) -> None:
    operation(model, "silu").inputs["x"].arguments[0].name = "nowhere"


def cycle(model: Any) -> None:
    operation(model, "conv").inputs["x"].arguments[0].name = "residual"


def duplicate(model: Any) -> None:
    operation(model, "silu").outputs[0].name = "first"


def nameless(model: Any) -> None:
    operation(model, "silu").outputs[0].name = ""


def lost_output(model: Any) -> None:
    body(model).outputs[0] = "gone"


def unbound(model: Any) -> None:
    del operation(model, "silu").inputs["x"].arguments[:]


def no_body(model: Any) -> None:
    model.mlProgram.functions["main"].opset = "CoreML6"


def huge(model: Any) -> None:
    operation(model, "silu").outputs[0].type.tensorType.dimensions[0].constant.size = 10**12


def overflowing(model: Any) -> None:
    for dimension in operation(model, "silu").outputs[0].type.tensorType.dimensions:
        dimension.constant.size = 2**63


def many_dimensions(model: Any) -> None:
    tensor = operation(model, "silu").outputs[0].type.tensorType
    for _ in range(100):
        tensor.dimensions.add().constant.size = 1


def huge_constant(model: Any) -> None:
    item = next(
        item
        for item in body(model).operations
        if item.type == "const" and len(item.outputs[0].type.tensorType.dimensions) == 4
    )
    for target in (item.outputs[0].type, item.attributes["val"].type):
        target.tensorType.dimensions[0].constant.size = 2**30


def mistyped_constant(model: Any) -> None:
    next(item for item in body(model).operations if item.type == "const").outputs[0].type.tensorType.dataType = 24


def untyped(model: Any) -> None:
    operation(model, "silu").outputs[0].type.Clear()


def no_functions(model: Any) -> None:
    model.mlProgram.functions.clear()


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (undefined, "used before anything computes it"),
        (cycle, "used before anything computes it"),
        (duplicate, "defined twice"),
        (nameless, "has no name"),
        (lost_output, "used before anything computes it"),
        (unbound, "is empty"),
        (no_body, "no body for the opset"),
        (huge, r"2\^40"),
        (overflowing, r"2\^40"),
        (many_dimensions, "dimensions"),
        (huge_constant, "bytes"),
        (mistyped_constant, "declared"),
        (untyped, "no type"),
        (no_functions, "no functions"),
    ],
)
def test_a_program_that_is_not_well_formed(damaged: Path, damage: Callable[[Any], None], expected: str) -> None:
    edit(damaged, damage)
    with pytest.raises(PackageError, match=expected) as caught:
        mil.load(damaged)
    assert "damaged.mlpackage" in str(caught.value)


@pytest.mark.parametrize("name", ["custom_layer", "made_up_operation"])
def test_an_unknown_operation_is_named(damaged: Path, name: str) -> None:
    def rename(model: Any) -> None:
        operation(model, "silu").type = name

    edit(damaged, rename)
    with pytest.raises(UnsupportedPackage, match=name) as caught:
        mil.load(damaged)
    assert "function 'main'" in str(caught.value)
    assert "'act'" in str(caught.value)


def test_an_unknown_opset(damaged: Path) -> None:
    def newer(model: Any) -> None:
        function = model.mlProgram.functions["main"]
        function.block_specializations["CoreML99"].CopyFrom(function.block_specializations["CoreML7"])
        function.opset = "CoreML99"

    edit(damaged, newer)
    with pytest.raises(UnsupportedPackage, match="CoreML99"):
        mil.load(damaged)


def test_a_result_that_is_not_of_the_declared_shape_is_an_error(damaged: Path, image: Any) -> None:
    def lie(model: Any) -> None:
        operation(model, "silu").outputs[0].type.tensorType.dimensions[1].constant.size = 9

    edit(damaged, lie)
    program = mil.load(damaged)
    with pytest.raises(SdqaError, match="declared is") as caught:
        program.predict({"x": image})
    assert "silu 'act'" in str(caught.value)


def test_an_unknown_function_or_precision(network: Path) -> None:
    with pytest.raises(UsageError, match="no function 'other'"):
        mil.load(network, function="other")
    with pytest.raises(UsageError, match="no precision"):
        mil.load(network, precision="bf16")
