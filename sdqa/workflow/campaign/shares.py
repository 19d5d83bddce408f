"""Several faults at once: does the diagnosis name them all, and do its shares hold?

The truth comes from the faults themselves: they are planted in every combination, the pictures of the whole suite are
drawn with each, and the loss is distributed over the faults (Shapley). The diagnosis sees all of them together, on the
few cases that it looks at, and has to come to the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sdqa.bundle import Bundle
from sdqa.bundle.diagnosis import Diagnosis
from sdqa.bundle.environment import environment
from sdqa.bundle.shares import PlantedShare, SharesRow, SharesTable
from sdqa.faults import Injection, injection
from sdqa.plan import PlannedLane
from sdqa.store import code_digest
from sdqa.workflow.campaign.attribution import place_of
from sdqa.workflow.campaign.key import rests_on
from sdqa.workflow.campaign.losses import Losses, planted_losses
from sdqa.workflow.campaign.stage import CampaignLane, CampaignSettings
from sdqa.workflow.examined import Failed
from sdqa.workflow.job import Job


def measure_shares(
    settings: CampaignSettings, combinations: Sequence[str], say: Callable[[str], None] = lambda _: None
) -> SharesTable:
    """Measure combinations of faults.

    Args:
        combinations: `fault+fault+…` each.

    Raises:
        FaultError: a fault is unknown, or two are in each other's way.
        UsageError: no lane of that name runs on this machine.
    """
    planted = [injection(name) for name in combinations]
    looked_at = CampaignLane(settings)
    whole = CampaignLane(replace(settings, cases=len(looked_at.plan.suite.cases)))
    rows = []
    for index, fault in enumerate(planted, start=1):
        row = _row(looked_at, whole.lane, fault)
        rows.append(row)
        held = [one.holds for one in row.shares if one.holds is not None]
        named = "all named" if row.all_named else "NOT ALL NAMED"
        holding = f"{sum(held)} of {len(held)} intervals hold"
        say(f"[{index}/{len(planted)}] {row.id}: {named}, {holding} ({row.seconds:.0f} s)")
    return SharesTable(
        lane=looked_at.lane.id,
        cases=tuple(looked_at.lane.cases),
        suite=tuple(whole.lane.cases),
        rows=tuple(rows),
        environment=environment(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _row(stage: CampaignLane, whole: PlannedLane, fault: Injection) -> SharesRow:
    key: dict[str, object] = {
        **rests_on(stage.plan, stage.lane, stage.teacher),
        "faults": fault.facts(),
        "code": code_digest(__name__),
    }

    def build(folder: Path) -> None:
        from sdqa.workflow.diagnose import diagnose_lane

        start = time.perf_counter()
        losses = planted_losses(stage.plan, whole, stage.store, fault, stage.forget)
        job = Job(stage.plan, stage.store, Bundle(stage.store.root), fault)
        found = diagnose_lane(job, stage.lane, cases=tuple(stage.lane.cases), sweep=False, failed=Failed())
        stage.forget(fault)
        row = row_of(fault, losses, found, round(time.perf_counter() - start, 1))
        (folder / "row.json").write_text(row.model_dump_json(), encoding="utf-8")

    return SharesRow.model_validate_json((stage.store.memo("shares", key, build).path / "row.json").read_bytes())


def row_of(fault: Injection, losses: Losses, found: Diagnosis, seconds: float) -> SharesRow:
    """Truth and diagnosis side by side.

    Args:
        losses: mean loss of every combination of the faults, by their ids; the empty one is the sound candidate.
    """
    from sdqa.diagnose.shapley import shapley_values

    ids = tuple(f"{part.name}@{part.severity}" for part in fault.parts)
    values = shapley_values(ids, losses)
    total = losses[frozenset(ids)] - losses[frozenset()]
    shares = []
    for part, name in zip(fault.parts, ids, strict=True):
        place = place_of(part.component)
        causes = [cause for cause in found.causes if cause.component == place]
        truth = float(values[name]) / total if total else 0.0
        low, high = (sum(cause.interval[end] for cause in causes) for end in (0, 1))
        shares.append(
            PlantedShare(
                fault=name,
                place=place,
                truth=truth,
                named=bool(causes),
                explains=sum(cause.explains for cause in causes) if causes else None,
                interval=(low, high) if causes else None,
                holds=low <= truth <= high if causes else None,
            )
        )
    return SharesRow(
        id=fault.id, loss=losses[frozenset(ids)], shares=tuple(shares), verdict=found.verdict, seconds=seconds
    )
