"""A progress bar on a terminal, a plain line now and then in a log; always on standard error."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

LOG_EVERY_S = 30.0


class StepLog:
    """Counts steps of one stage, with a short remark such as the current loss."""

    def __init__(self, name: str, total: int, start: int = 0) -> None:
        self._name, self._total, self._last = name, total, time.monotonic()
        self._console = Console(stderr=True)
        self._bar = Bar(
            TextColumn("{task.description:<12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[remark]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task(name, total=total, completed=start, remark="")

    def __enter__(self) -> StepLog:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def advance(self, step: int, remark: str = "") -> None:
        self._bar.update(self._task, completed=step, remark=remark)
        now = time.monotonic()
        if not self._console.is_terminal and (now - self._last > LOG_EVERY_S or step == self._total):
            self._last = now
            self._console.print(f"{self._name} {step}/{self._total} {remark}".rstrip(), highlight=False)
