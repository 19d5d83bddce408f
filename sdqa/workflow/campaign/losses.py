"""What several faults really do together: planted in every combination, with the whole suite drawn under each.

What the diagnosis says of them is another room's: nothing of it is imported here, so that a better instrument measures
no truth anew.
"""

from __future__ import annotations

import itertools
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from sdqa import notices
from sdqa.bundle import Bundle
from sdqa.errors import ExecutionError
from sdqa.faults import Injection, injection
from sdqa.faults.together import together
from sdqa.plan import Plan, PlannedLane
from sdqa.store import Store, code_digest
from sdqa.workflow.campaign.key import rests_on
from sdqa.workflow.job import Job
from sdqa.workflow.references import read_references
from sdqa.workflow.stages import convert, generate, load_teacher

Losses = dict[frozenset[str], float]
"""Faults, as `name@severity`, that were planted together → mean loss."""


def planted_losses(
    plan: Plan, lane: PlannedLane, store: Store, fault: Injection, forget: Callable[[Injection], None]
) -> Losses:
    """Mean LPIPS to the goldens over a lane's cases, with every combination of the faults planted; none of them too.

    Args:
        fault: several, planted together.
        forget: called with every combination whose packages are not needed any more.

    Raises:
        ExecutionError: a combination does not run.
    """
    key: dict[str, object] = {
        **rests_on(plan, lane, load_teacher(Job(plan, store, Bundle(store.root)), lane)),
        "faults": fault.facts(),
        "code": code_digest(__name__),
    }

    def build(folder: Path) -> None:
        found = []
        parts = [injection(part.name, part.severity) for part in fault.parts]
        for size in range(len(parts) + 1):
            for chosen in itertools.combinations(parts, size):
                planted = together(*chosen) if chosen else None
                found.append([sorted(one.id for one in chosen), _loss(plan, lane, store, planted)])
                if planted is not None:
                    forget(planted)
        (folder / "losses.json").write_text(json.dumps(found), encoding="utf-8")

    found = json.loads((store.memo("planted-losses", key, build).path / "losses.json").read_bytes())
    return {frozenset(chosen): loss for chosen, loss in found}


def _loss(plan: Plan, lane: PlannedLane, store: Store, fault: Injection | None) -> float:
    from sdqa.metrics import MetricModels

    chosen = plan.suite.metrics
    models = MetricModels(clip=chosen.clip, lpips=chosen.lpips)
    with tempfile.TemporaryDirectory() as folder:
        job = Job(plan, store, Bundle(Path(folder)), fault)
        with notices.quiet_warnings(job.sayer(lane)):
            teacher = load_teacher(job, lane)
            references = read_references(job, lane, teacher)
            samples = generate(job, lane, teacher, convert(job, lane, teacher), references)
    if samples.error is not None:
        raise ExecutionError("a combination of faults does not run", where=str(fault and fault.id)) from samples.error
    distances = [
        float(models.lpips.distance(sample.image, references.goldens[case].image))
        for case, sample in samples.by_case.items()
    ]
    return sum(distances) / len(distances)
