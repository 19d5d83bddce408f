"""What a diagnosis looks at: the teacher, the candidate's packages, and what was generated."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sdqa.errors import DiagnosisError
from sdqa.families import Family
from sdqa.mil.records import read_modules
from sdqa.runtime import Runner
from sdqa.store import Store, code_digest, digest_of, tree_digest

if TYPE_CHECKING:
    from sdqa.generate.pipeline import Glue, Request
    from sdqa.metrics import MetricModels

GLUE = "glue"

RUNNERS = ("sdqa.runtime.registry", "sdqa.runtime.renamed")
"""Modules that execute a candidate's packages."""

Load = Callable[[str, Path], Runner]


@dataclass(frozen=True)
class ExaminedCase:
    """One generation to look at."""

    name: str
    request: Request  # as the teacher ran it
    candidate_request: Request | None = None  # as the candidate's application ran it, where that differs
    observed: npt.NDArray[np.uint8] | None = None  # (H, W, 3): what the candidate really drew, where it was recorded

    @property
    def request_as_run(self) -> Request:
        """The candidate's own request."""
        return self.candidate_request or self.request


@dataclass(frozen=True)
class Wrapper:
    """Something between a package and its caller: another executor, or a planted runtime fault.

    It is made anew for every generation, so it may count calls.
    """

    identity: str  # what makes two wrappers the same; part of the store's keys
    wrap: Callable[[Runner], Runner]
    normal_db: float | None = None  # error (PSNR) that it may add; without one it has to be the same arithmetic


@dataclass(frozen=True)
class Evidence:
    """Everything the instruments need; what is left empty is left out of the diagnosis."""

    family: Family
    parts: Mapping[str, Any]  # the teacher's diffusers objects: text_encoder, unet, vae, tokenizer, scheduler
    cases: tuple[ExaminedCase, ...]
    packages: Mapping[str, Path]  # the candidate; a component without one is the teacher's
    uncompressed: Mapping[str, Path] = field(default_factory=dict)  # converted anew, same precision, not compressed
    float32: Mapping[str, Path] = field(default_factory=dict)  # converted anew in fp32
    glue: Glue | None = None  # the candidate's; None is the teacher's
    wrappers: Mapping[str, Wrapper] = field(default_factory=dict)
    modules: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by component; else the sidecars are read
    metrics: MetricModels | None = None  # LPIPS and CLIP; without them images are compared by their RMS difference
    store: Store | None = None  # without it nothing is remembered between processes
    steps: tuple[int, ...] = (5, 10, 20, 30, 50)
    sweep_cases: int = 1
    lane: str = ""
    failed: tuple[str, ...] = ()  # checks that failed, without the lane's name
    breaches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # what components break of their contracts
    load: Load | None = None  # the candidate's declared runtime; None is the reference runtime
    exported: Mapping[str, Callable[[], Runner]] = field(
        default_factory=dict
    )  # what a converter was given, run by torch
    runtime: str = "reference"
    teacher_identity: str = ""  # digest of the checkpoint; computed from the weights when empty

    def __post_init__(self) -> None:
        if not self.cases:
            raise DiagnosisError("there is no case to diagnose", hint="name at least one case of the suite")
        known = self.family.component_names
        unknown = sorted(set(self.packages) - set(known))
        if unknown:
            raise DiagnosisError(f"unknown components: {', '.join(unknown)}", hint=f"known: {', '.join(known)}")

    @cached_property
    def components(self) -> tuple[str, ...]:
        """Those with a candidate, in flow order; without image-to-image cases there is no VAE encoder to judge."""
        encodes = any(case.request.source is not None for case in self.cases)
        drawn = self.family.drawn(image_to_image=encodes)
        return tuple(component.name for component in drawn if component.name in self.packages)

    @cached_property
    def identities(self) -> dict[str, str]:
        """Digest of each candidate component as it runs: package, runtime, wrapper."""
        return {name: self.identity_of(name, self.packages[name]) for name in self.packages}

    def identity_of(self, component: str, package: Path) -> str:
        """Digest of a package executed by the candidate's runtime."""
        wrapper = self.wrappers.get(component)
        return digest_of(
            {
                "package": tree_digest(package),
                "runtime": self.runtime,
                "code": code_digest(*RUNNERS),
                "wrapper": wrapper.identity if wrapper else "",
            }
        )

    def modules_of(self, component: str) -> Mapping[str, str]:
        """Names in the component's package (of results and weights) to dotted torch modules.

        The given map, or the sidecar beside the package or beside one of its references; empty without any.
        """
        if component in self.modules:
            return self.modules[component]
        for packages in (self.packages, self.uncompressed, self.float32):
            names = read_modules(packages[component]) if component in packages else {}
            if names:
                return names
        return {}

    def checkpoint(self, component: str) -> dict[str, npt.NDArray[Any]]:
        """The component's parameters, by the dotted names of the wrapper that is converted."""
        modules = self.family.component(component).modules(self.parts)
        return {
            f"{prefix}.{name}": value.detach().cpu().numpy()
            for prefix, module in modules.items()
            if module is not None
            for name, value in module.state_dict().items()
            if value.dtype.is_floating_point
        }

    @cached_property
    def teacher(self) -> str:
        """Digest of the teacher's weights and configuration."""
        if self.teacher_identity:
            return self.teacher_identity
        digest = hashlib.sha256()
        for name in sorted(part.name for part in self.family.weighted_parts):
            for key, value in sorted(self.parts[name].state_dict().items()):
                digest.update(f"{name}.{key}".encode())
                digest.update(np.ascontiguousarray(value.detach().cpu().numpy()).tobytes())
        return digest.hexdigest()

    @cached_property
    def glue_differences(self) -> dict[str, tuple[Any, Any]]:
        """What the candidate does differently between the components: field -> (teacher's, candidate's)."""
        from sdqa.generate.pipeline import Glue

        expected, found = Glue(), self.glue or Glue()
        differences: dict[str, tuple[Any, Any]] = {
            name: (getattr(expected, name), value)
            for name, value in vars(found).items()
            if value != getattr(expected, name)
        }
        for case in self.cases:
            for name, value in vars(case.request_as_run).items():
                if not _same(value, getattr(case.request, name)):
                    differences.setdefault(name, (getattr(case.request, name), value))
        return differences


def request_digest(request: Request) -> str:
    """Digest of everything that a generation depends on besides the components and the glue."""
    facts = {key: value for key, value in vars(request).items() if key not in ("source", "noise")}
    source = "" if request.source is None else hashlib.sha256(request.source.tobytes()).hexdigest()
    noise = hashlib.sha256(request.noise.initial.tobytes() + request.noise.posterior.tobytes()).hexdigest()
    return digest_of({**facts, "source": source, "noise": noise})


def glue_digest(glue: Glue) -> str:
    """Digest of the glue's fields."""
    facts = asdict(glue)
    facts["scheduler_overrides"] = dict(glue.scheduler_overrides)
    return digest_of(facts)


def with_field(glue: Glue, request: Request, name: str, evidence: Evidence, case: ExaminedCase) -> tuple[Glue, Request]:
    """Glue and request with one of the candidate's differences put in."""
    if hasattr(glue, name):
        return replace(glue, **{name: getattr(evidence.glue, name)}), request
    return glue, replace(request, **{name: getattr(case.request_as_run, name)})


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        return np.array_equal(first, second)
    if hasattr(first, "initial") and hasattr(second, "initial"):
        return np.array_equal(first.initial, second.initial) and np.array_equal(first.posterior, second.posterior)
    return bool(first == second)
