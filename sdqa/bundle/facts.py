"""What a bundle tells of a package, of a case's sample and of a case besides its figures."""

from __future__ import annotations

import re

from pydantic import Field, JsonValue, SerializerFunctionWrapHandler, model_serializer, model_validator
from pydantic.config import JsonDict

from sdqa.bundle.blob import Blob
from sdqa.bundle.film import Film
from sdqa.bundle.record import SparseRecord

PLAN_KEY = "compute_plan_"
"""Followed by the number of the package in execution order, from 1."""
_PLAN = re.compile(rf"{PLAN_KEY}[0-9]{{1,6}}")


class WeightCoverage(SparseRecord):
    """A package's constants against the parameters of the checkpoint."""

    parameters: int  # tensors that the computation uses
    found: int
    exact: int = 0  # of those found, equal after rounding to the stored dtype
    missing: tuple[str, ...] = ()  # parameters that are nowhere in the program
    invented: tuple[str, ...] = ()  # constants that come from no parameter
    unused: tuple[str, ...] = ()  # parameters that the torch computation itself does not use
    equal: int = 0  # of those found, stored without rounding
    rounded: int = 0  # different by the rounding of a dtype
    compressed: int = 0  # as near as their own table or scale could bring them
    scaled: dict[str, float] = Field(default_factory=dict)  # parameter → the factor that it is there with
    folded: tuple[str, ...] = ()  # ones and zeros, folded away
    changed: tuple[str, ...] = ()  # there, with other values


class PlacementFinding(SparseRecord):
    """One rule of the Neural Engine lint, and how much of a package it applies to."""

    rule: str
    severity: str  # leaves, slow, size
    reason: str = ""
    operations: int = 0  # 0: the package as a whole
    modules: tuple[str, ...] = ()  # some of their torch modules
    flops_share: float = 0.0  # of the package's arithmetic


class PlacementLint(SparseRecord):
    """What the lint says about a component's packages."""

    leaving_share: float = 0.0  # of the arithmetic, in operations that leave the Neural Engine
    findings: tuple[PlacementFinding, ...] = ()


class PackageCost(SparseRecord):
    """What one run of a component's package asks for."""

    component: str = ""
    weight_bytes_stored: int = 0
    weight_bytes_unpacked: int = 0
    peak_live_bytes: int = 0
    flops: int = 0
    bytes_moved: int = 0


class ComputePlan(SparseRecord):
    """Where Core ML says it will run a package's operations."""

    shares: dict[str, float] = Field(default_factory=dict)  # device → share of the estimated cost
    operations: dict[str, int] = Field(default_factory=dict)  # device → operations that prefer it
    untold: int = 0  # operations for which it named no device
    off_neural_engine: tuple[str, ...] = ()  # `name (type, share)`, the dearest first


def _plans_by_number(schema: JsonDict) -> None:
    """Say in the JSON Schema how the compute plans are written."""
    properties = schema["properties"]
    assert isinstance(properties, dict)
    plans = properties.pop("compute_plans")
    assert isinstance(plans, dict)
    schema["patternProperties"] = {f"^{PLAN_KEY}[0-9]+$": plans["items"]}


class PackageFacts(SparseRecord, json_schema_extra=_plans_by_number):
    """What is known of a converted component. Compute plans are written as `compute_plan_1`, `compute_plan_2` …"""

    bit_widths: dict[str, int] = Field(default_factory=dict)  # stored bits → number of weights
    average_bits: float | None = None
    histogram: dict[str, int] = Field(default_factory=dict)  # operation type → how often it occurs
    coverage: WeightCoverage | None = None
    conversion_seconds: float | None = None
    conversion_peak_bytes: int | None = None  # of resident memory
    replayed_conversion_seconds: float | None = None  # where an earlier run converted; that run measured it
    replayed_conversion_peak_bytes: int | None = None
    neural_engine: PlacementLint | None = None
    cost: PackageCost | None = None
    compute_plans: tuple[ComputePlan, ...] = ()  # of each package, where Core ML gave one

    @model_validator(mode="before")
    @classmethod
    def _numbered_plans(cls, data: object) -> object:
        """Gather `compute_plan_1`, `compute_plan_2` … in their order."""
        if not isinstance(data, dict):
            return data
        numbered = [key for key in data if isinstance(key, str) and _PLAN.fullmatch(key)]
        if not numbered:
            return data
        plans = [data[key] for key in sorted(numbered, key=lambda key: int(key.removeprefix(PLAN_KEY)))]
        return {**{key: value for key, value in data.items() if key not in numbered}, "compute_plans": plans}

    @model_serializer(mode="wrap")
    def _said(self, handler: SerializerFunctionWrapHandler) -> dict[str, JsonValue]:
        said = {name: value for name, value in handler(self).items() if name in self.model_fields_set}
        plans = said.pop("compute_plans", ())
        return {**said, **{f"{PLAN_KEY}{number}": plan for number, plan in enumerate(plans, 1)}}


class SampleFacts(SparseRecord):
    """What is known of one case's generation."""

    timesteps: tuple[float, ...] | None = None  # the schedule as it was run
    nonfinite: dict[str, int] = Field(default_factory=dict)  # component → elements that were not finite
    latents: Blob | None = None  # the final latents: safetensors, one tensor `latents`
    source_remarks: tuple[str, ...] = ()  # what was done to the source picture before the model saw it
    film: Film | None = None  # of the latents on their way


class CaseInputs(SparseRecord):
    """A case as it was planned."""

    prompt: str = ""
    source: str | None = None
    source_prompt: str | None = None
    negative_prompt: str = ""
    strength: float | None = None
    guidance_scale: float | None = None
    steps: int | None = None
    scheduler: str = ""
    seed: int | None = None
    models: tuple[str, ...] = ()  # that the case is for; all when empty
    background: str | None = None  # behind the source's transparent pixels
