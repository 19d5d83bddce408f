"""What is done to a machine, as a list: printed by a dry run, carried out by the same code, nothing done twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


def never() -> bool:
    """For what is done whenever it is asked for."""
    return False


@dataclass(frozen=True)
class Action:
    """One step."""

    what: str
    """In words, as `create folder /x` or the command itself; holds no secret."""
    do: Callable[[], None]
    is_done: Callable[[], bool] = never
    asks: bool = False
    """Whether `is_done` asks GitHub: a dry run does not, and says so."""


def carry_out(actions: Iterable[Action], say: Callable[[str], None], *, dry_run: bool) -> int:
    """Carry out what is not done yet, in order: how many steps changed something, or would.

    Raises:
        RunnerError: a step failed; those before it are done, and are left alone the next time.
    """
    changed = 0
    for action in actions:
        if dry_run and action.asks:
            say(f"would, unless it is done: {action.what}")
            changed += 1
            continue
        if action.is_done():
            say(f"done already: {action.what}")
            continue
        say(f"{'would' if dry_run else 'do'}: {action.what}")
        if not dry_run:
            action.do()
        changed += 1
    return changed
