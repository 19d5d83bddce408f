"""The runtimes by name: a dictionary and a decorator on the function that makes a runner.

    @runtime("mine", available=reason_why_not, compute_units=("FAST", "SLOW"), libraries=("mine",))
    def mine(work: Work) -> Runner:
        '''Executes packages with mine.'''
        from mine.runner import MineRunner

        return MineRunner(work.component, *work.packages)

Nothing heavy is imported before a runner is made, so plan and gate may ask.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.errors import RuntimeUnavailable, UsageError
from sdqa.plugins import plugin_code
from sdqa.runtime.machine import COMPUTE_UNITS
from sdqa.runtime.protocol import Runner

if TYPE_CHECKING:
    from sdqa.runtime.identity import ExecutionIdentity
    from sdqa.runtime.measured import Placement

DEFAULT = "reference"
"""What a lane uses that names no runtime; such a lane's id does not name it either."""
CPU_ONLY = "CPU_ONLY"
MLPACKAGE, AIMODEL = "mlpackage", "aimodel"
"""Formats of packages: Core ML's and Core AI's."""


@dataclass(frozen=True)
class Work:
    """What a runner is made for."""

    component: str
    packages: tuple[Path, ...]  # in execution order; none where the runtime needs none
    compute_unit: str
    teacher: Callable[[], Runner] | None  # the teacher's own runner of the component


Maker = Callable[[Work], Runner]
Placer = Callable[[Path, str], "Placement"]


@dataclass(frozen=True)
class Runtime:
    """One registered runtime."""

    name: str
    summary: str  # first line of the maker's docstring
    make: Maker
    reason: Callable[[str], str]  # platform, as `sys.platform` names it → why it cannot run there; empty when it can
    compute_units: tuple[str, ...]  # that a suite may choose among; none when there is no choice
    default_units: tuple[str, ...]  # what a lane without any runs on; none when the suite has to choose
    on_device: bool  # executes on the device that the budgets are for: times and placement are asked of it
    needs_packages: bool  # without, no conversion is planned and no check of a package
    package_format: str  # of the packages that it executes: a name in `sdqa.convert.formats`
    pace: str  # how long it takes against torch, for a plan; empty where nothing needs to be said
    libraries: tuple[str, ...]  # distributions whose versions decide what is computed
    placement: Placer | None  # where the operations of a package will run on a compute unit
    code: str  # digest of the plugin that it comes from

    def available(self, platform: str = sys.platform) -> str:
        """Why it cannot run on a platform; empty when it can."""
        return self.reason(platform)

    def units(self, chosen: tuple[str, ...]) -> tuple[str, ...]:
        """The compute units of a lane that chooses these.

        Raises:
            ValueError: one is unknown, there is nothing to choose, or something has to be chosen.
        """
        unknown = [unit for unit in chosen if unit not in self.compute_units]
        if unknown and not self.compute_units:
            raise ValueError(f'compute_units: runtime "{self.name}" has none to choose among')
        if unknown:
            raise ValueError(f"compute_units: {unknown[0]!r} is not one of {', '.join(self.compute_units)}")
        if not chosen and not self.default_units:
            example = self.compute_units[0]
            raise ValueError(f'compute_units is required when runtime is "{self.name}", for example ["{example}"]')
        return chosen or self.default_units

    def suffix(self, compute_unit: str) -> str:
        """What a lane's id ends in: nothing for the default, `@coreml-cpu_and_ne` for others."""
        if self.name == DEFAULT:
            return ""
        return f"@{self.name}-{compute_unit.lower()}" if self.compute_units else f"@{self.name}"

    def make_runner(
        self,
        component: str,
        *packages: Path,
        compute_unit: str = CPU_ONLY,
        teacher: Callable[[], Runner] | None = None,
    ) -> Runner:
        """A runner for a component.

        Args:
            packages: in execution order; none where the runtime needs none.
            teacher: gives the teacher's own runner of the component.

        Raises:
            RuntimeUnavailable: the runtime does not exist on this machine.
            UsageError: it needs packages and gets none.
        """
        if self.needs_packages and not packages:
            raise UsageError(f"the runtime {self.name} needs a package", where=component)
        return self.make(Work(component, packages, compute_unit, teacher))

    def execution_identity(self, compute_unit: str, *, threads: int = 1) -> ExecutionIdentity:
        """What makes two executions by it the same."""
        from sdqa.runtime.identity import identify

        return identify(
            self.name,
            compute_unit,
            threads=threads,
            libraries=self.libraries,
            code=self.code,
            on_device=self.on_device,
        )


