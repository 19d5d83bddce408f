"""What executes a lane's packages: the lane's runtime, in the contract's names, with a fault where one is planted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.errors import RuntimeUnavailable
from sdqa.plan import PlannedLane
from sdqa.runtime.identity import ExecutionIdentity, identify
from sdqa.store import Store

if TYPE_CHECKING:
    from sdqa.convert import PackageRecord
    from sdqa.convert.stage import StoredPackage
    from sdqa.faults import Injection
    from sdqa.generate.stage import Components
    from sdqa.runtime import Runner


#: Modules that execute a lane's packages.
CODE = ("sdqa.runtime.reference", "sdqa.runtime.coreml", "sdqa.runtime.renamed")


def execution_identity(runtime: str, compute_unit: str) -> ExecutionIdentity:
    """What makes two executions of a lane's packages the same."""
    from sdqa.generate.stage import THREADS

    libraries = ("coremltools",) if runtime == "coreml" else ("coremltools", "numpy", "torch")
    return identify(runtime, compute_unit, threads=THREADS, libraries=libraries, code="", on_device=runtime == "coreml")


def components(
    lane: PlannedLane, packages: Mapping[str, StoredPackage], store: Store, injection: Injection | None
) -> Components:
    """What executes a lane's packages, with a planted fault where there is one."""
    from sdqa.generate.pipeline import Glue
    from sdqa.generate.stage import Components

    paths = executed_packages(packages, store, injection)

    def load() -> dict[str, Runner]:
        runners = {
            name: translated(make_runner(lane, name, chunks), packages[name].record) for name, chunks in paths.items()
        }
        for part in injection.parts if injection is not None else ():
            if part.wrap is not None and part.package_component is not None:
                runners[part.package_component] = part.wrap(runners[part.package_component])
        return runners

    identity: dict[str, object] = {
        "packages": {name: package.record.digest for name, package in packages.items()},
        "runtime": lane.runtime,
        "compute_unit": lane.compute_unit,
        "names": {name: package.record.names for name, package in packages.items()},
        "execution": execution_identity(lane.runtime, lane.compute_unit).facts(),
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
    if lane.runtime == "reference":
        from sdqa.runtime.reference import ReferenceRunner

        return ReferenceRunner(component, *paths)
    if lane.runtime == "coreml":
        from sdqa.runtime.coreml import CoreMLRunner

        return CoreMLRunner(component, *paths, compute_unit=lane.compute_unit)
    raise RuntimeUnavailable(f"no runtime named {lane.runtime!r}", where=lane.id)


def translated(runner: Runner, record: PackageRecord) -> Runner:
    """A runner in the contract's names, also where another tool's package has names of its own."""
    if not record.names:
        return runner
    from sdqa.runtime.renamed import RenamedRunner

    return RenamedRunner(runner, record.names)


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
            shutil.copytree(path, folder / path.name)
        assert part.edit_package is not None
        part.edit_package(folder / names[0])

    folder = store.memo("faulty", key, build).path
    return tuple(folder / name for name in names)
