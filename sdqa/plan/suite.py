"""The typed content of `sdqa.toml`: models, variants, lanes, cases, checks and budgets."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from sdqa.models.single_file import CHECKPOINTS, LOAD
from sdqa.models.sources import SOURCES
from sdqa.plan.quantity import parse_bytes, parse_seconds
from sdqa.plan.spelling import not_one_of
from sdqa.plan.variant import Variant
from sdqa.runtime.registry import DEFAULT, RUNTIMES

SCHEMA_VERSION = 1
TEACHER_NOW = "teacher"  # as `goldens`: the teacher draws the references in the same run
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
COLOUR = r"^(white|black|grey|#[0-9a-fA-F]{6})$"
Scheduler = Literal["pndm", "ddim", "dpmsolver++", "euler"]  # those that draw no noise of their own
Baseline = Literal["required", "auto", "off"]
"""`auto`: where one was approved; `required`: a case without one is not measured; `off`: never."""
BASELINES = "baselines"
"""Folder of the lanes' approved outcomes beside the goldens of the cases: no case has this name."""
Bytes = Annotated[int, BeforeValidator(parse_bytes), Field(gt=0, lt=2**63, strict=True)]
Seconds = Annotated[float, BeforeValidator(parse_seconds), Field(gt=0, allow_inf_nan=False, strict=True)]
Finite = Annotated[float, Field(allow_inf_nan=False, strict=True)]
"""TOML has `inf` and `nan`; as a limit the one lets everything through and the other nothing."""

#: Where a case's source picture comes from, and how the rest of its name is written.
PICTURE_SOURCES = {
    "scene": re.compile(r"(portrait|landscape)/[0-9]{1,9}(\?[A-Za-z0-9_=&-]+)?"),
    "file": re.compile(r".+"),
    "photo": re.compile(r"astronaut"),
}

#: What `nox -s qa` measures for each case unless `[checks]` says otherwise.
CASE_METRICS = (
    "finite",
    "shape",
    "clip_score",
    "clip_directional",
    "clip_image_similarity",
    "lpips",
    "lpips_source",
    "psnr",
    "tile_psnr",
    "ssim",
    "latent_psnr",
    "latent_cosine",
    "black",
    "constant",
    "noise",
    "tiling",
    "saturation",
    "grey_wash",
)


class Section(BaseModel):
    """Base of all sections: frozen, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Model(Section):
    """Where a teacher comes from."""

    source: str = Field(description="embedded:tiny, folder:PATH, hub:OWNER/NAME, random:NAME or packages:PATH")
    reference: str | None = Field(default=None, description="the teacher's source, when source is packages:PATH")

    @field_validator("source", "reference")
    @classmethod
    def _known_scheme(cls, value: str | None) -> str | None:
        if value is not None and (value.partition(":")[0] not in SOURCES or not value.partition(":")[2]):
            schemes = f"use one of {', '.join(f'{scheme}:…' for scheme in SOURCES)}"
            single = value.endswith(CHECKPOINTS) and ":" not in value
            told = f"it may be a checkpoint in one file: {LOAD}, and name that as folder:…" if single else schemes
            raise ValueError(f"{value!r} is not a source; {told}")
        return value


class LaneGroup(Section):
    """One `[[lanes]]` table: every listed variant on every listed compute unit."""

    model: str
    variants: tuple[str, ...] = Field(min_length=1)
    runtime: str = Field(default=DEFAULT, description=f"{', '.join(RUNTIMES)}, or a plugin's")
    compute_units: tuple[str, ...] = ()
    baseline: Baseline = Field(
        default="auto", description="whether the lane is held against its own approved outcomes too"
    )

    @field_validator("runtime")
    @classmethod
    def _known_runtime(cls, value: str) -> str:
        if value not in RUNTIMES:
            raise ValueError(not_one_of(value, RUNTIMES))
        return value

    @model_validator(mode="after")
    def _units_of_the_runtime(self) -> LaneGroup:
        RUNTIMES[self.runtime].units(self.compute_units)
        return self


class CaseDefaults(Section):
    """`[defaults]`: what a case uses where it says nothing itself."""

    negative_prompt: str = ""
    strength: float = Field(default=0.6, ge=0, le=1, strict=True)
    guidance_scale: float = Field(default=3.0, ge=0, le=30, strict=True)
    steps: int = Field(default=20, ge=1, le=1000, strict=True)
    scheduler: Scheduler = "pndm"
    seed: int = Field(default=0, ge=0, lt=2**63, strict=True)
    background: str | None = Field(default=None, pattern=COLOUR)


class Case(Section):
    """One generation. Without `source` it is text-to-image."""

    prompt: str = Field(min_length=1, max_length=2000)
    source: str | None = Field(default=None, description="scene:portrait/SEED, scene:landscape/SEED or file:PATH")
    source_prompt: str | None = Field(default=None, description="what the source shows; scenes know it themselves")
    negative_prompt: str = ""
    strength: float = Field(default=0.6, ge=0, le=1, strict=True)
    guidance_scale: float = Field(default=3.0, ge=0, le=30, strict=True)
    steps: int = Field(default=20, ge=1, le=1000, strict=True)
    scheduler: Scheduler = "pndm"
    seed: int = Field(default=0, ge=0, lt=2**63, strict=True)
    models: tuple[str, ...] = Field(default=(), description="models that the case is for; all when empty")
    background: str | None = Field(
        default=None, pattern=COLOUR, description="behind a source's transparent pixels: white, black, grey or #rrggbb"
    )

    @field_validator("source")
    @classmethod
    def _known_source(cls, value: str | None) -> str | None:
        kind, _, rest = (value or "").partition(":")
        if value is not None and not (kind in PICTURE_SOURCES and PICTURE_SOURCES[kind].fullmatch(rest)):
            raise ValueError(f"{value!r} is not a source; use scene:portrait/SEED, scene:landscape/SEED or file:PATH")
        return value

    @model_validator(mode="after")
    def _enough_steps(self) -> Case:
        if self.source is not None and int(self.steps * self.strength) < 1:
            raise ValueError(f"steps {self.steps} x strength {self.strength} leaves no step to run")
        return self


class MetricChoice(Section):
    """`[metrics]`: which networks the perceptual metrics use."""

    clip: str = Field(default="embedded:tiny", description="embedded:tiny, or an open_clip model name/pretrained tag")
    lpips: Literal["stlpips:alex", "stlpips:vgg", "lpips:alex", "lpips:vgg"] = "stlpips:alex"
    names: tuple[str, ...] = Field(default=CASE_METRICS, min_length=1)


class Budgets(Section):
    """`[budgets]`: the phone's limits. Without a value there is no verdict."""

    model_memory_bytes: Bytes | None = Field(default=None, description="with all components loaded")
    one_at_a_time_memory_bytes: Bytes | None = Field(
        default=None, description="with each component loaded, run and unloaded in turn"
    )
    off_neural_engine_percent: float | None = Field(
        default=None,
        ge=0,
        le=100,
        strict=True,
        description="share of the arithmetic that the lint finds off the Neural Engine",
    )
    inference_s: Seconds | None = None
    end_to_end_s: Seconds | None = None


