"""Where the instruments run components: every mixture is generated once, every component's answer remembered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from sdqa.diagnose.evidence import GLUE, Evidence, ExaminedCase, glue_digest, request_digest
from sdqa.errors import ContractError, ExecutionError
from sdqa.generate.pipeline import Generation, Glue, Graph, Request
from sdqa.generate.stage import teacher_execution
from sdqa.generate.teacher import graph_parts, teacher_runners
from sdqa.runtime import Arrays, Runner
from sdqa.store import code_digest, digest_of

T = TypeVar("T")

MEMORY_BYTES = 1 << 30
"""What remembered component outputs may occupy before remembering stops."""
NAN_ERROR = 10.0
"""Relative latent error at which everything is lost: what a NaN counts as, and the most that is counted."""


@dataclass(frozen=True)
class Drawn:
    """What one mixture drew for one case."""

    image: npt.NDArray[np.uint8]  # (H, W, 3)
    latents: npt.NDArray[np.float32]  # (C, h, w)
    nonfinite: Mapping[str, int]  # elements by component

    def latent_error(self, reference: Drawn) -> float:
        """Relative L2 error of the latents, at most `NAN_ERROR`."""
        difference = self.latents.astype(np.float64) - reference.latents
        if not np.isfinite(difference).all():
            return NAN_ERROR
        scale = float(np.linalg.norm(reference.latents.astype(np.float64)))
        return min(NAN_ERROR, float(np.linalg.norm(difference)) / max(scale, 1e-12))


class Remembering:
    """A runner that runs the same inputs once."""

    def __init__(self, make: Callable[[], Runner], component: str, memory: Memory, identity: str) -> None:
        self._make, self.component, self._memory, self._identity = make, component, memory, identity

    @cached_property
    def _runner(self) -> Runner:
        return self._make()

    def run(self, inputs: Arrays) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
        """One forward pass, or what it gave before."""
        digest = hashlib.sha256(f"{self.component} {self._identity}".encode())
        for name in sorted(inputs):
            value = np.ascontiguousarray(inputs[name])
            digest.update(f"{name} {value.dtype} {value.shape}".encode())
            digest.update(value.tobytes())
        return self._memory.recall(digest.digest(), lambda: self._runner.run(inputs))


class Memory:
    """Component outputs by digest of component and inputs."""

    def __init__(self) -> None:
        self._kept: dict[bytes, dict[str, Any]] = {}
        self._bytes = 0

    def recall(self, key: bytes, run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What is kept, or what `run` gives; copies, so that nobody can change what is kept."""
        if key not in self._kept:
            outputs = run()
            size = sum(int(value.nbytes) for value in outputs.values())
            if self._bytes + size > MEMORY_BYTES:
                return outputs
            self._bytes += size
            self._kept[key] = {name: np.array(value) for name, value in outputs.items()}
        return {name: np.array(value) for name, value in self._kept[key].items()}


