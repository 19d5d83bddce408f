"""Ways to damage a package, and what may come of it: an answer or a typed error, soon and within bounds."""

from __future__ import annotations

import contextlib
import random
import resource
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sdqa import mil
from sdqa.errors import SdqaError
from sdqa.mil import schema

from .packages import MODEL, WEIGHTS

SECONDS = 20
"""More than any of the small packages could need, on a busy machine too."""
ADDRESS_SPACE = 12 << 30
ODD_SIZES = (0, 1, 2, 3, 7, 2**15, 2**31 - 1, 2**31, 2**40, 10**12, 2**63, 2**64 - 1)
ODD_NUMBERS = (0, -1, 1, 2, -2, 1000, 2**31 - 1, -(2**31))
KINDS = (
    *(
        "conv",
        "conv_transpose",
        "linear",
        "matmul",
        "silu",
        "softmax",
        "layer_norm",
        "batch_norm",
        "lstm",
        "gru",
        "reshape",
    ),
    *(
        "transpose",
        "concat",
        "gather",
        "gather_nd",
        "scatter",
        "slice_by_index",
        "slice_update",
        "tile",
        "fill",
        "one_hot",
    ),
    *("range_1d", "pad", "resize_bilinear", "upsample_nearest_neighbor", "max_pool", "avg_pool", "reduce_sum", "topk"),
    *("argsort", "cumsum", "cast", "real_div", "floor_div", "mod", "pow", "einsum", "while_loop", "cond", "make_list"),
    *(
        "list_write",
        "list_read",
        "read_state",
        "classify",
        "non_zero",
        "random_uniform",
        "pixel_shuffle",
        "split",
        "expand_dims",
    ),
    *(
        "non_maximum_suppression",
        "crop_resize",
        "scaled_dot_product_attention",
        "constexpr_lut_to_dense",
        "const",
        "made_up",
    ),
)


def _blocks(model: Any) -> Iterator[Any]:
    for function in model.mlProgram.functions.values():
        for block in function.block_specializations.values():
            yield block
            pending = [nested for operation in block.operations for nested in operation.blocks]
            while pending:
                nested = pending.pop()
                yield nested
                pending += [inner for operation in nested.operations for inner in operation.blocks]


def _operations(model: Any) -> list[Any]:
    return [operation for block in _blocks(model) for operation in block.operations]


def _bindings(model: Any) -> list[Any]:
    return [b for op in _operations(model) for argument in op.inputs.values() for b in argument.arguments]


def _names(model: Any) -> list[str]:
    return [value.name for operation in _operations(model) for value in operation.outputs] + ["nowhere", ""]


def retype(model: Any, rng: random.Random) -> None:
    rng.choice(_operations(model)).type = rng.choice(KINDS)


def rewire(model: Any, rng: random.Random) -> None:
    rng.choice(_bindings(model)).name = rng.choice(_names(model))


def rename(model: Any, rng: random.Random) -> None:
    outputs = [value for operation in _operations(model) for value in operation.outputs]
    rng.choice(outputs).name = rng.choice(_names(model))


def rename_argument(model: Any, rng: random.Random) -> None:
    operation = rng.choice([operation for operation in _operations(model) if operation.inputs])
    old = rng.choice(sorted(operation.inputs))
    new = rng.choice(["x", "y", "weight", "bias", "context", "self", "axes", "shape", "values", "made_up"])
    operation.inputs[new].CopyFrom(operation.inputs[old])
    if rng.random() < 0.5 and new != old:
        del operation.inputs[old]


def drop_argument(model: Any, rng: random.Random) -> None:
    operation = rng.choice([operation for operation in _operations(model) if operation.inputs])
    del operation.inputs[rng.choice(sorted(operation.inputs))]


def drop(model: Any, rng: random.Random) -> None:
    block = rng.choice([block for block in _blocks(model) if block.operations])
    del block.operations[rng.randrange(len(block.operations))]


def move(model: Any, rng: random.Random) -> None:
    block = rng.choice([block for block in _blocks(model) if block.operations])
    operations = [type(op).FromString(op.SerializeToString()) for op in block.operations]
    operations.insert(rng.randrange(len(operations)), operations.pop(rng.randrange(len(operations))))
    del block.operations[:]
    block.operations.extend(operations)


def resize(model: Any, rng: random.Random) -> None:
    dimensions = [d for op in _operations(model) for v in op.outputs for d in v.type.tensorType.dimensions]
    if dimensions:
        dimension = rng.choice(dimensions)
        if rng.random() < 0.2:
            dimension.unknown.variadic = rng.random() < 0.5
        else:
            dimension.constant.size = rng.choice(ODD_SIZES)


def rerank(model: Any, rng: random.Random) -> None:
    tensor = rng.choice([v.type.tensorType for op in _operations(model) for v in op.outputs])
    if rng.random() < 0.5 and tensor.dimensions:
        del tensor.dimensions[-1]
    else:
        tensor.dimensions.add().constant.size = rng.choice(ODD_SIZES)


