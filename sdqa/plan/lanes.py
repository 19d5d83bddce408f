"""What will run, what is skipped and why."""

from __future__ import annotations

import fnmatch
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sdqa.errors import UsageError
from sdqa.families import drawable_components, idle_components
from sdqa.plan.suite import TEACHER_NOW, Baseline, Case, Model, Suite
from sdqa.plan.variant import Variant
from sdqa.runtime.registry import find_runtime
from sdqa.store import digest_of


@dataclass(frozen=True)
class PlannedLane:
    """Model x variant x runtime x compute unit, with the cases it runs."""

    id: str
    model_name: str
    model: Model
    variant: Variant
    runtime: str
    compute_unit: str
    cases: dict[str, Case]
    skip_reason: str = ""  # empty: it runs here
    baseline: Baseline = "auto"
    required: bool = False  # asked for by name: not running it is incomplete evidence, not a skip
    whole: Mapping[str, Case] | None = None  # all cases of the lane, where these are a part of them

    @property
    def all_cases(self) -> Mapping[str, Case]:
        """The cases of the lane as the suite has it, whatever part of them this is."""
        return self.cases if self.whole is None else self.whole

    @property
    def is_part(self) -> bool:
        """Whether cases of the lane are somebody else's."""
        return set(self.cases) != set(self.all_cases)

    @property
    def image_to_image(self) -> bool:
        """Whether any case of the lane starts from a picture."""
        return any(case.source is not None for case in self.all_cases.values())

    @property
    def idle(self) -> frozenset[str]:
        """The components that none of its cases runs: neither converted, required nor checked."""
        return idle_components(image_to_image=self.image_to_image)

    @property
    def components(self) -> tuple[str, ...]:
        """The components that its cases run, in flow order."""
        return tuple(name for name in drawable_components() if name not in self.idle)


@dataclass(frozen=True)
class Plan:
    """A suite, resolved for this machine."""

    suite: Suite
    suite_path: Path
    suite_digest: str
    lanes: tuple[PlannedLane, ...]

    @property
    def running(self) -> tuple[PlannedLane, ...]:
        """The lanes that run on this machine."""
        return tuple(lane for lane in self.lanes if not lane.skip_reason)

    @property
    def root(self) -> Path:
        """The folder that the suite's relative paths start from; for a shipped suite, where the user stands."""
        return Path() if self._is_shipped else self.suite_path.parent

    @property
    def goldens(self) -> Path:
        """The folder of the goldens: the package's own for a suite that is shipped with them."""
        return self._packaged_goldens if self.has_packaged_goldens else self.root / self.suite.goldens

    @property
    def has_packaged_goldens(self) -> bool:
        """Whether the goldens are part of the installed package: there to be read, not to be recorded again."""
        return self._is_shipped and self._packaged_goldens.is_dir()

    @property
    def _is_shipped(self) -> bool:
        return self.suite_path.resolve().parent == Path(__file__).resolve().parents[1] / "suites"

    @property
    def _packaged_goldens(self) -> Path:
        return self.suite_path.resolve().parent / "goldens" / self.suite_path.stem


def lane_id(model: str, variant: str, runtime: str, compute_unit: str) -> str:
    """`tiny/fp16` for the reference runtime, `tiny/fp16@coreml-cpu_and_ne` for others."""
    return f"{model}/{variant}{find_runtime(runtime).suffix(compute_unit)}"


def make_plan(suite: Suite, path: Path, *, only: tuple[str, ...] = (), platform: str = sys.platform) -> Plan:
    """Expand a suite into lanes.

    Args:
        only: lane ids or patterns (`tiny/*`); empty for all.

    Raises:
        UsageError: a pattern matches no lane.
    """
    lanes: list[PlannedLane] = []
    for group in suite.lanes:
        runtime = find_runtime(group.runtime)
        for variant in group.variants:
            for unit in runtime.units(group.compute_units):
                name = lane_id(group.model, variant, group.runtime, unit)
                cases = {
                    key: case for key, case in suite.cases.items() if not case.models or group.model in case.models
                }
                lanes.append(
                    PlannedLane(
                        id=name,
                        model_name=group.model,
                        model=suite.models[group.model],
                        variant=suite.variants[variant],
                        runtime=group.runtime,
                        compute_unit=unit,
                        cases=cases,
                        baseline=group.baseline,
                        skip_reason=runtime.available(platform),
                    )
                )
    if only:
        lanes = _select(lanes, only)
    return Plan(suite=suite, suite_path=path, suite_digest=_digest(suite), lanes=tuple(lanes))


def _digest(suite: Suite) -> str:
    """A suite's digest; what came with a later release counts only where it says something: older digests stay."""
    data = suite.model_dump(mode="json")
    for name in ("plugins", "gate", "evidence"):
        if getattr(suite, name) == type(getattr(suite, name))():
            del data[name]
    if not suite.floors:
        del data["floors"]
    for group in data["lanes"]:
        if group["baseline"] == "auto":
            del group["baseline"]
    for table in (data["defaults"], *data["cases"].values()):
        if table["background"] is None:
            del table["background"]
    return digest_of(data)


def reseeded(plan: Plan, offset: int) -> Plan:
    """The same plan from other noise, against references that the teacher draws now."""
    cases = {name: case.model_copy(update={"seed": case.seed + offset}) for name, case in plan.suite.cases.items()}
    suite = plan.suite.model_copy(update={"goldens": TEACHER_NOW, "cases": cases})
    lanes = tuple(replace(lane, cases={name: cases[name] for name in lane.cases}) for lane in plan.lanes)
    return replace(plan, suite=suite, lanes=lanes)


def _select(lanes: list[PlannedLane], only: tuple[str, ...]) -> list[PlannedLane]:
    known = ", ".join(lane.id for lane in lanes)
    for pattern in only:
        if not any(fnmatch.fnmatchcase(lane.id, pattern) for lane in lanes):
            raise UsageError(f"no lane matches {pattern!r}", hint=f"lanes: {known}")
    chosen = [lane for lane in lanes if any(fnmatch.fnmatchcase(lane.id, pattern) for pattern in only)]
    return [replace(lane, required=any(lane.id == pattern for pattern in only)) for lane in chosen]
