"""The verdict in plain words: causes with their evidence, what was not the cause and why, and what to do next."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sdqa.diagnose.alignment import plain
from sdqa.diagnose.evidence import GLUE, Evidence
from sdqa.diagnose.loss import VISIBLE
from sdqa.diagnose.records import (
    Attribution,
    Cause,
    Coverage,
    Excluded,
    GlueFinding,
    Ladder,
    OperationFinding,
    Operations,
    Stage,
    Sweep,
    WeightFinding,
)
from sdqa.diagnose.suspects import Suspect, fraction, visible_loss

OVERLAP = 0.5
"""An interaction of this share of the loss makes two causes inseparable: either alone would do most of the damage."""
MINOR = 0.2
"""What the teacher would still change with more steps, as a share of the loss, below which steps are not the cause."""
METRIC_WORDS = {"lpips": "LPIPS", "rms": "RMS image", "latents": "latent", "clip": "CLIP score"}
NEXT: Mapping[Stage, tuple[str, ...]] = {
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


@dataclass(frozen=True)
class Findings:
    """What the instruments found."""

    evidence: Evidence
    attributions: tuple[Attribution, ...]
    ladders: tuple[Ladder, ...]
    suspects: Sequence[Suspect]
    coverage: Sequence[Coverage] = ()
    operations: Mapping[str, Operations] = field(default_factory=dict)
    glue: Sequence[GlueFinding] = ()
    guesses: Sequence[GlueFinding] = ()
    sweep: Sweep | None = None


def causes(findings: Findings) -> tuple[Cause, ...]:
    """The culprits, in the order of what they explain."""
    found: list[Cause] = []
    for suspect in findings.suspects:
        found += _glue_causes(suspect, findings) if suspect.component == GLUE else [_cause(suspect, findings)]
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
    if not found and sweep is not None and not sweep.converged:
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


def _cause(suspect: Suspect, findings: Findings) -> Cause:
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
        next=NEXT[suspect.stage],
    )


def _operation_words(name: str, named: OperationFinding | None, inside: Operations) -> list[str]:
    if not name:
        return []
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
    known = [one for one in findings.glue if one.loss > 0.1 * VISIBLE[one.metric]] or list(findings.glue)
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


def excluded(findings: Findings, found: Sequence[Cause]) -> tuple[Excluded, ...]:
    """The suspects that the evidence clears."""
    guilty = {(cause.component, cause.stage) for cause in found}
    out: list[Excluded] = []
    sweep = findings.sweep
    seen = visible_loss(findings.attributions)
    total = findings.attributions[0].total
    if sweep is not None and (sweep.converged or sweep.teacher_error_at_used < MINOR * total):
        state = "has converged" if sweep.converged else "changes little"
        distance = f"{sweep.teacher_error_at_used:.2g} {METRIC_WORDS[sweep.metric]}"
        why = f"the teacher {state} beyond {sweep.used}: {distance} to its picture at {sweep.teacher[-1].steps}"
        out.append(Excluded(suspect="number of steps", why=why))
    stages: tuple[tuple[Stage, str], ...] = (
        ("conversion", "conversion"),
        ("precision", "fp16 precision"),
        ("quantisation", "quantisation"),
        ("runtime", "the runtime"),
    )
    for stage, words in stages:
        rungs = [(one, rung) for one in findings.ladders for rung in one.rungs if rung.stage == stage]
        if not rungs or any(guilt[1] == stage for guilt in guilty):
            continue
        share = sum(
            max(0.0, fraction(findings.attributions, one.component)[0]) * rung.added_share for one, rung in rungs
        )
        worst = min(rung.added_db for _, rung in rungs)
        part = f"{_percent(share)} of the loss, " if seen else ""
        out.append(Excluded(suspect=words, why=f"{part}adds {worst:.0f} dB at worst"))
    for one in findings.ladders:
        if not any(guilt[0] == one.component for guilt in guilty):
            share = fraction(findings.attributions, one.component)[0]
            part = f"{_percent(share)} of the loss, " if seen else ""
            out.append(Excluded(suspect=one.component, why=f"{part}{one.rungs[-1].psnr_db:.0f} dB against the teacher"))
    complete = [one.component for one in findings.coverage if not one.missing and not one.invented]
    if findings.coverage and len(complete) == len(findings.coverage):
        count = sum(one.parameters for one in findings.coverage)
        out.append(Excluded(suspect="missing weights", why=f"all {count} parameters are in the packages"))
    if not findings.evidence.glue_differences and not any(cause.stage == "glue" for cause in found):
        out.append(Excluded(suspect="settings between components", why="the same as the teacher's"))
    return tuple(out)


def confidence(findings: Findings, found: Sequence[Cause]) -> str:
    """How sure, in words."""
    cases = len(findings.evidence.cases)
    count = f"{cases} case{'s' if cases != 1 else ''}"
    primary = findings.attributions[0]
    if not found:
        margin = VISIBLE[primary.metric] / max(primary.total, 1e-12)
        return f"over {count}, the loss is {margin:.1f} times smaller than what would be visible"
    if cases == 1:
        return "one case only: the interval over cases cannot be told"
    return f"95 % interval over {count}"


def inseparable(findings: Findings, found: Sequence[Cause]) -> str:
    """Why the evidence does not separate two causes, or nothing; empty when it does."""
    primary = findings.attributions[0]
    named = {cause.component for cause in found if cause.explains > 0}
    for pair in primary.interactions:
        if set(pair.players) <= named and abs(pair.value) > OVERLAP * abs(primary.total):
            first, second = pair.players
            return (
                f"The evidence does not separate {first} from {second}: each alone makes most of the loss "
                f"({primary.mixtures[first]:.3g} and {primary.mixtures[second]:.3g} of {primary.total:.3g}), "
                "so the shares say little; repair one and measure again."
            )
    if visible_loss(findings.attributions) and not found:
        return (
            "The loss is visible, yet no component, stage or setting stands out: "
            "add cases, or references for the ladder, and run the diagnosis again."
        )
    wide = [cause for cause in found[:2] if cause.interval[1] - cause.interval[0] > 0.6]
    if len(found) > 1 and len(wide) == 2:
        return f"The intervals of {found[0].component} and {found[1].component} overlap widely: add cases."
    return ""


def write(findings: Findings, found: Sequence[Cause], cleared: Sequence[Excluded]) -> str:
    """The verdict, line by line."""
    primary = findings.attributions[0]
    metric = METRIC_WORDS[primary.metric]
    loss = f"{metric} loss {primary.total:.2g}, visible from {VISIBLE[primary.metric]:.2g}"
    lines: list[str] = []
    seen = visible_loss(findings.attributions)
    own = [cause for cause in found if cause.stage != "steps"]
    if not own and not seen:
        lines.append(f"The candidate is sound: {loss}.")
        lines.append(f"How sure: {confidence(findings, own)}.")
    elif not seen and not findings.guesses:
        lines.append(f"No visible loss ({loss}), yet not everything is right.")
    for cause in found:
        stage = "" if cause.stage == cause.component else cause.stage
        place = ", ".join(part for part in (cause.component, stage, _place(cause)) if part)
        lines.append(f"Cause: {place}")
        if seen:
            low, high = cause.interval
            lines.append(
                f"  Explains {_percent(cause.explains)} ({_percent(low)} to {_percent(high)}) of the {metric} loss."
            )
        lines += [f"  {_sentence(text)}" for text in cause.evidence]
    doubt = inseparable(findings, found)
    if doubt:
        lines.append(doubt)
    if cleared and found:
        lines.append("Not the cause: " + "; ".join(f"{one.suspect} ({one.why})" for one in cleared) + ".")
    elif cleared:
        lines.append("Looked at: " + "; ".join(f"{one.suspect} ({one.why})" for one in cleared) + ".")
    if found:
        lines.append("Next: " + found[0].next[0] + ".")
    sweep = findings.sweep
    cleared_steps = any(one.suspect == "number of steps" for one in cleared)
    if found and sweep is not None and not cleared_steps and found[0].stage != "steps":
        lines.append(f"Besides: the teacher has not converged at {sweep.used} steps; more steps would change both.")
    return "\n".join(lines)


def _place(cause: Cause) -> str:
    if not cause.operation:
        return ""
    module = f" ({cause.module})" if cause.module else ""
    kind = f"{cause.operation_type} " if cause.operation_type else ""
    return f'{kind}"{plain(cause.operation)}"{module}'


def _percent(share: float) -> str:
    return f"{round(100 * share) + 0:.0f} %"  # never "-0 %"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
