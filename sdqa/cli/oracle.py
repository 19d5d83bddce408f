"""The verb that holds the two runtimes against each other."""

from __future__ import annotations

import json
import sys

import click

from sdqa.cli.options import json_option, store_option
from sdqa.errors import EXIT_GATE_FAILED
from sdqa.store.place import StorePlace


@click.command()
@click.option("--model", "models", multiple=True, metavar="SOURCE", help="Only these models; repeatable.")
@store_option
@json_option
def oracle(models: tuple[str, ...], store: StorePlace, as_json: bool) -> None:
    """Compare sdqa.mil and Core AI on the same components, in fp32 and fp16, against torch and each other.

    Exit code 1: they disagree beyond rounding in a component, which is named. Needs `sdqa[coreai]`.
    """
    from dataclasses import asdict

    from sdqa.diagnose.rounding import losses_table, measure_losses
    from sdqa.progress import reporting
    from sdqa.store import Store
    from sdqa.workflow.agreement import table
    from sdqa.workflow.oracle import SUBJECTS, compare_runtimes

    subjects = {model: SUBJECTS.get(model, ()) for model in models} if models else SUBJECTS
    with reporting() as progress:
        readings = list(compare_runtimes(subjects, store=Store(store), say=progress.step))
        notable = [(one, one.disagreement or one.known) for one in readings if one.disagreement or one.known]
        losses = measure_losses() if notable else ()  # which operation it is
    wrong = [one for one in readings if one.disagreement]
    if as_json:
        data = [{**asdict(one), "disagreement": one.disagreement, "known": one.known} for one in readings]
        click.echo(json.dumps(data, indent=1, sort_keys=True))
    else:
        click.echo(table(readings))
        if losses:
            click.echo(f"\n{losses_table(losses)}")
        for one, said in notable:
            kind = "disagreement" if one.disagreement else "known"
            click.echo(f"{kind}: {one.model}, {one.component}, {one.precision}: {said}", err=True)
    sys.exit(EXIT_GATE_FAILED if wrong else 0)
