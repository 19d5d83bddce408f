"""A realistic diagnosis and a realistic sensitivity table."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from sdqa.bundle.diagnosis import (
    Attribution,
    Cause,
    Diagnosis,
    Excluded,
    GlueFinding,
    Ladder,
    LossShare,
    OperationFinding,
    Rung,
    StepError,
    StepPoint,
    WeightFinding,
)
from sdqa.bundle.sensitivity import ControlTrial, Figures, NamedCause, Sensitivity, Share, Spread, Trial

RUNGS = (
    ("wrapper fp32", "conversion", math.inf, 0.0, 1.0, 0.0, math.inf),
    ("program fp32", "conversion", 24.1, 24.1, 0.91, 0.7, 12.0),
    ("program fp16", "precision", 24.0, 71.0, 0.91, 0.7, 12.0),
    ("compressed", "quantisation", math.nan, math.nan, math.nan, math.nan, math.nan),
)


def rung(name: str, stage: Any, psnr: float, added: float, cosine: float, largest: float, tile: float) -> Rung:
    """One rung of a ladder; over the timesteps where it is the program in fp32."""
    over = tuple(StepError(timestep=t, psnr_db=20 + t) for t in range(20)) if name == "program fp32" else ()
    return Rung(
        name=name, stage=stage, psnr_db=psnr, worst_db=psnr, added_db=added, added_share=0.5, cosine=cosine,
        max_abs=largest, tile_min_db=tile, per_timestep=over,
    )  # fmt: skip


def share(value: float, low: float, high: float) -> LossShare:
    """A part of the loss with its interval."""
    return LossShare(value=value, low=low, high=high)


def curve(error: Callable[[int], float]) -> tuple[StepPoint, ...]:
    """Error over the number of steps."""
    return tuple(StepPoint(steps=n, error=error(n)) for n in (5, 10, 20, 30, 50))


def operation(i: int) -> OperationFinding:
    """The 24th operation is broken; error arrives at all that come after it."""
    broken = i == 24
    return OperationFinding(
        component="vae_decoder",
        name="up_0_upsample" if broken else f"op_{i}",
        type="conv" if i % 3 else "conv_transpose",
        module=f"decoder.layer.{i}",
        added_db=18.0 if broken else 80.0 + (i * 7) % 11,
        carried_db=78.0 - i / 2 if i < 24 else 20.0 - i / 20,
        findings=("kernel transposed",) if broken else (),
    )


DIAGNOSIS = Diagnosis(
    verdict='Cause: vae_decoder, conversion, conv_transpose "up_0_upsample".\nExplains 96 % of the LPIPS loss.',
    confidence="97 %",
    lane="tiny/palette2/reference/cpu",
    causes=(
        Cause(
            component="vae_decoder", stage="conversion", operation="up_0_upsample",
            module="decoder.up_blocks.0.upsamplers.0.conv", explains=0.96, interval=(0.93, 0.98),
            evidence=("kernel transposed: cosine 0.02, transposed 1.00",), next=("declare the kernel's layout",),
        ),
    ),
    excluded=(Excluded(suspect="number of steps", why="the teacher converged at 20: +0.2 %"),),
    ladder=(
        Ladder(component="vae_decoder", rungs=tuple(rung(*one) for one in RUNGS)),
        Ladder(component="unet", rungs=(rung("program fp16", "precision", 71.5, 71.5, 0.99999, 0.01, 60.0),)),
    ),
    swap={
        "text_encoder": share(0.0004, -0.0002, 0.001),
        "vae_encoder": share(0.0011, 0.0002, 0.002),
        "unet": share(0.004, 0.002, 0.006),
        "vae_decoder": share(0.131, 0.121, 0.142),
    },
    swap_metric="LPIPS to the golden",
    attributions=(
        Attribution(metric="latent_psnr", total=0.13, shares={"vae_decoder": share(0.12, 0.1, 0.13)}, fractions={}),
    ),
    weights=(
        WeightFinding(
            component="vae_decoder", name="up_0_weight", operation="up_0_upsample",
            parameter="decoder.up_blocks.0.upsamplers.0.conv.weight", verdict="kernel transposed", relative_error=1.4,
            cosine=0.02,
        ),
    ),
    glue=(
        GlueFinding(
            field="scheduler.timestep_spacing", expected="leading", found="trailing", loss=0.0, metric="lpips",
            words="no effect",
        ),
    ),
    steps={"teacher": curve(lambda n: 0.4 / n), "candidate": curve(lambda n: 0.4 / n + 0.13 + n / 800)},
    operations_component="vae_decoder",
    operations=tuple(operation(i) for i in range(60)),
)  # fmt: skip

NOBODY = Share(count=0, total=0)
SENSITIVITY = Sensitivity(
    lane="tiny/fp16",
    kind="quick",
    date="2026-01-02",
    cases=("portrait-hat",),
    spread=Spread(),
    trials=(
        Trial(
            fault="unet-2bit", severity="severe", component="unet", stage="quantisation", visible=True,
            visibility="LPIPS", summary="weights in four levels", lpips=0.31, caught=True, exit_code=1,
            failing=("portrait-hat/lpips", "all/lpips", "all/psnr"),
            blame=NamedCause(component="unet", stage="quantisation", component_right=True, stage_right=True),
        ),
        Trial(
            fault="nan", severity="severe", component="unet", stage="runtime", visible=True, visibility="not finite",
            lpips=math.nan, caught=True, exit_code=1, failing=("all/finite",), errors=("SDQA-410",),
            blame=NamedCause(component="vae_decoder", stage="runtime", component_right=False, stage_right=True),
        ),
        Trial(
            fault="scaling-factor", severity="mild", component="glue", stage="glue", visible=True, visibility="LPIPS",
            caught=False, exit_code=0,
        ),
        Trial(
            fault="timestep-rounding", severity="mild", component="unet", stage="glue", visible=False, caught=False,
            visibility="LPIPS within the teacher's own spread", exit_code=0,
        ),
    ),
    quiet=(
        *(
            ControlTrial(change="resave-package", seed=seed, component="unet", alarm=False, exit_code=0)
            for seed in range(5)
        ),
        *(
            ControlTrial(
                change="threads-1", seed=seed, component="unet", alarm=seed == 3, exit_code=int(seed == 3),
                failing=("all/ssim",) if seed == 3 else (),
            )
            for seed in range(5)
        ),
    ),
    figures=Figures(
        visible_caught=Share(count=2, total=3), below_visibility_caught=Share(count=0, total=1),
        false_alarms=Share(count=1, total=10), component_right=Share(count=1, total=2),
        stage_right=Share(count=2, total=2), operation_right=NOBODY, both_named=NOBODY,
    ),
    smallest_caught={"unet-2bit": "severe", "nan": "severe", "scaling-factor": None},
)  # fmt: skip
