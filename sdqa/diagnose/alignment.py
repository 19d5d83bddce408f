"""Which operation of one program is which operation of another: by what it does to what, then by name.

Names alone do not do: passes for precision and compression append to them and renumber the anonymous ones
(`transpose_88`), and other converters rename freely. So operations are matched in order of execution by their type and
by where their inputs come from; what that does not find, because something was changed there, by weights and name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sdqa.mil.constants import Constant
from sdqa.mil.graph import Node
from sdqa.mil.program import Program

_SUFFIX = re.compile(
    r"(_cast_fp16|_cast_fp32|_cast|_to_fp16|_to_fp32|_palettized(_pcs)?|_quantized|_sparsified|_pruned|_compressed"
    r"|_dequantized|_promoted|_dtype_0)+$"
)
NAMED_ELEMENTS = 2
"""Constants from this size on say by their names which operation they belong to."""
ENOUGH = 2.0
"""Points that two operations must share to be the same one after a change."""
ENOUGH_UNNAMED = 1.4
"""The same where operations have no names: the same type on half of its inputs is all that may be left."""


def plain(name: str) -> str:
    """A name without what precision and compression passes append."""
    return _SUFFIX.sub("", name)


@dataclass(frozen=True)
class Alignment:
    """Candidate names to reference names."""

    operations: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    """Results and inputs."""
    inserted: tuple[str, ...] = ()
    """Operations that only the candidate has; casts are not counted."""
    removed: tuple[str, ...] = ()
    """Operations that only the reference has; casts are not counted."""


def align(candidate: Program, reference: Program) -> Alignment:
    """Match the operations of two programs' bodies; nested blocks belong to the operation that holds them."""
    inputs = [feature.name for feature in candidate.inputs]
    return _Matcher(candidate.function.body.nodes, reference.function.body.nodes, inputs).match()


def align_unnamed(candidate: Sequence[Node], reference: Sequence[Node], inputs: Iterable[str]) -> Alignment:
    """Match operations whose names say nothing; `inputs` are those of the programs, which do.

    An operation of another type on the same inputs is the same one, changed, where nothing else can be.
    """
    return _Unnamed(candidate, reference, inputs).match()


class _Matcher:
    """One alignment in the making."""

    enough = ENOUGH

    def __init__(self, candidate: Sequence[Node], reference: Sequence[Node], inputs: Iterable[str]) -> None:
        self.ours, self.theirs = candidate, reference
        self.values = {name: name for name in inputs}
        self.loose = dict(self.values)  # inserted operations stand for their first input
        self.roots = _roots(self.theirs)  # reference values, looked at through casts
        self.partners: dict[str, Node] = {}
        self.used: set[int] = set()
        self.by_inputs: dict[tuple[str, tuple[str, ...]], list[Node]] = {}
        self.by_clue: dict[str, list[Node]] = {}
        for node in self.theirs:
            used = tuple(self.roots.get(name, name) for name in node.names_used())
            self.by_inputs.setdefault((node.type, used), []).append(node)
            for clue in self._clues(node, used):
                self.by_clue.setdefault(clue, []).append(node)

    def match(self) -> Alignment:
        """Walk the candidate once, in order."""
        inserted = []
        for node in self.ours:
            partner = self._same(node) or self._similar(node) or self._stood_for(node)
            if partner is not None:
                self.used.add(id(partner))
                self.partners[node.name] = partner
                for mine, his in zip(node.outputs, partner.outputs, strict=False):
                    self.values[mine.name] = self.loose[mine.name] = his.name
                continue
            source = next(iter(node.names_used()), "")
            for value in node.outputs:
                if source in self.loose:
                    self.loose[value.name] = self.loose[source]
                if node.type == "cast" and source in self.values:
                    self.values[value.name] = self.values[source]
            if node.type != "cast":
                inserted.append(node.name)
        removed = tuple(node.name for node in self.theirs if id(node) not in self.used and node.type != "cast")
        return Alignment(
            {name: node.name for name, node in self.partners.items()}, self.values, tuple(inserted), removed
        )

    def _same(self, node: Node) -> Node | None:
        """The free reference operation of the same type on the same inputs; of several, by weights, name or order."""
        inputs = [self.values.get(name) for name in node.names_used()]
        if any(name is None for name in inputs):
            return None
        key = (node.type, tuple(self.roots.get(str(name), str(name)) for name in inputs))
        found = [other for other in self.by_inputs.get(key, ()) if id(other) not in self.used and _fits(node, other)]
        if not found:
            return None
        for other in self.by_clue.get(
            f"name {plain(node.name)}", ()
        ):  # of another type, on the same inputs: `sin` where `cos` was
            used = tuple(self.roots.get(name, name) for name in other.names_used())
            if other.type != node.type and used == key[1] and id(other) not in self.used and _fits(node, other):
                return other
        weights = set(_weights(node))
        return max(
            found,
            key=lambda other: (
                len(weights & set(_weights(other))),
                plain(other.name) == plain(node.name),
                -self.theirs.index(other) if len(found) > 1 else 0,
            ),
        )

    def _similar(self, node: Node) -> Node | None:
        """The reference operation that shares most with one that was changed, or whose inputs were."""
        if node.type == "cast":
            return None
        inputs = {self.roots.get(self.loose.get(name, ""), "") for name in node.names_used()} - {""}
        weights = set(_weights(node))
        near = {
            id(other): other
            for clue in self._clues(node, inputs)
            for other in self.by_clue.get(clue, ())
            if id(other) not in self.used and _fits(node, other) and other.type != "cast"
        }

        def points(other: Node) -> float:
            used = {self.roots.get(name, name) for name in other.names_used()}
            shared = len(inputs & used) / max(len(inputs | used), 1)
            own = set(_weights(other))
            named = plain(other.name) == plain(node.name)
            return 2.0 * bool(weights & own) + 1.5 * named + shared + (other.type == node.type)

        best = max(near.values(), key=points, default=None)
        return best if best is not None and points(best) > self.enough else None

    def _stood_for(self, node: Node) -> Node | None:  # noqa: ARG002 - named operations are found by their names
        """The reference operation in whose place this one is."""
        return None

    @staticmethod
    def _clues(node: Node, inputs: Iterable[str]) -> Iterator[str]:
        yield f"name {plain(node.name)}"
        for name in _weights(node):
            yield f"weight {name}"
        for name in inputs:
            yield f"input {name}"


