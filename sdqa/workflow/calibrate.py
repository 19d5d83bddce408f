"""`sdqa calibrate`: measure what is harmless and what is a fault, and let the gate place its tolerances between them.

Harmless is each variant's own clean lane, drawn again from other noise: the spread that a sound candidate has. Where an
uncompressed variant is planned, its 8-bit versions are measured too, as variants of their own: nobody sees eight bits
(`sdqa.faults.visibility`), so a lane that is switched to them has its tolerances already. Faults
are a few of the registered ones, of every component and of the glue, each planted in the first variant. The rest of the
catalogue is left out on purpose: the sensitivity table shows how the gate does on faults that it was not tuned to.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sdqa.errors import UsageError
from sdqa.plan import Plan, PlannedLane, reseeded
from sdqa.plan.quantity import show_about
from sdqa.runtime.registry import find_runtime, on_device

if TYPE_CHECKING:
    from sdqa.bundle import Lane
    from sdqa.faults import Injection
    from sdqa.workflow.job import Job
    from sdqa.workflow.pace import Pace

SOUND_DB = 35.0
"""What each component of an uncompressed lane must reach against the teacher, in its worst call, before the lane may
say what is normal: the least that apple/ml-stable-diffusion accepts of a conversion. On a device, `ENGINE_DB`."""
SEEDS = 4  # further draws of every case's noise
TAIL = 40
"""Figures of text-to-image cases from still other noise, for each lane: what few draws do not show."""
INVISIBLE = ("palettize-8bit", "linear-int8")
"""Recipes whose result nobody can tell from the uncompressed one; a variant of that name needs no lane in the suite."""
FAULTS = (
    "text-encoder-noise",
    "text-encoder-query-transposed",
    "vae-encoder-noise",
    "vae-encoder-kernel-transposed",
    "unet-noise",
    "unet-kernel-transposed",
    "unet-linear-reshaped",
    "unet-biases-lost",
    "unet-2bit",
    "vae-decoder-noise",
    "vae-kernel-transposed",
    "vae-upsampler-transposed",
    "vae-decoder-biases-lost",
    "scaling-factor",
    "source-bgr",
    "timestep-offset",
    "too-few-steps",
)
FAULT_SEVERITY = "marked"


@dataclass(frozen=True)
class CalibrationPart:
    """One lane to be measured: a sound one under a condition, or one with a planted fault."""

    lane: PlannedLane
    condition: str = ""
    """Of a sound lane: `as planned`, `noise 1` …"""
    offset: int = 0
    """Of the seeds, for other noise."""
    fault: Injection | None = None

    def __str__(self) -> str:
        return f"{table_name(self.lane)} {self.condition if self.fault is None else f'with {self.fault.id}'}"


@dataclass(frozen=True)
class Measured:
    """What a calibration has measured."""

    harmless: Mapping[str, Mapping[str, list[Lane]]]
    """Table of a variant → condition → lanes."""
    faults: Mapping[str, list[Lane]]
    left_out: tuple[str, ...] = ()
    """Faults that there was no time for."""
    tails: Mapping[str, list[Lane]] = field(default_factory=dict)
    """Table of a variant → lanes of text-to-image cases alone, each from other noise."""


def measure(job: Job, model: str, budget_s: float | None = None, tail: int = TAIL) -> Measured:
    """All lanes that a calibration needs. What an earlier one drew comes from the store.

    Args:
        budget_s: how long it may take; None: as long as it takes. Fewer faults are planted, nothing else is left out.
        tail: figures of text-to-image cases, for each planned lane.

    Raises:
        UsageError: a lane that is to say what is normal is broken itself, or there is no time for any fault.
    """
    from sdqa.workflow.pace import Pace

    sound, planted = sound_parts(job.plan, model), fault_parts(job.plan, model)
    drawn = tail_parts(job.plan, model, tail)
    pace = Pace(job.progress, len(sound) + len(drawn) + len(planted))
    harmless: dict[str, dict[str, list[Lane]]] = {}
    for part in sound:
        with pace.part(str(part)) as timed:
            lane = timed.drawn(*_measure(replace(job, progress=timed.progress), part))
        if part.offset == 0 and part.lane.variant.compression is None:
            demand_sound(lane)
        harmless.setdefault(table_name(part.lane), {})[part.condition] = [lane]
    tails = _measure_tails(job, drawn, pace)
    chosen, left_out = affordable(planted)
    if budget_s is not None:
        chosen, left_out = affordable(planted, budget_s - pace.spent_s, pace.usual_s)
        pace.total -= len(left_out)
        if planted and not chosen:
            what = f"no time for any fault: what is harmless took {show_about(pace.spent_s)} of the budget"
            raise UsageError(what, hint="give it more (--budget): what was measured stays in the store")
    faults = {}
    for part in chosen:
        with pace.part(str(part)) as timed:
            assert part.fault is not None
            faults[part.fault.id] = [timed.drawn(*_measure(replace(job, progress=timed.progress), part))]
    return Measured(harmless, faults, left_out, tails)


def measure_tails(job: Job, model: str, tail: int) -> Mapping[str, list[Lane]]:
    """The tails alone: table of a variant → lanes of its text-to-image cases.

    Raises:
        UsageError: there is nothing to draw.
    """
    from sdqa.workflow.pace import Pace

    drawn = tail_parts(job.plan, model, tail)
    if not drawn:
        what = "no figures to draw" if tail < 1 else f"no calibrated lane of {model} has a text-to-image case"
        raise UsageError(f"--tail-only: {what}", hint="cases without a source start from noise alone")
    return _measure_tails(job, drawn, Pace(job.progress, len(drawn)))


def _measure_tails(job: Job, parts: Sequence[CalibrationPart], pace: Pace) -> dict[str, list[Lane]]:
    found: dict[str, list[Lane]] = {}
    for part in parts:
        with pace.part(str(part)) as timed:
            lane = timed.drawn(*_measure(replace(job, progress=timed.progress, compared=False), part))
        found.setdefault(table_name(part.lane), []).append(lane)
    return found


def calibrated_lanes(plan: Plan, model: str) -> tuple[PlannedLane, ...]:
    """The lanes that get limits, those of 8 bits that no suite has to name among them; the first is the one that
    faults are planted in.

    Raises:
        UsageError: no lane with packages runs here.
    """
    converted = [lane for lane in plan.running if find_runtime(lane.runtime).needs_packages]
    lanes = [lane for lane in converted if lane.model_name == model]
    if not lanes:
        raise UsageError(f"no lane of {model} with packages runs here", hint="`sdqa plan` says which lanes run")
    first = next((lane for lane in lanes if not on_device(lane.runtime)), lanes[0])
    others = [lane for lane in lanes if lane is not first]
    stored = [_stored_as(recipe, first) for recipe in INVISIBLE] if first.variant.compression is None else []
    return (first, *others, *stored)


def sound_parts(plan: Plan, model: str) -> tuple[CalibrationPart, ...]:
    """What is harmless: each lane as it is planned, and from other noise."""
    conditions = [("as planned", 0), *((f"noise {index}", 1000 * index) for index in range(1, SEEDS + 1))]
    return tuple(
        CalibrationPart(lane, name, offset) for lane in calibrated_lanes(plan, model) for name, offset in conditions
    )


def tail_parts(plan: Plan, model: str, figures: int) -> tuple[CalibrationPart, ...]:
    """The text-to-image cases of each planned lane, from as much more noise as gives so many figures."""
    parts = []
    for lane in calibrated_lanes(plan, model):
        alone = {name: case for name, case in lane.cases.items() if case.source is None}
        if not alone or lane.variant.name in INVISIBLE:
            continue
        cut = replace(lane, cases=alone, whole=lane.all_cases)
        draws = range(SEEDS + 1, SEEDS + 1 + math.ceil(figures / len(alone)))
        parts += [CalibrationPart(cut, f"noise {index}, text-to-image alone", 1000 * index) for index in draws]
    return tuple(parts)


def fault_parts(plan: Plan, model: str) -> tuple[CalibrationPart, ...]:
    """What is not: the first lane with each fault that changes something there."""
    from sdqa.faults import injection

    lane = calibrated_lanes(plan, model)[0]
    planted = [injection(name, FAULT_SEVERITY) for name in FAULTS]
    return tuple(
        CalibrationPart(lane, fault=one) for one in planted if lane.image_to_image or not _of_pictures(one, lane)
    )


def affordable(
    parts: Sequence[CalibrationPart], left_s: float = math.inf, each_s: float = 1.0
) -> tuple[tuple[CalibrationPart, ...], tuple[str, ...]]:
    """As many faults as there is time for, each component's first before any component's second; and the others' ids.

    Args:
        left_s: seconds that are left.
        each_s: seconds that one takes.
    """
    seen: Counter[str] = Counter()
    ranked = []
    for part in parts:
        assert part.fault is not None
        ranked.append((seen[part.fault.component], part))
        seen[part.fault.component] += 1
    ranked.sort(key=lambda one: one[0])
    in_time = [part for count, (_, part) in enumerate(ranked, 1) if count * each_s <= left_s]
    left_out = tuple(part.fault.id for part in parts if part.fault is not None and part not in in_time)
    return tuple(part for part in parts if part in in_time), left_out


def _measure(job: Job, part: CalibrationPart) -> tuple[Lane, float]:
    """A part's lane, and how long its cases took to draw, now or when they were."""
    from sdqa.workflow import measure_lane
    from sdqa.workflow.record import record

    plan, lane = job.plan, part.lane
    if part.offset:
        plan = reseeded(plan, part.offset)
        twin = next(one for one in plan.lanes if one.id == lane.id)
        lane = replace(
            lane,
            cases={name: twin.all_cases[name] for name in lane.cases},
            whole=None if lane.whole is None else twin.all_cases,
        )
    found = measure_lane(replace(job, plan=plan, fault=part.fault, timed=False), lane)
    drawn = sum(sample.record.end_to_end_s for sample in found.samples.by_case.values())
    return record(lane, found), drawn


