"""What the instruments found, and the causes that follow from it, each with its evidence in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sdqa.bundle.diagnosis import (
    Attribution,
    Cause,
    ComponentCoverage,
    GlueFinding,
    Ladder,
    OperationFinding,
    Operations,
    Stage,
    Sweep,
    WeightFinding,
)
from sdqa.diagnose.evidence import GLUE, Evidence
from sdqa.diagnose.loss import NORMAL_LOSS
from sdqa.diagnose.packaging import CONVERT_AGAIN, packaging_causes
from sdqa.diagnose.suspects import Suspect
from sdqa.runtime.asset import is_asset

MINOR = 0.2
"""What the teacher would still change with more steps, as a share of the loss, below which steps are not the cause."""
METRIC_WORDS = {"lpips": "LPIPS", "rms": "RMS image", "latents": "latent", "clip": "CLIP score"}
NEXT: Mapping[Stage, tuple[str, ...]] = {
    "packaging": (CONVERT_AGAIN,),
    "conversion": (
        "convert the component again from the checkpoint and compare the packages (`python -m sdqa.mil diff`)",
        "keep the named module out of the converter's rewriting passes, or rewrite it in the wrapper",
    ),
    "precision": ('keep the named module in fp32 (`precision = "mixed"`, `keep_float32`) and measure again',),
    "quantisation": (
        "use more bits or a finer granularity for the named weights (grouped channels, per-block scales)",
        "leave the most sensitive weights uncompressed (mixed-bit recipe)",
    ),
    "runtime": (
        "run the same package on another compute unit and another OS release",
        "report it with the recorded inputs: the package itself is right",
    ),
    "glue": ("set the named value to the model's own (its scheduler and VAE configuration)",),
    "steps": ("raise the number of steps until the teacher converges; the conversion is not at fault",),
}

NEXT_OF_ASSETS: Mapping[Stage, tuple[str, ...]] = {
    **NEXT,
    "conversion": ("convert the component again from the checkpoint with the converter of your lane, and gate that",),
    "precision": ('convert the component in fp32 (`precision = "float32"`) and measure again',),
}
"""The same of an `.aimodel`, whose precision is one for all of it."""

NEXT_OF_PATTERN: Mapping[str, str] = {
    "adapter": "fuse the adapter into the weights before converting (`fuse_lora`), or take it out of the teacher",
    "checkpoint": "convert the teacher's own checkpoint: the package was made from another one",
    "range": "give the package pictures in the range that it takes, or convert it for [−1, 1]",
    "scaling": "leave the scaling factor to the application, or take it out of the application's glue",
}


@dataclass(frozen=True)
class Findings:
    """What the instruments found."""

    evidence: Evidence
    attributions: tuple[Attribution, ...]
    ladders: tuple[Ladder, ...]
    suspects: Sequence[Suspect]
    coverage: Sequence[ComponentCoverage] = ()
    operations: Mapping[str, Operations] = field(default_factory=dict)
    glue: Sequence[GlueFinding] = ()
    guesses: Sequence[GlueFinding] = ()
    sweep: Sweep | None = None


def causes(findings: Findings) -> tuple[Cause, ...]:
    """The culprits, in the order of what they explain."""
    found: list[Cause] = []
    for suspect in findings.suspects:
        found += _glue_causes(suspect, findings) if suspect.component == GLUE else [_cause(suspect, findings)]
    found += packaging_causes(findings.evidence.breaches, findings.evidence.failed)
    if not any(cause.stage == "glue" for cause in found):
        found += [
            Cause(
                component=GLUE,
                stage="glue",
                operation=guess.field,
                explains=1 - guess.left,
                interval=(1 - guess.left, 1 - guess.left),
                evidence=(
                    guess.words,
                    f"this setting leaves {100 * guess.left:.0f} % of the difference between what the candidate drew "
                    "and what its components draw unexplained",
                ),
                next=NEXT["glue"],
            )
            for guess in findings.guesses[:1]
        ]
    sweep = findings.sweep
    if not found and sweep is not None and not clears_steps(sweep, findings.attributions[0].total):
        found.append(
            Cause(
                component="scheduler",
                stage="steps",
                explains=1.0,
                interval=(1.0, 1.0),
                evidence=(
                    f"the teacher's own picture at {sweep.used} steps is {sweep.teacher_error_at_used:.3g} "
                    f"({METRIC_WORDS[sweep.metric]}) away from its picture at {sweep.teacher[-1].steps}",
                ),
                next=NEXT["steps"],
            )
        )
    return tuple(found)


def clears_steps(sweep: Sweep, total: float) -> bool:
    """Whether the number of steps is not what makes a loss: the teacher would change little with more of them.

    Args:
        total: the loss that is to be explained.
    """
    return sweep.converged or sweep.teacher_error_at_used < MINOR * total


def _cause(suspect: Suspect, findings: Findings) -> Cause:
    whole = next((one for one in findings.coverage if one.component == suspect.component and one.pattern), None)
    if whole is not None and suspect.stage in ("conversion", "quantisation"):
        return _common_cause(suspect, whole, findings)
    inside = findings.operations.get(suspect.component)
    named: OperationFinding | None = None
    weight: WeightFinding | None = None
    words: list[str] = []
    if inside is not None and suspect.stage in ("conversion", "precision", "quantisation"):
        name = inside.culprit
        named = inside.find(name)
        weight = next((one for one in inside.weights if one.operation == name), None)
        words += _operation_words(name, named, inside)
        if weight is not None:
            words.append(f"weight {weight.name}: {weight.evidence}")
    words += _rung_words(suspect, findings)
    for one in findings.coverage:
        if one.component == suspect.component and suspect.stage == "conversion":
            words += [f"missing from the package: {_listed(one.missing)}"] if one.missing else []
            words += [f"in no checkpoint: {_listed(one.invented)}"] if one.invented else []
            count = f"{len(one.changed)} of {one.parameters} parameters"
            words += [f"changed: {count}: {_listed(one.changed)}"] if len(one.changed) > 1 else []
    if suspect.stage == "quantisation" and findings.sweep is not None and findings.sweep.compounds:
        words.append(f"its error compounds: {findings.sweep.growth:.1f} times from the fewest to the most steps")
    return Cause(
        component=suspect.component,
        stage=suspect.stage,
        operation=inside.culprit if inside is not None and suspect.stage != "runtime" else "",
        operation_type=named.type if named else "",
        module=named.module if named else "",
        weight=weight.name if weight else "",
        explains=suspect.share,
        interval=suspect.interval,
        evidence=tuple(words),
        next=_next(suspect, findings.evidence),
    )


def _next(suspect: Suspect, evidence: Evidence) -> tuple[str, ...]:
    package = evidence.packages.get(suspect.component)
    return (NEXT_OF_ASSETS if package is not None and is_asset(package) else NEXT)[suspect.stage]


def _common_cause(suspect: Suspect, whole: ComponentCoverage, findings: Findings) -> Cause:
    """Of many weights that differ in the same way: no operation is to blame."""
    return Cause(
        component=suspect.component,
        stage="conversion",
        explains=suspect.share,
        interval=suspect.interval,
        evidence=(whole.words, *_rung_words(suspect, findings)),
        next=(NEXT_OF_PATTERN[whole.pattern],),
    )


def _operation_words(name: str, named: OperationFinding | None, inside: Operations) -> list[str]:
    if not name:
        return [f"its operations were not looked into: {inside.failure}"] if inside.failure else []
    if name in inside.removed:
        return [f"the operation {name} is missing from the package"]
    words = []
    if name in inside.inserted:
        words.append(f"the operation {name} is not in a sound conversion")
    if named is not None:
        words += list(named.findings)
        if inside.reference == "package" and name not in inside.inserted:
            rest = _typical(inside)
            level = "everything" if math.isnan(named.added_db) else f"{named.added_db:.0f} dB"
            words.append(
                f"given the right inputs, {named.type} {name} adds {level}; the median operation adds {rest:.0f} dB"
            )
    return words


def _typical(inside: Operations) -> float:
    levels = sorted(one.added_db for one in inside.operations if not math.isnan(one.added_db))
    return levels[len(levels) // 2] if levels else math.nan


def _rung_words(suspect: Suspect, findings: Findings) -> list[str]:
    rung = suspect.rung
    if rung is None:
        return []
    if rung.nonfinite:
        words = [f"{rung.nonfinite} of {rung.calls} calls are not finite at the rung '{rung.name}'"]
        first = next((one.timestep for one in rung.per_timestep if math.isnan(one.psnr_db)), None)
        return [*words, f"first at timestep {first:.0f}"] if first is not None else words
    worst = f", {rung.worst_db:.0f} dB at worst" if rung.worst_db < rung.psnr_db - 3 else ""
    rungs = next(one.rungs for one in findings.ladders if one.component == suspect.component)
    before = [one for one in rungs if rungs.index(one) < rungs.index(rung)]
    fall = f", down from {before[-1].psnr_db:.0f} dB" if before and not math.isnan(before[-1].psnr_db) else ""
    return [f"{rung.name}: {rung.psnr_db:.0f} dB against the teacher on its own inputs{worst}{fall}"]


def _glue_causes(suspect: Suspect, findings: Findings) -> list[Cause]:
    known = [one for one in findings.glue if one.loss > 0.1 * NORMAL_LOSS[one.metric]] or list(findings.glue)
    total = sum(one.loss for one in known) or 1.0
    return [
        Cause(
            component=GLUE,
            stage="glue",
            operation=one.field,
            explains=suspect.share * one.loss / total,
            interval=(suspect.interval[0] * one.loss / total, suspect.interval[1] * one.loss / total),
            evidence=(one.words,),
            next=NEXT["glue"],
        )
        for one in known
    ]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
