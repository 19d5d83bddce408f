"""The jobs that a plan is run by: shares of lanes for each kind of machine, and what each is expected to take."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sdqa.bundle.record import Record
from sdqa.ci.duration import Durations
from sdqa.errors import UsageError
from sdqa.plan import Plan, PlannedLane
from sdqa.plan.parts import MOST, ROLES, LanePart, role_of, share_out

OWN = "self-hosted"
"""The label of every machine of one's own."""
RUNNERS: dict[str, tuple[str, ...]] = {
    "any": ("ubuntu-24.04",),
    "mac": ("macos-15",),
    "mac-ane": (OWN, *ROLES["mac-ane"]),  # hosted Macs are virtual and have no Neural Engine
}
"""Where a service runs each kind of job, if nobody says otherwise."""
MAX_RUNNERS_TEXT = 10_000


class JobPart(Record):
    """Cases of a lane that a job runs."""

    lane: str
    cases: tuple[str, ...]


class PlannedJob(Record):
    """One job: `sdqa ci unit UNIT` on a machine with these labels."""

    unit: str  # its name, see `sdqa.plan.parts`
    role: str
    runner: tuple[str, ...]  # labels
    parts: tuple[JobPart, ...]
    unet_calls: int
    seconds: float | None = None  # expected, with nothing in the store and without installing; None where unknown


@dataclass(frozen=True)
class Sharing:
    """How a plan is shared out."""

    shards: int | None = None  # jobs for each kind of machine; None: as few as `minutes` allow
    minutes: float | None = None  # that a job may be expected to take
    runners: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: RUNNERS)
    durations: Durations = field(default_factory=Durations)
    carried: frozenset[str] = frozenset()  # lanes that nobody has to run


def jobs_of(plan: Plan, sharing: Sharing) -> tuple[PlannedJob, ...]:
    """Jobs for the lanes of a plan; a kind of machine that no lane needs, or that has no runner, gets none.

    Raises:
        UsageError: they are more than a service starts, or minutes are to be kept and nobody knows what lanes take.
    """
    found: list[PlannedJob] = []
    for role in ROLES:
        lanes = [lane for lane in plan.lanes if role_of(lane) == role and lane.id not in sharing.carried]
        runner = sharing.runners.get(role, ())
        if lanes and runner:
            shares = _shares(lanes, role, sharing)
            found += [
                PlannedJob(
                    unit=_unit(plan, lanes, role, number, len(shares)),
                    role=role,
                    runner=runner,
                    parts=tuple(JobPart(lane=part.lane, cases=part.cases) for part in share),
                    unet_calls=sum(part.unet_calls for part in share),
                    seconds=None if (took := sharing.durations.of(role, share)) is None else round(took, 1),
                )
                for number, share in enumerate(shares, start=1)
            ]
    if len(found) > MOST:
        raise UsageError(f"{len(found)} jobs are more than the {MOST} of one matrix", hint="use fewer --shards")
    return tuple(found)


def rented(runners: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The same without machines of one's own: on those a stranger's code would run beside everything that they hold."""
    return {role: () if OWN in labels else labels for role, labels in runners.items()}


def _unit(plan: Plan, lanes: Sequence[PlannedLane], role: str, number: int, count: int) -> str:
    """The name of a share; where lanes are carried, of the lane that is left, because a role would mean all."""
    of = role if len(lanes) == sum(role_of(lane) == role for lane in plan.lanes) else "+".join(one.id for one in lanes)
    return of if count == 1 else f"{of}:{number}/{count}"


def _shares(lanes: Sequence[PlannedLane], role: str, sharing: Sharing) -> tuple[tuple[LanePart, ...], ...]:
    """As many as are asked for, or the fewest of which each is expected to keep to the minutes.

    Every job pays its start, and every lane in it its conversion: twice the jobs are not half the minutes.
    """
    if sharing.minutes is None:
        return share_out(lanes, sharing.shards or 1)
    shares: tuple[tuple[LanePart, ...], ...] = ()
    least = float("inf")
    for count in range(1, MOST + 1):
        before, shares = shares, share_out(lanes, count)
        if len(shares) == len(before):
            break
        longest = max(_known_seconds(role, share, sharing.durations) for share in shares)
        if longest <= 60 * sharing.minutes:
            return shares
        least = min(least, longest)
    what = f"no number of jobs keeps {sharing.minutes:g} minutes: the shortest are expected to take {least / 60:.1f}"
    raise UsageError(
        f"{what}, {sharing.durations.start_s.get(role, 0.0):.0f} s of it the start of a job",
        hint=f"--minutes-per-job {least / 60 + 0.1:.1f}, or --shards N",
    )


def _known_seconds(role: str, share: Sequence[LanePart], durations: Durations) -> float:
    found = durations.of(role, share)
    if found is None:
        lane = next(part.lane for part in share if part.lane not in durations.lanes)
        hint = "give --shards, or --measured with the report of an earlier run"
        raise UsageError(f"nobody knows how long {lane} takes, so that minutes cannot be kept", hint=hint)
    return found


def parse_runners(text: str) -> dict[str, tuple[str, ...]]:
    """`{"any": "ubuntu-24.04", "mac-ane": ["self-hosted", "macOS", "sdqa-ane"], "mac": ""}`: labels by role, over the
    usual ones; an empty one means that there is no such machine.

    Raises:
        UsageError: it is something else.
    """
    if not text.strip():
        return dict(RUNNERS)
    hint = """--runners takes {"any": "ubuntu-24.04", "mac-ane": ["self-hosted", "macOS", "sdqa-ane"]}"""
    try:
        data = json.loads(text) if len(text) <= MAX_RUNNERS_TEXT else None
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise UsageError("the runners are not an object of JSON", hint=hint)
    found = dict(RUNNERS)
    for role, labels in data.items():
        given = [labels] if isinstance(labels, str) else labels
        if role not in ROLES or not isinstance(given, list) or not all(isinstance(one, str) for one in given):
            raise UsageError(f"runners: {str(role)[:40]!r} is no kind of machine with labels", hint=hint)
        found[role] = tuple(label for label in given if label)
    return found
