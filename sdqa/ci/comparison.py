"""Which suite of the base a suite was: the judge is followed by what it is, not by what its file is called.

A suite that was renamed, moved or exchanged for another is no new one. It is the base's suite at the same path, or the
one there that shares its goldens, its models or its name; one that is gone from the change comes before one that stays.
Where the base has suites and this one follows none of them, the judge cannot be compared, and that is a change of its
own that needs a recorded reason.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from pathlib import Path

from sdqa.bundle import JudgeChange
from sdqa.ci.judge import Rules, judge_digest
from sdqa.ci.judge_diff import judge_diff, with_reason
from sdqa.ci.lost_plugins import lost_changes, without_lost
from sdqa.ci.revision import LaidOut, tree_at
from sdqa.errors import ConfigError, SdqaError
from sdqa.plan import Plan
from sdqa.plan.load import is_suite

KIND = "suite"
NAMED = 3
Likeness = tuple[bool, bool, int, bool, int]


def compared(base: str, head: Plan, rules: Rules, *, suite: Path | None = None) -> tuple[JudgeChange, ...]:
    """What a change does to the judge of a base.

    Args:
        base: a revision of git, or a folder; see `sdqa.ci.revision.tree_at`.
        head: the suite as the change has it, all lanes planned.
        suite: the suite's file in the repository that knows the base; the head's own otherwise.

    Raises:
        UsageError: the base is neither a folder nor a revision.
        SdqaError: its suite or an audit log cannot be read.
    """
    with tree_at(base, suite or head.suite_path) as tree:
        if (lost := tree.lost(head.suite_path.name)) and (unread := _unread(tree, head, lost)) is not None:
            return tuple(with_reason([unread], tree.folder / head.suite.goldens, head))
        before = tree.plan(head.suite_path.name)
        if before is not None:
            return _differences(before, head, rules, lost)
        name, before = _predecessor(tree, head)
        if before is not None:
            what = f"was {name} in the base"
            moved = JudgeChange(kind=KIND, subject=head.suite_path.name, what=what, looser=False)
            return (moved, *_differences(before, head, rules, tree.lost(name)))
        if not tree.suites:
            return (JudgeChange(kind=KIND, subject=head.suite_path.name, what="is new", looser=False),)
        return tuple(with_reason([_not_comparable(tree.suites, head)], tree.folder / head.suite.goldens, head))


def _differences(base: Plan, head: Plan, rules: Rules, lost: Sequence[str]) -> tuple[JudgeChange, ...]:
    """What changed between two plans, of which the base's was read without the plugins that are lost."""
    return judge_diff(without_lost(lost, base), head, rules, lost=lost_changes(lost, base))


def _unread(tree: LaidOut, head: Plan, lost: Sequence[str]) -> JudgeChange | None:
    """That the base's suite cannot be read without the plugins that are lost, if it cannot."""
    try:
        tree.plan(head.suite_path.name)
    except ConfigError as error:
        what = (
            f"the judge cannot be compared: without the plugin {', '.join(lost)}, which is removed, the base's suite "
            f"cannot be read: {' '.join(error.what.split())[:200]} (judge {judge_digest(head)[:12]})"
        )
        return JudgeChange(kind=KIND, subject=head.suite_path.name, what=what, looser=True)
    return None


def _not_comparable(suites: Sequence[str], head: Plan) -> JudgeChange:
    """A reason that is recorded for it holds for exactly this judge: its digest is part of what is said."""
    some = f"{', '.join(suites[:NAMED])}{f' and {len(suites) - NAMED} more' if len(suites) > NAMED else ''}"
    what = (
        f"the judge cannot be compared: the base has {some}, and this suite follows none of them "
        f"(suite {head.suite_digest[:12]}, judge {judge_digest(head)[:12]})"
    )
    return JudgeChange(kind=KIND, subject=head.suite_path.name, what=what, looser=True)


def _predecessor(tree: LaidOut, head: Plan) -> tuple[str, Plan | None]:
    """The suite of the base that is most like this one; an empty name where none is like it at all."""
    found: tuple[Likeness, str, Plan | None] = ((False, False, 0, False, 0), "", None)
    for name in tree.suites:
        try:
            plan = tree.plan(name)
        except SdqaError:
            continue  # a file that looks like a suite and is none that this sdqa reads
        if plan is not None and (likeness := _likeness(name, plan, head)) and likeness > found[0]:
            found = (likeness, name, plan)
    return found[1], found[2]


def _likeness(name: str, base: Plan, head: Plan) -> Likeness | None:
    """How much two suites are one, the weightiest first; None where nothing says that they are."""
    goldens = posixpath.normpath(posixpath.join(posixpath.dirname(name), base.suite.goldens))
    one_place = goldens == posixpath.normpath(head.suite.goldens)
    models = sum(head.suite.models.get(key) == model for key, model in base.suite.models.items())
    one_name = base.suite.name == head.suite.name
    cases = len(base.suite.cases.keys() & head.suite.cases.keys())
    names = base.suite.models.keys() & head.suite.models.keys()
    if not (one_name or (one_place and names) or (models and cases)):
        return None
    return not _is_there(head, name), one_place, models, one_name, cases


def _is_there(head: Plan, name: str) -> bool:
    """Whether the change still has a suite at that path."""
    path = head.suite_path.parent / name
    return path.is_file() and is_suite(path.read_bytes())
