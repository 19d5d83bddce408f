"""A static lint for the Neural Engine: what is known to leave it or to be slow on it, with the torch module to blame.

Core ML decides placement on the device, and says so only there (`sdqa.runtime.coreml`). This lint reads the package and
names what is known, or reported, to run elsewhere. A clean lint is no promise; every finding names its source.

Sources: [A] apple/ml-stable-diffusion's README; [B] "Deploying Transformers on the Apple Neural Engine"; [C] the
community's hollance/neural-engine documents, found by experiment; [D] apple/coremltools' issues.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sdqa.mil import load
from sdqa.mil.program import Program
from sdqa.mil.records import OperationRecord

Severity = Literal["leaves", "slow", "size"]
"""`leaves`: runs on CPU or GPU; `slow`: runs on the Neural Engine, below its speed; `size`: does not load on phones."""

LARGEST_DIMENSION = 16384
LARGEST_RANK = 5
LARGEST_KERNEL = 13
LARGEST_CHUNK_BYTES = 1_000_000_000
ALIGNMENT_BYTES = 64

NEVER = frozenset(
    {
        *("lstm", "gru", "rnn", "while_loop", "cond", "list_gather", "list_read", "list_write", "make_list"),
        *("non_zero", "non_maximum_suppression", "topk", "argsort", "cumsum", "one_hot", "reduce_prod"),
        *("scatter", "scatter_nd", "scatter_along_axis", "gather_nd", "reverse_sequence"),
        *("random_normal", "random_uniform", "random_bernoulli", "random_categorical"),
    }
)
"""Operations without a Neural Engine form [C]."""


@dataclass(frozen=True)
class Finding:
    """One rule, and everything in a package that it applies to."""

    rule: str
    severity: Severity
    reason: str
    operations: tuple[str, ...]
    """Names of the operations; empty for the package as a whole."""
    modules: tuple[str, ...]
    """Their torch modules, where known; sorted."""
    flops_share: float
    """Share of the program's arithmetic in these operations."""


@dataclass(frozen=True)
class Rule:
    """A registered check."""

    name: str
    severity: Severity
    reason: str
    applies: Callable[[OperationRecord], bool]


RULES: dict[str, Rule] = {}


def rule(name: str, severity: Severity, reason: str) -> Callable[[Callable[[OperationRecord], bool]], Rule]:
    """Register a check of single operations."""

    def register(applies: Callable[[OperationRecord], bool]) -> Rule:
        if name in RULES:
            raise ValueError(f"two rules named {name}")
        RULES[name] = Rule(name, severity, reason, applies)
        return RULES[name]

    return register


@rule("float32", "leaves", "the Neural Engine computes in fp16; fp32 arithmetic runs on the CPU or GPU [A]")
def float32(operation: OperationRecord) -> bool:
    """Arithmetic with an fp32 result; casts at the border are free."""
    return operation.dtype == "fp32" and operation.type != "cast"


@rule("integers", "leaves", "integer and boolean tensors are computed on the CPU [C]")
def integers(operation: OperationRecord) -> bool:
    """Tensors of integers or flags with more than a few elements."""
    elements = 1
    for size in operation.shape:
        elements *= max(size, 1)
    return operation.dtype.startswith(("int", "uint", "bool")) and elements > 1


@rule("unsupported", "leaves", "the Neural Engine has no form of this operation [C]")
def unsupported(operation: OperationRecord) -> bool:
    """Operation types that never run there."""
    return operation.type in NEVER


@rule("rank", "leaves", f"tensors of more than {LARGEST_RANK} dimensions are not supported [C]")
def rank(operation: OperationRecord) -> bool:
    """Too many dimensions."""
    return len(operation.shape) > LARGEST_RANK


@rule("dimension", "leaves", f"a dimension above {LARGEST_DIMENSION} runs on the CPU or GPU [C]")
def dimension(operation: OperationRecord) -> bool:
    """A result, or a table that is looked up, with a huge dimension."""
    tables = [shape for each in operation.constants.values() if (shape := getattr(each, "shape", None))]
    return any(size > LARGEST_DIMENSION for shape in (operation.shape, *tables) for size in shape)


