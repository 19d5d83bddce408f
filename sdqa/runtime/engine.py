"""What is known of the Neural Engine's own error, and the proof that it ran at all."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sdqa.runtime.protocol import Arrays, Runner
from sdqa.runtime.registry import CPU_ONLY

ENGINE_DB = 30.0
"""dB (PSNR) that a healthy component keeps on a device whose arithmetic is not the reference's, whatever runs it. The
U-Net of Stable Diffusion 1.5 keeps about 34 to 36 dB on an M2 Pro's Neural Engine against torch (CPU_AND_NE: cosine
0.9969, mean squared error 5.65e-3; aszc-dev/coreml-diffusion-benchmarks, results.jsonl), where the GPU keeps some 40 dB
more (6.1e-7)."""
ENGINE_UNITS = frozenset({"CPU_AND_NE", "ALL"})
"""Compute units that let Core ML use the engine."""


@dataclass(frozen=True)
class EngineProof:
    """Whether something other than the CPU computed a component: a compute plan promises it, the bits show it."""

    ran: bool
    words: str


def prove(
    make: Callable[[str], Runner], inputs: Arrays, compute_unit: str, platform: str = sys.platform
) -> EngineProof:
    """Run a component on its compute unit and on the CPU alone, and compare the outputs' bits.

    The engine rounds otherwise than the CPU does, so equal bits mean that it did not run. Other bits mean that it did,
    with `CPU_AND_NE`; with `ALL` it may have been the GPU.

    Args:
        make: a runner by compute unit.

    Raises:
        SdqaError: the component cannot be loaded or run on either.
    """
    here, alone = make(compute_unit).run(inputs), make(CPU_ONLY).run(inputs)
    equal = here.keys() == alone.keys() and all(_same_bits(here[name], alone[name]) for name in here)
    label = "" if platform == "darwin" else "; not executed on hardware: this is no Mac"
    if equal:
        return EngineProof(False, f"the engine did not run: the bits equal those of a {CPU_ONLY} load{label}")
    what = "the engine" if compute_unit == "CPU_AND_NE" else "the engine or the GPU"
    return EngineProof(True, f"{what} ran: the bits differ from those of a {CPU_ONLY} load{label}")


def _same_bits(
    one: np.ndarray[tuple[int, ...], np.dtype[np.generic]], other: np.ndarray[tuple[int, ...], np.dtype[np.generic]]
) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
