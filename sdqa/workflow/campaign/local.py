"""Damage to single pictures of a lane, judged again: no model runs, and only one picture of the lane is harmed.

The sound lane is measured as ever, from the store where it is there. Then one case's picture after the other is damaged
in every way, scored anew against golden and baseline, and the whole lane is judged as the main job would. The latents
stay those of the sound lane: whatever is found, is found in the picture.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.bundle import Bundle, Lane, Measurement
from sdqa.bundle.environment import environment
from sdqa.bundle.local import LocalLane, LocalTable, LocalTrial
from sdqa.errors import ExecutionError, UsageError
from sdqa.faults.local import Damage, damages_of, find_damage, landmarks
from sdqa.faults.yardstick import VISIBLE, YARDSTICK, demand, difference
from sdqa.gate import judge
from sdqa.gate.baseline import Baseline, read_baseline
from sdqa.plan import find_suite, load_suite, make_plan
from sdqa.runtime.registry import find_runtime
from sdqa.workflow import measure_lane
from sdqa.workflow.baselines import baseline_cases, baseline_folder, beside_baseline, of_baseline
from sdqa.workflow.campaign.stage import CampaignLane, CampaignSettings
from sdqa.workflow.gate import lane_budgets, planned_checks
from sdqa.workflow.job import Job
from sdqa.workflow.lane import Collected
from sdqa.workflow.record import record
from sdqa.workflow.stages import subject_of

if TYPE_CHECKING:
    from sdqa.arrays import Pixels
    from sdqa.metrics import MetricModels
    from sdqa.metrics.subject import Subject


def measure_local(
    settings: CampaignSettings, kinds: Sequence[str] = (), say: Callable[[str], None] = lambda _: None
) -> LocalTable:
    """Damage the portraits of a lane, or of every lane that converts and runs on this machine.

    Args:
        kinds: of damage; all when empty.

    Raises:
        FaultError: a kind is unknown, or the yardstick is not installed.
        UsageError: no lane runs on this machine, or none has a portrait.
        ExecutionError: a lane does not even run undamaged.
    """
    demand()
    wanted = tuple(find_damage(kind) for kind in kinds)
    lanes = []
    for lane in [settings.lane] if settings.lane else lanes_here(settings.suite):
        found = _lane(CampaignLane(replace(settings, lane=lane)), wanted)
        lanes.append(found)
        say(f"{found.lane}: {found.red} red of what is visible, {len(found.silent)} silent ({found.seconds:.0f} s)")
    return LocalTable(
        yardstick=YARDSTICK,
        lanes=tuple(lanes),
        environment=environment(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def lanes_here(suite: str | None) -> list[str]:
    """The lanes that convert and run on this machine.

    Raises:
        UsageError: there is none.
    """
    path = find_suite(suite)
    plan = make_plan(load_suite(path), path)
    found = [lane.id for lane in plan.running if find_runtime(lane.runtime).needs_packages]
    if not found:
        raise UsageError("no lane of the suite runs on this machine and converts", where=str(plan.suite_path))
    return found


@dataclass(frozen=True)
class _Portrait:
    """One case of a lane, ready to be damaged."""

    subject: Subject
    baseline: Baseline | None
    damages: tuple[Damage, ...]
    source: str

    def damaged(self, one: Damage) -> Pixels:
        picture = self.subject.candidate.image
        return one.apply(picture, landmarks(self.source, picture.shape[0]))


def _lane(stage: CampaignLane, wanted: Sequence[Damage]) -> LocalLane:
    start = time.perf_counter()
    plan, lane = stage.plan, stage.lane
    with tempfile.TemporaryDirectory() as folder:
        found = measure_lane(Job(plan, stage.store, Bundle(Path(folder))), lane)
    if found.failures:
        raise ExecutionError("the lane does not run undamaged", where=lane.id, hint=found.failures[0].message)
    sound, models = record(lane, found), _models(stage)
    planned, standards = planned_checks(plan, lane), stage.standards(plan, lane)
    trials = []
    portraits = dict(_portraits(stage, found, wanted))
    if not portraits:
        raise UsageError("no case of the lane shows a portrait of the embedded scenes", where=lane.id)
    for case, portrait in portraits.items():
        for one in portrait.damages:
            picture = portrait.damaged(one)
            harmed = _with(sound, case, _scores(stage, portrait, picture, models))
            verdicts = judge(harmed, standards, lane_budgets(plan, lane), planned=planned)
            said = {
                status: tuple(v.check.removeprefix(f"{lane.id}/") for v in verdicts if v.status == status)
                for status in ("fail", "suspicious")
            }
            flip = difference(portrait.subject.candidate.image, picture)
            trials.append(
                LocalTrial(
                    kind=one.name,
                    case=case,
                    flip=round(flip, 6),
                    visible=flip >= VISIBLE,
                    failing=said["fail"],
                    suspicious=said["suspicious"],
                )
            )
    return LocalLane(
        lane=lane.id,
        cases=tuple(portraits),
        trials=tuple(trials),
        tolerances=stage.recorded,
        baselines=sum(portrait.baseline is not None for portrait in portraits.values()),
        seconds=round(time.perf_counter() - start, 1),
    )


def _portraits(stage: CampaignLane, found: Collected, wanted: Sequence[Damage]) -> Iterator[tuple[str, _Portrait]]:
    """The lane's cases whose faces are known."""
    with_baseline = baseline_cases(stage.plan, stage.lane)
    for case, sample in found.samples.by_case.items():
        source = stage.lane.cases[case].source
        places = landmarks(source, sample.image.shape[0])
        if source is None or places is None:
            continue
        folder = baseline_folder(stage.plan, stage.lane) / case
        yield (
            case,
            _Portrait(
                subject=subject_of(stage.lane, case, found.references, sample),
                baseline=read_baseline(folder) if case in with_baseline else None,
                damages=tuple(wanted) or damages_of(places),
                source=source,
            ),
        )


def _scores(stage: CampaignLane, portrait: _Portrait, picture: Pixels, models: MetricModels) -> tuple[Measurement, ...]:
    """The figures of a damaged picture, against the golden and against the lane's baseline."""
    from sdqa.metrics import score

    candidate = replace(portrait.subject.candidate, image=picture)
    measured = score(replace(portrait.subject, candidate=candidate), stage.plan.suite.metrics.names, models)
    if portrait.baseline is None:
        return measured
    subject, names = beside_baseline(portrait.subject.case, candidate, portrait.baseline)
    return measured + tuple(of_baseline(score(subject, names, models), portrait.baseline))


def _with(lane: Lane, case: str, measured: Sequence[Measurement]) -> Lane:
    """The lane with one case's figures in the place of those that it had."""
    replaced = {one.metric for one in measured}
    kept = tuple(one for one in lane.measurements if one.case != case or one.metric not in replaced)
    return lane.model_copy(update={"measurements": kept + tuple(measured)})


def _models(stage: CampaignLane) -> MetricModels:
    from sdqa.metrics import MetricModels

    chosen = stage.plan.suite.metrics
    return MetricModels(clip=chosen.clip, lpips=chosen.lpips)
