"""`sdqa approve`: what a lane recorded becomes its baseline, with the machine's repeatability from further runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.bundle import Bundle, Lane, Run, Sample
from sdqa.ci.examined import demand_examined
from sdqa.errors import GoldenStale, UsageError
from sdqa.gate.approve import chosen_lane, chosen_samples, recorded_outcome, refuse_planted, worse_figures
from sdqa.gate.baseline import (
    FLOORS,
    METRICS,
    BaselineManifest,
    limits,
    manifests,
    read_baseline,
    write_baseline,
)
from sdqa.gate.codec import array_digest, decode_image
from sdqa.gate.evidence import HARD
from sdqa.gate.manifest import MANIFEST_FILE, read_manifest
from sdqa.plan import Plan, PlannedLane
from sdqa.plan.suite import TEACHER_NOW
from sdqa.workflow.baselines import baseline_folder

if TYPE_CHECKING:
    from sdqa.arrays import Floats, Pixels

    Outcome = tuple[Pixels, Floats]


@dataclass(frozen=True)
class ApprovedCase:
    """One outcome that became the lane's baseline."""

    lane: str
    case: str
    before: str  # content digest of the baseline that was there; empty for a first one
    after: str
    psnr_db: float | None  # of the new picture against the one before

    def __str__(self) -> str:
        name = f"{self.lane} {self.case}"
        if self.before == self.after:
            return f"{name}: unchanged"
        if not self.before:
            return f"{name}: first baseline"
        shown = "the same picture" if self.psnr_db is None else f"{self.psnr_db:.1f} dB from the one before"
        return f"{name}: new baseline, {shown}"


@dataclass(frozen=True)
class Approval:
    """A lane of a run whose outcomes are to become its baseline. Nothing is written until `carry_out`."""

    plan: Plan
    bundle: Bundle
    run: Run
    lane: Lane
    planned: PlannedLane
    samples: tuple[Sample, ...]

    def stays_red(self) -> tuple[str, ...]:
        """What a baseline does not change: the figures of these cases, and of the lane, that did not pass."""
        cases = {sample.case for sample in self.samples}
        found: dict[str, int] = {}
        for verdict in self.lane.verdicts:
            if verdict.status in ("pass", "suspicious", "not judged") or verdict.metric in METRICS:
                continue
            if verdict.case is None or verdict.case in cases:
                name = f"{verdict.metric}: {verdict.status}"
                found[name] = found.get(name, 0) + 1
        return tuple(f"{name} in {count} check{'s' if count != 1 else ''}" for name, count in found.items())

    def suspicious(self) -> tuple[str, ...]:
        """The figures of these cases, and of the lane, that neither passed nor failed, with why."""
        cases = {None, *(sample.case for sample in self.samples)}
        found = [one for one in self.lane.verdicts if one.status == "suspicious" and one.case in cases]
        return tuple(f"{one.check.removeprefix(f'{self.lane.id}/')}: {one.reason}" for one in found)

    def carry_out(self, reason: str, repeats: Sequence[Path] = ()) -> Iterator[ApprovedCase]:
        """Write the baselines.

        Args:
            repeats: bundles of further runs of the lane, drawn anew (another `--store`): how well the machine repeats
                itself is measured between them and this run.

        Raises:
            UsageError: there is no reason, a repeat is not one of this lane, or the gate would refuse something in
                this run or a repeat.
            GoldenStale: a golden is another one than the run was held against.
            BundleError: a bundle did not record what is needed.
        """
        if not reason.strip():
            raise UsageError("an approval needs a reason", hint="--reason '…'")
        outcomes = {one.case: recorded_outcome(self.bundle, one) for one in self.samples}
        goldens = {one.case: self._golden(one) for one in self.samples}
        demand_examined(self.bundle, self.run, [self.lane], self.plan)
        again = [self._repeat(folder) for folder in repeats]
        figures = {case: tuple(self._figures(case, outcome, again)) for case, outcome in outcomes.items()}
        for case, (image, latents) in outcomes.items():
            folder = baseline_folder(self.plan, self.planned) / case
            before = read_baseline(folder) if (folder / MANIFEST_FILE).exists() else None
            after = write_baseline(
                folder,
                self.lane,
                case,
                image=image,
                latents=latents,
                golden=goldens[case],
                repeats=figures[case],
                run=self.run.identity(),
                reason=reason,
                worse=worse_figures(self.lane, case),
            )
            distance = None if before is None else _psnr(before.image, image)
            yield ApprovedCase(
                self.lane.id, case, before.manifest.content() if before else "", after.content(), distance
            )

    def limits(self) -> Iterator[str]:
        """The limits that hold from now on, and where they come from."""
        folder = baseline_folder(self.plan, self.planned)
        found: dict[str, BaselineManifest] = manifests(folder, self.planned.cases)
        count = min((len(manifest.repeats) for manifest in found.values()), default=0)
        table = limits(found, self.lane)
        if not table:
            words = "measure how well this machine repeats itself: --repeat BUNDLE"
            yield f"limits: what stands out from sound variants; {words}"
        for metric, tolerance in table.items():
            floor = tolerance.limit == FLOORS[METRICS[metric]]
            source = "the floor" if floor else f"as far again as the worst of {count} repeats"
            yield f"limit: {metric} {tolerance.limit:.4g} {tolerance.unit}".rstrip() + f" ({source})"

    def _golden(self, sample: Sample) -> str:
        manifest = read_manifest(self.plan.goldens / self.lane.model / sample.case)
        blob = sample.images.get("golden")
        image = None if blob is None else decode_image(self.bundle.read_blob(blob), self.bundle.folder / blob.path)
        if image is None or array_digest(image) != manifest.digests.get("image"):
            what = "the run was held against another golden than today's"
            raise GoldenStale(what, where=f"{self.lane.id}/{sample.case}", hint="run sdqa qa again")
        return manifest.content()

    def _repeat(self, folder: Path) -> dict[str, Outcome]:
        source = Bundle(folder)
        run = source.read()
        refuse_planted(run, folder)
        lane = chosen_lane(run, self.lane.id)
        ours, theirs = self.lane.fingerprint, lane.fingerprint
        if (ours.teacher, ours.metrics) != (theirs.teacher, theirs.metrics):
            raise UsageError("a repeat is of the same teacher and metrics", where=str(folder))
        packages = {package.component: package.digest for package in lane.packages}
        if packages != {package.component: package.digest for package in self.lane.packages}:
            raise UsageError("a repeat runs the same packages", where=str(folder), hint="convert once, run twice")
        demand_examined(source, run, [lane], self.plan)
        return {sample.case: recorded_outcome(source, sample) for sample in lane.samples}

    def _figures(self, case: str, outcome: Outcome, again: Sequence[dict[str, Outcome]]) -> Iterator[dict[str, float]]:
        from sdqa.metrics import MetricModels, score
        from sdqa.metrics.subject import Picture, Subject

        chosen = self.plan.suite.metrics
        models = MetricModels(clip=chosen.clip, lpips=chosen.lpips)
        reference = Picture(outcome[0], None, outcome[1])
        for repeat in again:
            if case not in repeat:
                raise UsageError(f"a repeat lacks the case {case}", where=self.lane.id)
            candidate = Picture(repeat[case][0], None, repeat[case][1])
            subject = Subject(case, "", None, None, candidate=candidate, golden=reference)
            measured = score(subject, tuple(FLOORS), models)
            yield {one.metric: one.value for one in measured if one.value is not None}


