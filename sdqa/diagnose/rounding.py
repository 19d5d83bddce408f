"""What single operations lose in half precision, by Core AI and by torch: names the operation where components differ.

Run as a process of its own (`python -m sdqa.diagnose.rounding`): Core AI's converter and runtime can end theirs.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sdqa.errors import ExecutionError

TIMEOUT_S = 900.0
ROUNDS_MORE_DB = 3.0
"""From here on an operation of Core AI counts as rounding more than torch's."""


@dataclass(frozen=True)
class Loss:
    """One operation in fp16 on seeded inputs: PSNR in dB against fp32 on the same inputs."""

    operation: str
    torch_db: float
    coreai_db: float
    rounding_db: float  # torch as Core AI rounds, operation by operation: `HalfPrecision`

    @property
    def apart_db(self) -> float:
        """How much more Core AI loses."""
        return self.torch_db - self.coreai_db


def measure_losses() -> tuple[Loss, ...]:
    """The operations that diffusion models are made of, measured in another process.

    Raises:
        ExecutionError: it dies, refuses, or takes too long.
    """
    place = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([place, *filter(None, [os.environ.get("PYTHONPATH")])])
    with tempfile.TemporaryDirectory(prefix="sdqa-rounding-") as folder:
        outcome = Path(folder) / "losses.json"
        try:
            process = subprocess.run(
                [sys.executable, "-m", "sdqa.diagnose.rounding", str(outcome)],
                capture_output=True,
                text=True,
                check=False,
                timeout=TIMEOUT_S,
                env={**os.environ, "PYTHONPATH": path},
            )
        except subprocess.TimeoutExpired as error:
            raise ExecutionError(f"no figures within {TIMEOUT_S:g} s", where="operations in fp16") from error
        if process.returncode or not outcome.is_file():
            last = (process.stderr.strip().splitlines() or ["no message"])[-1]
            raise ExecutionError(
                f"the process died with status {process.returncode}: {last}", where="operations in fp16"
            )
        return tuple(Loss(**one) for one in json.loads(outcome.read_text("utf-8")))


def _cases(torch: Any) -> Mapping[str, tuple[Callable[..., Any], tuple[Any, ...]]]:
    """Operation and its inputs, of the embedded model's sizes."""
    functional, generator = torch.nn.functional, torch.Generator().manual_seed(0)

    def drawn(*shape: int, scale: float = 1.0) -> Any:
        return scale * torch.randn(*shape, generator=generator)

    return {
        "linear, 96 terms": (functional.linear, (drawn(1, 77, 96), drawn(384, 96, scale=0.1))),
        "linear, 384 terms": (functional.linear, (drawn(1, 77, 384), drawn(96, 384, scale=0.1))),
        "attention": (functional.scaled_dot_product_attention, tuple(drawn(1, 4, 77, 24) for _ in range(3))),
        "linear with a bias": (functional.linear, (drawn(2, 64, 96), drawn(384, 96, scale=0.1), drawn(384))),
        "GELU": (functional.gelu, (drawn(2, 64, 256),)),
        "softmax": (lambda x: torch.softmax(x, -1), (drawn(1, 4, 77, 77, scale=3.0),)),
        "layer norm": (lambda x: functional.layer_norm(x, (96,)), (drawn(1, 77, 96),)),
        "group norm": (lambda x: functional.group_norm(x, 16), (drawn(1, 64, 32, 32),)),
        "group norm, scaled and shifted": (
            lambda x, w, b: functional.group_norm(x, 16, w, b),
            (drawn(1, 64, 32, 32), drawn(64), drawn(64)),
        ),
        "convolution, 576 terms": (
            lambda x, w: functional.conv2d(x, w, padding=1),
            (drawn(1, 64, 32, 32), drawn(64, 64, 3, 3, scale=0.05)),
        ),
        "convolution with a bias": (
            lambda x, w, b: functional.conv2d(x, w, b, padding=1),
            (drawn(2, 192, 8, 8), drawn(128, 192, 3, 3, scale=0.05), drawn(128)),
        ),
    }


def _measure() -> list[Loss]:
    import torch

    torch.set_num_threads(1)
    with torch.no_grad():
        return [_loss(torch, name, function, inputs) for name, (function, inputs) in _cases(torch).items()]


def _loss(torch: Any, name: str, function: Callable[..., Any], inputs: tuple[Any, ...]) -> Loss:
    from sdqa.diagnose.half_precision import HalfPrecision
    from sdqa.generate.parity import psnr_db

    halves = tuple(value.half() for value in inputs)
    given = [value.float() for value in halves]
    exact = function(*given).numpy()
    with HalfPrecision(given, in_pieces=True):
        rounded = function(*given)
    made = (function(*halves).float().numpy(), asyncio.run(_by_coreai(torch, function, halves)), rounded.numpy())
    return Loss(name, *(psnr_db(exact, one) for one in made))


async def _by_coreai(torch: Any, function: Callable[..., Any], inputs: tuple[Any, ...]) -> Any:
    import numpy as np
    from coreai.runtime import NDArray
    from coreai_torch import TorchConverter, get_decomp_table

    class Alone(torch.nn.Module):  # type: ignore[misc]
        def forward(self, *given: Any) -> Any:
            return function(*given).float()

    exported = torch.export.export(Alone(), inputs).run_decompositions(get_decomp_table())
    names = [f"x{index}" for index in range(len(inputs))]
    converter = TorchConverter(mode=TorchConverter.Mode.RELEASE)
    converter.add_exported_program(exported, input_names=names, output_names=["y"])
    with tempfile.TemporaryDirectory(prefix="sdqa-rounding-") as folder:
        asset = converter.to_coreai().save_asset(Path(folder) / "one.aimodel")
        async with asset.executable() as model:
            given = {name: NDArray(value.numpy()) for name, value in zip(names, inputs, strict=True)}
            found = await model.load_function("main")(given)
            return np.array(found["y"].numpy())


def losses_table(losses: tuple[Loss, ...]) -> str:
    """The losses as a Markdown table."""
    lines = ["| operation in fp16 | torch | Core AI | torch as Core AI rounds |", "|---|---|---|---|"]
    for one in losses:
        figures = " | ".join(f"{value:.1f} dB" for value in (one.torch_db, one.coreai_db, one.rounding_db))
        lines.append(f"| {one.operation} | {figures} |")
    return "\n".join(lines)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps([asdict(one) for one in _measure()]), encoding="utf-8")
