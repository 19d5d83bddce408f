"""Peak resident memory of this process while something runs."""

from __future__ import annotations

import threading
from types import TracebackType

INTERVAL_S = 0.02


class PeakMemory:
    """Context manager that samples the resident set every 20 ms; `peak_bytes` is the largest reading.

    Sampling works the same on Linux and macOS, and unlike the kernel's high-water mark it can begin anew.
    """

    def __init__(self) -> None:
        import psutil

        self._process = psutil.Process()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.start_bytes = 0
        self.peak_bytes = 0

    def _read(self) -> int:
        return int(self._process.memory_info().rss)

    def _sample(self) -> None:
        while not self._stop.wait(INTERVAL_S):
            self.peak_bytes = max(self.peak_bytes, self._read())

    def __enter__(self) -> PeakMemory:
        self.start_bytes = self.peak_bytes = self._read()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()
        self.peak_bytes = max(self.peak_bytes, self._read())
