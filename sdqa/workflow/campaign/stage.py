"""One lane of a suite, ready to be harmed: a task in, a row of the table out."""

from __future__ import annotations

import functools
import json
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa import notices
from sdqa.bundle import Bundle, Lane
from sdqa.bundle.sensitivity import ControlTrial, Pair, Spread, Trial
from sdqa.errors import EXIT_PASS, UsageError
from sdqa.faults import Injection, injection
from sdqa.faults.controls import find_control
from sdqa.faults.sensitivity import NOT_DIAGNOSED
from sdqa.faults.visibility import lpips_of, sight, teacher_spread
from sdqa.faults.yardstick import difference
from sdqa.gate import judge
from sdqa.gate.baseline import manifests
from sdqa.gate.blank import blank_lane
from sdqa.gate.standards import Standards
from sdqa.gate.tail import kinds_of
from sdqa.gate.tolerances import TOLERANCES_FILE, Tolerances
from sdqa.plan import Plan, PlannedLane, find_suite, load_suite, make_plan, reseeded
from sdqa.runtime.registry import find_runtime
from sdqa.store import Store, StorePlace, code_digest
from sdqa.workflow import measure_lane
from sdqa.workflow.baselines import baseline_cases, baseline_folder
from sdqa.workflow.campaign.tasks import Task
from sdqa.workflow.gate import exit_code, lane_budgets, load_tolerances, planned_checks
from sdqa.workflow.job import Job
from sdqa.workflow.lane import Collected
from sdqa.workflow.record import record
from sdqa.workflow.references import read_references
from sdqa.workflow.stages import convert, generate, load_teacher

if TYPE_CHECKING:
    from sdqa.arrays import Pixels
    from sdqa.generate.pipeline import Generation, Request
    from sdqa.generate.sample import StoredSample
    from sdqa.models import Teacher

Outcome = Trial | Pair | ControlTrial
"""A row of the table."""
SEED_STEP = 7919  # between the noise of one seed and the next; any number that no two cases differ by


@dataclass(frozen=True)
class CampaignSettings:
    """What every worker is given."""

    suite: str | None
    lane: str | None
    store: Path | StorePlace
    cases: int
    diagnose: bool
    spread: Spread = field(default_factory=Spread)


