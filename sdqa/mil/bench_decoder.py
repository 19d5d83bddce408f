"""The bench's decoder: one token through attention over a cache that lives in states, as language models have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from sdqa import compat
from sdqa.mil.timing import BenchRow, ratio

HEADS, CONTEXT, WIDTH = 8, 8192, 64
SHAPE = (1, HEADS, CONTEXT, WIDTH)
"""Of the keys and of the values: 16 MiB each in fp32, 32 MiB together."""
INPUTS = ("query", "key", "value")


class Decoder(torch.nn.Module):
    """One token's query, key and value: the latter two enter the cache, all of which is attended to."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.register_buffer("keys", torch.zeros(SHAPE, dtype=dtype))
        self.register_buffer("values", torch.zeros(SHAPE, dtype=dtype))

    def forward(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        keys: Any = self.keys
        values: Any = self.values
        keys[:, :, -1:] = key
        values[:, :, -1:] = value
        scores = torch.matmul(query, keys.transpose(-1, -2)) / WIDTH**0.5
        return torch.matmul(torch.softmax(scores, dim=-1), values)


def convert_decoder(path: Path) -> None:
    """Write the decoder as a package with two states, if it is not there yet."""
    if path.exists():
        return
    compat.prepare_coremltools()
    import coremltools as ct

    given = tuple(torch.zeros(1, HEADS, 1, WIDTH, dtype=torch.float16) for _ in INPUTS)
    with torch.no_grad(), compat.quiet_coremltools():
        trace: Any = torch.jit.trace
        traced = trace(Decoder(torch.float16).eval(), given, check_trace=False)
        model = ct.convert(
            traced,
            convert_to="mlprogram",
            minimum_deployment_target=ct.target.iOS18,
            skip_model_load=True,
            inputs=[ct.TensorType(name=name, shape=(1, HEADS, 1, WIDTH), dtype=np.float16) for name in INPUTS],
            outputs=[ct.TensorType(name="attended", dtype=np.float32)],
            states=[
                ct.StateType(wrapped_type=ct.TensorType(shape=SHAPE, dtype=np.float16), name=name)
                for name in ("keys", "values")
            ],
        )
        model.save(str(path))


def decoder(folder: Path, pairs: int) -> list[BenchRow]:
    """The ratio to eager of one token with a cache of 32 MiB."""
    from sdqa import mil

    path = folder / "decoder.mlpackage"
    convert_decoder(path)
    generator = torch.Generator().manual_seed(0)
    given = [torch.randn(1, HEADS, 1, WIDTH, generator=generator).half().float() for _ in INPUTS]
    arrays = {name: tensor.numpy() for name, tensor in zip(INPUTS, given, strict=True)}
    module, program = Decoder(torch.float32).eval(), mil.load(path)
    state = program.make_state()

    def eager() -> torch.Tensor:
        with torch.inference_mode():
            result: torch.Tensor = module(*given)
            return result

    measured = ratio(lambda: program.predict(arrays, state=state), eager, pairs)
    largest = float(np.abs(program.predict(arrays, state=state)["attended"] - eager().numpy()).max())
    return [
        BenchRow("decoder, one token, 32 MiB of cache in states: time to eager", measured, "×", "≤ 1.5"),
        BenchRow("decoder: largest difference to eager", largest, "", ""),
    ]
