"""GitHub workflow commands: each failing check becomes an annotation on the run and the pull request.

Escaping follows actions/toolkit `command.ts`: `%`, CR and LF everywhere; `:` and `,` in properties too. A reason comes
from a bundle, so an unescaped newline in it could start another workflow command.
"""

from __future__ import annotations

from sdqa.bundle import Run
from sdqa.report.checks import check_rows
from sdqa.report.direction import undirected
from sdqa.report.format import plural
from sdqa.report.headline import failures_of, missed
from sdqa.report.highlights import attention_of
from sdqa.report.links import PAGE, case_address

LIMIT = 10  # GitHub shows at most ten annotations of a kind for each step


def escape_data(text: str) -> str:
    """Escape a command's message."""
    return undirected(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """Escape the value of a command's property."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")


def command(kind: str, title: str, message: str) -> str:
    """One workflow command, `::error title=…::…`."""
    return f"::{kind} title={escape_property(title)}::{escape_data(message)}"


def workflow_commands(run: Run, page: str = PAGE) -> str:
    """Errors for what failed or could not be measured, warnings for what is suspicious; one a line.

    Args:
        page: the report's page, as `sdqa.report.links.page_of` names it.
    """
    errors = [
        command("error", "judge looser, and nobody recorded why", f"{change.subject}: {change.what}")
        for change in run.judge_changes
        if change.looser and not change.recorded
    ]
    errors += [
        command("error", f"{failure.code} {failure.stage}", f"{lane}: {failure.where}: {failure.message}")
        for lane, failure in failures_of(run)
    ]
    warnings: list[str] = []
    notices: list[str] = []
    for lane in run.lanes:
        if lane.status != "ran" and not lane.failures:
            kind, commands = ("error", errors) if missed(lane, run) else ("notice", notices)
            commands.append(command(kind, "lane did not run", f"{lane.id}: {lane.reason or lane.status}"))
    for group in attention_of(check_rows(run)):
        kind, commands = ("warning", warnings) if group.status == "suspicious" else ("error", errors)
        row = group.worst
        message = f"{group.metric}{group.among}: {row.words}. {row.reason}".rstrip(". ")
        if row.case:
            message += f". Report: {case_address(row.case, row.lane, page)}"
        commands.append(command(kind, f"{group.status} {row.check}", message))
    lines = [*_limited(errors, "error"), *_limited(warnings, "warning"), *_limited(notices, "notice")]
    return "".join(f"{line}\n" for line in lines)


def _limited(commands: list[str], kind: str) -> list[str]:
    if len(commands) <= LIMIT:
        return commands
    rest = len(commands) - LIMIT + 1
    return [*commands[: LIMIT - 1], command(kind, "more", f"{plural(rest, f'more {kind}')}: see the report")]
