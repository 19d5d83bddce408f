"""Before anything is converted: whether the models can be drawn and the cases sampled, and what is to be said of both.

A plan is examined without torch; a lane once more with its teacher, where diffusers itself answers what only it can.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.errors import ConfigError, ModelError, Problem, UnsupportedModel
from sdqa.generate.schedulers import kept, remarkable
from sdqa.generate.timetable import doubt, flaw, plain_timesteps, trained_steps, undefined
from sdqa.plan import Case, Plan, PlannedLane
from sdqa.workflow.soundness import demand_architecture, demand_finite, demand_pictures

if TYPE_CHECKING:
    from sdqa.families import Family
    from sdqa.models import Teacher
    from sdqa.models.opening import Opening
    from sdqa.models.tokens import PromptTokenizer
    from sdqa.store import Store
    from sdqa.workflow.job import Job

LETTERS = 80
"""Of what is cut from a prompt that are shown."""


@dataclass(frozen=True)
class Examined:
    """What is to be said of a lane's model and cases."""

    remarks: tuple[str, ...] = ()


def examine_plan(plan: Plan, *, drawing: bool = True) -> dict[str, tuple[str, ...]]:
    """Refuse a plan whose models cannot be drawn, or whose cases cannot be sampled; and say what is remarkable.

    Args:
        drawing: False where the lanes' packages are all that is wanted.

    Returns:
        Remarks by the model's name.

    Raises:
        UnsupportedModel: models that cannot be drawn, or cases with schedulers that their families do not know.
        ModelError: a model's files are garbled, missing or do not fit together.
        ConfigError: a case asks for steps that its schedule does not have, or a variant keeps modules in fp32 that a
            model of its lanes does not have.
    """
    from sdqa.models import look_at

    remarks: dict[str, tuple[str, ...]] = {}
    refused: list[UnsupportedModel] = []
    problems: list[Problem] = []
    for name in sorted({lane.model_name for lane in plan.lanes}):
        lanes = [lane for lane in plan.lanes if lane.model_name == name]
        source = lanes[0].model.reference or lanes[0].model.source
        cases = {key: case for lane in lanes for key, case in lane.cases.items()}
        try:
            opening = look_at(source, lock=plan.root / "sdqa.lock")
            if opening is None:
                remarks[name] = (f"{source} is not here yet; it is looked at when it is loaded",)
                continue
            problems += [*unmatched_modules(lanes, opening.family), *uncompressed(lanes, opening.family)]
            if drawing:
                _demand_drawable(opening, cases)
                problems += _problems(opening, cases)
        except UnsupportedModel as error:
            refused.append(error)
            continue
        said = tuple(_remarks(opening, cases if drawing else {}))
        if said:
            remarks[name] = said
    if refused:
        raise UnsupportedModel("; ".join(one.what for one in refused), where=", ".join(one.where for one in refused))
    _refuse(problems, plan.suite_path)
    return remarks


def unmatched_modules(lanes: Sequence[PlannedLane], family: Family) -> list[Problem]:
    """Paths in `keep_float32` that start with no part of a model's family: they would keep nothing in fp32.

    What lies below the first part is known when the model is converted.
    """
    roots = sorted({root for component in family.components for root in component.roots})
    return [
        Problem(
            f"$.variants.{lane.variant.name}.keep_float32",
            f"{path!r} starts with no part of {family.title}, which {lane.model_name} is: {', '.join(roots)}",
        )
        for lane in lanes
        for path in lane.variant.keep_float32
        if path.split(".")[0] not in roots
    ]


def uncompressed(lanes: Sequence[PlannedLane], family: Family) -> list[Problem]:
    """Variants with a recipe for components that none of a model's is: nothing of it would be compressed."""
    return [
        Problem(
            f"$.variants.{lane.variant.name}.compressed_components",
            f"none of {lane.model_name}'s components is among them, which are {', '.join(family.component_names)}",
        )
        for lane in lanes
        if lane.variant.compression and not set(lane.variant.compressed_components) & set(family.component_names)
    ]


def examine(job: Job, lane: PlannedLane, teacher: Teacher, *, drawing: bool = True) -> Examined:
    """A lane's model and cases, before its first conversion; what is known of them is in the store.

    Raises:
        UnsupportedModel, ModelError, ConfigError: as in `examine_plan`; or the weights are not the architecture's.
    """
    from sdqa.models import look_at
    from sdqa.models.opening import examine_folder

    job.progress.step(f"{lane.id}: examine {teacher.source}")
    if teacher.folder is not None:
        opening: Opening | None = examine_folder(teacher.folder, source=teacher.source)
        demand_architecture(job, teacher)
        demand_finite(job, teacher)
    else:
        opening = look_at(teacher.source, lock=job.plan.root / "sdqa.lock")
    if opening is None:
        return Examined()
    if not drawing:
        return Examined(tuple(_remarks(opening, {})))
    _demand_drawable(opening, lane.cases)
    demand_pictures(job.plan, lane.cases, None if opening.facts is None else opening.facts.image_size)
    demand_schedules(job.plan, opening, lane.cases, teacher, job.store)
    beside: tuple[str, ...] = ()
    if opening.tokenizer is not None:
        from sdqa.workflow.prompts import demand_tokens, tokenizer_beside

        tokenizer = opening.tokenizer()
        demand_tokens(job, lane, teacher, tokenizer)
        beside = tokenizer_beside(lane, tokenizer)
    return Examined((*_remarks(opening, lane.cases), *beside))


