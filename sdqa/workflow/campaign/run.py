"""All tasks in worker processes, and the table that they make."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

from sdqa.bundle.environment import environment
from sdqa.bundle.sensitivity import ControlTrial, Pair, Sensitivity, Trial
from sdqa.faults.sensitivity import figures, metric_rates, smallest_caught
from sdqa.faults.yardstick import YARDSTICK, demand
from sdqa.workflow.campaign.stage import CampaignLane, CampaignSettings, Outcome
from sdqa.workflow.campaign.tasks import Task

Say = Callable[[str], None]


def run_campaign(
    settings: CampaignSettings, todo: Sequence[Task], *, quick: bool, workers: int, say: Say = lambda _: None
) -> Sensitivity:
    """Try every task and put the table together.

    Raises:
        GoldenMissing: the model has no tolerances, without which nothing can be judged.
        UsageError: no lane of that name runs on this machine.
        FaultError: the yardstick is not installed.
    """
    demand()
    start = time.perf_counter()
    stage = CampaignLane(settings)
    say(f"{len(todo)} trials of {stage.lane.id} on {len(stage.lane.cases)} cases, {workers} at a time")
    settings = replace(settings, spread=stage.measure_spread())
    spread = settings.spread
    control = max(spread.flip.values(), default=0.0)
    say(f"the teacher's own spread: FLIP up to {control:.2g}, visible from {YARDSTICK.threshold}")
    outcomes: list[Outcome] = []
    for done, outcome in enumerate(_outcomes(settings, todo, workers), start=1):
        say(f"[{done}/{len(todo)}] {_line(outcome)}")
        outcomes.append(outcome)
    trials = tuple(one for one in outcomes if isinstance(one, Trial))
    pairs = tuple(one for one in outcomes if isinstance(one, Pair))
    quiet = tuple(one for one in outcomes if isinstance(one, ControlTrial))
    return Sensitivity(
        kind="quick" if quick else "full",
        lane=stage.lane.id,
        cases=tuple(stage.lane.cases),
        spread=settings.spread,
        trials=trials,
        pairs=pairs,
        quiet=quiet,
        figures=figures(trials, quiet, pairs),
        smallest_caught=smallest_caught(trials),
        yardstick=YARDSTICK,
        metrics=metric_rates(trials),
        tolerances=stage.recorded,
        limits=stage.limits,
        environment=environment(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(time.perf_counter() - start, 1),
    )


def _outcomes(settings: CampaignSettings, todo: Sequence[Task], workers: int) -> Iterator[Outcome]:
    """Outcomes in the order of the tasks."""
    if workers == 1:
        stage = CampaignLane(settings)
        yield from (stage.perform(task) for task in todo)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_enter, initargs=(settings,)) as pool:
        yield from pool.map(_perform, todo)


_STAGE: dict[str, CampaignLane] = {}
"""The worker process's own stage."""


def _enter(settings: CampaignSettings) -> None:
    _STAGE["here"] = CampaignLane(settings)


def _perform(task: Task) -> Outcome:
    return _STAGE["here"].perform(task)


def _line(outcome: Outcome) -> str:
    if isinstance(outcome, Pair):
        named = f"named {', '.join(outcome.named) or 'nothing'}" if outcome.both_named is not None else "not diagnosed"
        return f"{outcome.id}: {'caught' if outcome.caught else 'NOT CAUGHT'}, {named} ({outcome.seconds:.0f} s)"
    if isinstance(outcome, ControlTrial):
        what = "FALSE ALARM " + ", ".join(outcome.failing[:3]) if outcome.alarm else "silent"
        return f"{outcome.change}, seed {outcome.seed}: {what} ({outcome.seconds:.0f} s)"
    seen = "visible" if outcome.visible else "below visibility"
    what = (
        f"caught by {', '.join(outcome.metrics()[:4]) or ', '.join(outcome.errors)}" if outcome.caught else "NOT CAUGHT"
    )
    blamed = f", blamed {outcome.blame.component} {outcome.blame.stage}" if outcome.blame else ""
    return f"{outcome.id}: {seen}, {what}{blamed} ({outcome.seconds:.0f} s)"
