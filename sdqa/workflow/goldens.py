"""Record goldens: the PyTorch teacher draws every case once, and what it drew becomes the reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa import notices
from sdqa.bundle.environment import versions
from sdqa.errors import GoldenBelowFloor, GoldenStale, UsageError
from sdqa.gate import large_files
from sdqa.plan import Plan
from sdqa.plan.suite import TEACHER_NOW
from sdqa.progress import Progress
from sdqa.store import Store
from sdqa.workflow.examination import demand_schedules, examine_plan
from sdqa.workflow.floors import below_floors
from sdqa.workflow.soundness import demand_pictures
from sdqa.workflow.stability import Stability, measure_stability
from sdqa.workflow.teacher_change import TeacherChange, teacher_change

if TYPE_CHECKING:
    from sdqa.bundle import Measurement
    from sdqa.gate.goldens import Golden
    from sdqa.gate.manifest import Manifest
    from sdqa.models import Teacher


@dataclass(frozen=True)
class Recorded:
    """One golden, after recording."""

    model: str
    case: str
    changed: bool
    stability: Stability | None = None  # None: not asked for
    teacher: TeacherChange | None = None  # None: there was no golden of this case, or the same teacher drew it
    refused: str = ""  # why nothing was recorded: the teacher's picture is below the suite's floors

    def warning(self) -> str:
        """What is to be said of a chaotic case; empty of any other."""
        if self.stability is None or not self.stability.chaotic:
            return ""
        return f"{self.model}/{self.case}: this case is chaotic: choose another seed ({self.stability})"


def record_goldens(
    plan: Plan,
    store: Store,
    progress: Progress,
    *,
    cases: tuple[str, ...] = (),
    reason: str = "",
    check_stability: bool = True,
) -> Iterator[Recorded]:
    """Draw the cases of a suite with their teachers and write `goldens/<model>/<case>/`.

    Args:
        cases: names; empty for all.
        reason: why; needed where a golden would change.
        check_stability: whether to draw every case once more, to find the chaotic ones.

    Raises:
        UsageError: an unknown case, or a golden would change and there is no reason.
        SdqaError: a model cannot be drawn, or a case not sampled.
    """
    unknown = sorted(set(cases) - set(plan.suite.cases))
    if unknown:
        raise UsageError(f"no case {unknown[0]!r}", hint=f"cases: {', '.join(plan.suite.cases)}")
    for name, remarks in examine_plan(plan).items():
        for remark in remarks:
            progress.step(f"{name}: {remark}")
    with notices.quiet_warnings(progress.step):
        for model in sorted({lane.model_name for lane in plan.lanes}):
            yield from _record_model(plan, model, store, progress, cases, reason, check_stability)


def _record_model(
    plan: Plan,
    model: str,
    store: Store,
    progress: Progress,
    cases: tuple[str, ...],
    reason: str,
    check_stability: bool,
) -> Iterator[Recorded]:
    from sdqa.gate.manifest import read_manifest
    from sdqa.models import load_teacher, look_at
    from sdqa.models.lock import LOCK_NAME

    described = plan.suite.models[model]
    source, lock = described.reference or described.source, plan.root / LOCK_NAME
    teacher = load_teacher(source, lock=lock)
    wanted = {
        name: case
        for name, case in plan.suite.cases.items()
        if (not cases or name in cases) and (not case.models or model in case.models)
    }
    opening = look_at(source, lock=lock)
    side = None if opening is None or opening.facts is None else opening.facts.image_size
    demand_pictures(plan, wanted, side)
    if opening is not None:
        demand_schedules(plan, opening, wanted, teacher, store)
    for name in wanted:
        progress.step(f"{model}: draw {name}")
        folder = plan.goldens / model / name
        before = read_manifest(folder) if (folder / "manifest.json").exists() else None
        stability = measure_stability(plan, teacher, name, store) if check_stability else None
        words = str(stability) if stability is not None else ""
        try:
            manifest = draw_golden(
                folder, plan, teacher, name, store, reason=reason, stability=words, demand_floors=True
            )
        except GoldenBelowFloor as error:
            yield Recorded(model, name, False, stability, refused=error.what)
            continue
        changed = before is None or before.content() != manifest.content()
        yield Recorded(model, name, changed, stability, teacher_change(before, manifest))


def draw_golden(
    folder: Path,
    plan: Plan,
    teacher: Teacher,
    name: str,
    store: Store,
    *,
    reason: str = "",
    stability: str = "",
    demand_floors: bool = False,
) -> Manifest:
    """Draw one case with the teacher and write its golden into `folder`.

    Args:
        demand_floors: write nothing where the picture is below the suite's floors.

    Raises:
        GoldenBelowFloor: it is.
    """
    from sdqa.gate.goldens import write_golden
    from sdqa.generate.inputs import case_inputs
    from sdqa.generate.request import draw_noise, make_request
    from sdqa.generate.schedule import planned_schedule
    from sdqa.generate.sources import load_source, source_prompt
    from sdqa.generate.stage import generate, teacher_components
    from sdqa.metrics import MetricModels, score
    from sdqa.metrics.subject import Picture, Subject

    case = plan.suite.cases[name]
    size = teacher.facts.image_size
    source = None if case.source is None else load_source(case.source, size, plan.root, case.background)
    noise = draw_noise(case, teacher.facts)
    request = make_request(case, noise, source)
    [(_, sample)] = generate(teacher, teacher_components(teacher), {name: request}, store)
    picture = Picture(sample.image, sample.decoded, sample.latents)
    subject = Subject(name, case.prompt, source_prompt(case), source, candidate=picture, golden=picture)
    models = MetricModels(clip=plan.suite.metrics.clip, lpips=plan.suite.metrics.lpips)
    measured = score(subject, names=plan.suite.metrics.names, models=models)
    scores = {item.metric: item.value for item in measured}
    if demand_floors and (below := below_floors(plan, case, scores)):
        raise GoldenBelowFloor("; ".join(below), where=str(folder))
    return write_golden(
        folder,
        inputs=case_inputs(case, teacher.facts),
        seed=case.seed,
        timesteps=sample.record.timesteps,
        scheduler=planned_schedule(case, teacher, store).settings,
        image=sample.image,
        latents=sample.latents,
        noise=noise.initial,
        posterior_noise=None if source is None else noise.posterior,
        source=source,
        scores=scores,
        teacher_digest=teacher.digest,
        metric_identities=models.identity(),
        versions=versions(),
        reason=reason,
        stability=stability,
        place=str(folder.parent / "large") if plan.suite.goldens == TEACHER_NOW else large_files.DEFAULT_PLACE,
    )


def picture_changes(plan: Plan) -> Callable[[Golden], str]:
    """A function that says why a golden's source picture is not the one that its case names now; empty when it is."""
    from sdqa.generate.sources import changed_picture

    def changed(golden: Golden) -> str:
        case = plan.suite.cases.get(golden.manifest.case)
        if case is None or case.source is None:
            return ""
        return changed_picture(case.source, golden.source, plan.root, case.background)

    return changed