class _Unnamed(_Matcher):
    """The same without names."""

    enough = ENOUGH_UNNAMED

    def __init__(self, candidate: Sequence[Node], reference: Sequence[Node], inputs: Iterable[str]) -> None:
        super().__init__(candidate, reference, inputs)
        self.users: dict[str, set[str]] = {}
        for node in candidate:
            for name in node.names_used():
                self.users.setdefault(name, set()).add(node.type)

    def _stood_for(self, node: Node) -> Node | None:
        inputs = [self.values.get(name) for name in node.names_used()]
        if node.type == "cast" or not inputs or None in inputs:
            return None
        wanted = tuple(self.roots.get(str(name), str(name)) for name in inputs)
        near = {*node.names_used(), *(value.name for value in node.outputs)}
        beside = {kind for name in near for kind in self.users.get(name, ())}  # those are still to come, or were found
        found = [
            other
            for (kind, used), others in self.by_inputs.items()
            if used == wanted and kind != "cast" and kind not in beside
            for other in others
            if id(other) not in self.used and _fits(node, other)
        ]
        if len(found) != 1:
            return None
        behind = [
            other
            for value in found[0].outputs
            for other in self.by_clue.get(f"input {value.name}", ())
            if other.type == node.type and id(other) not in self.used and _fits(node, other)
        ]
        return behind[0] if behind else found[0]  # its like comes one later: the one between is missing


def _weights(node: Node) -> Iterator[str]:
    """Plain names of the constants that are its own."""
    for items in node.inputs.values():
        for item in items:
            if isinstance(item, Constant) and item.name and (item.type.elements or 0) >= NAMED_ELEMENTS:
                yield plain(item.name)


def _fits(node: Node, other: Node) -> bool:
    """Whether results of the same shapes come out."""
    return len(node.outputs) == len(other.outputs) and all(
        mine.type.shape == his.type.shape for mine, his in zip(node.outputs, other.outputs, strict=True)
    )


def _roots(nodes: Iterable[Node]) -> dict[str, str]:
    """Every value by its own name, those that casts make by the name of what is cast."""
    roots: dict[str, str] = {}
    for node in nodes:
        source = next(iter(node.names_used()), "")
        for value in node.outputs:
            roots[value.name] = roots.get(source, source) if node.type == "cast" and source else value.name
    return roots
