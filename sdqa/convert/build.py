"""From a teacher's component to packages on disk, with their sidecar. What they hold is described elsewhere."""

from __future__ import annotations

import gc
import re
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdqa.convert.built import Built, Order
from sdqa.convert.chunking import chunk_package
from sdqa.convert.compression import Pass, compress_model, palettize_mixed, recipe
from sdqa.convert.contract import check_schema, contract
from sdqa.convert.inventory import COMPONENT_NOTE, take_inventory
from sdqa.convert.isolate import isolated, should_isolate
from sdqa.convert.package import write_package
from sdqa.convert.program import convert_module
from sdqa.convert.sidecar import map_modules, sidecar_path, write_modules
from sdqa.errors import ConversionError
from sdqa.mil.package import open_package
from sdqa.mil.records import read_modules
from sdqa.models.teacher import Teacher
from sdqa.plan.recipes import MIXED_BIT
from sdqa.plan.variant import Variant
from sdqa.runtime.memory import PeakMemory


def build_component(
    teacher: Teacher,
    component: str,
    variant: Variant,
    destination: Path,
    *,
    base: Path | None = None,
    isolate: str = "auto",
) -> Built:
    """Convert one component: `destination/<AppleName>.mlpackage` and its sidecar.

    Args:
        teacher: where the weights come from.
        component: one of `teacher.components`.
        variant: how to convert.
        destination: a folder; made if it is not there.
        base: a package of `variant.base(component)`, converted before, to compress instead of tracing again.
        isolate: run in a process of its own: `always`, `never`, or `auto` for components above 50 M parameters.

    Raises:
        ConversionError: the component cannot be converted.
        ContractError: the package's inputs and outputs are not the declared ones.
    """
    if component not in teacher.components:
        raise ConversionError(
            f"{teacher.source} has no component {component!r}", hint="components: " + ", ".join(teacher.components)
        )
    if should_isolate(isolate, teacher.parameters[component]):
        order = Order(variant=variant, destination=destination, base=base)
        made, peak = isolated(__name__, teacher, component, order.model_dump(mode="json"))
        return Built.model_validate(made).model_copy(update={"peak_bytes": peak})
    with PeakMemory() as memory:
        built = build_here(teacher, component, variant, destination, base)
    return built.model_copy(update={"peak_bytes": memory.peak_bytes})


def perform(teacher: Teacher, job: Mapping[str, Any]) -> Built:
    """The part of `build_component` that a process of its own does."""
    order = Order.model_validate(job)
    return build_here(teacher, job["component"], order.variant, order.destination, order.base)


def build_here(teacher: Teacher, component: str, variant: Variant, destination: Path, base: Path | None) -> Built:
    """`build_component` in this process, without the peak of its memory."""
    from sdqa.convert.wrappers import laid_out, wrap

    started = time.perf_counter()
    where = f"{teacher.source}, {variant.name}, {component}"
    expected = contract(component, teacher.family, teacher.facts, variant)
    if base is not None and variant.compresses(component):
        model, modules = open_model(base), read_modules(base)
    else:
        module = wrap(teacher, component)
        names = [name for name, _ in module.named_parameters()]
        with laid_out(module, variant.attention) as shaped:
            converted = convert_module(shaped, expected, teacher.facts, variant)
        model, modules = converted.model, map_modules(converted.paths, converted.model._mil_program, names)
        del converted, module, shaped
    if variant.compresses(component):
        model = compress_model(model, str(variant.compression), where=where, teacher=teacher, component=component)
    package = destination / f"{expected.file_name}.mlpackage"
    write_package(model, package, notes={COMPONENT_NOTE: component, "com.sdqa.teacher": teacher.digest})
    write_modules(package, modules)
    del model
    gc.collect()  # a program's operations and values refer to each other, and hold the weights a second time
    whole = take_inventory(package)
    check_schema(expected, whole.inputs, whole.outputs, where=str(package))
    packages: tuple[Path, ...] = (package,)
    if variant.chunked and component == "unet":
        packages = chunk_package(package, destination, stem=expected.file_name)
        shutil.rmtree(package)
        sidecar_path(package).unlink()
    return Built(component=component, paths=packages, conversion_seconds=time.perf_counter() - started)


@recipe(MIXED_BIT.form, measures=True)
def mixed_bit(match: re.Match[str], teacher: Teacher, component: str) -> Pass:
    """Tables of as many values as each of the U-Net's weights needs, by what the teacher's output says of it."""
    if component != "unet":
        return lambda model: model
    from sdqa.convert.calibration_data import merged, record_trajectory
    from sdqa.convert.sensitivity import allocate
    from sdqa.convert.wrappers import wrap

    inputs = record_trajectory(teacher)
    small = not should_isolate("auto", teacher.parameters[component])
    allocation = allocate(merged(inputs) if small else inputs, wrap(teacher, component), match[1])
    return lambda model: palettize_mixed(model, allocation.bits, where=f"{teacher.source}, {component}")


def open_model(package: Path) -> Any:
    """A package as a coremltools model with its program in memory."""
    from sdqa import compat

    open_package(package)
    compat.prepare_coremltools()
    import coremltools as ct
    from coremltools.converters.mil.frontend.milproto.load import load

    with compat.quiet_coremltools():
        model = ct.models.MLModel(str(package), skip_model_load=True)
        specification = model.get_spec()
        model._mil_program = load(specification, specification.specificationVersion, model.weights_dir)
    return model
