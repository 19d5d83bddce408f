"""One comment on a pull request, made from a run's brief and kept up to date.

What the brief says comes from the pull request's own jobs: it is data, escaped word by word. The comment remembers
which checks did not pass, so that the next one says what is new, what is still so, and what is fixed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from sdqa.bundle import documents
from sdqa.ci.github_api import Repository
from sdqa.errors import BundleError
from sdqa.report.brief import MAX_BYTES, Brief
from sdqa.report.markdown import escape

MARKER = "<!-- sdqa: quality"
MAX_COMMENT = 60_000
NAMED = 20
REMEMBERED = 150
"""Checks that a comment keeps for the next one."""
_MEMORY = re.compile(re.escape(MARKER) + r" (\{.*\}) -->")
_ICONS = {0: "✅", 1: "❌"}
_CHECK = re.compile(r"[\w./@:+-]{1,160}")


def read_brief(path: Path) -> Brief:
    """A brief from its file.

    Raises:
        BundleError: it is missing, larger than 64 KiB, or does not follow its schema.
    """
    return documents.read(
        path,
        Brief,
        BundleError,
        name="the brief",
        limit=MAX_BYTES,
        missing="there is no summary.json here: the gate did not come so far",
        hint="it lies beside the report that the gate wrote",
    )


def comment_text(brief: Brief, *, link: str = "", before: Iterable[str] = ()) -> str:
    """The comment's Markdown.

    Args:
        link: to the run.
        before: checks that did not pass when the comment was written last.
    """
    now = [one.check for one in brief.checks]
    known, earlier = set(now), set(before)
    lines = [f"## {_ICONS.get(brief.exit_code, '❔')} sdqa {escape(brief.suite)}: {escape(brief.title)}", ""]
    lines += [str(escape(brief.sentence)), ""]
    lines += _listed("This change loosens the judge", brief.looser)
    lines += _listed("New", [check for check in now if check not in earlier])
    lines += _listed("Still", [check for check in now if check in earlier])
    lines += _listed("Fixed", sorted(earlier - known))
    lines += _listed("What did not happen", brief.problems)
    lines += _listed("Causes", brief.causes)
    if brief.not_passed > len(now):
        lines += [f"{brief.not_passed - len(now)} further checks did not pass.", ""]
    if brief.cost:
        lines += [f"<sub>{escape(brief.cost)}</sub>", ""]
    if re.fullmatch(r"https://[\w./:-]{1,300}", link):
        lines += [f"[The run and its report]({link})", ""]
    kept = [check for check in now if _CHECK.fullmatch(check)][:REMEMBERED]
    memory = json.dumps({"checks": kept}, separators=(",", ":"))
    ending = f"{MARKER} {memory} -->\n"
    text = "\n".join(lines)
    return text[: MAX_COMMENT - len(ending) - 1] + "\n" + ending


def _listed(title: str, texts: Iterable[str]) -> list[str]:
    found = list(texts)
    if not found:
        return []
    rest = [f"- … and {len(found) - NAMED} more"] if len(found) > NAMED else []
    return [f"**{title}**", "", *(f"- {escape(text)}" for text in found[:NAMED]), *rest, ""]


def remembered(text: str) -> tuple[str, ...]:
    """The checks that a comment was written for; none where it says nothing that can be read."""
    match = _MEMORY.search(text[:MAX_COMMENT])
    try:
        data = json.loads(match[1]) if match else {}
    except (ValueError, RecursionError):
        return ()
    checks = data.get("checks") if isinstance(data, dict) else None
    return tuple(one for one in checks if isinstance(one, str)) if isinstance(checks, list) else ()


def comment(repository: Repository, brief: Brief, commit: str, link: str = "") -> str:
    """Write the comment on the pull request that a commit is the head of, or bring it up to date; what was done.

    Raises:
        GitHubError: the service refuses.
    """
    number = repository.pull_request_of(commit)
    if number is None:
        return f"no open pull request has {commit[:12]} as its head: nothing to comment on"
    known = next((one for one in repository.comments(number) if MARKER in one.body), None)
    text = comment_text(brief, link=link, before=remembered(known.body) if known else ())
    if known is None:
        repository.add_comment(number, text)
        return f"pull request {number}: comment added"
    repository.change_comment(known.id, text)
    return f"pull request {number}: comment brought up to date"
