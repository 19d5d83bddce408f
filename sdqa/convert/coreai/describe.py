"""The record of an `.aimodel`: everything in it but time is read back from the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sdqa.convert.coreai.constants import Array
from sdqa.convert.coreai.contents import FUNCTION, Contents, graphs_of, read_contents
from sdqa.convert.coreai.cost import measure_cost
from sdqa.convert.coreai.weights import bit_widths, oriented, weights_of, without_copies
from sdqa.convert.coverage import measure_coverage, require_coverage
from sdqa.convert.fates import Held
from sdqa.convert.isolate import ProcessDied, isolated
from sdqa.convert.record import PackageRecord
from sdqa.convert.sidecar import sidecar_path
from sdqa.errors import PackageError
from sdqa.models.teacher import Teacher
from sdqa.runtime.asset import open_asset
from sdqa.runtime.coreai import require_coreai


def describe_component(
    teacher: Teacher, component: str, packages: tuple[Path, ...], *, where: str = ""
) -> PackageRecord:
    """Take stock of a converted component, which is one asset; `where` names the variant in messages.

    Raises:
        RuntimeUnavailable: Core AI is not installed.
        PackageError: the asset is damaged, or ended the process that read it.
        CoverageError: a parameter is missing from the program, or a constant was invented.
    """
    (asset,) = packages
    return in_own_process(__name__, teacher, component, asset, {"where": where})


def in_own_process(module: str, teacher: Teacher, component: str, asset: Path, job: Mapping[str, Any]) -> PackageRecord:
    """A record that a module's `perform` makes of an asset in a new process, which Core AI's parser may end.

    Raises:
        RuntimeUnavailable: Core AI is not installed.
        PackageError: the process died of it.
        SdqaError: whatever `perform` raised.
    """
    require_coreai()
    try:
        made, _ = isolated(module, teacher, component, {**job, "asset": str(asset)})
    except ProcessDied as error:
        raise PackageError(f"reading the asset failed: {error.what}", where=str(asset)) from error
    return PackageRecord.model_validate(made)


def perform(teacher: Teacher, job: Mapping[str, Any]) -> PackageRecord:
    """The part of `describe_component` that the process of its own does."""
    asset = Path(job["asset"])
    record = describe(teacher, job["component"], asset, read_contents(asset))
    require_coverage(record.coverage, where=", ".join(filter(None, (teacher.source, job["where"], record.component))))
    return record


def describe(teacher: Teacher, component: str, asset: Path, contents: Contents) -> PackageRecord:
    """Take stock of an asset in this process, which Core AI may end."""
    from sdqa.convert.wrappers import wrap

    opened = open_asset(asset)
    parameters = {name: value.detach().numpy() for name, value in wrap(teacher, component).named_parameters()}
    return PackageRecord(
        component=component,
        path=asset,
        paths=(asset,),
        modules=sidecar_path(asset),
        bytes=opened.bytes,
        digest=opened.digest,
        operations=sum(contents.histogram.values()),
        histogram=contents.histogram,
        bit_widths=bit_widths(weights_of(contents.program)),
        coverage=measure_coverage(parameters, held_constants(contents.program, list(parameters.values()))),
        lint=(),
        cost=measure_cost(component, graphs_of(contents.program), FUNCTION),
    )


def held_constants(program: Any, parameters: Sequence[Array]) -> Iterator[Held]:
    """The constants as their parameters have them, as far as values tell."""
    for weight in weights_of(program):
        one = without_copies(weight)
        if one.blocks is not None:
            one = oriented(one, parameters)
        yield Held(one.name, None, one.values, one.blocks, sparse=one.compression == "pruned")
