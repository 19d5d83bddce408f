"""The verb that looks for causes."""

from __future__ import annotations

import json
from pathlib import Path

import click

from sdqa.cli.options import (
    case_option,
    fault_option,
    json_option,
    lane_option,
    resolve_plan,
    store_option,
    suite_option,
)
from sdqa.store.place import StorePlace


@click.command()
@suite_option
@lane_option
@store_option
@fault_option
@case_option
@click.option("--model", default=None, metavar="MODEL", help="Only lanes of this model.")
@click.option("--variant", default=None, metavar="VARIANT", help="Only lanes of this variant.")
@click.option("--packages", default=None, type=click.Path(path_type=Path), help="A folder of packages to look into.")
@click.option("--steps/--no-steps", default=True, help="Whether to vary the number of steps too.")
@click.option("--output", default=".sdqa/diagnosis", type=click.Path(path_type=Path), help="Where diagnosis.json goes.")
@json_option
def diagnose(
    suite: str | None,
    lanes: tuple[str, ...],
    store: StorePlace,
    fault: str | None,
    cases: tuple[str, ...],
    model: str | None,
    variant: str | None,
    packages: Path | None,
    steps: bool,
    output: Path,
    as_json: bool,
) -> None:
    """Name the component, the stage and the operation that broke a lane's candidate.

    `--packages` looks into packages that lie elsewhere, by the model and the goldens of the suite; `--model` and
    `--variant` choose the lane.
    """
    from sdqa.bundle import Bundle
    from sdqa.bundle.diagnosis import write_diagnoses
    from sdqa.errors import UsageError
    from sdqa.faults import injection
    from sdqa.progress import reporting
    from sdqa.store import Store
    from sdqa.workflow.diagnose import diagnose_lane
    from sdqa.workflow.job import Job

    plan = resolve_plan(suite, lanes)
    chosen = [
        lane for lane in plan.running if model in (None, lane.model_name) and variant in (None, lane.variant.name)
    ]
    if not chosen:
        raise UsageError(
            "no lane that runs here fits --model, --variant and --lane",
            hint=f"lanes: {', '.join(lane.id for lane in plan.running)}",
        )
    with reporting() as progress:
        planted = injection(fault) if fault else None
        job = Job(plan, Store(store), Bundle(output), planted, progress)
        found = [diagnose_lane(job, lane, cases=cases, sweep=steps, packages=packages) for lane in chosen]
    path = write_diagnoses(output, found)
    if as_json:
        click.echo(json.dumps([one.to_json() for one in found], sort_keys=True))
        return
    for one in found:
        click.echo(f"{one.lane}\n{one.verdict}\n")
    click.echo(str(path))
