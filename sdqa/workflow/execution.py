"""What executes a lane's packages: the lane's runtime, in the contract's names, with a fault where one is planted."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.address import package_path
from sdqa.errors import FaultError
from sdqa.plan import PlannedLane
from sdqa.runtime.registry import Runtime, find_runtime
from sdqa.store import Store

if TYPE_CHECKING:
    from sdqa.convert import PackageRecord
    from sdqa.convert.stage import StoredPackage
    from sdqa.faults import Injection
    from sdqa.generate.stage import Components
    from sdqa.models import Teacher
    from sdqa.runtime import Runner


#: Modules that execute a lane's packages.
CODE = ("sdqa.runtime.registry", "sdqa.runtime.renamed", "sdqa.runtime.accountable")


def components(
    lane: PlannedLane,
    teacher: Teacher,
    packages: Mapping[str, StoredPackage],
    store: Store,
    injection: Injection | None,
) -> Components:
    """What executes a lane's packages, or the teacher where there are none, with a planted fault where there is one.

    Raises:
        FaultError: the fault is one of packages, and the lane's runtime executes none; or no case runs its component.
    """
    from sdqa.generate.pipeline import Glue
    from sdqa.generate.stage import THREADS, Components

    runtime = find_runtime(lane.runtime)
    if injection is not None and not runtime.needs_packages and any(part.edit_package for part in injection.parts):
        hint = "plant it in a lane of another runtime"
        raise FaultError(f"{injection.id} changes a package, and the lane has none", where=lane.id, hint=hint)
    idle = [part for part in injection.parts if part.package_component in lane.idle] if injection else []
    if idle:
        hint = "plant it in a lane with an image-to-image case"
        raise FaultError(
            f"no case runs the {idle[0].package_component}, which {idle[0].id} changes", where=lane.id, hint=hint
        )
    paths = executed_packages(packages, store, injection)

    def load() -> dict[str, Runner]:
        import torch

        torch.set_num_threads(THREADS)  # as the execution's identity says
        if runtime.needs_packages:
            runners = {name: _package_runner(lane, chunks, packages[name].record) for name, chunks in paths.items()}
        else:
            runners = _without_packages(runtime, lane.compute_unit, teacher)
        for part in injection.parts if injection is not None else ():
            if part.wrap is not None and part.package_component is not None:
                runners[part.package_component] = part.wrap(runners[part.package_component])
        return runners

    identity: dict[str, object] = {
        "packages": {name: package.record.digest for name, package in packages.items()},
        "runtime": lane.runtime,
        "compute_unit": lane.compute_unit,
        "names": {name: package.record.names for name, package in packages.items()},
        "execution": runtime.execution_identity(lane.compute_unit, threads=THREADS).facts(),
    }
    if injection is not None:
        identity["fault"] = injection.facts()
    glue = injection.glue if injection is not None and injection.glue is not None else Glue()
    return Components(load, identity, glue, CODE)


def executed_packages(
    packages: Mapping[str, StoredPackage], store: Store, injection: Injection | None
) -> dict[str, tuple[Path, ...]]:
    """The packages that really run: the converted ones, or a private copy where a fault is planted in one."""
    paths = {name: package.record.paths for name, package in packages.items()}
    if injection is None:
        return paths
    for part in injection.parts:
        if part.edit_package is not None and part.package_component is not None:
            paths[part.package_component] = _edited(packages[part.package_component], store, part, injection.id)
    return paths


def make_runner(lane: PlannedLane, component: str, paths: tuple[Path, ...]) -> Runner:
    """A runner for a component's package (or its two chunks) on a lane's runtime.

    Raises:
        RuntimeUnavailable: the runtime does not exist on this machine.
    """
    return find_runtime(lane.runtime).make_runner(component, *paths, compute_unit=lane.compute_unit)


def _package_runner(lane: PlannedLane, paths: tuple[Path, ...], record: PackageRecord) -> Runner:
    """A runner in the contract's names and batch, whose errors name the component."""
    from sdqa.runtime.accountable import AccountableRunner, accountable

    with accountable(record.component):
        return AccountableRunner(translated(make_runner(lane, record.component, paths), record))


def _without_packages(runtime: Runtime, compute_unit: str, teacher: Teacher) -> dict[str, Runner]:
    """Runners of a runtime that executes the teacher's modules themselves."""
    from sdqa.generate.teacher import teacher_runners

    own = teacher_runners(teacher.pipeline_parts(), teacher.family)
    return {
        name: runtime.make_runner(name, compute_unit=compute_unit, teacher=partial(own.__getitem__, name))
        for name in own
    }


def translated(runner: Runner, record: PackageRecord) -> Runner:
    """A runner of the contract's names and batch, also where another tool's package has others."""
    from sdqa.runtime.renamed import RenamedRunner, RowRunner

    if record.names:
        runner = RenamedRunner(runner, record.names)
    return RowRunner(runner) if record.batch == 1 else runner


def _edited(package: StoredPackage, store: Store, part: Injection, planted: str) -> tuple[Path, ...]:
    """A private copy of a package with a fault planted in it; every injection has its own, so that it can be forgotten.

    Args:
        planted: the whole injection's identity, of which the part is one.
    """
    import shutil

    key = {"package": package.record.digest, "planted": planted, "fault": part.facts()}
    names = [path.name for path in package.record.paths]

    def build(folder: Path) -> None:
        for path in package.record.paths:
            shutil.copytree(package_path(path), folder / package_path(path).name)
        assert part.edit_package is not None
        part.edit_package(package_path(folder / names[0]))

    folder = store.memo("faulty", key, build).path
    return tuple(folder / name for name in names)
