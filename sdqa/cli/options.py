"""Options that several verbs share, and what they resolve to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
from click.core import ParameterSource

from sdqa.store.place import DEFAULT_ROOT, StorePlace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sdqa.plan import Plan
    from sdqa.workflow.preflight import Note

suite_option = click.option("--suite", default=None, metavar="SUITE", help="A suite file, or a shipped suite's name.")
lane_option = click.option("--lane", "lanes", multiple=True, metavar="LANE", help="Only lanes that match; repeatable.")
PREFIX, READ_ONLY = "store_prefix", "store_read_only"
_Command = TypeVar("_Command", bound="Callable[..., object]")


def store_option(command: _Command) -> _Command:
    """`--store`, with the prefix of a shared one and whether it is only read; from the environment too."""
    for option in (
        click.option(
            "--store",
            default=str(DEFAULT_ROOT),
            envvar="SDQA_STORE",
            callback=_store,
            metavar="FOLDER|URL",
            help="The store's folder, or a shared one: s3://, gs://, file://.",
        ),
        click.option(
            "--store-prefix",
            PREFIX,
            default="",
            envvar="SDQA_STORE_PREFIX",
            is_eager=True,
            expose_value=False,
            callback=_remember,
            metavar="PREFIX",
            help="Of a shared store: what is written; main is read too.",
        ),
        click.option(
            "--store-read-only",
            READ_ONLY,
            is_flag=True,
            envvar="SDQA_STORE_READ_ONLY",
            is_eager=True,
            expose_value=False,
            callback=_remember,
            help="Write nothing into a shared store.",
        ),
    ):
        command = option(command)
    return command


def _remember(context: click.Context, parameter: click.Parameter, value: object) -> None:
    context.meta[str(parameter.name)] = value


def _store(context: click.Context, _parameter: click.Parameter, value: str) -> StorePlace:
    """The store that is meant; what the environment says of shared stores does not concern a folder."""
    shared = "://" in value
    written = {
        name: context.meta.get(name)
        for name in (PREFIX, READ_ONLY)
        if shared or context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    return StorePlace.parse(value, str(written.get(PREFIX) or ""), read_only=bool(written.get(READ_ONLY)))


output_option = click.option(
    "--output", default=".sdqa/report", type=click.Path(path_type=Path), help="The bundle's folder."
)
fault_option = click.option("--fault", default=None, metavar="FAULT", help="Plant a fault, to see the gate turn red.")
case_option = click.option("--case", "cases", multiple=True, metavar="CASE", help="Only these cases; repeatable.")
json_option = click.option("--json", "as_json", is_flag=True, help="Machine-readable result on standard output.")
reason_option = click.option("--reason", default="", help="Why; recorded, and needed where something would change.")
bundle_argument = click.argument("bundle", type=click.Path(path_type=Path), default=Path(".sdqa/report"))


def described(plan: Plan, remarks: Mapping[str, str] | None = None, notes: Iterable[Note] = ()) -> str:
    """A plan for people, with the goldens that nothing in it asks for."""
    from sdqa.gate.orphans import orphans_text
    from sdqa.plan.describe import plan_text

    text, orphaned = plan_text(plan, remarks, ((note.subject, note.text) for note in notes)), orphans_text(plan)
    return f"{text}\n  {orphaned}" if orphaned else text


def resolve_own_plan(suite: str | None) -> Plan:
    """The plan that `--suite` means, for a verb that writes beside its goldens.

    Raises:
        UsageError: the goldens are part of the installed package.
    """
    from sdqa.errors import UsageError

    made = resolve_plan(suite)
    if made.has_packaged_goldens:
        hint = f"copy {made.suite_path} to a folder of your own and name that file with --suite"
        raise UsageError("the goldens of a shipped suite belong to the package", hint=hint)
    return made


def resolve_plan(suite: str | None, lanes: tuple[str, ...] = ()) -> Plan:
    """The plan that `--suite` and `--lane` mean."""
    from sdqa.plan import find_suite, load_suite, make_plan
    from sdqa.words import require_known_metrics

    path = find_suite(suite)
    return require_known_metrics(make_plan(load_suite(path), path, only=lanes))


def naming(suite: str | None) -> str:
    """What a command has to say so that it means the same suite."""
    return "" if suite in (None, "sdqa.toml") else f" --suite {suite}"


def look_at_models(plan: Plan, *, drawing: bool = True) -> dict[str, str]:
    """`sdqa.workflow.examination.examine_plan`, with one text a model: its remarks line by line."""
    from sdqa.workflow.examination import examine_plan

    return {name: "\n".join(remarks) for name, remarks in examine_plan(plan, drawing=drawing).items()}