def approval(plan: Plan, folder: Path, *, lane: str | None = None, cases: Sequence[str] = ()) -> Approval:
    """A run's lane, looked at: nothing is written.

    Raises:
        UsageError: no such lane or case, a planted fault, outcomes that are not even whole, or a suite without goldens.
    """
    if plan.suite.goldens == TEACHER_NOW:
        raise UsageError(
            "a suite without recorded goldens has no baselines", hint='set goldens to a folder, not "teacher"'
        )
    source = Bundle(folder)
    run = source.read()
    refuse_planted(run, folder)
    chosen = chosen_lane(run, lane)
    planned = next((one for one in plan.lanes if one.id == chosen.id), None)
    if planned is None:
        known = ", ".join(one.id for one in plan.lanes)
        raise UsageError(f"the suite has no lane {chosen.id}", hint=f"lanes: {known}")
    samples = chosen_samples(chosen, cases)
    named = {sample.case for sample in samples}
    for verdict in chosen.verdicts:
        if verdict.metric in HARD and verdict.status == "fail" and (verdict.case is None or verdict.case in named):
            raise UsageError(f"what is not whole is not approved: {verdict.check}: {verdict.reason}", where=str(folder))
    return Approval(plan, source, run, chosen, planned, tuple(samples))


def sharers(plan: Plan, lane: Lane) -> tuple[str, ...]:
    """The other lanes that are held against the goldens of a lane's model."""
    return tuple(one.id for one in plan.lanes if one.model_name == lane.model and one.id != lane.id)


def _psnr(one: Pixels, other: Pixels) -> float | None:
    """PSNR in dB of two pictures, peak 255; None when they are the same."""
    import numpy as np

    if one.shape != other.shape:
        return 0.0
    error = float(np.mean((one.astype(np.float64) - other) ** 2))
    return 10 * float(np.log10(255**2 / error)) if error else None
