"""The records that describe a family: its parts, its components in flow order, and what lies between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pydantic import JsonValue


Wrapper = Literal["TextEncoder", "VaeEncoder", "UNet", "VaeDecoder"]
"""The class of `sdqa.convert.wrappers` that gives a component its signature."""

Runs = Literal["each prompt", "once", "each step"]
"""How often a component runs in one generation; the halves of the guidance are one batch of a step, and two prompts."""

GUIDANCE_PAIR = 2
"""Without and with the prompt, for classifier-free guidance."""


@dataclass(frozen=True)
class Setting:
    """A key of a part's configuration that changes the graph, with the values that the family supports."""

    key: str
    supported: tuple[str | int | bool | None, ...] = (None,)
    default: str | int | bool | None = None
    """What the part's class takes where the configuration is silent."""


@dataclass(frozen=True)
class Part:
    """An entry of model_index.json that a pipeline of the family is built from."""

    name: str
    library: Literal["diffusers", "transformers"]
    classes: tuple[str, ...]
    """The classes that it may be of; the first one loads what has weights."""
    configuration: str = ""
    """Its file of settings, in the part's folder; empty where nothing in it is read."""
    weights: str = ""
    """Its file of weights, in the part's folder; empty where it has none."""
    settings: tuple[Setting, ...] = ()
    keys: Mapping[str, JsonValue] = field(default_factory=dict, compare=False)
    """What its class takes, and takes where the configuration is silent (`sdqa.families.class_keys`); empty where its
    keys are held against something else."""
    written: tuple[str, ...] = ()
    """Further keys that its library writes, or once wrote, and that mean nothing."""
    model_type: str = ""
    """What a configuration of transformers calls the class."""
    needs: Mapping[str, str] = field(default_factory=dict, compare=False)
    """A library that a class cannot be loaded without, and that does not come with sdqa."""

    def accepts(self, library: str, class_name: str) -> bool:
        """Whether the part may be of this class."""
        return library == self.library and class_name in self.classes

    def foreign(self, configuration: Mapping[str, object]) -> tuple[str, ...]:
        """The keys of its configuration that its class does not take, in the file's order."""
        known = {*self.keys, *self.written, *(setting.key for setting in self.settings)}
        return tuple(key for key in configuration if self.keys and key not in known and not key.startswith("_"))

    @property
    def wanted(self) -> str:
        """The classes that it may be of, in words."""
        return f"{self.library}.{' or '.join(self.classes)}"


@dataclass(frozen=True)
class Port:
    """One declared input or output."""

    name: str
    shape: tuple[int | str, ...]
    """Sizes: numbers, or names of a model's facts (`sdqa.convert.contract`)."""
    dtype: Literal["float16", "float32"]
    optional: bool = False
    """Nothing in the family reads it: another tool's package may leave it out."""


@dataclass(frozen=True)
class Component:
    """What is converted and executed as one package (or as the chunks of one)."""

    name: str
    part: str
    """The pipeline's part that it is made from."""
    wrapper: Wrapper
    file_name: str
    """As Apple's Swift package looks for it, without suffix."""
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    compared: str
    """The output whose parity is measured."""
    runs: Runs
    submodules: tuple[str, ...] = ()
    """The part's submodules that it is made of, in flow order; empty: the whole part."""
    root: str = ""
    """What the wrapper calls the whole part."""
    tokenizer: str = ""
    """The part that makes its token ids; empty for what reads no text."""
    hidden_layer: int = -1
    """Which of a text encoder's hidden states it gives; -1 is the last, after the final norm."""
    image_to_image_only: bool = False

    @property
    def roots(self) -> tuple[str, ...]:
        """What the dotted paths of its torch modules start with."""
        return self.submodules or (self.root,)

    def modules(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        """Its torch modules by root, of a loaded pipeline's parts; None where the part has no such submodule."""
        part = parts.get(self.part)
        return {name: getattr(part, name, None) for name in self.submodules} or {self.root: part}

    def takes(self, name: str) -> bool:
        """Whether it has an input of this name."""
        return any(port.name == name for port in self.inputs)


@dataclass(frozen=True)
class Between:
    """What lies between the components."""

    published_scaling: float
    """The VAE's `scaling_factor` in the family's published models: what an application that forgot its own may use."""
    prediction_types: tuple[str, ...]
    schedulers: tuple[str, ...]
    """Short names of the schedulers that it can be drawn with (`sdqa.generate.schedule`)."""
    scaling_key: str = "scaling_factor"
    """Of the VAE's configuration: latents are multiplied by it after encoding and divided by it before decoding."""
    prediction_key: str = "prediction_type"
    """Of the scheduler's configuration."""
    guidance_batch: int = GUIDANCE_PAIR
    """The denoiser's batch: what classifier-free guidance compares, in one run."""


@dataclass(frozen=True)
class Family:
    """Pipelines of one make."""

    name: str
    title: str
    text_to_image: str
    """diffusers' pipeline class."""
    image_to_image: str
    parts: tuple[Part, ...]
    components: tuple[Component, ...]
    """In flow order."""
    between: Between
    ignored: tuple[str, ...] = ()
    """Parts that may be there and that a drawing does without."""
    flags: tuple[str, ...] = ()
    """What else its index may say, and that changes nothing that is drawn."""
    drawable: bool = False
    reason: str = ""
    """Why it cannot be drawn, where more than that nothing does it yet is to be said."""

    @property
    def pipeline_classes(self) -> tuple[str, ...]:
        """diffusers' classes of both kinds."""
        return (self.text_to_image, self.image_to_image)

    @property
    def component_names(self) -> tuple[str, ...]:
        """In flow order."""
        return tuple(component.name for component in self.components)

    @property
    def part_names(self) -> tuple[str, ...]:
        """What a pipeline is built from."""
        return tuple(part.name for part in self.parts)

    @property
    def text_encoders(self) -> tuple[Component, ...]:
        """The components that read tokens, in flow order."""
        return tuple(component for component in self.components if component.tokenizer)

    @property
    def weighted_parts(self) -> tuple[Part, ...]:
        """The parts with weights."""
        return tuple(part for part in self.parts if part.weights)

    @property
    def denoiser(self) -> Component:
        """The component that runs at each step."""
        return next(component for component in self.components if component.runs == "each step")

    def component(self, name: str) -> Component:
        """One component.

        Raises:
            KeyError: the family has none of this name.
        """
        return {component.name: component for component in self.components}[name]

    def part(self, name: str) -> Part:
        """One part.

        Raises:
            KeyError: the family has none of this name.
        """
        return {part.name: part for part in self.parts}[name]

    def drawn(self, *, image_to_image: bool) -> tuple[Component, ...]:
        """The components that run in a drawing of the kind, in flow order."""
        return tuple(one for one in self.components if image_to_image or not one.image_to_image_only)