def reproducer(plan: Plan, store: Store, progress: Progress) -> Callable[[Golden], Sequence[Measurement]]:
    """A function that draws a golden's case again with its teacher and measures the outcome against the golden."""
    from sdqa.generate.stage import generate, golden_request, teacher_components
    from sdqa.metrics import MetricModels, score
    from sdqa.metrics.subject import Picture, Subject
    from sdqa.models import load_teacher
    from sdqa.models.lock import LOCK_NAME

    models = MetricModels(clip=plan.suite.metrics.clip, lpips=plan.suite.metrics.lpips)

    def reproduce(golden: Golden) -> Sequence[Measurement]:
        described = plan.suite.models.get(golden.manifest.model)
        case = plan.suite.cases.get(golden.manifest.case)
        if described is None or case is None:
            raise GoldenStale("no case of the suite asks for it", hint="remove it: sdqa goldens prune --reason '…'")
        teacher = load_teacher(described.reference or described.source, lock=plan.root / LOCK_NAME)
        request = golden_request(case, golden)
        with notices.quiet_warnings(progress.step):
            [(_, sample)] = generate(teacher, teacher_components(teacher), {golden.manifest.case: request}, store)
        drawn = Picture(sample.image, sample.decoded, sample.latents)
        recorded = Picture(golden.image, None, golden.latents)
        subject = Subject(golden.manifest.case, case.prompt, None, golden.source, candidate=drawn, golden=recorded)
        return score(subject, names=("finite", "psnr", "latent_psnr"), models=models)

    return reproduce
