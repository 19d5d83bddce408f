"""Values that no machine could hold are refused before they are made, and estimates are never below what is made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import types

from sdqa import mil
from sdqa.errors import ExecutionError
from sdqa.mil import capacity, limits
from sdqa.mil.registry import Context, operation

from .conftest import Convert

X = torch.arange(24.0).reshape(1, 2, 3, 4)

CASES: list[tuple[str, dict[str, Any]]] = [
    ("fill", {"shape": [3, 4], "value": 1.0}),
    ("tile", {"x": X, "reps": [1, 2, 3, 1]}),
    ("one_hot", {"indices": torch.tensor([1, 2]), "one_hot_vector_size": 5}),
    ("range_1d", {"start": 0, "end": 10, "step": 2}),
    ("range_1d", {"start": 10.0, "end": 0.0, "step": -2.5}),
    ("pad", {"x": X, "pad": [1, 2, 3, 4]}),
    ("pad", {"x": X, "pad": [0, 0, 0, 0, 1, 1, 2, 2], "mode": "constant"}),
    ("upsample_nearest_neighbor", {"x": X, "scale_factor_height": 2, "scale_factor_width": 3}),
    ("upsample_bilinear", {"x": X, "scale_factor_height": 2, "scale_factor_width": 3}),
    ("resize_nearest_neighbor", {"x": X, "target_size_height": 7, "target_size_width": 5}),
    ("resize_bilinear", {"x": X, "target_size_height": 7, "target_size_width": 5}),
    ("resize", {"x": X, "shape": [6, 5], "resized_dims": 2}),
    ("sliding_windows", {"x": X, "axis": 3, "size": 2, "stride": 1}),
    ("space_to_batch", {"x": X[:, :, :2], "block_shape": [2, 2], "paddings": np.array([[1, 1], [2, 2]])}),
    ("conv", {"x": X, "weight": torch.ones(5, 2, 2, 2), "pad_type": "custom", "pad": [1, 2, 3, 4]}),
    ("conv_transpose", {"x": X, "weight": torch.ones(2, 5, 3, 3), "strides": [2, 3]}),
    ("matmul", {"x": torch.ones(3, 1, 4, 2), "y": torch.ones(5, 2, 6)}),
    ("matmul", {"x": torch.ones(2, 4), "y": torch.ones(6, 2), "transpose_x": True, "transpose_y": True}),
    ("linear", {"x": torch.ones(3, 4, 2), "weight": torch.ones(7, 2)}),
    ("gather", {"x": X, "indices": torch.tensor([[0, 1, 1], [0, 0, 0]]), "axis": 2}),
    ("gather_nd", {"x": X, "indices": torch.tensor([[0, 1], [0, 0], [0, 1]])}),
    ("add", {"x": torch.ones(4, 1), "y": torch.ones(3, 1, 5)}),
    ("random_uniform", {"shape": [2, 3], "seed": 1}),
]


@pytest.mark.parametrize(("name", "arguments"), CASES, ids=[f"{index}-{case[0]}" for index, case in enumerate(CASES)])
def test_an_estimate_is_at_least_what_is_made_and_not_far_above(name: str, arguments: dict[str, Any]) -> None:
    implementation = operation(name)
    assert implementation is not None
    extra: dict[str, Any] = {}
    if implementation.wants_context:
        extra["context"] = Context(torch.Generator().manual_seed(0), "declared")
    result = implementation.run(**arguments, **extra)
    assert isinstance(result, torch.Tensor)
    assert result.numel() <= limits.ESTIMATES[name](arguments) * 1.0000001 + 1
    assert limits.ESTIMATES[name](arguments) <= 8 * result.numel()


@pytest.mark.parametrize(
    "ask",
    [
        lambda n: mb.fill(shape=mb.concat(values=[n, n], axis=0), value=1.0),
        lambda n: mb.tile(x=np.ones((3, 3), np.float32), reps=mb.concat(values=[n, n], axis=0)),
        lambda n: mb.range_1d(start=0.0, end=mb.mul(x=mb.cast(x=mb.squeeze(x=n), dtype="fp32"), y=1e6), step=1.0),
        lambda n: mb.random_uniform(shape=mb.concat(values=[n, n], axis=0), low=0.0, high=1.0),
        lambda n: mb.add(
            x=mb.fill(shape=mb.concat(values=[n, [1]], axis=0)), y=mb.fill(shape=mb.concat(values=[[1], n], axis=0))
        ),
        lambda n: mb.matmul(
            x=mb.fill(shape=mb.concat(values=[n, [1]], axis=0)), y=mb.fill(shape=mb.concat(values=[[1], n], axis=0))
        ),
    ],
    ids=["fill", "tile", "range_1d", "random_uniform", "broadcast", "outer product"],
)
def test_a_trillion_elements_are_refused(convert: Convert, ask: Any, request: pytest.FixtureRequest) -> None:
    @mb.program(input_specs=[mb.TensorSpec(shape=(1,), dtype=types.int32)])
    def program(n: Any) -> Any:
        return mb.reduce_max(x=ask(n))

    path = convert(program, f"large_{request.node.callspec.id.replace(' ', '_')}")
    assert mil.load(path).predict({"n": [2]})
    with pytest.raises(ExecutionError, match=r"elements, .* GiB"):
        mil.load(path).predict({"n": [1_000_000]})


def test_the_limit_follows_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "largest_value_bytes", lambda: 1000)
    capacity.refuse_beyond(250)
    for elements in (251, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="can be held"):
            capacity.refuse_beyond(elements)
