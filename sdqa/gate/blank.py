"""A lane's record before anything ran: what its limits are looked up by."""

from __future__ import annotations

from sdqa.bundle import Lane
from sdqa.plan import PlannedLane


def blank_lane(lane: PlannedLane) -> Lane:
    """The record of a planned lane in which nothing was measured."""
    names = {"id": lane.id, "model": lane.model_name, "variant": lane.variant.name}
    return Lane(**names, runtime=lane.runtime, compute_unit=lane.compute_unit)
