"""`python -m training`: train the embedded model, or measure it."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import click

from sdqa.embedded import WEIGHTS
from sdqa.errors import EXIT_INTERRUPTED, SdqaError, UsageError
from training import config
from training.studio import STAGES


@click.command(context_settings={"max_content_width": 100})
@click.option(
    "--config", "recipe", default="shipped", show_default=True, help="A recipe: a TOML file, or the name of one here."
)
@click.option("--stage", type=click.Choice(list(STAGES)), default="all", show_default=True, help="What to train.")
@click.option("--evaluate", is_flag=True, help="Measure instead of training.")
@click.option(
    "--weights", type=click.Path(path_type=Path), default=WEIGHTS, help="What to measure.  [default: shipped]"
)
@click.option(
    "--minutes-scale", type=click.FloatRange(min=0, min_open=True), default=1.0, help="Train this many times as long."
)
@click.option("--start", type=click.Path(path_type=Path), help="Train on from this folder of weights.")
@click.option(
    "--work", type=click.Path(path_type=Path), help="Checkpoints and results.  [default: .sdqa/train-tiny/NAME]"
)
@click.option("--ship", type=click.Path(path_type=Path), help="Write the trained weights, in fp16, to this new folder.")
@click.option(
    "--docs", type=click.Path(path_type=Path), help="With --evaluate: update table and pictures in this folder."
)
@click.option("--json", "as_json", is_flag=True, help="With --evaluate: print JSON instead of a table.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True, help="Threads of the CPU.")
def main(
    recipe: str,
    stage: str,
    evaluate: bool,
    weights: Path,
    minutes_scale: float,
    start: Path | None,
    work: Path | None,
    ship: Path | None,
    docs: Path | None,
    as_json: bool,
    device: str,
    threads: int,
) -> None:
    """Train the embedded model from drawings, or measure it.

    Training resumes where it was interrupted. On a GPU it uses bf16 and compiled modules. The result of each stage is
    in WORK/stages, metrics are in WORK/metrics.jsonl, one JSON object a line.
    """
    import torch

    torch.set_num_threads(threads)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if evaluate:
            _evaluate(weights, docs, as_json)
        else:
            _train(recipe, stage, minutes_scale, start, work, ship, device)
    except SdqaError as error:
        click.echo(error, err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        click.echo("interrupted; the same command goes on from here", err=True)
        sys.exit(EXIT_INTERRUPTED)


def _train(
    name: str, stage: str, scale: float, start: Path | None, work: Path | None, ship: Path | None, device: str
) -> None:
    from filelock import FileLock, Timeout

    from training.loop import TrainingMachine, TrainingRun
    from training.shipping import ship as write
    from training.studio import Studio

    path = Path(name) if name.endswith(".toml") else config.CONFIGS / f"{name}.toml"
    if ship is not None and ship.exists():
        raise UsageError("the folder to ship to exists already", where=str(ship), hint="weights are never overwritten")
    recipe = config.load(path).scaled(scale)
    work = work or Path(".sdqa") / "train-tiny" / recipe.name
    work.mkdir(parents=True, exist_ok=True)
    studio = Studio(recipe, TrainingRun(work, recipe.digest, TrainingMachine.best(device), recipe.seed), start)
    try:
        with FileLock(work / "lock", timeout=0):
            for part in STAGES[stage]:
                if stage == "all" and part not in studio.stages:
                    continue
                studio.train(part)
                click.echo(f"{part}: {studio.folder(part)}")
            if ship is not None:
                write(studio, ship)
                click.echo(f"shipped: {ship}")
    except Timeout as error:
        raise UsageError("another run works in this folder", where=str(work), hint="use another --work") from error


def _evaluate(weights: Path, docs: Path | None, as_json: bool) -> None:
    from sdqa.metrics.stlpips import ShiftTolerant
    from training import evaluate, grids
    from training.shipping import machine
    from training.subject import SubjectModel

    evaluation = evaluate.run(weights, ShiftTolerant("alex"), machine())
    if docs is not None:
        evaluate.record(evaluation, docs)
        grids.write(SubjectModel.load(weights), docs / "images", evaluate.GUIDANCE)
    click.echo(evaluation.json() if as_json else evaluation.table())


if __name__ == "__main__":
    main()
