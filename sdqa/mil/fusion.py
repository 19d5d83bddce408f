"""Patterns that converters write out operation by operation, recognised and replaced by one fused operation.

A fused node keeps the operations it stands for as a nested block, so that it can fall back on them: where fp16 would
overflow or lose its precision between those operations, the literal result differs, and then the literal one is given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass

import numpy as np

from sdqa.mil.constants import Constant
from sdqa.mil.graph import Argument, Block, Node
from sdqa.mil.operands import axes_kept, flag, flagged, integers, last_output, number, per_channel, real, split_constant
from sdqa.mil.types import OPEN


@dataclass
class Match:
    """A group of operations that one can replace."""

    type: str
    members: list[Node]
    inputs: dict[str, list[Argument]]


class Fuser:
    """Rewrites the operations of one block.

    Args:
        block: it is left as it is; nested blocks are executed literally.
        half: whether fp16 declarations round, which decides what may be fused.
        keep: values that must stay visible.
    """

    def __init__(self, block: Block, *, half: bool, keep: Set[str]) -> None:
        self.block, self.half = block, half
        self.producer = {value.name: node for node in block.nodes for value in node.outputs}
        self.types = {value.name: value.type for value in block.inputs}
        self.types |= {value.name: value.type for node in block.nodes for value in node.outputs}
        self.uses: Counter[str] = Counter()
        for node in block.nodes:
            self.uses.update(node.names_used())
        self.uses.update(output for output in block.outputs if isinstance(output, str))
        self.fixed = set(keep) | {output for output in block.outputs if isinstance(output, str)}

    def nodes(self) -> list[Node]:
        """The block's operations with every recognised group replaced at the place of its last member."""
        replaced: dict[int, Node] = {}
        gone: set[int] = set()
        # backwards, so that a group is found from its last member, and the longest first
        for node in reversed(self.block.nodes):
            if id(node) in gone:
                continue
            for recognise in (self._group_norm, self._normalise, self._attention, self._silu):
                match = recognise(node)
                if match is None or any(id(member) in gone for member in match.members) or not self._closed(match):
                    continue
                replaced[id(node)] = self._fused(match, node)
                gone |= {id(member) for member in match.members}
                break
        return [
            replaced.get(id(node), node) for node in self.block.nodes if id(node) in replaced or id(node) not in gone
        ]

    def _fused(self, match: Match, last: Node) -> Node:
        order = {id(node): index for index, node in enumerate(self.block.nodes)}
        members = sorted(match.members, key=lambda node: order[id(node)])
        outputs: list[Argument] = [value.name for value in last.outputs]
        inputs = dict(match.inputs)
        inputs["half"] = [flag(self.half and last.outputs[0].type.dtype == "fp16")]
        return Node(f"fused.{match.type}", last.name, inputs, last.outputs, [Block([], members, outputs, {})])

    def _closed(self, match: Match) -> bool:
        """Whether nothing outside the group uses what only the group computes."""
        inside = Counter(name for member in match.members for name in member.names_used())
        last = match.members[0]
        for member in match.members:
            for value in member.outputs:
                if member is not last and (value.name in self.fixed or inside[value.name] != self.uses[value.name]):
                    return False
        return True

    def _made_by(self, argument: Argument | None, *types: str) -> Node | None:
        """The operation that computes a value, if it is of one of the types."""
        node = self.producer.get(argument) if isinstance(argument, str) else None
        return node if node is not None and node.type in types and len(node.outputs) == 1 else None

    def _shape(self, argument: Argument | None) -> tuple[int, ...] | None:
        """A value's declared shape, None where it is open."""
        if argument is None:
            return None
        value_type = argument.type if isinstance(argument, Constant) else self.types.get(argument)
        if value_type is None or value_type.kind != "tensor" or value_type.any_rank or OPEN in value_type.shape:
            return None
        return value_type.shape

    def _normalise(self, last: Node) -> Match | None:
        """(x - mean) / sqrt(variance + epsilon), over any axes."""
        if last.type == "real_div":
            centered, root = self._made_by(last.single("x"), "sub"), self._made_by(last.single("y"), "sqrt")
        elif last.type == "mul":
            centered, root = self._made_by(last.single("x"), "sub"), self._made_by(last.single("y"), "rsqrt")
            if centered is None or root is None:
                centered, root = self._made_by(last.single("y"), "sub"), self._made_by(last.single("x"), "rsqrt")
        else:
            return None
        if centered is None or root is None:
            return None
        members = [last, centered, root]
        epsilon = 0.0
        if root.type == "rsqrt":
            epsilon = number(root.single("epsilon"), 1e-12)
        variance_of = root.single("x")
        added = self._made_by(variance_of, "add")
        if added is not None:
            constant, other = split_constant(added)
            if constant is None:
                return None
            epsilon += number(constant, float("nan"))
            members.append(added)
            variance_of = other
        variance = self._made_by(variance_of, "reduce_mean")
        mean = self._made_by(centered.single("y"), "reduce_mean")
        if variance is None or mean is None or not epsilon > 0:
            return None
        squared = self._made_by(variance.single("x"), "square", "mul")
        if squared is None or any(
            squared.single(key) != last_output(centered) for key in squared.inputs if key in "xy"
        ):
            return None
        x = centered.single("x")
        shape = self._shape(x)
        axes = axes_kept(mean, shape)
        if x is None or shape is None or axes is None or axes != axes_kept(variance, shape) or mean.single("x") != x:
            return None
        members += [variance, mean, squared]
        inputs: dict[str, list[Argument]] = {"x": [x], "axes": [integers(axes)], "epsilon": [real(epsilon)]}
        return Match("normalise", members, inputs)

    def _group_norm(self, last: Node) -> Match | None:
        """Reshape to groups, normalise, reshape back; then an affine map along channels, if there is one."""
        affine: dict[str, list[Argument]] = {}
        members: list[Node] = []
        back: Node | None = last
        if last.type == "batch_norm":
            names = [name for name in ("mean", "variance", "gamma", "beta", "epsilon") if name in last.inputs]
            if not all(isinstance(last.single(name), Constant) for name in names):
                return None
            affine = {name: last.inputs[name] for name in names if name != "epsilon"}
            affine["affine_epsilon"] = last.inputs.get("epsilon", [real(1e-5)])
            members, back = [last], self._made_by(last.single("x"), "reshape")
        elif last.type == "add":
            shift, scaled = split_constant(last)
            scaling = self._made_by(scaled, "mul")
            if scaling is None or shift is None:
                return None
            scale, inner = split_constant(scaling)
            shape = self._shape(last_output(last))
            if scale is None or shape is None or not (per_channel(scale, shape) and per_channel(shift, shape)):
                return None
            affine = {"gamma": [scale], "beta": [shift]}
            members, back = [last, scaling], self._made_by(inner, "reshape")
        if back is None or back.type != "reshape":
            return None
        inner_last = self.producer.get(str(back.single("x")))
        core = self._normalise(inner_last) if inner_last is not None else None
        if core is None:
            return None
        forth = self._made_by(core.inputs["x"][0], "reshape")
        if forth is None:
            return None
        outer, inner_shape = self._shape(forth.single("x")), self._shape(last_output(forth))
        axes = core.inputs["axes"][0]
        x = forth.single("x")
        if x is None or outer is None or inner_shape is None or len(outer) < 3 or len(inner_shape) < 3:
            return None
        if self._shape(last_output(back)) != outer or inner_shape[0] != outer[0] or outer[1] % max(inner_shape[1], 1):
            return None
        if not isinstance(axes, Constant) or list(np.asarray(axes.read())) != list(range(2, len(inner_shape))):
            return None
        groups = integers((inner_shape[1],))
        inputs: dict[str, list[Argument]] = {"x": [x], "groups": [groups], "epsilon": core.inputs["epsilon"], **affine}
        return Match("group_norm", [*members, back, *core.members, forth], inputs)

    def _attention(self, last: Node) -> Match | None:
        """softmax(scale · Q Kᵀ + mask) V, written out."""
        if last.type != "matmul" or flagged(last, "transpose_x") or flagged(last, "transpose_y"):
            return None
        softmax = self._made_by(last.single("x"), "softmax")
        value = last.single("y")
        value_shape = self._shape(value)
        if softmax is None or value is None or value_shape is None:
            return None
        probabilities = self._shape(last_output(softmax))
        if probabilities is None or number(softmax.single("axis"), -1.0) not in (-1.0, len(probabilities) - 1.0):
            return None
        members = [last, softmax]
        scores = softmax.single("x")
        inputs: dict[str, list[Argument]] = {}
        masked = self._made_by(scores, "add")
        if masked is not None:
            for score_key, mask_key in (("x", "y"), ("y", "x")):
                if self._made_by(masked.single(score_key), "matmul", "mul", "real_div") is not None:
                    scores, mask = masked.single(score_key), masked.single(mask_key)
                    if mask is None or self._shape(scores) != self._shape(last_output(masked)):
                        return None
                    inputs["mask"] = [mask]
                    members.append(masked)
                    break
        scale = 1.0
        scaled = self._made_by(scores, "mul", "real_div")
        if scaled is not None:
            factor, inner = scaled.single("y"), scaled.single("x")
            if scaled.type == "mul":
                factor, inner = split_constant(scaled)
            scale = number(factor, float("nan"))
            if not np.isfinite(scale) or scale == 0:
                return None
            scale = 1 / scale if scaled.type == "real_div" else scale
            members.append(scaled)
            scores = inner
        product = self._made_by(scores, "matmul")
        if product is None or flagged(product, "transpose_x"):
            return None
        query, key = product.single("x"), product.single("y")
        query_shape, key_shape = self._shape(query), self._shape(key)
        if query is None or key is None or query_shape is None or key_shape is None:
            return None
        ranks = {len(query_shape), len(key_shape), len(value_shape)}
        if len(ranks) != 1 or min(ranks) < 3 or max(ranks) > 4:
            return None
        if not query_shape[:-2] == key_shape[:-2] == value_shape[:-2]:
            return None
        members.append(product)
        inputs |= {"query": [query], "key": [key], "value": [value], "scale": [real(scale)]}
        inputs["key_transposed"] = [flag(not flagged(product, "transpose_y"))]
        return Match("attention", members, inputs)

    def _silu(self, last: Node) -> Match | None:
        """x · sigmoid(c · x), in fp32 only: rounding the sigmoid to fp16 loses much of it where it is small."""
        if last.type != "mul" or (self.half and last.outputs[0].type.dtype == "fp16"):
            return None
        for x_key, gate_key in (("x", "y"), ("y", "x")):
            x, gate = last.single(x_key), self._made_by(last.single(gate_key), "sigmoid")
            if gate is None or not isinstance(x, str):
                continue
            if gate.single("x") == x:
                return Match("silu", [last, gate], {"x": [x], "factor": [real(1.0)]})
            scaled = self._made_by(gate.single("x"), "mul")
            if scaled is None:
                continue
            constant, inner = split_constant(scaled)
            factor = number(constant, float("nan"))
            if inner == x and np.isfinite(factor):
                return Match("silu", [last, gate, scaled], {"x": [x], "factor": [real(factor)]})
        return None


def fuse_block(block: Block, *, half: bool, keep: Set[str]) -> Block:
    """A block with its recognised groups fused; see `Fuser`."""
    return Block(block.inputs, Fuser(block, half=half, keep=keep).nodes(), block.outputs, block.constants)