def demand_schedules(plan: Plan, opening: Opening, cases: Mapping[str, Case], teacher: Teacher, store: Store) -> None:
    """Refuse cases that cannot be sampled: by their timesteps, or in a rehearsal with diffusers' own scheduler.

    Raises:
        ConfigError: with each case's path.
    """
    _refuse(_problems(opening, cases) or _exact_problems(store, opening, cases, teacher), plan.suite_path)


def _demand_drawable(opening: Opening, cases: Mapping[str, Case]) -> None:
    from sdqa.families import demand_drawable

    foreign = sorted({case.scheduler for case in cases.values()} - set(opening.family.between.schedulers))
    found = tuple(f"the scheduler {one} is none of {opening.family.title}'s" for one in foreign)
    demand_drawable(opening.family, source=opening.source, found=found)


def _problems(opening: Opening, cases: Mapping[str, Case]) -> list[Problem]:
    """The cases whose timesteps are known to be none."""
    found = []
    for name, case in cases.items():
        steps = plain_timesteps(case.scheduler, opening.scheduler, case.steps, _strength(case))
        if steps is not None:
            found += _flaws(name, case, steps, opening)
    return found


def _exact_problems(store: Store, opening: Opening, cases: Mapping[str, Case], teacher: Teacher) -> list[Problem]:
    """What diffusers itself finds wrong with the cases' schedules, and the timesteps that only it knows."""
    from sdqa.generate.schedule import planned_schedule

    found: list[Problem] = []
    for name, case in cases.items():
        try:
            steps = planned_schedule(case, teacher, store).timesteps
        except ModelError as error:
            found.append(Problem(f"$.cases.{name}.scheduler", f"{error.what} ({case.scheduler}, {opening.source})"))
        else:
            found += _flaws(name, case, steps, opening)
    return found


def _flaws(name: str, case: Case, steps: tuple[float, ...], opening: Opening) -> list[Problem]:
    what = {
        "steps": flaw(case.scheduler, steps, trained_steps(opening.scheduler), case.steps),
        "scheduler": undefined(case.scheduler, opening.scheduler, steps),
    }
    place = f"({case.scheduler}, {opening.source})"
    return [Problem(f"$.cases.{name}.{key}", f"{words} {place}") for key, words in what.items() if words]


def _refuse(problems: list[Problem], suite: Path) -> None:
    if problems:
        raise ConfigError(problems, where=str(suite), hint="ask for other steps, or for another scheduler")


def _strength(case: Case) -> float | None:
    return None if case.source is None else case.strength


def _remarks(opening: Opening, cases: Mapping[str, Case]) -> Iterator[str]:
    """Of the model, of what becomes of its scheduler, and of each case."""
    if opening.ignored:
        yield f"ignored: {', '.join(opening.ignored)}"
    yield from opening.remarks
    for scheduler in dict.fromkeys(case.scheduler for case in cases.values()):
        became = kept(scheduler, opening.scheduler_class, opening.scheduler)
        if became.says_something or remarkable(scheduler, opening.scheduler):
            yield f"{scheduler}: {became}"
    tokenizer = opening.tokenizer() if opening.tokenizer is not None and cases else None
    for name, case in cases.items():
        steps = plain_timesteps(case.scheduler, opening.scheduler, case.steps, _strength(case))
        odd = doubt(steps or (), trained_steps(opening.scheduler), case.steps, _strength(case))
        if odd:
            yield f"case {name}: {odd}"
        if case.negative_prompt and case.guidance_scale <= 1:
            yield f"case {name}: guidance_scale {case.guidance_scale:g} is none: the negative prompt does nothing"
        if tokenizer is not None:
            yield from _cuts(name, case, tokenizer)
    if tokenizer is not None:
        yield from _alike(cases, tokenizer)


def _cuts(name: str, case: Case, tokenizer: PromptTokenizer) -> Iterator[str]:
    """The prompts of which the text encoder does not see everything."""
    from sdqa.generate.sources import source_prompt

    texts = {"prompt": case.prompt, "negative prompt": case.negative_prompt, "source prompt": source_prompt(case) or ""}
    for what, text in texts.items():
        cut = tokenizer.cut(text)
        if cut is not None:
            shown = cut.text if len(cut.text) <= LETTERS else f"{cut.text[:LETTERS]}…"
            yield f"case {name}: {what} cut after {cut.after} tokens: {shown!r}"


def _alike(cases: Mapping[str, Case], tokenizer: PromptTokenizer) -> Iterator[str]:
    """Prompts that differ as they were written and not to the text encoder, and those that are their own negatives."""
    by_tokens: dict[tuple[int, ...], dict[str, str]] = {}
    for name, case in cases.items():
        seen = tokenizer.seen(case.prompt)
        by_tokens.setdefault(seen, {}).setdefault(case.prompt, name)
        if case.guidance_scale > 1 and seen == tokenizer.seen(case.negative_prompt):
            yield f"case {name}: prompt and negative prompt are the same to the text encoder: guidance does nothing"
    for texts in by_tokens.values():
        if len(texts) > 1:
            why = " after the cut" if any(tokenizer.cut(text) for text in texts) else ""
            names = ", ".join(texts.values())
            yield f"cases {names}: their prompts are the same to the text encoder{why}"
