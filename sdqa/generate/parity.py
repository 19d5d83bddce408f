"""Component parity: a candidate's component on the very inputs that the teacher's saw, at every call of a few cases.

Teacher-forced, so an error of one component does not reach the next. The inputs are real ones: latents at every
timestep, embeddings of the suite's prompts, pictures that were really encoded; random inputs at one timestep miss what
they show.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sdqa.generate.pipeline import Graph, Request
from sdqa.generate.stage import Components, request_facts, teacher_execution
from sdqa.generate.teacher import graph_parts, teacher_runners
from sdqa.models import Teacher
from sdqa.runtime import Runner
from sdqa.runtime.recorder import between_halves
from sdqa.store import Store, code_digest, digest_of

PSNR_CAP_DB = 160.0  # what equal outputs read

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class TracedCall:
    """One call of a component of the teacher."""

    inputs: Arrays
    outputs: Arrays


def teacher_trace(teacher: Teacher, request: Request, store: Store) -> dict[str, tuple[TracedCall, ...]]:
    """What went in and out of every component of the teacher, call by call, from the store when it is there."""
    import safetensors.numpy

    key = {
        "teacher": teacher.digest,
        "request": request_facts(request),
        "execution": teacher_execution(),
        "code": code_digest(__name__),
    }

    def build(folder: Path) -> None:
        parts = teacher.pipeline_parts()
        generation = Graph(teacher_runners(parts, teacher.family), graph_parts(parts)).generate(
            request, keep_tensors=True
        )
        for component, recorder in generation.recorders.items():
            tensors = {
                f"{call.index:04d}.{side}.{name}": np.ascontiguousarray(value)
                for call in recorder.calls
                for side, values in (("in", call.inputs or {}), ("out", call.outputs or {}))
                for name, value in values.items()
            }
            safetensors.numpy.save_file(tensors, folder / f"{component}.safetensors")

    folder = store.memo("trace", key, build).path
    return {path.stem: _calls(safetensors.numpy.load_file(path)) for path in sorted(folder.glob("*.safetensors"))}


def _calls(tensors: Mapping[str, npt.NDArray[Any]]) -> tuple[TracedCall, ...]:
    calls: dict[str, TracedCall] = {}
    for name in sorted(tensors):
        index, side, argument = name.split(".", 2)
        call = calls.setdefault(index, TracedCall({}, {}))
        (call.inputs if side == "in" else call.outputs)[argument] = tensors[name]
    return tuple(calls[index] for index in sorted(calls))


def teacher_guidance(teacher: Teacher, request: Request, store: Store) -> tuple[float, ...]:
    """Step by step, how far the teacher's prediction with the prompt is from the one without; none without guidance."""
    calls = teacher_trace(teacher, request, store)[teacher.family.denoiser.name]
    found = (between_halves(call.outputs) for call in calls)
    return tuple(spread for spread in found if spread is not None)


def psnr_db(reference: npt.NDArray[Any], value: npt.NDArray[Any]) -> float:
    """Peak signal-to-noise ratio in dB; the peak is the reference's own range. NaN when anything is not finite."""
    if reference.shape != value.shape or not np.isfinite(value).all():
        return float("nan")
    reference64, value64 = reference.astype(np.float64), value.astype(np.float64)
    mean_square = float(np.mean((reference64 - value64) ** 2))
    span = float(reference64.max() - reference64.min())
    if mean_square == 0 or span == 0:
        return PSNR_CAP_DB if mean_square == 0 else 0.0
    return min(PSNR_CAP_DB, 10 * float(np.log10(span**2 / mean_square)))


def parity(
    teacher: Teacher, components: Components, requests: Mapping[str, Request], store: Store
) -> dict[str, dict[str, tuple[float, ...]]]:
    """PSNR in dB of each component's main output at every call of each case: component → case → calls.

    Args:
        requests: of the cases that are traced, see `sdqa.generate.traced`.
    """
    if not requests:
        return {}
    outputs = {component.name: component.compared for component in teacher.family.components}
    key = {
        "teacher": teacher.digest,
        "components": dict(components.identity),
        "requests": {case: request_facts(request) for case, request in requests.items()},
        "execution": teacher_execution(),  # of the traces; the components' own is part of their identity
        "code": code_digest(__name__, *components.code),
        "what": digest_of(outputs),
    }

    def build(folder: Path) -> None:
        runners = components.load()
        readings: dict[str, dict[str, list[float | None]]] = {name: {} for name in runners}
        for case, request in requests.items():
            for name, calls in teacher_trace(teacher, request, store).items():
                found = [_reading(runners[name], call, outputs[name]) for call in calls]
                if found:
                    readings[name][case] = [None if np.isnan(value) else value for value in found]
        (folder / "parity.json").write_text(json.dumps(readings, sort_keys=True), encoding="utf-8")

    data = json.loads((store.memo("parity", key, build).path / "parity.json").read_bytes())
    return {
        name: {
            case: tuple(float("nan") if value is None else float(value) for value in data[name][case])
            for case in requests
            if case in data[name]
        }
        for name in data
    }


def _reading(runner: Runner, call: TracedCall, output: str) -> float:
    return psnr_db(call.outputs[output], runner.run(call.inputs)[output])
