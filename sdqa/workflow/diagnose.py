"""Collect what a diagnosis needs of one lane: packages in every precision, requests, glue and the planted fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from sdqa import notices
from sdqa.bundle.diagnosis import Diagnosis
from sdqa.endings import in_words
from sdqa.errors import ContractError, DiagnosisError, PackageError
from sdqa.plan import PlannedLane, Variant
from sdqa.runtime.registry import AIMODEL, DEFAULT, find_runtime
from sdqa.store import tree_digest
from sdqa.workflow.examined import Failed, cases_to_look_at, failed_in, failed_now
from sdqa.workflow.execution import executed_packages, make_runner
from sdqa.workflow.job import Job
from sdqa.workflow.references import read_references
from sdqa.workflow.stages import load_teacher

if TYPE_CHECKING:
    from pathlib import Path

    from sdqa.bundle import Lane
    from sdqa.convert.stage import StoredPackage
    from sdqa.diagnose import Evidence, ExaminedCase, Wrapper
    from sdqa.models import Teacher
    from sdqa.runtime import Runner

SPLIT_DB = 57.0  # what rounding between two packages may add: as much as half precision itself


def diagnose_lane(
    job: Job,
    lane: PlannedLane,
    *,
    cases: tuple[str, ...] = (),
    sweep: bool = True,
    packages: Path | None = None,
    failed: Failed | None = None,
) -> Diagnosis:
    """Find out what broke a lane's candidate.

    Args:
        cases: which cases to look at; those that failed when empty, or a few of every kind where none did.
        sweep: whether to vary the number of steps too.
        packages: a folder of packages that take the place of the lane's own.
        failed: what the gate found wrong; the lane is measured and judged for it when it is not known.

    Raises:
        DiagnosisError: the lane has no golden to diagnose with, does not run here, or has packages that cannot be
            looked into.
    """
    from sdqa.diagnose import diagnose
    from sdqa.diagnose.packaging import CHECK, explains_all, packaging_diagnosis

    if lane.skip_reason:
        raise DiagnosisError(f"the lane does not run here: {lane.skip_reason}", where=lane.id)
    if not find_runtime(lane.runtime).needs_packages:
        hint = "diagnose a lane of the same model that converts"
        raise DiagnosisError(f"the runtime {lane.runtime} executes no packages to look into", where=lane.id, hint=hint)
    _require_diagnosed(lane)
    found = failed_now(job, lane, packages) if failed is None else failed
    with notices.quiet_warnings(job.sayer(lane)):
        teacher = load_teacher(job, lane)
        try:
            offered = _offered(job, lane, teacher, packages)
        except (PackageError, ContractError) as error:
            if not error.component:
                raise
            words = {error.component: (" ".join(filter(None, (error.what.strip(), f"({error.where})"))),)}
            return packaging_diagnosis(words, lane.id, (*found.checks, f"{error.component}/{CHECK}"))
        breaches = {name: one.record.breaches for name, one in offered.items()}
        if explains_all(breaches, found.checks):
            return packaging_diagnosis(breaches, lane.id, found.checks)
        if packages is not None or lane.model.source.startswith("packages:"):
            _demand_examinable(lane, offered)
        evidence = replace(_evidence(job, lane, teacher, cases, offered, found), breaches=breaches)
        return diagnose(evidence, progress=job.sayer(lane), sweep=sweep)


def _require_diagnosed(lane: PlannedLane) -> None:
    """Refuse a format whose operations cannot be run one by one: the checks of parity still name the component."""
    from sdqa.convert.formats import find_format

    form = find_format(find_runtime(lane.runtime).package_format)
    if not form.diagnosed:
        hint = "see which component's parity failed"
        raise DiagnosisError(f"{form.suffix}s are not diagnosed", where=lane.id, hint=hint)


def explain_failures(job: Job, lanes: Iterable[Lane], checks: frozenset[str]) -> Iterator[Diagnosis]:
    """A diagnosis of every lane that failed in something that a component can be to blame for, one after the other.

    Args:
        checks: the ones that were selected; failures of others are not looked into.
    """
    planned = {lane.id: lane for lane in job.plan.running}
    for lane in lanes:
        failed = failed_in(lane, checks)
        if failed.checks and lane.id in planned:
            try:
                yield diagnose_lane(job, planned[lane.id], sweep=False, failed=failed)
            except Exception as error:  # the verdict stands; a diagnosis that breaks takes nothing from it
                yield Diagnosis(verdict=f"not diagnosed: {in_words(error)}", lane=lane.id)


def _evidence(
    job: Job,
    lane: PlannedLane,
    teacher: Teacher,
    cases: tuple[str, ...],
    offered: dict[str, StoredPackage],
    failed: Failed,
) -> Evidence:
    from sdqa.convert.stage import convert
    from sdqa.diagnose import Evidence
    from sdqa.metrics import MetricModels

    runtime = find_runtime(lane.runtime)
    asset = runtime.package_format == AIMODEL

    def packages(variant: Variant) -> dict[str, Path]:
        say, form = job.progress.step, runtime.package_format
        made = convert(teacher, variant, job.store, idle=lane.idle, say=say, package_format=form)
        return {name: one.path for name, one in made.items()}

    whole = lane.variant.model_copy(update={"chunked": False})
    exact = whole.uncompressed().model_copy(update={"precision": "float32", "keep_float32": ()})
    executed = executed_packages(offered, job.store, job.fault)
    split = {name: paths for name, paths in executed.items() if len(paths) > 1}
    looked_into = {name: paths[0] for name, paths in executed.items()}
    if split:
        unsplit = packages(whole)
        looked_into |= {name: unsplit[name] for name in split}
    return Evidence(
        family=teacher.family,
        parts=teacher.pipeline_parts(),
        cases=_cases(job, lane, teacher, cases, failed),
        packages=looked_into,
        uncompressed=packages(whole.uncompressed()) if lane.variant.compression or asset else {},
        float32=packages(exact),
        glue=job.fault.glue if job.fault is not None else None,
        wrappers=_wrappers(job, split),
        runtime=f"{DEFAULT}, {' and '.join(split)} in several packages"
        if split
        else lane.runtime
        if asset
        else DEFAULT,
        load=(lambda name, path: make_runner(lane, name, (path,))) if asset else None,
        exported=_exported(teacher, lane.variant, looked_into) if asset else {},
        metrics=MetricModels(clip=job.plan.suite.metrics.clip, lpips=job.plan.suite.metrics.lpips),
        store=job.store,
        lane=lane.id,
        failed=failed.checks,
        teacher_identity=teacher.digest,
    )


def _offered(job: Job, lane: PlannedLane, teacher: Teacher, given: Path | None) -> dict[str, StoredPackage]:
    """What is to be looked into: given packages, another tool's, or the lane's own."""
    from sdqa.convert.stage import adopted, convert

    form = find_runtime(lane.runtime).package_format
    if given is not None:
        return adopted(f"packages:{given}", teacher, lane.variant, idle=lane.idle, package_format=form)
    if lane.model.source.startswith("packages:"):
        return adopted(lane.model.source, teacher, lane.variant, idle=lane.idle, package_format=form)
    return convert(teacher, lane.variant, job.store, idle=lane.idle, say=job.progress.step, package_format=form)


def _exported(teacher: Teacher, variant: Variant, components: Iterable[str]) -> dict[str, Callable[[], Runner]]:
    """What Core AI's converter is given, for every component."""
    from sdqa.diagnose.coreai.exported import ExportedRunner

    return {name: partial(ExportedRunner, teacher, name, variant) for name in components}


