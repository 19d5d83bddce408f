"""Pipelines of ML Programs, joined to one program: what a model gives goes to the next ones by name.

Core ML hands arrays from model to model: where two declare different types, the border between them is a cast, and
where a shape is declared, it is checked there. Images between models would be rounded to bytes; they are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sdqa.errors import PackageError, UnsupportedPackage
from sdqa.mil.constants import Constant, Immediate
from sdqa.mil.graph import Argument, Block, Function, Node, Value
from sdqa.mil.package import PIPELINES, Package, require_ml_program
from sdqa.mil.types import OPEN, ValueType


def is_pipeline(model: Any) -> bool:
    """Whether a model message holds other models."""
    return model.WhichOneof("Type") in PIPELINES


def stages(package: Package) -> Iterator[Package]:
    """The models of a pipeline, as packages that share its files.

    Raises:
        PackageError: if there are none.
        UnsupportedPackage: if one is neither an ML Program nor a pipeline.
    """
    message = getattr(package.model, package.model.WhichOneof("Type"))
    models = list(message.models if hasattr(message, "models") else message.pipeline.models)
    if not models:
        raise PackageError("the pipeline has no models", where=package.name)
    for index, model in enumerate(models):
        if not is_pipeline(model):
            require_ml_program(model, f"{package.name}: model {index} of a pipeline")
        yield Package(package.path, model, package.model_folder)


def join(package: Package, programs: Sequence[Function]) -> Function:
    """The programs of a pipeline as one, in order.

    Raises:
        PackageError: if a model takes what nothing gives, or gives what the next cannot take.
        UnsupportedPackage: if an image goes from one to another.
    """
    described = package.model.description
    joined = _Joined(
        package.name,
        list(dict.fromkeys(item.name for item in described.output)),
        _last_producer(described.output, programs),
    )
    for value in _inputs(described.input, programs):
        joined.take(value)
    _refuse_images(package, programs)
    for index, program in enumerate(programs):
        joined.add(index, program)
    outputs: list[Argument] = []
    for name in joined.outputs:
        if name not in joined.given:
            raise PackageError(f"no model of the pipeline gives the output {name!r}", where=package.name)
        outputs.append(joined.given[name])
    body = Block(joined.inputs, joined.nodes, outputs, joined.constants)
    return Function("main", max(program.opset for program in programs), body, list(joined.outputs))


def _last_producer(outputs: Any, programs: Sequence[Function]) -> dict[str, int]:
    wanted = {item.name for item in outputs}
    return {name: index for index, program in enumerate(programs) for name in program.output_names if name in wanted}


def _inputs(described: Any, programs: Sequence[Function]) -> Iterator[Value]:
    """The pipeline's inputs, in the widest type that a model declares for them; then the states."""
    for item in described:
        takers = [value for program in programs for value in program.inputs if value.name == item.name]
        if takers:
            yield max(takers, key=lambda value: value.type.element.bits)
    yield from (value for program in programs for value in program.inputs if value.type.kind == "state")


def _refuse_images(package: Package, programs: Sequence[Function]) -> None:
    given: set[str] = set()
    for program, stage in zip(programs, stages(package), strict=True):
        images = {item.name for item in stage.model.description.input if item.type.WhichOneof("Type") == "imageType"}
        if images & given:
            raise UnsupportedPackage(
                f"the pipeline hands the image {min(images & given)!r} from one model to another",
                where=package.name,
                hint="run its models one by one",
            )
        given |= set(program.output_names)


