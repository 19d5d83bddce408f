"""How fast and how lean the runtime is, as ratios to torch eager on the same module: `python -m sdqa.mil.bench`.

The subjects are a U-Net borrowed from diffusers with random weights, and a decoder's layer with a cache in states,
converted on the spot. One thread; eager and program
run alternately, and the median of the ratios of neighbouring runs is given, so that a busy machine disturbs both alike.
Times are processor seconds of this process. Nothing is asserted.
"""

from __future__ import annotations

import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

from sdqa import compat
from sdqa.mil.bench_decoder import decoder
from sdqa.mil.timing import BenchRow, ratio, seconds

_CROSS = ("CrossAttnDownBlock2D", "CrossAttnUpBlock2D")
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "mid": {
        "sample_size": 64,
        "block_out_channels": (192, 384, 768),
        "layers_per_block": 1,
        "cross_attention_dim": 256,
        "attention_head_dim": 8,
        "down_block_types": (_CROSS[0], _CROSS[0], "DownBlock2D"),
        "up_block_types": ("UpBlock2D", _CROSS[1], _CROSS[1]),
    },
    "full": {
        "sample_size": 64,
        "block_out_channels": (320, 640, 1280, 1280),
        "layers_per_block": 2,
        "cross_attention_dim": 768,
        "attention_head_dim": 8,
    },
}
"""mid: 113 M parameters. full: the shape of Stable Diffusion v1-5's U-Net, 860 M."""
INPUTS = ("sample", "timestep", "encoder_hidden_states")
TOKENS = 77


def unet(size: str) -> torch.nn.Module:
    """A U-Net with random weights; its norms are disturbed, since converters fold away those that do nothing."""
    compat.prepare_hub()
    from diffusers import UNet2DConditionModel

    torch.manual_seed(0)
    model: torch.nn.Module = UNet2DConditionModel(**CONFIGURATIONS[size]).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name:
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)

    class Plain(torch.nn.Module):
        """Tensors in, one tensor out."""

        def __init__(self) -> None:
            super().__init__()
            self.unet = model

        def forward(self, sample: torch.Tensor, timestep: torch.Tensor, states: torch.Tensor) -> Any:
            return self.unet(sample, timestep, states, return_dict=False)[0]

    return Plain().eval()


def inputs(size: str, batch: int) -> tuple[torch.Tensor, ...]:
    """Latents, a timestep and text states."""
    generator = torch.Generator().manual_seed(0)
    side, width = CONFIGURATIONS[size]["sample_size"], CONFIGURATIONS[size]["cross_attention_dim"]
    latents = torch.randn(batch, 4, side, side, generator=generator)
    return latents, torch.full((batch,), 951.0), torch.randn(batch, TOKENS, width, generator=generator)


def convert(module: torch.nn.Module, given: tuple[torch.Tensor, ...], target: str, precision: str, path: Path) -> None:
    """Write a package, if it is not there yet."""
    if path.exists():
        return
    compat.prepare_coremltools()
    import coremltools as ct

    with torch.no_grad(), compat.quiet_coremltools():
        trace: Any = torch.jit.trace
        traced = trace(module, given, strict=False, check_trace=False)
        model = ct.convert(
            traced,
            convert_to="mlprogram",
            minimum_deployment_target=getattr(ct.target, target),
            compute_precision=getattr(ct.precision, precision),
            skip_model_load=True,
            inputs=[
                ct.TensorType(name=name, shape=tuple(tensor.shape), dtype=np.float32)
                for name, tensor in zip(INPUTS, given, strict=True)
            ],
            outputs=[ct.TensorType(name="noise_pred", dtype=np.float32)],
        )
        model.save(str(path))


def psnr(given: np.ndarray[Any, Any], wanted: np.ndarray[Any, Any]) -> float:
    """Peak signal to noise in dB, the peak being the range of what is wanted."""
    error = float(np.mean((given.astype(np.float64) - wanted) ** 2))
    return 10 * math.log10(float(np.ptp(wanted)) ** 2 / error) if error else math.inf


def speed(folder: Path, pairs: int) -> list[BenchRow]:
    """Ratios to eager of the mid-size U-Net, converted for two targets in two precisions."""
    from sdqa import mil

    module, given = unet("mid"), inputs("mid", 1)
    arrays = {name: tensor.numpy() for name, tensor in zip(INPUTS, given, strict=True)}
    rows: list[BenchRow] = []

    def eager() -> torch.Tensor:
        with torch.inference_mode():
            result: torch.Tensor = module(*given)
            return result

    wanted = eager().numpy()
    for precision, bars in (("FLOAT32", ("1.0", "1.0")), ("FLOAT16", ("1.3", "1.1"))):
        for target, bar in zip(("iOS17", "iOS18"), bars, strict=True):
            path = folder / f"mid_{target}_{precision}.mlpackage"
            convert(module, given, target, precision, path)
            for fuse in (True, False):
                program = mil.load(path, fuse=fuse)
                name = f"{target} {precision.lower()}{'' if fuse else ', literal (fuse=False)'}"
                measured = ratio(lambda program=program: program.predict(arrays), eager, pairs)  # type: ignore[misc]
                rows.append(BenchRow(f"{name}: time to eager", measured, "×", f"≤ {bar}" if fuse else ""))
                rows.append(
                    BenchRow(f"{name}: to eager", psnr(program.predict(arrays)["noise_pred"], wanted), "dB", "")
                )
    rows += _onnx(module, given, eager, folder, pairs)
    return rows