RUNTIMES: dict[str, Runtime] = {}


def runtime(
    name: str,
    *,
    available: Callable[[str], str] = lambda _: "",
    compute_units: tuple[str, ...] = (),
    default_units: tuple[str, ...] | None = None,
    on_device: bool = False,
    needs_packages: bool = True,
    package_format: str = MLPACKAGE,
    pace: str = "",
    libraries: tuple[str, ...] = (),
    placement: Placer | None = None,
) -> Callable[[Maker], Maker]:
    """Register the function that makes runners of a runtime; see `Runtime` for the arguments.

    Args:
        available: of a platform; cheap, and without importing what executes.
        default_units: the first of `compute_units` when None, `CPU_ONLY` where there is no choice.
    """

    def register(make: Maker) -> Maker:
        if name in RUNTIMES:
            raise ValueError(f"the runtime {name!r} is registered twice")
        RUNTIMES[name] = Runtime(
            name=name,
            summary=(make.__doc__ or "").strip().split("\n", 1)[0],
            make=make,
            reason=available,
            compute_units=compute_units,
            default_units=(compute_units or (CPU_ONLY,))[:1] if default_units is None else default_units,
            on_device=on_device,
            needs_packages=needs_packages,
            package_format=package_format,
            pace=pace,
            libraries=libraries,
            placement=placement,
            code=plugin_code(make),
        )
        return make

    return register


def find_runtime(name: str) -> Runtime:
    """A runtime by name.

    Raises:
        RuntimeUnavailable: nothing of that name is registered; a plugin may be missing.
    """
    if name not in RUNTIMES:
        close = difflib.get_close_matches(name, RUNTIMES, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(RUNTIMES)}; is a plugin missing?"
        raise RuntimeUnavailable(f"no runtime named {name!r}", hint=hint)
    return RUNTIMES[name]


def on_device(name: str) -> bool:
    """Whether figures of a runtime are measured on the device; of one that is not registered here, nobody says so."""
    return name in RUNTIMES and RUNTIMES[name].on_device


@runtime(DEFAULT, libraries=("numpy", "torch"))
def reference(work: Work) -> Runner:
    """Executes packages with sdqa's own runtime for ML Programs, anywhere."""
    from sdqa.runtime.reference import ReferenceRunner

    return ReferenceRunner(work.component, *work.packages)


@runtime("torch", needs_packages=False, libraries=("diffusers", "torch", "transformers"))
def torch(work: Work) -> Runner:
    """Executes the teacher's own modules: a control lane without a conversion."""
    if work.teacher is None:
        raise UsageError("the runtime torch executes the teacher's modules and got none", where=work.component)
    return work.teacher()


def _no_core_ml(platform: str) -> str:
    return "" if platform == "darwin" else "Core ML predicts only on macOS"


def _core_ml_placement(package: Path, compute_unit: str) -> Placement:
    from sdqa.runtime.coreml import placement

    return placement(package, compute_unit)


@runtime(
    "coreml",
    available=_no_core_ml,
    compute_units=COMPUTE_UNITS,
    default_units=(),
    on_device=True,
    libraries=("coremltools",),
    placement=_core_ml_placement,
)
def coreml(work: Work) -> Runner:
    """Executes packages with Core ML, on a Mac."""
    from sdqa.runtime.coreml import CoreMLRunner

    return CoreMLRunner(work.component, *work.packages, compute_unit=work.compute_unit)


def _no_core_ai(platform: str) -> str:
    from sdqa.runtime.coreai import reason_without

    return reason_without(platform)


@runtime(
    "coreai",
    available=_no_core_ai,
    package_format=AIMODEL,
    pace="about 10 × the time of torch in fp32, 70 × in fp16",
    libraries=("coreai-core", "numpy"),
)
def coreai(work: Work) -> Runner:
    """Executes `.aimodel`s with Core AI's own runtime, on the processor."""
    from sdqa.runtime.coreai import CoreAIRunner

    if len(work.packages) != 1:
        raise UsageError("Core AI runs a component from one asset", where=work.component)
    return CoreAIRunner(work.component, work.packages[0])