class GateRules(Section):
    """`[gate]`: what is asked of the judge itself."""

    require_calibrated: bool = Field(
        default=False,
        strict=True,
        description="a lane without limits of its own is incomplete evidence, not a provisional pass",
    )


class KeptEvidence(Section):
    """`[evidence]`: what a bundle keeps besides figures and pictures, for people to look at."""

    latents: Literal["failing", "all", "off"] = Field(
        default="failing", description="cases whose latents are kept after a few steps, the teacher's and the lane's"
    )


class Plugins(Section):
    """`[plugins]`: modules that add metrics, sources, runtimes, recipes or families to what is installed."""

    modules: tuple[Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$", max_length=200)], ...] = ()


class Suite(Section):
    """Everything that a run is made from."""

    schema_version: Literal[1] = 1
    name: str
    description: str = ""
    models: dict[str, Model] = Field(min_length=1)
    variants: dict[str, Variant] = Field(min_length=1)
    lanes: tuple[LaneGroup, ...] = Field(min_length=1)
    defaults: CaseDefaults = CaseDefaults()
    cases: dict[str, Case] = Field(min_length=1)
    metrics: MetricChoice = MetricChoice()
    budgets: Budgets = Budgets()
    plugins: Plugins = Plugins()
    gate: GateRules = GateRules()
    evidence: KeptEvidence = KeptEvidence()
    goldens: str = "goldens"
    limits: dict[str, Finite] = Field(
        default_factory=dict, description="metric or component/metric: a limit stated by hand instead of calibrated"
    )

    floors: dict[str, Finite] = Field(
        default_factory=dict, description="metric of the teacher's own pictures: a golden that is worse is refused"
    )

    @field_validator("cases")
    @classmethod
    def _free_name(cls, value: dict[str, object]) -> dict[str, object]:
        if BASELINES in value:
            raise ValueError(
                f"a case cannot be called {BASELINES!r}: the lanes' baselines lie in a folder of that name"
            )
        return value

    @field_validator("models", "variants", "cases")
    @classmethod
    def _names(cls, value: dict[str, object]) -> dict[str, object]:
        for name in value:
            if not NAME.fullmatch(name):
                raise ValueError(f"{name!r} is not a name: use lower-case letters, digits, '.', '_' and '-'")
        return value

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: object) -> object:
        """Give variants their names and cases the suite's defaults."""
        if not isinstance(data, dict):
            return data
        filled = dict(data)
        if isinstance(data.get("variants"), dict):
            filled["variants"] = {
                name: {"name": name, **table} if isinstance(table, dict) else table
                for name, table in data["variants"].items()
            }
        defaults, cases = data.get("defaults"), data.get("cases")
        if isinstance(defaults, dict) and isinstance(cases, dict):
            known = {key: value for key, value in defaults.items() if key in CaseDefaults.model_fields}
            filled["cases"] = {
                name: {**known, **table} if isinstance(table, dict) else table for name, table in cases.items()
            }
        return filled