def _onnx(
    module: torch.nn.Module, given: tuple[torch.Tensor, ...], eager: Callable[[], Any], folder: Path, pairs: int
) -> list[BenchRow]:
    """ONNX Runtime on the same module, where it is installed."""
    try:
        import onnx  # type: ignore[import-not-found, unused-ignore]  # noqa: F401
        import onnxruntime  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError:
        click.echo("onnx or onnxruntime is not installed: not compared", err=True)
        return []
    path = folder / "mid.onnx"
    if not path.exists():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tracing exporter says that it is one
            torch.onnx.export(module, given, str(path), input_names=list(INPUTS), dynamo=False, opset_version=17)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    arrays = {name: tensor.numpy() for name, tensor in zip(INPUTS, given, strict=True)}
    return [
        BenchRow("ONNX Runtime, fp32: time to eager", ratio(lambda: session.run(None, arrays), eager, pairs), "×", "")
    ]


def lean(folder: Path) -> list[BenchRow]:
    """Loading and peak memory of a full-size U-Net: every figure from a process of its own."""
    path = folder / "full_iOS17_FLOAT16.mlpackage"
    if not path.exists():
        convert(unet("full"), inputs("full", 2), "iOS17", "FLOAT16", path)
    loaded, stepped, eager = (_alone(folder, what) for what in ("load", "program", "eager"))
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return [
        BenchRow("full-size package on disk", size / 1e9, "GB", ""),
        BenchRow("load it", loaded["seconds"], "s", "≤ 0.1"),
        BenchRow("resident after loading", loaded["resident_bytes"] / 1e9, "GB", "< 0.4"),
        BenchRow("eager, one step, batch 2: peak resident", eager["peak_bytes"] / 1e9, "GB", ""),
        BenchRow("program, one step, batch 2: peak resident", stepped["peak_bytes"] / 1e9, "GB", ""),
        BenchRow("peak resident to eager's", stepped["peak_bytes"] / eager["peak_bytes"], "×", "≤ 1.2"),
        BenchRow("program, second step: time to eager's", stepped["seconds"] / eager["seconds"], "×", ""),
    ]


def _alone(folder: Path, what: str) -> dict[str, float]:
    command = [sys.executable, "-m", "sdqa.mil.bench", "--folder", str(folder), "--alone", what]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    measured: dict[str, float] = json.loads(result.stdout)
    return measured


def alone(folder: Path, what: str) -> dict[str, float]:
    """Measure one thing in this process: "load", "program" or "eager", on the full-size U-Net."""
    from sdqa import mil

    path, given = folder / "full_iOS17_FLOAT16.mlpackage", inputs("full", 2)
    if what == "eager":
        module = unet("full")

        def run() -> Any:
            with torch.inference_mode():
                return module(*given)
    else:
        mil.load(folder / "mid_iOS17_FLOAT16.mlpackage")  # imports and first uses are not what is measured
        if what == "load":
            took = statistics.median(seconds(lambda: mil.load(path)) for _ in range(5))
            kept = mil.load(path)
            resident = _resident()
            return {"seconds": took, "resident_bytes": resident, "operations": len(kept.operations)}
        program = mil.load(path)
        arrays = {name: tensor.numpy() for name, tensor in zip(INPUTS, given, strict=True)}

        def run() -> Any:
            return program.predict(arrays)

    run()
    took = seconds(run)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"seconds": took, "peak_bytes": float(peak)}


def _resident() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss)


@click.command()
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), help="Where packages are kept between runs."
)
@click.option("--pairs", default=7, show_default=True, help="Alternating pairs for each ratio.")
@click.option("--full", is_flag=True, help="Also load and run a full-size U-Net (converts 860 M parameters: 8 GB).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--alone", "alone_what", type=click.Choice(["load", "program", "eager"]), hidden=True)
def main(folder: Path | None, pairs: int, full: bool, as_json: bool, alone_what: str | None) -> None:
    """Measure the runtime against torch eager and print a table."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        place = folder or Path(temporary)
        place.mkdir(parents=True, exist_ok=True)
        if alone_what is not None:
            click.echo(json.dumps(alone(place, alone_what)))
            return
        rows = speed(place, pairs) + decoder(place, pairs)
        if full:
            rows += lean(place)
    machine = f"{platform.machine()} {platform.system()}, {os.cpu_count()} cores, torch {torch.__version__}"
    if as_json:
        click.echo(json.dumps({"machine": machine, "rows": [asdict(row) for row in rows]}, indent=2))
        return
    click.echo(f"{machine}; 1 thread, medians of {pairs} alternating pairs\n")
    click.echo("| what | measured | bar |\n|---|---|---|")
    for row in rows:
        click.echo(f"| {row.what} | {row.value:.3g} {row.unit} | {row.bar} |")


if __name__ == "__main__":
    main()
