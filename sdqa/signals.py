"""Ctrl-C and termination, kept waiting where they would leave something cut in two."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

PATIENCE = 2
"""How many signals `held` keeps waiting."""


@contextmanager
def held() -> Iterator[list[int]]:
    """Keep Ctrl-C and termination waiting while something is written that must not be cut in two.

    CI services send the one and, seconds later, the other; a third signal ends it all the same. Only the main thread
    is ever interrupted, so elsewhere there is nothing to hold.

    Yields:
        The signals that came so far.
    """
    came: list[int] = []

    def hold(number: int, _: FrameType | None) -> None:
        came.append(number)
        if len(came) > PATIENCE:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    before = {number: signal.signal(number, hold) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            with suppress(TypeError):  # a handler that Python did not set
                signal.signal(number, handler)


@contextmanager
def later() -> Iterator[None]:
    """Keep them waiting until the block is done, and let them come then."""
    with held() as came:
        yield
    if came:
        signal.raise_signal(came[0])