class CampaignLane:
    """One lane of a suite, ready to be harmed."""

    def __init__(self, settings: CampaignSettings) -> None:
        self.settings = settings
        self.store = Store(settings.store)
        path = find_suite(settings.suite)
        plan = make_plan(load_suite(path), path, only=(settings.lane,) if settings.lane else ())
        converted = [one for one in plan.running if find_runtime(one.runtime).needs_packages]
        if not converted:
            raise UsageError("no lane of the suite runs on this machine and converts", where=str(plan.suite_path))
        lane = converted[0]
        cases = {name: lane.cases[name] for name in _spread_over(list(lane.cases), settings.cases)}
        self.lane = replace(lane, cases=cases)
        self.plan = replace(plan, lanes=(self.lane,))
        path = plan.goldens / lane.model_name / TOLERANCES_FILE
        self.tolerances = load_tolerances(path)
        recorded = Tolerances.load(path)
        self.recorded, self.limits = recorded.digest(), recorded.digest_for(blank_lane(self.lane))
        self.budgets = {name: getattr(plan.suite.budgets, name) for name in type(plan.suite.budgets).model_fields}

    def perform(self, task: Task) -> Outcome:
        """Carry out one task."""
        start = time.perf_counter()
        outcome = self._pair(task) if task.second else self._trial(task) if task.severity else self._quiet(task)
        return outcome.model_copy(update={"seconds": round(time.perf_counter() - start, 2)})

    def _trial(self, task: Task) -> Trial:
        fault = injection(task.name, task.severity)
        evidence, lane, code = self._judged(self.plan, self.lane, fault)
        harmed = {case: sample.image for case, sample in evidence.samples.by_case.items()}
        seen, distances = sight(lane, self.sound, harmed, self.budgets), lpips_of(lane)
        culprit = None
        package = evidence.packages.by_component.get(fault.package_component or "")
        if fault.locate is not None and package is not None:
            culprit = fault.locate(package.path)
        trial = Trial(
            fault=fault.name,
            severity=fault.severity,
            component=fault.component,
            stage=fault.stage,
            summary=fault.summary,
            rows=fault.rows,
            visible=seen.visible,
            visibility=seen.why,
            decided=seen.decided,
            flip=seen.flip,
            lpips=sum(distances) / len(distances) if distances else None,
            worst_lpips=max(distances, default=None),
            caught=code != EXIT_PASS,
            exit_code=code,
            failing=failing_checks(lane),
            suspicious=sum(verdict.status == "suspicious" for verdict in lane.verdicts),
            errors=tuple(sorted({failure.code for failure in lane.failures})),
            culprit_operation=culprit.operation if culprit else None,
            culprit_weight=culprit.weight if culprit else None,
        )
        if self.settings.diagnose and trial.caught and trial.visible and fault.stage not in NOT_DIAGNOSED:
            from sdqa.workflow.campaign.attribution import attribute

            trial = trial.model_copy(update={"blame": attribute(fault, trial, self._job(fault), self.lane)})
        self.forget(fault)
        return trial

    def _pair(self, task: Task) -> Pair:
        fault = injection(task.id)
        first, *others = fault.parts
        _, lane, code = self._judged(self.plan, self.lane, fault)
        pair = Pair(
            first=f"{first.name}@{first.severity}",
            second="+".join(f"{part.name}@{part.severity}" for part in others),
            components=tuple(part.component for part in fault.parts),
            caught=code != EXIT_PASS,
            exit_code=code,
            failing=failing_checks(lane),
        )
        if self.settings.diagnose and pair.caught:
            from sdqa.workflow.campaign.attribution import attribute_both

            pair = attribute_both(pair, self._job(fault), self.lane)
        self.forget(fault)
        return pair

    @functools.cached_property
    def sound(self) -> dict[str, Pixels]:
        """The lane's own pictures, with nothing planted."""
        return {case: sample.image for case, sample in self.samples().items()}

    @functools.cached_property
    def teacher(self) -> Teacher:
        """What the lane's goldens are drawn with."""
        return load_teacher(Job(self.plan, self.store, Bundle(self.store.root)), self.lane)

    def samples(self) -> Mapping[str, StoredSample]:
        """The lane's own samples, with nothing planted; from the store when they are there.

        Raises:
            SdqaError: what kept the lane from running.
        """
        job = Job(self.plan, self.store, Bundle(self.store.root))
        with notices.quiet_warnings(job.sayer(self.lane)):
            teacher = load_teacher(job, self.lane)
            references = read_references(job, self.lane, teacher)
            found = generate(job, self.lane, teacher, convert(job, self.lane, teacher), references)
        if found.error is not None:
            raise found.error
        return found.by_case

    def _job(self, fault: Injection) -> Job:
        return Job(self.plan, self.store, Bundle(self.store.root), fault)

    def _quiet(self, task: Task) -> ControlTrial:
        change = find_control(task.name)
        applied = change.at(task.seed)
        plan = reseeded(self.plan, SEED_STEP * task.seed) if task.seed else self.plan
        lane = plan.lanes[0]
        if change.variant:
            # Another variant has a baseline of its own, that a person approves.
            lane = replace(lane, variant=lane.variant.model_copy(update=dict(change.variant)), baseline="off")
            plan = replace(plan, lanes=(lane,))
        _, judged, code = self._judged(plan, lane, applied)
        distances = lpips_of(judged)
        self.forget(applied)
        return ControlTrial(
            change=change.name,
            seed=task.seed,
            component=applied.component,
            summary=change.summary,
            alarm=code != EXIT_PASS,
            exit_code=code,
            failing=failing_checks(judged),
            suspicious=sum(verdict.status == "suspicious" for verdict in judged.verdicts),
            lpips=sum(distances) / len(distances) if distances else None,
        )

    def _judged(self, plan: Plan, lane: PlannedLane, fault: Injection) -> tuple[Collected, Lane, int]:
        """Measure a lane with something planted in it, and judge it as the main job would."""
        with tempfile.TemporaryDirectory() as folder:
            job = Job(plan, self.store, Bundle(Path(folder)), fault)
            evidence = measure_lane(job, lane)
        measured = record(lane, evidence)
        planned, standards = planned_checks(plan, lane), self.standards(plan, lane)
        verdicts = judge(measured, standards, lane_budgets(plan, lane), planned=planned)
        judged = measured.model_copy(update={"verdicts": verdicts})
        return evidence, judged, exit_code(plan, [judged])

    def standards(self, plan: Plan, lane: PlannedLane) -> Standards:
        """What a lane's figures are held against: the committed tolerances, and its baselines where it has any."""
        baselines = manifests(baseline_folder(plan, lane), baseline_cases(plan, lane))
        return Standards(self.tolerances, baselines, kinds=kinds_of(lane.all_cases))

    def measure_spread(self) -> Spread:
        """The teacher's own spread over the lane's cases; from the store when it is there."""
        from sdqa.generate.stage import golden_request, request_facts, teacher_execution
        from sdqa.metrics import MetricModels, score
        from sdqa.metrics.subject import Picture, Subject

        job = Job(self.plan, self.store, Bundle(self.store.root))
        with notices.quiet_warnings(job.sayer(self.lane)):
            teacher = load_teacher(job, self.lane)
            goldens = read_references(job, self.lane, teacher).goldens
            requests: dict[str, Request] = {
                name: golden_request(self.lane.cases[name], golden) for name, golden in goldens.items()
            }
            chosen = self.plan.suite.metrics
            models = MetricModels(clip=chosen.clip, lpips=chosen.lpips)

            def distances(case: str, generation: Generation) -> tuple[float, float]:
                golden = goldens[case]
                subject = Subject(
                    case=case,
                    prompt=requests[case].prompt,
                    source_prompt=None,
                    source=golden.source,
                    candidate=Picture(generation.image, generation.decoded, generation.latents),
                    golden=Picture(golden.image, None, golden.latents),
                )
                lpips = float(score(subject, ("lpips",), models)[0].value or 0.0)
                return lpips, difference(golden.image, generation.image)

            key: dict[str, object] = {
                "teacher": teacher.digest,
                "requests": {case: request_facts(request) for case, request in requests.items()},
                "metric": models.identity(("lpips",)),
                "execution": teacher_execution(),
                "code": code_digest(__name__),
            }

            def build(folder: Path) -> None:
                spread = teacher_spread(teacher, requests, distances)
                (folder / "spread.json").write_text(spread.model_dump_json(), encoding="utf-8")

            folder = self.store.memo("spread", key, build).path
        return Spread.model_validate_json((folder / "spread.json").read_bytes())

    def forget(self, fault: Injection) -> None:
        """Remove the edited packages of a fault: there are hundreds, and making one takes less than a second."""
        for place in sorted((self.store.root / "faulty").glob("*/key.json")):
            try:
                key = json.loads(place.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if key.get("planted") == fault.id:
                shutil.rmtree(place.parent, ignore_errors=True)


def failing_checks(lane: Lane) -> tuple[str, ...]:
    """Checks that are red, without the lane's name: failed ones, or else those that could not be made."""
    for status in ("fail", "not measured"):
        found = [v.check.removeprefix(f"{lane.id}/") for v in lane.verdicts if v.status == status]
        if found:
            return tuple(found)
    return ()


def _spread_over(names: list[str], count: int) -> list[str]:
    """So many of the names, evenly spaced, the last among them."""
    if count >= len(names):
        return names
    return [names[round(index * (len(names) - 1) / max(1, count - 1))] for index in range(count)]
