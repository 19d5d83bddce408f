"""The generate stage: one stored sample for each case of a lane, made once for the same inputs.

Pixels may come from the store; times and memory may not: where nothing was drawn now, the longest case is drawn again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sdqa.bundle.environment import environment
from sdqa.families import demand_drawable
from sdqa.generate.noise import Noise
from sdqa.generate.pipeline import Generation, Glue, Graph, Request
from sdqa.generate.sample import SampleRecord, StoredSample, read_sample, sample_record, write_sample
from sdqa.generate.teacher import graph_parts, teacher_runners
from sdqa.models import Teacher
from sdqa.runtime import Runner
from sdqa.runtime.identity import identify
from sdqa.runtime.memory import PeakMemory
from sdqa.store import Store, code_digest, digest_of

THREADS = 1  # more would change the order of sums, and with it the last bits
LIBRARIES = ("diffusers", "numpy", "tokenizers", "torch", "transformers")
"""Whose versions decide what the teacher, and the graph around a candidate's components, compute."""


@dataclass(frozen=True)
class Components:
    """What executes the components, and what identifies it."""

    load: Callable[[], Mapping[str, Runner]]  # called only when something has to be generated
    identity: Mapping[str, Any]  # package digests, runtime, execution identity, fault: the store's key
    glue: Glue
    code: tuple[str, ...] = ()  # modules that execute them, for the store's key


def teacher_components(teacher: Teacher) -> Components:
    """The teacher itself, in torch."""
    return Components(
        lambda: teacher_runners(teacher.pipeline_parts(), teacher.family), {"teacher": teacher.digest}, Glue()
    )


def teacher_execution() -> dict[str, Any]:
    """What makes two executions of the teacher, or of the graph around a candidate's components, the same."""
    return identify("torch", "CPU_ONLY", threads=THREADS, libraries=LIBRARIES, code="", on_device=False).facts()


def request_facts(request: Request) -> dict[str, Any]:
    """A request as plain values, arrays by their bytes' digest."""
    arrays = {"initial": request.noise.initial, "posterior": request.noise.posterior, "source": request.source}
    plain = {
        name: getattr(request, name)
        for name in ("prompt", "negative_prompt", "strength", "guidance_scale", "steps", "scheduler")
    }
    return {**plain, **{name: _array_digest(value) for name, value in arrays.items()}}


def _array_digest(value: np.ndarray[Any, np.dtype[Any]] | None) -> str | None:
    if value is None:
        return None
    return digest_of([str(value.dtype), list(value.shape), np.ascontiguousarray(value).tobytes().hex()])


def generate(
    teacher: Teacher,
    components: Components,
    requests: Mapping[str, Request],
    store: Store,
    *,
    measure: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[str, StoredSample]]:
    """Samples of the named requests, one after the other.

    Args:
        measure: whether times and memory are wanted: where every sample came from the store, the longest case is drawn
            again for them.
        say: told before a case is generated or read from the store.

    Raises:
        UnsupportedModel: the teacher's family cannot be drawn.

    Yields:
        (case, sample) in the order of `requests`; then, where it was drawn again, the longest case once more.
    """
    demand_drawable(teacher.family, source=teacher.source)
    graph: Graph | None = None
    stored = dict[str, StoredSample]()

    def drawn(request: Request) -> tuple[Generation, SampleRecord]:
        nonlocal graph
        import torch

        torch.set_num_threads(THREADS)
        if graph is None:
            graph = Graph(components.load(), graph_parts(teacher.outlines()), components.glue)
        with PeakMemory() as memory:
            start = time.perf_counter()
            generation = graph.generate(request)
            seconds = time.perf_counter() - start
        return generation, sample_record(generation, seconds, memory.peak_bytes, _machine())

    for case, request in requests.items():
        key = _sample_key(teacher, components, request)

        def build(folder: Path, request: Request = request) -> None:
            write_sample(folder, *drawn(request))

        say(f"generate {case}")
        entry = store.memo("sample", key, build)
        stored[case] = read_sample(entry.path, fresh=entry.fresh)
        yield case, stored[case]
    if measure and stored and not any(sample.fresh for sample in stored.values()):
        longest = max(stored, key=lambda case: len(stored[case].record.timesteps))
        say(f"draw {longest} again, to measure times and memory")
        generation, record = drawn(requests[longest])
        same = np.array_equal(generation.image, stored[longest].image)
        yield longest, replace(stored[longest], record=record, fresh=True, repeated=same)


def drawn_earlier(teacher: Teacher, components: Components, request: Request, store: Store) -> StoredSample | None:
    """A sample that the store has; nothing is drawn."""
    entry = store.find("sample", _sample_key(teacher, components, request))
    return read_sample(entry.path) if entry is not None else None


def _sample_key(teacher: Teacher, components: Components, request: Request) -> dict[str, object]:
    return {
        "teacher": teacher.digest,  # tokenizer, scheduler and configurations
        "components": dict(components.identity),
        "glue": repr(components.glue),
        "request": request_facts(request),
        "execution": teacher_execution(),
        "code": code_digest(__name__, *components.code),
    }


def _machine() -> str:
    here = environment()
    return f"{here.processor}, {here.system} {here.release}"


def golden_request(case: Any, golden: Any) -> Request:
    """A case with the noise and the source picture that its golden recorded.

    Args:
        case: a planned case.
        golden: what `sdqa.gate.goldens.read_golden` gave.
    """
    from sdqa.generate.request import make_request

    posterior = golden.posterior_noise if golden.posterior_noise is not None else np.zeros_like(golden.noise)
    return make_request(case, Noise(golden.noise, posterior), golden.source)