@dataclass
class _Joined:
    """The program so far."""

    where: str
    outputs: list[str]
    producers: Mapping[str, int]
    """By output of the pipeline, the model that gives it: its name is kept."""
    inputs: list[Value] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, Constant] = field(default_factory=dict)
    types: dict[str, ValueType] = field(default_factory=dict)
    given: dict[str, Argument] = field(default_factory=dict)
    """What is known by the name of a feature, so far."""
    taken: set[str] = field(default_factory=set)
    operations: set[str] = field(default_factory=set)
    """The names of operations, which may be those of values."""

    def take(self, value: Value) -> None:
        """An input or state of the whole."""
        if value.name in self.taken or value.name in self.outputs:
            raise UnsupportedPackage(f"two values of the pipeline are called {value.name!r}", where=self.where)
        self.inputs.append(Value(value.name, value.type))
        self.types[value.name] = value.type
        self.given[value.name] = value.name
        self.taken.add(value.name)

    def add(self, index: int, program: Function) -> None:
        """One more model."""
        names: dict[str, str] = {}
        for value in program.inputs:
            names[value.name] = self._handed(index, value)
        body = program.body
        for name in (*_defined(body), *body.constants):
            names[name] = self._own(name, index, kept=name in program.output_names)
        renamed = _renamed(body, names)
        for node in renamed.walk():
            while node.name in self.operations:
                node.name = f"{node.name}.{index}"
            self.operations.add(node.name)
        self.nodes += renamed.nodes
        self.constants |= renamed.constants
        self.types |= {value.name: value.type for node in renamed.nodes for value in node.outputs}
        self.types |= {name: constant.type for name, constant in renamed.constants.items()}
        self.given |= dict(zip(program.output_names, renamed.outputs, strict=True))

    def _handed(self, index: int, value: Value) -> str:
        """The name of the value that a model's input is given, cast and checked where it may differ."""
        source = self.given.get(value.name)
        if source is None:
            raise PackageError(
                f"model {index} of the pipeline takes {value.name!r}, which nothing gives", where=self.where
            )
        found = source.type if isinstance(source, Constant) else self.types[source]
        if isinstance(source, str) and found == value.type:
            return source
        wanted = value.type
        if wanted.kind != "tensor" or found.kind != "tensor" or not _passes(found, wanted):
            raise PackageError(
                f"model {index} of the pipeline takes {value.name!r} as {wanted}, it is given {found}", where=self.where
            )
        name = self._own(f"{value.name}.handed", index, kept=False)
        inputs: dict[str, list[Argument]] = {"x": [source]}
        if not found.shape and wanted.shape:
            inputs["shape"] = [Immediate("", ValueType("tensor", "int32", (1,)), np.array([1], np.int32))]
            kind = "reshape"
        elif found.dtype != wanted.dtype:
            inputs["dtype"] = [Immediate("", ValueType("tensor", "string"), wanted.dtype)]
            kind = "cast"
        else:
            kind = "identity"
        self.nodes.append(Node(kind, name, inputs, [Value(name, wanted)]))
        self.operations.add(name)
        self.types[name] = wanted
        return name

    def _own(self, name: str, index: int, *, kept: bool) -> str:
        """A name that nothing else has; outputs of the whole keep theirs."""
        if name in self.outputs:
            own = name if kept and self.producers.get(name) == index else f"{name}.{index}"
        else:
            own = name
        while own in self.taken:
            own = f"{own}.{index}"
        self.taken.add(own)
        return own


def _passes(found: ValueType, wanted: ValueType) -> bool:
    """Whether a value of one type can be handed over as another."""
    if "string" in (found.dtype, wanted.dtype):
        return found == wanted
    if found.dtype.startswith("fp") and not wanted.dtype.startswith("fp"):
        return False
    if found.any_rank or wanted.any_rank:
        return True
    if not found.shape:
        return not wanted.shape or (wanted.shape == (1,) and found.dtype == wanted.dtype)
    return len(found.shape) == len(wanted.shape) and all(
        OPEN in (have, want) or have == want for have, want in zip(found.shape, wanted.shape, strict=True)
    )


def _defined(block: Block) -> Iterator[str]:
    """The names of values and constants that a block's operations define, nested ones included."""
    for node in block.walk():
        yield from (value.name for value in node.outputs)
        for nested in node.blocks:
            yield from (value.name for value in nested.inputs)
            yield from nested.constants


def _renamed(block: Block, names: Mapping[str, str]) -> Block:
    """A block whose values and constants have other names; constants are the same objects under their own."""

    def argument(given: Argument) -> Argument:
        return names.get(given, given) if isinstance(given, str) else given

    nodes = [
        Node(
            node.type,
            names.get(node.name, node.name),
            {key: [argument(item) for item in items] for key, items in node.inputs.items()},
            [Value(names.get(value.name, value.name), value.type) for value in node.outputs],
            [_renamed(nested, names) for nested in node.blocks],
        )
        for node in block.nodes
    ]
    inputs = [Value(names.get(value.name, value.name), value.type) for value in block.inputs]
    constants = {names.get(name, name): constant for name, constant in block.constants.items()}
    return Block(inputs, nodes, [argument(output) for output in block.outputs], constants)
