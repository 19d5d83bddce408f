"""What one job runs: lanes, or a part of their cases, shared out by what they cost.

A *unit* has a name from which any checkout of the suite finds the same lanes and cases again, so that jobs need no
file from each other: `tiny/fp16` is a lane, `tiny/fp16+tiny/int8` are two, `tiny/fp16:2/3` is the second of three parts
of a lane's cases, `any:1/3` the first of three shares of all lanes that any machine runs, and `mac`, `mac-ane` what
needs a Mac, or one's Neural Engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sdqa.errors import UsageError
from sdqa.plan.describe import unet_calls
from sdqa.plan.lanes import Plan, PlannedLane
from sdqa.runtime.registry import find_runtime

NEURAL_ENGINE = ("CPU_AND_NE", "ALL")
ROLES = {"any": (), "mac": ("macOS",), "mac-ane": ("macOS", "sdqa-ane")}
"""Kinds of machines, and the labels that a runner of each has."""
SYSTEMS = {"any": "", "mac": "Darwin", "mac-ane": "Darwin"}
"""As `platform.system()` says it there; empty where any will do."""
HERE = "here"
"""What the machine that asks can run."""
GRAIN = 2
"""Lanes are cut into pieces of at most one share over this: smaller ones balance better, larger ones convert less."""
MOST = 256
"""Jobs of one matrix that GitHub starts."""

_SHARE = re.compile(r"(?P<of>.+?)(?::(?P<number>[1-9][0-9]{0,3})/(?P<count>[1-9][0-9]{0,3}))?")


@dataclass(frozen=True)
class LanePart:
    """Cases of one lane."""

    lane: str
    cases: tuple[str, ...]  # in the plan's order
    unet_calls: int


def role_of(lane: PlannedLane) -> str:
    """The kind of machine that a lane needs: any, mac, mac-ane."""
    if not find_runtime(lane.runtime).on_device:
        return "any"
    return "mac-ane" if lane.compute_unit in NEURAL_ENGINE else "mac"


def share_out(lanes: Sequence[PlannedLane], count: int) -> tuple[tuple[LanePart, ...], ...]:
    """All cases of the lanes in at most `count` shares of about equal cost; none is empty.

    The longest piece goes first, to the share that has least (Graham's LPT rule: the longest share is at most a third
    longer than the best there is, of these pieces). A share that gets two pieces of a lane has them as one.
    """
    if not lanes:
        return ()
    whole = [_part(lane, tuple(lane.cases)) for lane in lanes]
    total = sum(part.unet_calls for part in whole)
    wanted = [-(-part.unet_calls * count * GRAIN // total) for part in whole]
    pieces = [piece for lane, number in zip(lanes, wanted, strict=True) for piece in _cut(lane, number)]
    pieces = whole if count == 1 else pieces
    if len(pieces) < count:
        pieces = [_part(lane, (case,)) for lane in lanes for case in lane.cases]
    shares: list[list[LanePart]] = [[] for _ in range(min(count, len(pieces)))]
    loads = [0] * len(shares)
    for piece in sorted(pieces, key=lambda piece: -piece.unet_calls):
        least = min(loads)
        able = [number for number, load in enumerate(loads) if load == least]
        known = [number for number in able if any(part.lane == piece.lane for part in shares[number])]
        chosen = (known or able)[0]
        shares[chosen].append(piece)
        loads[chosen] += piece.unet_calls
    return tuple(_joined(lanes, share) for share in shares)


def _cut(lane: PlannedLane, count: int) -> list[LanePart]:
    """A lane's cases in so many pieces of about equal cost, or one a case where there are fewer."""
    costs = {name: max(1, unet_calls(case)) for name, case in lane.cases.items()}
    bins: list[list[str]] = [[] for _ in range(min(len(costs), count))]
    for case in sorted(costs, key=lambda name: -costs[name]):
        min(bins, key=lambda names: sum(costs[name] for name in names)).append(case)
    return [_part(lane, tuple(names)) for names in bins]


def _part(lane: PlannedLane, cases: Sequence[str]) -> LanePart:
    wanted = set(cases)
    ordered = tuple(case for case in lane.cases if case in wanted)
    return LanePart(lane.id, ordered, sum(max(1, unet_calls(lane.cases[case])) for case in ordered))


def _joined(lanes: Sequence[PlannedLane], share: Sequence[LanePart]) -> tuple[LanePart, ...]:
    cases = {lane.id: [case for part in share if part.lane == lane.id for case in part.cases] for lane in lanes}
    return tuple(_part(lane, cases[lane.id]) for lane in lanes if cases[lane.id])


def only_unit(plan: Plan, unit: str) -> Plan:
    """The plan of one job: the lanes of a unit, each with the cases that are the unit's.

    Raises:
        UsageError: no unit of this suite has that name, or the share is empty.
    """
    match = _SHARE.fullmatch(unit)
    assert match is not None  # anything but the empty text fits
    name, number, count = match["of"], int(match["number"] or 1), int(match["count"] or 1)
    lanes = _lanes(plan, name)
    if not lanes:
        known = [*dict.fromkeys(role_of(lane) for lane in plan.lanes), *(lane.id for lane in plan.lanes)]
        hint = f"units: {', '.join(known)}; or a share of one: {known[0]}:1/2"
        raise UsageError(f"{unit!r} is no unit of this suite", where=str(plan.suite_path), hint=hint)
    shares = share_out(lanes, count)
    if number > len(shares):
        raise UsageError(f"{unit!r} is empty: there are {len(shares)} shares", hint="ask `sdqa ci plan` for the units")
    cases = {part.lane: part.cases for part in shares[number - 1]}
    return replace(plan, lanes=tuple(_narrowed(lane, cases[lane.id]) for lane in lanes if lane.id in cases))


def _lanes(plan: Plan, name: str) -> tuple[PlannedLane, ...]:
    if name == HERE:
        return plan.running
    if name in ROLES:
        return tuple(lane for lane in plan.lanes if role_of(lane) == name)
    names = name.split("+")
    found = tuple(lane for lane in plan.lanes if lane.id in names)
    return found if len(found) == len(names) else ()


def _narrowed(lane: PlannedLane, cases: Iterable[str]) -> PlannedLane:
    """A lane with some of its cases; not running it is incomplete evidence, because somebody asked for it."""
    kept = {case: lane.cases[case] for case in cases}
    return replace(lane, cases=kept, whole=lane.all_cases, required=True)