@rule("kernel", "leaves", f"convolution and pooling kernels above {LARGEST_KERNEL} are not supported [C]")
def kernel(operation: OperationRecord) -> bool:
    """Large windows."""
    if operation.type in {"conv", "conv_transpose"}:
        return any(size > LARGEST_KERNEL for size in getattr(operation.constants.get("weight"), "shape", ())[2:])
    sizes = operation.constants.get("kernel_sizes") if operation.type.endswith("_pool") else None
    return any(size > LARGEST_KERNEL for size in sizes or ())


@rule("open-shape", "leaves", "shapes that are not fixed keep a program off the Neural Engine, or recompile it [C]")
def open_shape(operation: OperationRecord) -> bool:
    """A dimension that the package leaves open."""
    return any(size < 0 for size in operation.shape)


@rule("sequence-last", "slow", "linear layers on (batch, sequence, channels) copy; split_einsum's layout does not [B]")
def sequence_last(operation: OperationRecord) -> bool:
    """A linear layer on a sequence, instead of a 1×1 convolution."""
    return operation.type == "linear" and len(operation.shape) == 3 and operation.shape[1] > 1


@rule("batched-attention", "slow", "attention over all heads at once makes large intermediate tensors [B]")
def batched_attention(operation: OperationRecord) -> bool:
    """Attention weights of many heads and queries in one product."""
    return (
        operation.type in {"matmul", "scaled_dot_product_attention"}
        and len(operation.shape) == 4
        and (operation.shape[1] > 1 and operation.shape[2] > 512)
    )


@rule("unaligned", "slow", f"a last axis that is not a multiple of {ALIGNMENT_BYTES} bytes is padded to one [B]")
def unaligned(operation: OperationRecord) -> bool:
    """A sequence on the last axis whose rows are mostly padding."""
    if operation.dtype != "fp16" or len(operation.shape) < 3 or operation.shape[-1] < 1:
        return False
    bytes_ = operation.shape[-1] * 2
    padded = -(-bytes_ // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
    return padded >= 2 * bytes_


@dataclass(frozen=True)
class Lint:
    """Everything the lint has to say about a package."""

    package: str
    findings: tuple[Finding, ...]
    leaving_share: float
    """Share of the arithmetic in operations that leave the Neural Engine, by some rule."""
    flops: int
    """Arithmetic of one run."""

    @property
    def leaves(self) -> tuple[Finding, ...]:
        """The findings that take work off the Neural Engine."""
        return tuple(finding for finding in self.findings if finding.severity == "leaves")


def lint_package(package: Path) -> Lint:
    """Check a package.

    Raises:
        PackageError: it is damaged.
    """
    program = load(package)
    profile = program.profile()
    flops = {cost.name: cost.flops or 0 for cost in profile.operations}
    total = sum(flops.values()) or 1
    findings = [_finding(each, program, flops, total) for each in RULES.values()]
    found = [finding for finding in findings if finding is not None]
    leaving = {name for finding in found if finding.severity == "leaves" for name in finding.operations}
    found.extend(_whole(profile.weight_bytes_stored))
    share = sum(flops.get(name, 0) for name in leaving) / total
    return Lint(package.name, tuple(found), share, sum(flops.values()))


def _finding(each: Rule, program: Program, flops: Mapping[str, int], total: int) -> Finding | None:
    hits = [operation for operation in program.operations if each.applies(operation)]
    if not hits:
        return None
    modules = sorted({operation.module for operation in hits if operation.module})
    share = sum(flops.get(operation.name, 0) for operation in hits) / total
    return Finding(
        each.name, each.severity, each.reason, tuple(operation.name for operation in hits), tuple(modules), share
    )


def _whole(weight_bytes: int) -> Iterator[Finding]:
    if weight_bytes > LARGEST_CHUNK_BYTES:
        gigabytes = weight_bytes / 1e9
        reason = f"{gigabytes:.2f} GB of weights in one package do not load on phones; cut it in chunks below 1 GB [A]"
        yield Finding("one-package", "size", reason, (), (), 0.0)
