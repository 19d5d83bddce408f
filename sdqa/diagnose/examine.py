"""The whole diagnosis: every instrument once, the deep ones only where they are needed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sdqa.bundle.diagnosis import Diagnosis, GlueFinding, Operations
from sdqa.diagnose import verdict as words
from sdqa.diagnose.causes import Findings, causes
from sdqa.diagnose.coverage import coverage
from sdqa.diagnose.evidence import Evidence
from sdqa.diagnose.glue import glue_fields, guess, unexplained
from sdqa.diagnose.harness import Harness
from sdqa.diagnose.ladder import ladder
from sdqa.diagnose.loss import NORMAL_LOSS
from sdqa.diagnose.operations import operations
from sdqa.diagnose.steps import steps
from sdqa.diagnose.suspects import Suspect, suspects
from sdqa.diagnose.swap import swap
from sdqa.errors import DiagnosisError

INSIDE = ("conversion", "precision", "quantisation")
"""Stages that lie inside a package, so that an operation is to blame."""

Progress = Callable[[str], None]


def diagnose(evidence: Evidence, *, progress: Progress | None = None, sweep: bool = True) -> Diagnosis:
    """Find out what broke the candidate.

    Args:
        progress: is told what is being done.
        sweep: whether to vary the number of steps too; without it, "too few steps" is neither named nor excluded.

    Raises:
        DiagnosisError: there is nothing to diagnose.
    """
    if not evidence.components and not evidence.glue_differences:
        raise DiagnosisError(
            "the candidate has no component of its own", hint="name at least one package, or settings that differ"
        )
    harness = Harness(evidence)
    seconds: dict[str, float] = {}
    with _timed(seconds, "coverage"):
        covered = tuple(coverage(harness, component) for component in evidence.components)
    with _timed(seconds, "ladder"):
        ladders = tuple(ladder(harness, component, progress=progress) for component in evidence.components)
    with _timed(seconds, "swap"):
        attributions = swap(harness, progress=progress)
    suspected = suspects(attributions, ladders)
    with _timed(seconds, "glue"):
        fields = glue_fields(harness) if evidence.glue_differences else ()
        guesses: tuple[GlueFinding, ...] = ()
        if unexplained(harness) > NORMAL_LOSS["rms"]:
            guesses = guess(harness, progress=progress)
    with _timed(seconds, "operations"):
        inside = _inside(harness, suspected, progress)
    swept = None
    if sweep:
        with _timed(seconds, "steps"):
            swept = steps(harness, progress=progress)
    findings = Findings(
        evidence=evidence,
        attributions=attributions,
        ladders=ladders,
        suspects=suspected,
        coverage=covered,
        operations=inside,
        glue=fields,
        guesses=guesses,
        sweep=swept,
    )
    found = causes(findings)
    cleared = words.excluded(findings, found)
    first = next(iter(inside.values()), None)
    return Diagnosis(
        verdict=words.write(findings, found, cleared),
        sound=not evidence.failed and all(cause.stage == "steps" for cause in found),
        confidence=words.confidence(findings, found),
        lane=evidence.lane,
        causes=found,
        excluded=cleared,
        coverage=covered,
        ladder=ladders,
        swap=attributions[0].shares,
        swap_metric=attributions[0].metric,
        attributions=attributions,
        steps={"teacher": swept.teacher, "candidate": swept.candidate} if swept else {},
        steps_metric=swept.metric if swept else "",
        sweep=swept,
        operations=first.operations if first else (),
        operations_component=first.component if first else "",
        weights=tuple(weight for one in inside.values() for weight in one.weights),
        glue=fields or guesses,
        seconds=seconds,
    )


def _inside(harness: Harness, suspected: list[Suspect], progress: Progress | None) -> dict[str, Operations]:
    found: dict[str, Operations] = {}
    for suspect in suspected:
        if suspect.stage in INSIDE and suspect.component not in found:
            found[suspect.component] = operations(harness, suspect.component, progress=progress)
    return found


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[name] = round(time.perf_counter() - start, 3)
