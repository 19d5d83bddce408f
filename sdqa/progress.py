"""What is going on, on standard error: a moving line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """Told what begins; says so in its own way."""

    def step(self, text: str) -> None:
        """Something begins."""
        ...


class Silent:
    """Says nothing."""

    def step(self, text: str) -> None:
        """Ignored."""


class Lines:
    """One plain line a step, with the time since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._last = ""

    def step(self, text: str) -> None:
        """Print the step unless it repeats the one before."""
        if text != self._last:
            sys.stderr.write(f"[{time.monotonic() - self._start:6.1f} s] {text}\n")
            sys.stderr.flush()
            self._last = text


class Spinner:
    """One line that moves, for people."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True)
        self._status = self._console.status("starting")
        self._status.start()

    def step(self, text: str) -> None:
        """Replace the line."""
        self._status.update(text)

    def close(self) -> None:
        """Give the terminal back."""
        self._status.stop()


@contextmanager
def reporting(*, quiet: bool = False) -> Iterator[Progress]:
    """A progress for this terminal; closes it in the end."""
    if quiet:
        yield Silent()
    elif sys.stderr.isatty() and not os.environ.get("CI"):
        spinner = Spinner()
        try:
            yield spinner
        finally:
            spinner.close()
    else:
        yield Lines()
