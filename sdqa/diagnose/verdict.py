"""The verdict in plain words: the causes, what was not the cause and why, how sure, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from sdqa.bundle.diagnosis import ALL, Cause, Excluded, Stage
from sdqa.diagnose.alignment import plain
from sdqa.diagnose.causes import METRIC_WORDS, Findings, clears_steps
from sdqa.diagnose.loss import NORMAL_LOSS
from sdqa.diagnose.suspects import abnormal_loss, fraction

OVERLAP = 0.5
"""An interaction of this share of the loss makes two causes inseparable: either alone would do most of the damage."""
STEPS_FIELDS = frozenset({"steps", "drop_timesteps"})
"""Settings between the components that are a number of steps themselves."""
LISTED_CHECKS = 3


def excluded(findings: Findings, found: Sequence[Cause]) -> tuple[Excluded, ...]:
    """The suspects that the evidence clears."""
    guilty = {(cause.component, cause.stage) for cause in found}
    out: list[Excluded] = []
    sweep = findings.sweep
    seen = abnormal_loss(findings.attributions)
    total = findings.attributions[0].total
    if sweep is not None and clears_steps(sweep, total) and not any(_about_steps(cause) for cause in found):
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
        margin = NORMAL_LOSS[primary.metric] / max(primary.total, 1e-12)
        return f"over {count}, the loss is {margin:.1f} times smaller than what is still normal"
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
    if abnormal_loss(findings.attributions) and not found:
        return (
            "The loss is abnormal, yet no component, stage or setting stands out: "
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
    loss = f"{metric} loss {primary.total:.2g}, normal up to {NORMAL_LOSS[primary.metric]:.2g}"
    lines: list[str] = []
    seen = abnormal_loss(findings.attributions)
    own = [cause for cause in found if cause.stage != "steps"]
    failed = findings.evidence.failed
    if not found and failed:
        blind = "no component, stage or setting stands out" if seen else "none of them sees anything"
        lines.append(f"The gate failed in {_listed(failed)}, and the instruments find no culprit: {blind} ({loss}).")
        lines.append(f"How sure: {confidence(findings, own)}.")
    elif not seen and failed:
        lines.append(f"The gate failed in {_listed(failed)}; the loss itself is normal ({loss}).")
    elif not own and not seen:
        lines.append(f"The candidate is sound: {loss}.")
        lines.append(f"How sure: {confidence(findings, own)}.")
    elif not seen and not findings.guesses:
        lines.append(f"No abnormal loss ({loss}), yet not everything is right.")
    for cause in found:
        stage = "" if cause.stage == cause.component else cause.stage
        place = ", ".join(part for part in (cause.component, stage, _place(cause)) if part)
        lines.append(f"Cause: {place}")
        if seen and cause.stage != "packaging":
            lines.append(f"  {_explains(cause, metric)}")
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
    said = any(one.suspect == "number of steps" for one in cleared) or any(_about_steps(cause) for cause in found)
    if found and sweep is not None and not said:
        lines.append(f"Besides: the teacher has not converged at {sweep.used} steps; more steps would change both.")
    return "\n".join(lines)


def _place(cause: Cause) -> str:
    if not cause.operation:
        return ""
    module = f" ({cause.module})" if cause.module else ""
    kind = f"{cause.operation_type} " if cause.operation_type else ""
    return f'{kind}"{plain(cause.operation)}"{module}'


def _about_steps(cause: Cause) -> bool:
    """Whether a cause is a number of steps: nothing else may then be said of it."""
    return cause.stage == "steps" or (cause.stage == "glue" and cause.operation in STEPS_FIELDS)


def _explains(cause: Cause, metric: str) -> str:
    if not cause.separable:
        low, high = cause.reach()
        return f"Cannot be separated: its share of the {metric} loss lies between {low} and {high}."
    share, low, high = (_at_most_all(one) for one in (cause.explains, *cause.interval))
    return f"Explains {share} ({low} to {high}) of the {metric} loss."


def _at_most_all(share: float) -> str:
    return "all" if share > ALL else _percent(share)


def _listed(checks: Sequence[str]) -> str:
    more = f" and {len(checks) - LISTED_CHECKS} more" if len(checks) > LISTED_CHECKS else ""
    return f"{', '.join(checks[:LISTED_CHECKS])}{more}"


def _percent(share: float) -> str:
    return f"{round(100 * share) + 0:.0f} %"  # never "-0 %"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
