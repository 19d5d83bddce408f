"""From a teacher's component to an `.aimodel` on disk and the record of it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sdqa.convert.contract import check_schema
from sdqa.convert.coreai.compression import compress_program
from sdqa.convert.coreai.constants import Array
from sdqa.convert.coreai.contents import Contents, Weight, oriented, read_contents, without_copies
from sdqa.convert.coreai.program import asset_contract, convert_exported, export_program
from sdqa.convert.coverage import measure_coverage, require_coverage
from sdqa.convert.record import PackageRecord
from sdqa.convert.sidecar import sidecar_path
from sdqa.errors import ConversionError
from sdqa.models.teacher import Teacher
from sdqa.plan.variant import Variant
from sdqa.runtime.asset import METADATA, SUFFIX, open_asset
from sdqa.runtime.coreai import require_coreai


def convert_here(
    teacher: Teacher, component: str, variant: Variant, destination: Path, base: Path | None
) -> PackageRecord:
    """Convert in this process, which Core AI's converter may end.

    Raises:
        RuntimeUnavailable: Core AI is not installed.
        ConversionError: the component cannot be converted, or the variant asks for what the format has no form of.
        ContractError: the asset's inputs and outputs are not the declared ones.
        CoverageError: a parameter is missing from the program, or a constant was invented.
    """
    from sdqa.convert.wrappers import laid_out, wrap

    require_coreai()
    started = time.perf_counter()
    where = f"{teacher.source}, {variant.name}, {component}"
    _require_available(variant, component, where)
    expected = asset_contract(component, teacher, variant)
    if base is not None and variant.compresses(component):
        program = read_contents(base).program
    else:
        with laid_out(wrap(teacher, component), variant.attention) as shaped:
            exported = export_program(shaped, expected, teacher.facts, variant)
        program = convert_exported(exported, expected, variant)
    if variant.compresses(component):
        program = compress_program(program, str(variant.compression), where=where)
    asset = destination / f"{expected.file_name}{SUFFIX}"
    destination.mkdir(parents=True, exist_ok=True)
    save(program, asset)
    contents = read_contents(asset)
    check_schema(expected, contents.inputs, contents.outputs, where=str(asset))
    record = describe_asset(teacher, component, asset, contents)
    require_coverage(record.coverage, where=where)
    return record.model_copy(update={"conversion_seconds": time.perf_counter() - started})


def _comparable(weight: Weight, parameters: Iterable[Array]) -> Array:
    """A constant as its parameter has it, as far as its values tell."""
    values = without_copies(weight.values)
    return oriented(values, parameters) if weight.compression else values


def _require_available(variant: Variant, component: str, where: str) -> None:
    if variant.chunked and component == "unet":
        raise ConversionError("chunks are a form of .mlpackage", where=where, hint="leave chunked out of this variant")
    if variant.precision == "mixed":
        hint = "use float16 or float32 in this lane's variant"
        raise ConversionError("mixed precision is not available for .aimodel", where=where, hint=hint)


def save(program: Any, asset: Path) -> None:
    """Write an asset so that equal programs are equal bytes: without the date."""
    saved = program.save_asset(asset)
    saved.update_metadata(lambda metadata: setattr(metadata, "creation_date", None))
    if not (asset / METADATA).is_file():
        raise ConversionError(f"Core AI wrote no {METADATA}", where=str(asset))


def describe_asset(teacher: Teacher, component: str, asset: Path, contents: Contents) -> PackageRecord:
    """The record of an asset: everything in it but time is read back from the file."""
    from sdqa.convert.wrappers import wrap

    opened = open_asset(asset)
    parameters = {name: value.detach().numpy() for name, value in wrap(teacher, component).named_parameters()}
    constants = ((weight.name, None, _comparable(weight, parameters.values())) for weight in contents.weights())
    return PackageRecord(
        component=component,
        path=asset,
        paths=(asset,),
        modules=sidecar_path(asset),
        bytes=opened.bytes,
        digest=opened.digest,
        operations=sum(contents.histogram.values()),
        histogram=contents.histogram,
        bit_widths=contents.bit_widths(),
        coverage=measure_coverage(parameters, constants),
        lint=(),
        cost=contents.cost(component),
    )