def recode(model: Any, rng: random.Random) -> None:
    values = [value for operation in _operations(model) for value in operation.outputs]
    rng.choice(values).type.tensorType.dataType = rng.choice([0, 1, 2, 10, 11, 12, 21, 23, 24, 25, 31, 32, 35, 40])


def constants(model: Any, rng: random.Random) -> None:
    """Change an immediate value: an axis, a stride, a shape, a flag, a mode."""
    tensors = [
        op.attributes["val"].immediateValue.tensor
        for op in _operations(model)
        if op.type == "const" and op.attributes["val"].WhichOneof("value") == "immediateValue"
    ]
    if not tensors:
        return
    tensor = rng.choice(tensors)
    kind = tensor.WhichOneof("value")
    if kind in ("ints", "longInts") and getattr(tensor, kind).values:
        values = getattr(tensor, kind).values
        values[rng.randrange(len(values))] = rng.choice(ODD_NUMBERS)
    elif kind == "floats" and tensor.floats.values:
        tensor.floats.values[rng.randrange(len(tensor.floats.values))] = rng.choice([0.0, -1.0, 1e38, np.inf, np.nan])
    elif kind == "bools" and tensor.bools.values:
        tensor.bools.values[0] = not tensor.bools.values[0]
    elif kind == "strings" and tensor.strings.values:
        tensor.strings.values[0] = rng.choice(["", "valid", "same", "custom", "fp16", "int32", "made up"])
    elif kind == "bytes":
        tensor.bytes.values = rng.randbytes(rng.choice([0, 1, 2, len(tensor.bytes.values)]))


def offsets(model: Any, rng: random.Random) -> None:
    stored = [
        op.attributes["val"].blobFileValue
        for op in _operations(model)
        if op.type == "const" and op.attributes["val"].WhichOneof("value") == "blobFileValue"
    ]
    if stored:
        rng.choice(stored).offset = rng.choice([0, 1, 63, 64, 65, 2**31, 2**63, 2**64 - 1])


def interface(model: Any, rng: random.Random) -> None:
    features = [*model.description.input, *model.description.output]
    feature = rng.choice(features)
    rng.choice(
        [
            lambda: setattr(feature, "name", rng.choice(_names(model))),
            lambda: setattr(feature.type, "isOptional", True),
            lambda: feature.type.imageType.SetInParent(),
            lambda: feature.type.multiArrayType.shape.append(rng.choice(ODD_NUMBERS)),
            lambda: feature.type.stateType.SetInParent(),
        ]
    )()


STRUCTURAL: tuple[Callable[[Any, random.Random], None], ...] = (
    *(retype, rewire, rename, rename_argument, drop_argument, drop, move, resize, rerank, recode, constants, constants),
    *(offsets, interface),
)


def damage(source: Path, target: Path, seed: int) -> None:
    """Write a damaged copy of a package; what is damaged follows from the seed."""
    rng = random.Random(seed)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    where = rng.random()
    if where < 0.7:
        model = schema.new_model()
        model.ParseFromString((target / MODEL).read_bytes())
        for _ in range(rng.choice([1, 1, 1, 2, 5])):
            with contextlib.suppress(IndexError, ValueError, TypeError):  # there was nothing of the kind to change
                rng.choice(STRUCTURAL)(model, rng)
        (target / MODEL).write_bytes(model.SerializeToString())
        return
    file = target / (MODEL if where < 0.9 else WEIGHTS)
    if not file.exists():
        file = target / MODEL
    raw = bytearray(file.read_bytes())
    if rng.random() < 0.3:
        raw = raw[: rng.randrange(len(raw))]
    else:
        for _ in range(rng.choice([1, 3, 20])):
            raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    file.write_bytes(bytes(raw))


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Fail after some seconds, and let no allocation pass a bound far above what the small packages need."""

    def too_long(_signal: int, _frame: object) -> None:
        raise AssertionError(f"it took more than {SECONDS} seconds")

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGALRM, too_long)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, hard))
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def attempt(package: Path) -> str:
    """Load a package, look at it and predict with it; anything but an answer or a typed error propagates."""
    with bounded():
        try:
            program = mil.load(package, fuse=len(package.name) % 2 == 0)
            rng = np.random.default_rng(0)
            inputs = {}
            for feature in program.inputs:
                shape = [min(max(size, 1), 64) if size < 0 else size for size in feature.shape]
                if feature.kind == "state" or np.prod([float(size) for size in shape]) > 1e6:
                    continue
                inputs[feature.name] = (
                    rng.standard_normal(shape) if feature.dtype.startswith("fp") else np.ones(shape, int)
                )
            program.profile()
            list(program.operations)
            program.predict(inputs)
        except SdqaError as error:
            return f"{type(error).__name__}"
    return "answer"
