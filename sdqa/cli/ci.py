"""The verbs that a CI file calls: the plan of record before anything runs, the gate when everything has."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sdqa.cli.gating import run_gate, whole_commit
from sdqa.cli.options import fault_option, json_option, output_option, resolve_plan, store_option, suite_option

if TYPE_CHECKING:
    from sdqa.plan import Plan
    from sdqa.store.place import StorePlace

plan_option = click.option("--plan", "plan_file", type=click.Path(path_type=Path), help="The plan of record.")
results_option = click.option("--results", default=None, metavar="JSON", help="What jobs ended as: toJSON(needs).")
commit_option = click.option("--expect-commit", default="", metavar="SHA", help="The commit that is to be proved.")


carried_option = click.option(
    "--carried",
    default=None,
    type=click.Path(path_type=Path),
    help="A gate's report of an earlier commit: its lanes stand where nothing that they are made from changed.",
)


@click.group()
def ci() -> None:
    """The only verbs that a CI file needs: plan, unit, gate."""


@ci.command(name="plan")
@suite_option
@click.option("--output", default=None, type=click.Path(path_type=Path), help="Where plan.json goes; else printed.")
@click.option("--commit", default="", metavar="SHA", help="The commit that is planned for; asked of git otherwise.")
@click.option("--base", default="", metavar="SHA", help="The commit that it is compared with; the event's otherwise.")
@click.option("--shards", default=None, type=click.IntRange(1, 256), help="Jobs for each kind of machine.")
@click.option("--minutes-per-job", default=None, type=click.FloatRange(0.1), help="As many jobs as this asks for.")
@click.option(
    "--measured",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Bundles or reports of earlier runs, or folders of them: their times. --carried's otherwise.",
)
@click.option("--runners", default="", metavar="JSON", help='Labels by kind: {"any": "ubuntu-24.04", "mac": ""}.')
@click.option(
    "--changed-since", default="", metavar="REVISION", help="Say which lanes a change has touched; run those."
)
@carried_option
@click.option("--budget-minutes", default=0.0, type=click.FloatRange(0), help="More expected minutes fail the plan.")
@click.option("--github", is_flag=True, help="Write matrix, jobs, commit and base to GITHUB_OUTPUT.")
@click.option("--gitlab", default=None, type=click.Path(path_type=Path), help="Write a child pipeline to this file.")
def plan_verb(
    suite: str | None,
    output: Path | None,
    commit: str,
    base: str,
    shards: int | None,
    minutes_per_job: float | None,
    measured: tuple[Path, ...],
    runners: str,
    changed_since: str,
    carried: Path | None,
    budget_minutes: float,
    github: bool,
    gitlab: Path | None,
) -> None:
    """Write the plan of record: units, check ids and digests that the evidence is held against; and who runs them."""
    from sdqa.bundle.provenance import unverifiable
    from sdqa.ci.cost import demand_budget
    from sdqa.ci.event import base_of_event, from_a_fork
    from sdqa.ci.jobs import Sharing, jobs_of, parse_runners, rented
    from sdqa.ci.plan import plan_of_record, write_plan
    from sdqa.ci.scaffold import GATE_FILE
    from sdqa.ci.services import described_jobs, tell_github, write_pipeline
    from sdqa.plan import make_plan
    from sdqa.workflow.expected import expected_durations
    from sdqa.workflow.gate import RULES

    own = resolve_plan(suite)
    whole = make_plan(own.suite, own.suite_path, platform="linux")
    if shards is not None and minutes_per_job is not None:
        raise click.UsageError("--shards and --minutes-per-job exclude each other")
    before = base or base_of_event(folder=own.suite_path.parent)
    standing, words = _standing(own, changed_since, carried, before)
    machines = parse_runners(runners)
    if from_a_fork():
        machines, words = (
            rented(machines),
            f"{words}\na pull request of a fork: no job for a machine of your own".strip(),
        )
    durations = expected_durations(own, measured or _readable(carried))
    sharing = Sharing(shards, minutes_per_job, machines, durations, frozenset(standing))
    made = plan_of_record(own, RULES, commit=whole_commit("--commit", commit), base=before.lower())
    facts = {"jobs": jobs_of(whole, sharing), "carried": standing, "durations_rest_on": durations.rests_on}
    made = made.model_copy(update=facts)
    demand_budget(made.jobs, budget_minutes)
    if not made.commit:
        why = unverifiable(own.suite_path.parent) or "git names no commit"
        click.echo(f"warning: nobody knows of which commit this plan is, and no gate will take it: {why}", err=True)
    if output is not None:
        write_plan(output, made)
    if gitlab is not None:
        write_pipeline(gitlab, made, suite or "sdqa.toml", GATE_FILE if Path(GATE_FILE).is_file() else "")
    if github:
        tell_github(made)
    if output is None and gitlab is None and not github:
        click.echo(json.dumps(made.to_json(), indent=1, sort_keys=True))
        if words:
            click.echo(words, err=True)
        return
    checks = sum(len(unit.checks) for unit in made.units)
    said = f"{checks} checks in {len(made.units)} units, {len(made.jobs)} jobs, judge {made.judge_digest[:12]}"
    click.echo(f"{output or gitlab or 'plan'}: {said}")
    click.echo("\n".join(line for line in (words, described_jobs(made.jobs, durations.rests_on)) if line))


def _readable(report: Path | None) -> tuple[Path, ...]:
    """An earlier report where there is one that can be read; whether it stands for anything is another question."""
    from sdqa.bundle import Bundle
    from sdqa.errors import BundleError

    if report is None:
        return ()
    try:
        Bundle(report).read()
    except BundleError:
        return ()
    return (report,)


def _standing(plan: Plan, changed_since: str, carried: Path | None, base: str) -> tuple[tuple[str, ...], str]:
    """The lanes that no job has to run, and why, in words."""
    from sdqa.ci.affected import affected
    from sdqa.ci.carried import carried_lanes
    from sdqa.ci.event import may_carry

    if not may_carry():
        return (), "nothing is carried: only pull requests take earlier evidence" if carried else ""
    if changed_since:
        found = affected(plan, changed_since)
        return found.carried, found.words()
    if carried is not None:
        standing = carried_lanes(plan, carried, base)
        return standing.lanes, standing.words
    return (), ""


def record_plan(suite: str | None, output: Path) -> None:
    """Write the plan of record of a suite."""
    from sdqa.ci.plan import plan_of_record, write_plan
    from sdqa.workflow.gate import RULES

    made = plan_of_record(resolve_plan(suite), RULES)
    write_plan(output, made)
    checks = sum(len(unit.checks) for unit in made.units)
    click.echo(f"{output}: {checks} checks in {len(made.units)} units, judge {made.judge_digest[:12]}")


@ci.command(name="unit")
@click.argument("unit")
@suite_option
@fault_option
@click.option("--diagnose/--no-diagnose", default=True, help="Whether to find out what broke a lane that failed.")
@output_option
@store_option
def unit_verb(unit: str, suite: str | None, fault: str | None, diagnose: bool, output: Path, store: StorePlace) -> None:
    """Run one unit of the plan on this machine and write its bundle.

    UNIT is one that `sdqa ci plan` names: a lane, a share of its cases (`LANE:1/3`), or of all lanes that one kind of
    machine runs (`any`, `any:1/3`, `mac`, `mac-ane`). No file of another job is needed to know what it holds.
    """
    from sdqa.cli.session import run_suite

    sys.exit(run_suite(suite, (), unit, fault, output, store, (), diagnose=diagnose, as_json=False))


@ci.command(name="gate")
@click.argument("bundles", nargs=-1, type=click.Path(path_type=Path))
@suite_option
@plan_option
@results_option
@commit_option
@click.option("--base", default="", metavar="REVISION", help="Say first who loosened the judge since this revision.")
@click.option("--download", default="success", metavar="OUTCOME", help="How fetching the bundles ended.")
@click.option("--history", default="", metavar="PLACE", help="Of earlier runs: show the trend (sdqa history).")
@carried_option
@output_option
def gate_verb(
    bundles: tuple[Path, ...],
    suite: str | None,
    plan_file: Path | None,
    results: str | None,
    expect_commit: str,
    base: str,
    download: str,
    history: str,
    carried: Path | None,
    output: Path,
) -> None:
    """Judge the bundles of all machines by this checkout; write report, summary, annotations and outputs at once.

    BUNDLES are folders of bundles, or folders that hold them. The verdict, the words and the exit code come from one
    record. Exit code 4: something that was planned is not proved.
    """
    code = run_gate(
        bundles,
        suite,
        plan_file,
        results,
        expect_commit,
        output,
        base=base,
        download=download,
        history=history,
        carried=carried,
    )
    sys.exit(code)


@ci.command(name="comment")
@click.argument("summary", type=click.Path(path_type=Path))
@click.option("--commit", required=True, metavar="SHA", help="The head of the pull request.")
@click.option("--link", default="", metavar="URL", help="Where the run is.")
def comment_verb(summary: Path, commit: str, link: str) -> None:
    """Say on the pull request what the gate said: one comment, brought up to date. For a job without a checkout.

    SUMMARY is the gate's summary.json. Repository, API and token come from GitHub's variables.
    """
    from sdqa.ci.comment import comment, read_brief
    from sdqa.ci.github_api import Repository

    click.echo(comment(Repository.of(os.environ), read_brief(summary), commit.strip().lower(), link))


@ci.command(name="doctor")
@click.argument("repository", type=click.Path(path_type=Path, file_okay=False), default=Path())
@suite_option
@json_option
def doctor_verb(repository: Path, suite: str | None, as_json: bool) -> None:
    """Look over a repository: can the required check be skipped, does a merge queue wait, are goldens and limits there?

    Every line is ok, warn or fail, with what mends it. Exit code 2 where something fails.
    """
    from dataclasses import asdict

    from sdqa.ci.doctor import examine_repository, symptom_lines
    from sdqa.errors import EXIT_PASS, EXIT_USAGE
    from sdqa.gate import large_files
    from sdqa.workflow.gate import RULES

    plan = resolve_plan(suite if suite is not None else str(repository / "sdqa.toml"))
    place = large_files.DEFAULT_PLACE
    found = examine_repository(repository, plan, RULES.limits, reach=large_files.fetch, place=place)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=1, sort_keys=True))
    else:
        click.echo("\n".join(symptom_lines(found)))
    sys.exit(EXIT_USAGE if any(one.grade == "fail" for one in found) else EXIT_PASS)
