"""`sdqa fetch`: everything that a suite's models and metrics need from elsewhere, once, with digests in `sdqa.lock`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sdqa.models.sources import is_remote
from sdqa.plan import Plan
from sdqa.plan.quantity import show_bytes

if TYPE_CHECKING:
    from sdqa.metrics.clip_names import ClipName


@dataclass(frozen=True)
class Fetched:
    """One thing that is here now."""

    name: str
    what: str


def remote_models(plan: Plan) -> tuple[str, ...]:
    """The sources of a plan's models that lie on a hub."""
    described = [plan.suite.models[name] for name in dict.fromkeys(lane.model_name for lane in plan.lanes)]
    sources = [model.reference or model.source for model in described]
    return tuple(source for source in dict.fromkeys(sources) if is_remote(source))


def named_clip(plan: Plan) -> ClipName | None:
    """The CLIP model that a plan's metrics look through, where it is none that ships with sdqa."""
    from sdqa.metrics.clip_names import find_clip
    from sdqa.metrics.clip_space import EMBEDDED

    wanted = _needs(plan, "clip") and plan.suite.metrics.clip != EMBEDDED
    return find_clip(plan.suite.metrics.clip) if wanted else None


def remote_backbone(plan: Plan) -> str | None:
    """The backbone that a plan's perceptual metrics need from elsewhere: `alex` or `vgg`."""
    kind, _, backbone = plan.suite.metrics.lpips.partition(":")
    return backbone if kind == "lpips" and _needs(plan, "lpips") else None


def fetch(plan: Plan) -> Iterator[Fetched]:
    """Fetch what is not here yet, and verify what is.

    Raises:
        ModelUnreachable: something cannot be fetched.
        DigestMismatch: something is not what the lock records.
    """
    from sdqa.metrics.perceptual import fetch_backbone
    from sdqa.models import load_teacher
    from sdqa.models.hub import fetch_file
    from sdqa.models.lock import LOCK_NAME

    lock = plan.root / LOCK_NAME
    for source in remote_models(plan):
        teacher = load_teacher(source, lock=lock)
        assert teacher.folder is not None  # whatever comes from a hub lies in its cache
        sizes = [path.stat().st_size for path in teacher.folder.rglob("*") if path.is_file()]
        yield Fetched(source, f"{len(sizes)} files, {show_bytes(sum(sizes))}, pinned at {teacher.folder.name[:12]}")
    clip = named_clip(plan)
    if clip is not None:
        path = fetch_file(clip.repository, clip.files, source=f"clip:{clip.spec}", lock=lock)
        yield Fetched(f"clip:{clip.spec}", f"{path.name}, {show_bytes(path.stat().st_size)}, in {LOCK_NAME}")
    backbone = remote_backbone(plan)
    if backbone is not None:
        path = fetch_backbone(backbone)
        yield Fetched(plan.suite.metrics.lpips, f"{path.name}, {show_bytes(path.stat().st_size)}")


def _needs(plan: Plan, network: str) -> bool:
    from sdqa.metrics.registry import METRICS

    return any(network in METRICS[name].needs for name in plan.suite.metrics.names)
