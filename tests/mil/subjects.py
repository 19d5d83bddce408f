"""Small packages of many kinds, for the fuzz session to damage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import coremltools as ct
import numpy as np
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import types

Save = Callable[..., Path]


def _floats(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def convolutional(save: Save) -> Path:
    """Convolutions, pooling, a resize, a softmax."""
    first, second = _floats(8, 3, 3, 3), _floats(8, 4, 2, 2)

    @mb.program(input_specs=[mb.TensorSpec(shape=(1, 3, 8, 8))])
    def program(x: Any) -> Any:
        x = mb.relu(x=mb.conv(x=x, weight=first, pad_type="same"))
        x = mb.max_pool(x=x, kernel_sizes=[2, 2], strides=[2, 2], pad_type="valid")
        x = mb.conv_transpose(x=x, weight=second, strides=[2, 2])
        x = mb.upsample_nearest_neighbor(x=x, scale_factor_height=2, scale_factor_width=2)
        return mb.softmax(x=mb.reduce_mean(x=x, axes=[2, 3]), axis=-1)

    return save(program, "convolutional")


def attentive(save: Save) -> Path:
    """Embedding, written-out attention and norms in fp16."""
    table, project = _floats(50, 16), _floats(16, 16, seed=1)

    @mb.program(input_specs=[mb.TensorSpec(shape=(1, 6), dtype=types.int32)])
    def program(x: Any) -> Any:
        x = mb.gather(x=table, indices=x, axis=0)
        centered = mb.sub(x=x, y=mb.reduce_mean(x=x, axes=[-1], keep_dims=True))
        variance = mb.reduce_mean(x=mb.square(x=centered), axes=[-1], keep_dims=True)
        x = mb.mul(x=centered, y=mb.rsqrt(x=mb.add(x=variance, y=np.float32(1e-3))))
        q = mb.linear(x=x, weight=project)
        scores = mb.mul(x=mb.matmul(x=q, y=x, transpose_y=True), y=np.float32(0.25))
        x = mb.matmul(x=mb.softmax(x=scores, axis=-1), y=x)
        grouped = mb.reshape(x=x, shape=(2, 3, 16))
        parts = mb.split(x=grouped, num_splits=2, axis=-1)
        return mb.concat(values=[mb.gelu(x=parts[0]), parts[1]], axis=0)

    return save(program, "attentive", half=True)


def recurrent(save: Save) -> Path:
    """An LSTM and a GRU."""
    w = {
        name: _floats(*shape) for name, shape in {"ih": (16, 3), "hh": (16, 4), "gih": (12, 4), "ghh": (12, 4)}.items()
    }

    @mb.program(input_specs=[mb.TensorSpec(shape=(5, 2, 3))])
    def program(x: Any) -> Any:
        zero = np.zeros((2, 4), np.float32)
        y, _, _ = mb.lstm(
            x=x, initial_h=zero, initial_c=zero, weight_ih=w["ih"], weight_hh=w["hh"], output_sequence=True
        )
        y, _ = mb.gru(x=y, initial_h=zero, weight_ih=w["gih"], weight_hh=w["ghh"], output_sequence=True)
        return mb.cumsum(x=y, axis=0)

    return save(program, "recurrent")


def steering(save: Save) -> Path:
    """A branch, a loop, a list, indexed writes."""

    @mb.program(input_specs=[mb.TensorSpec(shape=(2,)), mb.TensorSpec(shape=(1,), dtype=types.int32)])
    def program(x: Any, n: Any) -> Any:
        positive = mb.greater(x=mb.reduce_sum(x=x, axes=[0], keep_dims=False), y=0.0)
        x = mb.cond(pred=positive, _true_fn=lambda: mb.mul(x=x, y=2.0), _false_fn=lambda: mb.sub(x=x, y=1.0))

        def holds(i: Any, total: Any) -> Any:
            return mb.squeeze(x=mb.less(x=i, y=5))

        def body(i: Any, total: Any) -> Any:
            return mb.add(x=i, y=1), mb.add(x=total, y=x)

        _, x = mb.while_loop(_cond=holds, _body=body, loop_vars=(n, x))
        ls = mb.make_list(init_length=2, elem_shape=(2,))
        ls = mb.list_write(ls=ls, index=0, value=x)
        y = mb.list_gather(ls=ls, indices=[0, 1])
        y = mb.scatter(data=y, indices=[0], updates=np.ones((1, 2), np.float32), axis=0, mode="add")
        y = mb.tile(x=y, reps=[2, 3])
        y = mb.pad(x=y, pad=[1, 1], mode="constant", constant_val=0.0)
        values, _ = mb.topk(x=y, k=2, axis=1)
        return mb.slice_by_index(x=values, begin=[0, 0], end=[2, 2])

    return save(program, "steering")


def compressed(save: Save) -> Path:
    """Palettised and quantised weights in the form of iOS18."""
    from coremltools.optimize import coreml as cto

    weight = _floats(32, 64)

    @mb.program(input_specs=[mb.TensorSpec(shape=(2, 64))], opset_version=ct.target.iOS18)
    def program(x: Any) -> Any:
        x = mb.linear(x=x, weight=weight, name="one")
        return mb.linear(x=x, weight=_floats(64, 32, seed=2), name="two")

    model = ct.models.MLModel(str(save(program, "plain", target=ct.target.iOS18)), skip_model_load=True)
    palettes = cto.OpPalettizerConfig(nbits=4, weight_threshold=0, mode="uniform")
    model = cto.palettize_weights(model, cto.OptimizationConfig(op_name_configs={"one": palettes}))
    blocks = cto.OpLinearQuantizerConfig(dtype="int4", granularity="per_block", block_size=16, weight_threshold=0)
    model = cto.linear_quantize_weights(model, cto.OptimizationConfig(op_name_configs={"two": blocks}))
    path = save(program, "compressed", target=ct.target.iOS18)
    model.save(str(path))
    return path


def stateful(save: Save) -> Path:
    """A state that is read and written."""

    @mb.program(
        input_specs=[mb.TensorSpec((3,), dtype=types.fp16), mb.StateTensorSpec((3,), dtype=types.fp16)],
        opset_version=ct.target.iOS18,
    )
    def program(x: Any, memory: Any) -> Any:
        after = mb.add(x=mb.read_state(input=memory), y=x)
        return mb.mul(x=mb.coreml_update_state(state=memory, value=after), y=np.float16(10))

    return save(program, "stateful", target=ct.target.iOS18, half=True)


SUBJECTS: dict[str, Callable[[Save], Path]] = {
    function.__name__: function for function in (convolutional, attentive, recurrent, steering, compressed, stateful)
}
