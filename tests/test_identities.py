"""What records elsewhere hold on to: identities of figures, digests of goldens, check ids, verbs and their options.

They may grow; whatever was recorded under one of them must stay comparable, so none may change or go unnoticed.
`python tests/test_identities.py` prints today's, for a change that is meant.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).parents[1]
RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "identities.json").read_text(encoding="utf-8"))


def parity_identity() -> str:
    from sdqa.metrics.kinds import PARITY_IDENTITY

    return PARITY_IDENTITY


def metric_identities() -> dict[str, Any]:
    from sdqa.metrics import MetricModels
    from sdqa.store import digest_of

    return {name: digest_of(one) for name, one in MetricModels().identity().items()}


def golden_digests() -> dict[str, str]:
    from sdqa.gate.manifest import read_manifest

    places = sorted((ROOT / "goldens").glob("*/*/manifest.json"))
    return {f"{place.parts[-3]}/{place.parts[-2]}": read_manifest(place.parent).content() for place in places}


def check_ids() -> list[str]:
    from sdqa.plan import load_suite, make_plan
    from sdqa.workflow.gate import planned_checks

    path = ROOT / "sdqa.toml"
    plan = make_plan(load_suite(path), path)
    return sorted(check for lane in plan.running for check in planned_checks(plan, lane))


def verbs() -> dict[str, list[str]]:
    from sdqa.cli import cli

    found: dict[str, list[str]] = {}

    def look(command: click.Command, name: str) -> None:
        found[name] = sorted(option for parameter in command.params for option in parameter.opts)
        if isinstance(command, click.Group):
            context = click.Context(command)
            for verb in command.list_commands(context):
                child = command.get_command(context, verb)
                assert child is not None
                look(child, f"{name} {verb}")

    look(cli, "sdqa")
    return found


def today() -> dict[str, Any]:
    return {
        "parity": parity_identity(),
        "metrics": metric_identities(),
        "goldens": golden_digests(),
        "checks": check_ids(),
        "verbs": verbs(),
    }


def test_parity_is_measured_as_before() -> None:
    assert parity_identity() == RECORDED["parity"]


def test_metrics_keep_their_identities() -> None:
    now = metric_identities()
    assert {name: now.get(name) for name in RECORDED["metrics"]} == RECORDED["metrics"]


def test_goldens_keep_their_digests() -> None:
    assert golden_digests() == RECORDED["goldens"]


def test_checks_keep_their_ids() -> None:
    assert set(RECORDED["checks"]) <= set(check_ids())


def test_verbs_and_options_stay() -> None:
    now = verbs()
    for verb, options in RECORDED["verbs"].items():
        assert set(options) <= set(now[verb]), verb


if __name__ == "__main__":
    print(json.dumps(today(), indent=1, sort_keys=True))  # noqa: T201
