"""What can be known of a run before it starts: without torch, from the suite and the files that it names."""

from __future__ import annotations

from pathlib import Path

from sdqa.plan import Plan
from sdqa.plan.quantity import show_about
from sdqa.workflow.preflight.cost import Cost, estimate
from sdqa.workflow.preflight.evidence import look_at_limits
from sdqa.workflow.preflight.goldens import look_at_goldens
from sdqa.workflow.preflight.manifests import RecordedManifests
from sdqa.workflow.preflight.metrics import look_at_metrics
from sdqa.workflow.preflight.models import look_at_models
from sdqa.workflow.preflight.pictures import look_at_pictures
from sdqa.workflow.preflight.place import look_at_places
from sdqa.workflow.preflight.record import Lack, Look, Note

__all__ = ["Lack", "Look", "Note", "look_at_pictures", "preflight"]

STORE, OUTPUT = Path(".sdqa/store"), Path(".sdqa/report")


def preflight(plan: Plan, *, store: Path = STORE, output: Path = OUTPUT) -> Look:
    """Everything that a run of the plan would stumble over, and what is worth knowing before it starts."""
    models, look = look_at_models(plan)
    look += look_at_pictures(plan, models)
    look += look_at_metrics(plan)
    recorded = RecordedManifests(plan.goldens)
    look += look_at_goldens(plan, models, recorded)
    cost = estimate(plan, models)
    calibration = "of unknown length" if cost is None else f"about {show_about(cost.calibration_s)}"
    look += look_at_limits(plan, calibration, recorded)
    look += look_at_places(store, output, cost)
    look += _time(cost)
    if not plan.running:
        look += Look(lacks=(Lack("lane", "no lane runs on this machine", 'add one with runtime = "reference"'),))
    return look


def _time(cost: Cost | None) -> Look:
    if cost is None:
        return Look((Note("time", "not estimated: the size of a model is not known yet"),))
    said = (
        f"about {show_about(cost.seconds)} for a first run, {show_about(cost.goldens_s)} for goldens: "
        "estimates by the models' sizes, with an empty store"
    )
    return Look((Note("time", said),))
