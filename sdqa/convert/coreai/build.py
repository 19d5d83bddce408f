"""From a teacher's component to an `.aimodel` on disk. What it holds is described elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdqa.convert.built import Built, Order
from sdqa.convert.contract import check_schema
from sdqa.convert.coreai.compression import compress_program
from sdqa.convert.coreai.contents import read_contents
from sdqa.convert.coreai.program import asset_contract, convert_exported, export_program
from sdqa.convert.isolate import isolated
from sdqa.errors import ConversionError
from sdqa.models.teacher import Teacher
from sdqa.plan.variant import Variant
from sdqa.runtime.asset import METADATA, SUFFIX
from sdqa.runtime.coreai import require_coreai


def build_component(
    teacher: Teacher, component: str, variant: Variant, destination: Path, *, base: Path | None = None
) -> Built:
    """Convert one component: `destination/<AppleName>.aimodel`, in a process of its own, which the converter may end.

    Args:
        base: an asset of `variant.base(component)`, converted before, to compress instead of exporting again.

    Raises:
        RuntimeUnavailable: Core AI is not installed.
        ConversionError: the component cannot be converted, or the variant asks for what the format has no form of.
        ContractError: the asset's inputs and outputs are not the declared ones.
    """
    require_coreai()
    order = Order(variant=variant, destination=destination, base=base)
    made, peak = isolated(__name__, teacher, component, order.model_dump(mode="json"))
    return Built.model_validate(made).model_copy(update={"peak_bytes": peak})


def perform(teacher: Teacher, job: Mapping[str, Any]) -> Built:
    """The part of `build_component` that the process of its own does."""
    order = Order.model_validate(job)
    return build_here(teacher, job["component"], order.variant, order.destination, order.base)


def build_here(teacher: Teacher, component: str, variant: Variant, destination: Path, base: Path | None) -> Built:
    """`build_component` in this process, without the peak of its memory."""
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
    return Built(component=component, paths=(asset,), conversion_seconds=time.perf_counter() - started)


def save(program: Any, asset: Path) -> None:
    """Write an asset so that equal programs are equal bytes: without the date."""
    saved = program.save_asset(asset)
    saved.update_metadata(lambda metadata: setattr(metadata, "creation_date", None))
    if not (asset / METADATA).is_file():
        raise ConversionError(f"Core AI wrote no {METADATA}", where=str(asset))


def _require_available(variant: Variant, component: str, where: str) -> None:
    if variant.chunked and component == "unet":
        raise ConversionError("chunks are a form of .mlpackage", where=where, hint="leave chunked out of this variant")
    if variant.precision == "mixed":
        hint = "use float16 or float32 in this lane's variant"
        raise ConversionError("mixed precision is not available for .aimodel", where=where, hint=hint)
