"""The networks of a plan's metrics: whether their weights are on this machine."""

from __future__ import annotations

from sdqa.plan import Plan
from sdqa.workflow.fetch import named_clip, remote_backbone
from sdqa.workflow.preflight.models import FETCH
from sdqa.workflow.preflight.record import Lack, Look


def look_at_metrics(plan: Plan) -> Look:
    """Which weights have to be fetched first."""
    from sdqa.metrics.perceptual import backbone_path
    from sdqa.models.hub import cached_file

    lacks = []
    clip = named_clip(plan)
    if clip is not None and cached_file(clip.repository, clip.files) is None:
        lacks.append(Lack("metrics", f"the weights of {clip.spec} are not on this machine", FETCH))
    backbone = remote_backbone(plan)
    if backbone is not None and not backbone_path(backbone).is_file():
        lacks.append(Lack("metrics", f"the backbone of {plan.suite.metrics.lpips} is not on this machine", FETCH))
    return Look(lacks=tuple(lacks))
