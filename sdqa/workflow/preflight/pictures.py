"""The source pictures of a plan: each is read to its end, and what is done to it is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sdqa.errors import SdqaError
from sdqa.models import look_at
from sdqa.models.lock import LOCK_NAME
from sdqa.plan import Plan
from sdqa.workflow.preflight.record import Lack, Look, Note

if TYPE_CHECKING:
    from sdqa.models.opening import Opening
    from sdqa.workflow.preflight.models import SeenModel


def look_at_pictures(plan: Plan, models: Mapping[str, SeenModel] | None = None) -> Look:
    """What is done to each source picture, and which ones cannot be used.

    Args:
        models: by name, where somebody has looked at them already.
    """
    from sdqa.generate.sources import look_at_source

    names = dict.fromkeys(lane.model_name for lane in plan.lanes)
    sides = {name: image_size(plan, name) if models is None else _side(models[name].opening) for name in names}
    wanted = dict.fromkeys(
        (case.source, sides[lane.model_name], case.background)
        for lane in plan.lanes
        for case in lane.cases.values()
        if case.source is not None
    )
    notes, lacks = [], []
    for source, side, background in wanted:
        shown = source.removeprefix("file:")
        try:
            remarks = look_at_source(source, side, plan.root, background)
        except SdqaError as error:
            lacks.append(Lack.of("picture", error, in_suite=True))
        else:
            notes += [Note("picture", f"{shown} {remark}") for remark in remarks]
    return Look(tuple(notes), tuple(dict.fromkeys(lacks)))


def image_size(plan: Plan, model: str) -> int | None:
    """Pixels a side of a model's pictures; None where the model is not here, or cannot be used."""
    described = plan.suite.models[model]
    try:
        opening = look_at(described.reference or described.source, lock=plan.root / LOCK_NAME)
    except SdqaError:
        return None  # whoever looks at the models says why
    return _side(opening)


def _side(opening: Opening | None) -> int | None:
    return None if opening is None or opening.facts is None else opening.facts.image_size
