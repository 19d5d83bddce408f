"""What a plan costs in time and on disk: estimates by the sizes of models, and they say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sdqa.ci.duration import LaneDuration
from sdqa.ci.learned import USUAL_START_S as START_S
from sdqa.families.records import GUIDANCE_PAIR
from sdqa.generate.traced import traced_cases
from sdqa.plan import Plan, PlannedLane
from sdqa.plan.describe import unet_calls
from sdqa.runtime.registry import AIMODEL, find_runtime
from sdqa.workflow.preflight.models import SeenModel

OPERATIONS = 0.2
"""Floating-point operations for each parameter and pixel: of latents for the U-Net, of pictures for the VAE. What
`sdqa.convert.budget.CALIBRATION_COSTS` has for SD 2.1 amounts to 0.23 and 0.19."""
SMALL_RATE, LARGE_RATE, LARGE_STEP = 14e9, 50e9, 1e11
"""Operations a second of the reference runtime, below and above so many operations a step: what the embedded model's
0.24 s a case (README) and the full-size run (docs/performance.md) amount to, by the rule above."""
COREAI_RATES: Mapping[str, float] = {"float16": 0.15e9, "float32": 0.9e9}
"""The same of Core AI's runtime on the processor, by precision, measured with the embedded model (docs/coreai.md)."""
TORCH_SHARE = 0.5
"""Of the reference runtime's time, what the teacher takes."""
CONVERT_S, CONVERT_S_A_PARAMETER = 3.0, 120e-9
"""Of a component: docs/performance.md has SD v1-5's U-Net with 103 s."""
COREAI_CONVERT_S = 25.0
"""More of an `.aimodel`: it is built and described in processes of their own, which import what they need."""
BYTES = 2
"""A parameter in half precision."""


@dataclass(frozen=True)
class Cost:
    """What nothing in the store yet would cost."""

    seconds: float
    goldens_s: float
    calibration_s: float
    bytes: int


def estimate(plan: Plan, models: Mapping[str, SeenModel]) -> Cost | None:
    """An estimate for the lanes that run here; None where a model's size is not known."""
    running = plan.running
    if not running or any(not models[lane.model_name].parameters for lane in running):
        return None
    packages = {(lane.model_name, lane.variant.name): lane for lane in running if _converts(lane)}
    convert = sum(_convert_s(lane, models[lane.model_name]) for lane in packages.values())
    drawn = [_draw_s(lane, models[lane.model_name]) for lane in running]
    goldens = sum({lane.model_name: _teacher_s(lane, models[lane.model_name]) for lane in running}.values())
    size = sum(_bytes(lane, models[lane.model_name]) for lane in packages.values())
    return Cost(
        seconds=START_S + convert + sum(drawn),
        goldens_s=START_S + goldens,
        calibration_s=sum(calibration_s(plan, models[name]) for name in {lane.model_name for lane in running}),
        bytes=size,
    )


def lane_duration(lane: PlannedLane, model: SeenModel) -> LaneDuration | None:
    """What a lane takes beside a job's start; None where its model's size is not known."""
    if not model.parameters:
        return None
    return LaneDuration(_convert_s(lane, model) if _converts(lane) else 0.0, _cases_s(lane, model))


def calibration_s(plan: Plan, model: SeenModel, tail: int | None = None) -> float:
    """What a calibration of a model takes on this machine, with an empty store; 0 where it has no lane to calibrate.

    Args:
        tail: figures of text-to-image cases for each planned lane; None: as many as `sdqa calibrate` draws unasked.
    """
    from sdqa.workflow.calibrate import FAULTS, SEEDS, TAIL, calibrated_lanes, tail_parts

    if not any(_converts(lane) and lane.model_name == model.name for lane in plan.running):
        return 0.0
    lanes = calibrated_lanes(plan, model.name)
    drawn = [_draw_s(lane, model) for lane in lanes]
    converted = sum(_convert_s(lane, model) for lane in lanes)
    references = SEEDS * _teacher_s(lanes[0], model)  # the teacher draws each further noise once
    tails = tail_parts(plan, model.name, TAIL if tail is None else tail)
    once_more = sum(_draw_s(part.lane, model) for part in tails)
    once_more += sum({part.offset: _teacher_s(part.lane, model) for part in tails}.values())
    return START_S + converted + references + (SEEDS + 1) * sum(drawn) + once_more + len(FAULTS) * drawn[0]


def _converts(lane: PlannedLane) -> bool:
    return find_runtime(lane.runtime).needs_packages


def _convert_s(lane: PlannedLane, model: SeenModel) -> float:
    if lane.model.source.startswith("packages:"):
        return 0.0
    passes = 2 if lane.variant.compression else 1  # compressed from an uncompressed package
    parameters = [count for name, count in model.parameters.items() if name in lane.components]
    start = CONVERT_S + (COREAI_CONVERT_S if _by_coreai(lane) else 0.0)
    return passes * sum(start + CONVERT_S_A_PARAMETER * count for count in parameters)


def _by_coreai(lane: PlannedLane) -> bool:
    return find_runtime(lane.runtime).package_format == AIMODEL


def _draw_s(lane: PlannedLane, model: SeenModel) -> float:
    """All cases of a lane by its runtime."""
    return sum(_cases_s(lane, model).values())


def _cases_s(lane: PlannedLane, model: SeenModel) -> dict[str, float]:
    """Case → seconds, of a few that are run once more for parity twice as many, by the lane's runtime."""
    operations, step = _operations(lane, model)
    rate = COREAI_RATES.get(lane.variant.precision, min(COREAI_RATES.values())) if _by_coreai(lane) else _rate(step)
    return {case: count / rate for case, count in operations.items()}


def _teacher_s(lane: PlannedLane, model: SeenModel) -> float:
    """All cases by the teacher."""
    operations, step = _operations(lane, model)
    return TORCH_SHARE * sum(operations.values()) / _rate(step)


def _rate(step: float) -> float:
    return LARGE_RATE if step > LARGE_STEP else SMALL_RATE


def _operations(lane: PlannedLane, model: SeenModel) -> tuple[dict[str, float], float]:
    """Operations of each case, and of one step."""
    opening = model.opening
    assert opening is not None
    assert opening.facts is not None
    facts, family = opening.facts, opening.family
    latents, pixels = facts.sample_size**2, facts.image_size**2
    step = GUIDANCE_PAIR * OPERATIONS * model.parameters[family.denoiser.name] * latents
    once = sum(model.parameters[one.name] for one in family.components if one.runs == "once")
    again = traced_cases({name: case.source is not None for name, case in lane.all_cases.items()})
    return {
        name: (2 if name in again else 1) * (unet_calls(case) * step + OPERATIONS * once * pixels)
        for name, case in lane.cases.items()
    }, step


def _bytes(lane: PlannedLane, model: SeenModel) -> int:
    if lane.model.source.startswith("packages:"):
        return 0
    wide = 2 if lane.variant.precision == "float32" else 1
    halves = wide + (1 if lane.variant.compression else 0)
    return BYTES * halves * sum(count for name, count in model.parameters.items() if name in lane.components)
