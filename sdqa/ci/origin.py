"""A whole bundle against the plan of record: why it is no evidence of this commit, and what it says against itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sdqa.bundle import Failure, Provenance, Run
from sdqa.ci.attempts import CLOCKS, impossible, moment
from sdqa.ci.carried import CARRIED
from sdqa.ci.examined import MEND, unlike_checkout
from sdqa.ci.expected import Expected
from sdqa.ci.problem import NAMED, problem
from sdqa.ci.seen import Seen
from sdqa.errors import EXIT_PASS


def strange(name: str, run: Run, expected: Expected) -> list[str]:
    """Why a bundle is no evidence of this commit at all."""
    plan, origin = expected.plan, run.provenance
    found = []
    if run.fault is not None:
        found.append(f"a fault was planted: {run.fault}")
    for what, have, want in (
        ("version of sdqa", run.sdqa_version, plan.sdqa_version),
        ("suite", f"{run.suite} {run.suite_digest[:12]}", f"{plan.suite} {plan.suite_digest[:12]}"),
    ):
        if have != want:
            found.append(f"another {what}: {have[:60]} instead of {want[:60]}")
    if run.suite_digest != plan.suite_digest and not found:
        found.append("another suite")
    if origin is None:
        return [*found, "it does not say where it comes from"]
    if origin.commit != expected.commit:
        found.append(f"another commit: {origin.commit[:12] or 'unknown'} instead of {expected.commit[:12]}")
    if origin.modified:
        found.append("files of the commit were changed before it was made")
    if origin.judge_digest != plan.judge_digest:
        found.append("other limits or goldens than this checkout's")
    if why := impossible(run, expected.attempt):
        found.append(why)
    first = expected.committed if name != CARRIED else None  # what is carried was held against its own commit
    return [*found, *_of_dates(run, origin, first, expected.now)]


def _of_dates(run: Run, origin: Provenance, first: datetime | None, now: datetime) -> Iterator[str]:
    """Moments that cannot be: a run begins once there is its commit, is summed up and ends, and all of that has been.

    Args:
        first: when the commit was made; None where that says nothing.
    """
    try:
        told = [moment(text) for text in (origin.started, run.created, origin.ended)]
    except (ValueError, OverflowError) as error:
        yield f"its dates cannot be read: {str(error)[:60]}"
        return
    for earlier, later in zip(told, [*told[1:], now], strict=True):
        if earlier - later > CLOCKS:
            yield "its dates cannot be: it began, was summed up and ended at {}, {} and {}".format(*told)
            return
    if first is not None and first - told[0] > CLOCKS:
        yield f"it began before its commit was made: at {told[0]}, and the commit is of {first}"


def of_bundle(name: str, run: Run, expected: Expected, shown: Seen) -> list[Failure]:
    """What a bundle says against itself, besides its lanes' figures.

    Args:
        shown: what was seen of the pictures and latents that arrived.
    """
    origin = run.provenance
    assert origin is not None
    found = []
    if origin.narrowed:
        found.append(problem(name, f"narrowed: {'; '.join(origin.narrowed[:NAMED])}"))
    if origin.interrupted:
        found.append(problem(name, f"interrupted; it holds {lanes_of(run)}"))
    units = {unit.lane for unit in expected.plan.units}
    foreign = sorted(set(ran(run)) - units)
    if foreign:
        found.append(problem(name, f"lanes that nobody planned: {', '.join(foreign[:NAMED])}"))
    said = any(verdict.status in ("fail", "not measured") for verdict in run.verdicts)
    failed = any(lane.failures for lane in run.lanes)
    if run.exit_code != EXIT_PASS and not said and not failed:
        found.append(problem(name, f"it ended with exit code {run.exit_code}; it holds {lanes_of(run)}"))
    if run.status != "complete" and not failed:
        found.append(problem(name, f"it says that it is {run.status}, and not why; it holds {lanes_of(run)}"))
    found += [problem(name, f"{words}: {MEND}") for words in _of_lanes(name, run, expected, shown)]
    return found


def _of_lanes(name: str, run: Run, expected: Expected, shown: Seen) -> Iterator[str]:
    """What it put in, showed and ran on is not what its lanes say."""
    for lane in run.lanes:
        reference = expected.judge.references.get(lane.id)
        if lane.status == "skipped" or reference is None:
            continue
        if lane.carried and name != CARRIED:
            yield f"{lane.id}: it says that it was carried from {lane.carried[:12]}, and a job sent it"
        yield from unlike_checkout(lane, run, reference, shown)


def ran(run: Run) -> list[str]:
    """The lanes that a bundle has evidence of."""
    return [lane.id for lane in run.lanes if lane.status != "skipped"]


def lanes_of(run: Run) -> str:
    """The same in words."""
    return ", ".join(ran(run)) or "no lane"