def table_name(lane: PlannedLane) -> str:
    """Under which name `Tolerances.find` looks for a lane's limits: a device has its own."""
    if not on_device(lane.runtime):
        return lane.variant.name
    return f"{lane.variant.name}@{lane.runtime}-{lane.compute_unit.lower()}"


def demand_sound(lane: Lane) -> None:
    """Refuse an uncompressed lane that is far from its teacher: tolerances around it would keep it green for ever.

    Raises:
        UsageError: naming its components that are below `SOUND_DB`.
    """
    broken = ", ".join(f"{name} {value:.0f} dB" for name, value in sorted(unsound(lane).items()))
    if broken:
        raise UsageError(
            f"the candidate is not sound: parity of {broken}, {least_db(lane):.0f} dB is the least",
            where=lane.id,
            hint="`sdqa diagnose` names the culprit; tolerances are only placed around a sound candidate",
        )


def unsound(lane: Lane) -> dict[str, float]:
    """Components that are too far from the teacher, in their worst call, and how many decibels they reach.

    One that was not finite has NaN, which no comparison with the limit may let pass.
    """
    least = least_db(lane)
    return {
        one.component: one.value
        for one in lane.measurements
        if one.metric == "parity_psnr" and one.component and one.value is not None and not one.value >= least
    }


def least_db(lane: Lane) -> float:
    """What each component must reach: a device adds an error of its own."""
    from sdqa.runtime.engine import ENGINE_DB

    return ENGINE_DB if on_device(lane.runtime) else SOUND_DB


def _stored_as(recipe: str, lane: PlannedLane) -> PlannedLane:
    """The lane of a compressed variant that is named after its recipe."""
    return replace(lane, variant=lane.variant.model_copy(update={"name": recipe, "compression": recipe}))


def _of_pictures(planted: Injection, lane: PlannedLane) -> bool:
    """Whether a fault changes nothing where no case starts from a picture."""
    glue = planted.glue
    return planted.package_component in lane.idle or bool(glue is not None and glue.source_transform)


def count_checks(plan: Plan) -> int:
    """How many checks a whole run of a plan makes, on all machines together."""
    from sdqa.workflow.gate import planned_checks

    return sum(len(planned_checks(plan, lane)) for lane in plan.lanes)
