"""Runs before the realistic one: the last, in which no check failed, and a history of its figures."""

from __future__ import annotations

import math
import random

from sdqa.bundle import Bundle, Lane, Run, Verdict
from sdqa.history import History, record_of
from tests.report.pictures import disturb, draw, png
from tests.report.realistic import make_run

RUNS = 12
BEGAN = "2025-12-{:02}T00:00:00Z"


def earlier_run(bundle: Bundle) -> Run:
    """The realistic run before it broke: other candidates, nothing failed, no fault planted."""
    run = make_run(bundle)
    lanes = tuple(_before(bundle, lane) for lane in run.lanes)
    return run.model_copy(update={"lanes": lanes, "created": BEGAN.format(31), "fault": None, "exit_code": 0})


def _before(bundle: Bundle, lane: Lane) -> Lane:
    samples = []
    for one in lane.samples:
        drawn = png(disturb(draw(one.case, 2), 0.02, 3))
        images = {**one.images, "candidate": bundle.add_blob(drawn, "image/png")}
        samples.append(one.model_copy(update={"images": images}))
    verdicts = tuple(v.model_copy(update={"status": "pass"}) if v.status == "fail" else v for v in lane.verdicts)
    return lane.model_copy(update={"samples": tuple(samples), "verdicts": verdicts})


def history_before(run: Run) -> History:
    """Records of runs whose figures wander a little."""
    dice, records = random.Random(1), []

    def moved(one: Verdict) -> Verdict:
        scale = dice.uniform(0.2, 0.25)
        figures = {"value": one.value, "difference": one.difference}
        known = {name: scale * value for name, value in figures.items() if value is not None and math.isfinite(value)}
        return one.model_copy(update=known)

    for day in range(1, RUNS + 1):
        lanes = tuple(
            lane.model_copy(update={"samples": (), "verdicts": tuple(map(moved, lane.verdicts))}) for lane in run.lanes
        )
        dated = run.model_copy(update={"lanes": lanes, "created": BEGAN.format(day), "fault": None})
        records.append(record_of(dated, environment={}))
    return History(tuple(records))
