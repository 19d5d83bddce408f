"""The generate stage: one stored sample for each case of a lane, made once for the same inputs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sdqa.bundle.environment import versions
from sdqa.families import demand_drawable
from sdqa.generate.noise import Noise
from sdqa.generate.pipeline import Glue, Graph, Request
from sdqa.generate.sample import StoredSample, read_sample, write_sample
from sdqa.generate.teacher import graph_parts, teacher_runners
from sdqa.models import Teacher
from sdqa.runtime import Runner
from sdqa.runtime.memory import PeakMemory
from sdqa.store import Store, digest_of, source_digest

#: Rooms whose code decides what a generation looks like.
CODE = ("generate", "families", "runtime", "mil", "compat")
THREADS = 1  # more would change the order of sums, and with it the last bits


@dataclass(frozen=True)
class Components:
    """What executes the components, and what identifies it."""

    load: Callable[[], Mapping[str, Runner]]  # called only when something has to be generated
    identity: Mapping[str, Any]  # package digests, runtime, compute unit, fault: the store's key
    glue: Glue


def teacher_components(teacher: Teacher) -> Components:
    """The teacher itself, in torch."""
    return Components(
        lambda: teacher_runners(teacher.pipeline_parts(), teacher.family), {"teacher": teacher.digest}, Glue()
    )


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
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[str, StoredSample]]:
    """Samples of the named requests, one after the other.

    Args:
        say: told before a case is generated or read from the store.

    Raises:
        UnsupportedModel: the teacher's family cannot be drawn.

    Yields:
        (case, sample) in the order of `requests`.
    """
    demand_drawable(teacher.family, source=teacher.source)
    graph: Graph | None = None
    for case, request in requests.items():
        key = {
            "teacher": teacher.digest,  # tokenizer, scheduler and configurations
            "components": dict(components.identity),
            "glue": repr(components.glue),
            "request": request_facts(request),
            "threads": THREADS,
            "versions": versions(),
            "code": source_digest(*CODE),
        }

        def build(folder: Path, request: Request = request) -> None:
            nonlocal graph
            import torch

            torch.set_num_threads(THREADS)
            if graph is None:
                graph = Graph(components.load(), graph_parts(teacher.pipeline_parts()), components.glue)
            with PeakMemory() as memory:
                start = time.perf_counter()
                generation = graph.generate(request)
                seconds = time.perf_counter() - start
            write_sample(folder, generation, seconds, memory.peak_bytes)

        say(f"generate {case}")
        yield case, read_sample(store.memo("sample", key, build).path)


def golden_request(case: Any, golden: Any) -> Request:
    """A case with the noise and the source picture that its golden recorded.

    Args:
        case: a planned case.
        golden: what `sdqa.gate.goldens.read_golden` gave.
    """
    from sdqa.generate.request import make_request

    posterior = golden.posterior_noise if golden.posterior_noise is not None else np.zeros_like(golden.noise)
    return make_request(case, Noise(golden.noise, posterior), golden.source)