class Harness:
    """One piece of evidence, set up to run."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self._memory = Memory()
        self._bases: dict[tuple[str, str], Runner] = {}
        self._traces: dict[str, Generation] = {}
        self._outcomes: dict[str, Drawn] = {}

    @cached_property
    def graph_parts(self) -> dict[str, Any]:
        """Tokenizer and configurations."""
        return graph_parts(self.evidence.parts)

    def runner(self, component: str, *, candidate: bool) -> Runner:
        """A component's runner for one generation; a candidate's wrapper is made anew."""
        evidence = self.evidence
        if not candidate or component not in evidence.packages:
            return self._remembering(
                component, evidence.teacher, lambda: teacher_runners(evidence.parts, evidence.family)[component]
            )
        wrapper = evidence.wrappers.get(component)
        plain = self.package_runner(component)
        return wrapper.wrap(plain) if wrapper else plain

    def package_runner(self, component: str) -> Runner:
        """The candidate's package in its declared runtime, without its wrapper."""
        package = self.evidence.packages[component]
        return self._remembering(component, self.evidence.identities[component], lambda: self.load(component, package))

    def load(self, component: str, package: Path) -> Runner:
        """A package in the candidate's declared runtime, anew."""
        if self.evidence.load:
            return self.evidence.load(component, package)
        from sdqa.runtime.reference import ReferenceRunner

        return ReferenceRunner(component, package)

    def _remembering(self, component: str, identity: str, make: Callable[[], Runner]) -> Runner:
        key = (component, identity)
        if key not in self._bases:
            self._bases[key] = Remembering(make, component, self._memory, identity)
        return self._bases[key]

    def trace(self, case: ExaminedCase) -> Generation:
        """The teacher's generation of a case, with every component's inputs and outputs."""
        if case.name not in self._traces:
            graph = Graph(self._runners(case.request, frozenset()), self.graph_parts)
            self._traces[case.name] = graph.generate(case.request, keep_tensors=True)
        return self._traces[case.name]

    def candidate_run(self, case: ExaminedCase) -> Generation:
        """The candidate's generation of a case, with every component's inputs and outputs."""
        request = case.request_as_run
        runners = self._runners(request, frozenset(self.evidence.packages))
        return Graph(runners, self.graph_parts, self.evidence.glue).generate(request, keep_tensors=True)

    def mixture(self, case: ExaminedCase, players: frozenset[str]) -> Drawn:
        """The case with the named players (components, or "glue") taken from the candidate."""
        glue = (self.evidence.glue or Glue()) if GLUE in players else Glue()
        request = case.request_as_run if GLUE in players else case.request
        return self.outcome(request, glue, players - {GLUE})

    def outcome(self, request: Request, glue: Glue, candidates: frozenset[str] = frozenset()) -> Drawn:
        """One generation with the named components taken from the candidate; from the store where it is there."""
        used = sorted(candidates & set(self.evidence.packages))
        key = {
            "request": request_digest(request),
            "glue": glue_digest(glue),
            "teacher": self.evidence.teacher,
            "candidates": {name: self.evidence.identities[name] for name in used},
            "execution": teacher_execution(),
            "code": code_digest(__name__, "sdqa.models"),
        }
        digest = digest_of(key)
        if digest not in self._outcomes:
            self._outcomes[digest] = self._stored_outcome(key, request, glue, frozenset(used))
        return self._outcomes[digest]

    def _stored_outcome(
        self, key: Mapping[str, Any], request: Request, glue: Glue, candidates: frozenset[str]
    ) -> Drawn:
        def generate() -> Drawn:
            try:
                made = Graph(self._runners(request, candidates), self.graph_parts, glue).generate(request)
            except (ContractError, ExecutionError):  # a component that fails loses everything; the ladder says where
                return self._nothing(request)
            return Drawn(made.image, made.latents, made.nonfinite)

        if self.evidence.store is None:
            return generate()

        def build(folder: Path) -> None:
            made = generate()
            np.savez(folder / "outcome.npz", image=made.image, latents=made.latents)
            (folder / "facts.json").write_text(json.dumps(dict(made.nonfinite), sort_keys=True), encoding="utf-8")

        entry = self.evidence.store.memo("mixtures", key, build)
        with np.load(entry.path / "outcome.npz", allow_pickle=False) as arrays:
            facts = json.loads((entry.path / "facts.json").read_text(encoding="utf-8"))
            return Drawn(arrays["image"], arrays["latents"], facts)

    def _nothing(self, request: Request) -> Drawn:
        """A black picture."""
        latents = np.full_like(request.noise.initial, np.nan)
        factor = 2 ** (len(self.graph_parts["vae_config"]["block_out_channels"]) - 1)
        height, width = (size * factor for size in latents.shape[1:])
        return Drawn(np.zeros((height, width, 3), np.uint8), latents, {"pipeline": int(latents.size)})

    def _runners(self, request: Request, candidates: frozenset[str]) -> dict[str, Runner]:
        drawn = self.evidence.family.drawn(image_to_image=request.source is not None)
        names = [component.name for component in drawn]
        return {name: self.runner(name, candidate=name in candidates) for name in names}

    def remembered(self, kind: str, key: Mapping[str, Any], result: type[T] | Any, make: Callable[[], T]) -> T:
        """An instrument's result, from the store where it is there.

        Args:
            result: its type, a record or a tuple of records.
        """
        if self.evidence.store is None:
            return make()
        adapter: TypeAdapter[T] = TypeAdapter(result)

        def build(folder: Path) -> None:
            (folder / "result.json").write_bytes(adapter.dump_json(make()))

        full = {
            **key,
            "teacher": self.evidence.teacher,
            "execution": teacher_execution(),
            "code": code_digest(__name__, "sdqa.models", make.__module__),
        }
        entry = self.evidence.store.memo(f"diagnose-{kind}", full, build)
        return adapter.validate_json((entry.path / "result.json").read_bytes())


def with_steps(request: Request, steps: int) -> Request:
    """The same request with another number of steps."""
    return replace(request, steps=steps)
