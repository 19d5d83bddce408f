"""`sdqa calibrate`: measure what is harmless and what is a fault, and let the gate place its tolerances between them.

Harmless is each variant's own clean lane, drawn again from other noise: the spread that a sound candidate has. Where an
uncompressed variant is planned, its 8-bit versions are measured too, as variants of their own: nobody sees eight bits
(`sdqa.faults.visibility`), so a lane that is switched to them has its tolerances already. Faults
are a few of the registered ones, of every component and of the glue, each planted in the first variant. The rest of the
catalogue is left out on purpose: the sensitivity table shows how the gate does on faults that it was not tuned to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from sdqa.bundle import Lane
from sdqa.errors import UsageError
from sdqa.plan import Plan, PlannedLane, reseeded
from sdqa.runtime.engine import ENGINE_DB
from sdqa.runtime.registry import find_runtime, on_device
from sdqa.workflow import measure_lane
from sdqa.workflow.gate import planned_checks
from sdqa.workflow.job import Job
from sdqa.workflow.record import record

if TYPE_CHECKING:
    from sdqa.faults import Injection

SOUND_DB = 35.0
"""What each component of an uncompressed lane must reach against the teacher, in its worst call, before the lane may
say what is normal: the least that apple/ml-stable-diffusion accepts of a conversion. On a device, `ENGINE_DB`."""
SEEDS = 4  # further draws of every case's noise
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


def measure(job: Job, model: str) -> tuple[dict[str, dict[str, list[Lane]]], dict[str, list[Lane]]]:
    """All lanes that a calibration needs.

    Returns:
        variant → condition → lanes; fault → lanes.

    Raises:
        UsageError: a lane that is to say what is normal is broken itself.
    """
    converted = [lane for lane in job.plan.running if find_runtime(lane.runtime).needs_packages]
    lanes = [lane for lane in converted if lane.model_name == model]
    if not lanes:
        raise UsageError(f"no lane of {model} with packages runs here", hint="`sdqa plan` says which lanes run")
    first = next((lane for lane in lanes if not on_device(lane.runtime)), lanes[0])
    if first.variant.compression is None:
        lanes += [_stored_as(recipe, first) for recipe in INVISIBLE]
    harmless = {table_name(lane): {name: [one] for name, one in _harmless(job, lane)} for lane in lanes}
    return harmless, {name: [one] for name, one in _faults(job, first)}


def table_name(lane: PlannedLane) -> str:
    """Under which name `Tolerances.find` looks for a lane's limits: a device has its own."""
    if not on_device(lane.runtime):
        return lane.variant.name
    return f"{lane.variant.name}@{lane.runtime}-{lane.compute_unit.lower()}"


def _harmless(job: Job, lane: PlannedLane) -> Iterator[tuple[str, Lane]]:
    planned = _lane(job, lane)
    if lane.variant.compression is None:
        demand_sound(planned)
    yield "as planned", planned
    for index in range(1, SEEDS + 1):
        plan = reseeded(job.plan, 1000 * index)
        twin = next(one for one in plan.lanes if one.id == lane.id)
        yield f"noise {index}", _lane(replace(job, plan=plan), replace(twin, variant=lane.variant))


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
    return ENGINE_DB if on_device(lane.runtime) else SOUND_DB


def _stored_as(recipe: str, lane: PlannedLane) -> PlannedLane:
    """The lane of a compressed variant that is named after its recipe."""
    return replace(lane, variant=lane.variant.model_copy(update={"name": recipe, "compression": recipe}))


def _faults(job: Job, lane: PlannedLane) -> Iterator[tuple[str, Lane]]:
    from sdqa.faults import injection

    for name in FAULTS:
        planted = injection(name, FAULT_SEVERITY)
        if not lane.image_to_image and _of_pictures(planted, lane):
            continue
        yield planted.id, _lane(replace(job, fault=planted), lane)


def _of_pictures(planted: Injection, lane: PlannedLane) -> bool:
    """Whether a fault changes nothing where no case starts from a picture."""
    glue = planted.glue
    return planted.package_component in lane.idle or bool(glue is not None and glue.source_transform)


def _lane(job: Job, lane: PlannedLane) -> Lane:
    what = f" with {job.fault.id}" if job.fault else ""
    job.progress.step(f"calibrate {lane.id}{what}")
    return record(lane, measure_lane(job, lane))


def count_checks(plan: Plan) -> int:
    """How many checks a whole run of a plan makes, on all machines together."""
    return sum(len(planned_checks(plan, lane)) for lane in plan.lanes)
