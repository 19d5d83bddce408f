"""Lanes that look strange and are not: none of them contradicts anything."""

from __future__ import annotations

import functools
from dataclasses import replace

from sdqa.bundle import Failure, Lane
from sdqa.ci import contradictions
from sdqa.ci.reference import LaneReference
from sdqa.metrics import kinds
from tests.ci import honest
from tests.ci.forged import LANES
from tests.ci.forged.altered import FP16, honest_lane, with_facts, with_figure
from tests.ci.forged.machines import timed
from tests.ci.honest import expected, golden, sample_of


def carried_from_two_machines() -> Lane:
    """What a gate joined of two machines has figures of both."""
    figures = [
        m.model_copy(update={"fingerprint": "another"}) if m.case is None else m for m in honest_lane().measurements
    ]
    kept = tuple(
        m if m.metric == "parity_psnr" else n for m, n in zip(honest_lane().measurements, figures, strict=True)
    )
    first = sample_of("cat").model_copy(update={"seconds": None})
    return honest_lane(carried="1" * 40, measurements=kept, samples=(first, *honest_lane().samples[1:]))


def replayed() -> Lane:
    """Everything came from the store; one case was drawn again for its time."""
    facts = {"cases": ("cat",), "samples": (2.0,), "n": 1, "spread": 0.0}
    others = tuple(sample_of(case).model_copy(update={"seconds": None}) for case in ("dog", "fox"))
    return with_figure("end_to_end_s", **facts).model_copy(
        update={"replayed": True, "samples": (sample_of("cat"), *others)}
    )


def not_timed() -> Lane:
    """Everything came from the store, its times too, and that is what it says."""
    samples = tuple(sample_of(case).model_copy(update={"seconds": None}) for case in honest.CASES)
    return with_figure("end_to_end_s", replayed=True).model_copy(update={"replayed": True, "samples": samples})


def of_the_device(metric: str) -> Lane:
    kind = kinds.OF_LANES[metric]
    place = "unet" if kind.of == "component" else None
    samples = (3.0, 5.0, 4.0)
    facts = {"samples": samples, "n": 3, "spread": 0.816496580927726}
    figure = honest.figure_of(metric, 4.0, component=place, fingerprint=honest_lane().fingerprint.digest(), **facts)
    return replayed().model_copy(update={"measurements": (*replayed().measurements, figure)})


def not_a_number() -> Lane:
    readings = {"cat": (float("nan"),), "dog": (60.0,), "fox": (60.0,)}
    return with_figure("parity_psnr", "unet", value=float("nan"), spread=None, by_case=readings)


def whole_without_readings() -> Lane:
    """As one machine writes a lane that it ran as a whole."""
    return with_figure("parity_psnr", by_case={})


def twice_the_same() -> Lane:
    return honest_lane(measurements=(*honest_lane().measurements, honest_lane().measurements[0]))


def a_failed_lane() -> Lane:
    failure = Failure(stage="generate", where="cat", code="SDQA-600", message="no golden", exit_code=4)
    return honest_lane(failures=(failure,), samples=())


def not_finite() -> Lane:
    lane = with_figure("finite", "cat", value=0.5)
    facts = sample_of("cat").facts.model_copy(update={"nonfinite": dict.fromkeys(honest.FLOW, 0) | {"unet": 3}})
    first = sample_of("cat").model_copy(update={"facts": facts})
    return lane.model_copy(update={"samples": (first, *lane.samples[1:])})


def unlinted() -> Lane:
    figure = honest.figure_of("off_neural_engine_percent", 50.0, fingerprint=honest_lane().fingerprint.digest())
    lane = with_facts(neural_engine=None)
    return lane.model_copy(update={"measurements": (*lane.measurements, figure)})


def a_weight_that_is_missing() -> Lane:
    lane = LANES["a_weight_is_missing_and_the_coverage_is_whole"][1]()
    figures = tuple(
        m.model_copy(update={"value": 0.0}) if (m.metric, m.component) == ("coverage", "unet") else m
        for m in lane.measurements
    )
    return lane.model_copy(update={"measurements": figures})


SOUND = {
    "honest": honest_lane,
    "carried": carried_from_two_machines,
    "replayed": replayed,
    "not timed": not_timed,
    **{metric: functools.partial(of_the_device, metric) for metric in contradictions.OF_THE_DEVICE},
    "not a number": not_a_number,
    "whole without readings": whole_without_readings,
    "twice the same": twice_the_same,
    "failed": a_failed_lane,
    "not finite": not_finite,
    "unlinted": unlinted,
    "timed": lambda: timed(1.5, 1500.0),
    "a weight is missing": a_weight_that_is_missing,
    "nothing measured": lambda: honest_lane(measurements=(), samples=(), packages=()),
}


@functools.cache
def lanes() -> dict[str, Lane]:
    return {**{name: make() for name, make in SOUND.items()}, **{name: make() for name, (_, make) in LANES.items()}}


@functools.cache
def held_by() -> dict[str, LaneReference]:
    """The checkout as it is, and others."""
    known = expected().judge.references[FP16]
    bare = {case: golden(case).model_copy(update={"metrics": {}, "scores": {}}) for case in honest.CASES}
    sizeless = {case: golden(case).model_copy(update={"inputs": {}}) for case in honest.CASES}
    return {
        "the goldens": known,
        "the teacher": replace(known, goldens=None),
        "nothing recorded": replace(known, goldens={}),
        "other metrics": replace(known, goldens=bare),
        "no size": replace(known, goldens=sizeless),
        "no packages": replace(known, packaged=()),
    }