def _demand_examinable(lane: PlannedLane, found: dict[str, StoredPackage]) -> None:
    """Refuse another tool's packages that cannot be looked into.

    The lane's own U-Net may be split: it is looked into whole, and its execution in two packages is a rung of its own.

    Raises:
        DiagnosisError: they are split, take one row at a time, or have names of their own.
    """
    for name, one in found.items():
        if len(one.record.paths) > 1:
            hint = "give the component in one package: its weights and operations are the same"
            raise DiagnosisError(f"the {name} is split into {len(one.record.paths)} packages", where=lane.id, hint=hint)
        if one.record.batch is not None:
            hint = "convert it for a pair of rows, as classifier-free guidance runs it, and diagnose again"
            raise DiagnosisError(f"the {name} takes one row at a time", where=str(one.path), hint=hint)
        if one.record.names:
            own = ", ".join(f"{theirs} for {ours}" for ours, theirs in sorted(one.record.names.items()))
            hint = "rename the features (of an .mlpackage: `coremltools.utils.rename_feature`) and diagnose again"
            raise DiagnosisError(f"the {name} has names of its own: {own}", where=str(one.path), hint=hint)


def _cases(
    job: Job, lane: PlannedLane, teacher: Teacher, wanted: tuple[str, ...], failed: Failed
) -> tuple[ExaminedCase, ...]:
    from sdqa.diagnose import ExaminedCase
    from sdqa.generate.stage import golden_request

    drawn = {component.name for component in teacher.family.drawn(image_to_image=False)}
    chosen = wanted or cases_to_look_at(lane.cases, failed, set(teacher.components) - drawn)
    narrowed = replace(lane, cases={name: lane.cases[name] for name in chosen if name in lane.cases})
    found = read_references(job, narrowed, teacher)
    if not found.goldens:
        reason = found.failures[0].message if found.failures else f"no such case: {', '.join(chosen)}"
        raise DiagnosisError(f"there is no golden to diagnose with: {reason}", where=lane.id)
    change = job.fault.request if job.fault is not None else None
    requests = {name: golden_request(lane.cases[name], golden) for name, golden in found.goldens.items()}
    return tuple(ExaminedCase(name, one, change(one) if change else None) for name, one in requests.items())


def _wrappers(job: Job, split: Mapping[str, tuple[Path, ...]]) -> dict[str, Wrapper]:
    """What lies between package and caller: execution in several packages, and a planted fault."""
    from sdqa.diagnose import Wrapper

    found = {name: _in_parts(name, paths) for name, paths in split.items()}
    for part in job.fault.parts if job.fault is not None else ():
        if part.wrap is not None and part.package_component is not None:
            inner = found.get(part.package_component)
            found[part.package_component] = _around(inner, Wrapper(str(part.facts()), part.wrap))
    return found


def _in_parts(component: str, paths: tuple[Path, ...]) -> Wrapper:
    from sdqa.diagnose import Wrapper
    from sdqa.runtime.reference import ReferenceRunner

    identity = f"in packages {' '.join(tree_digest(path) for path in paths)}"
    return Wrapper(identity, lambda _: ReferenceRunner(component, *paths), SPLIT_DB)


def _around(inner: Wrapper | None, outer: Wrapper) -> Wrapper:
    from sdqa.diagnose import Wrapper

    if inner is None:
        return outer
    identity = f"{outer.identity} around {inner.identity}"
    return Wrapper(identity, lambda plain: outer.wrap(inner.wrap(plain)), inner.normal_db)
