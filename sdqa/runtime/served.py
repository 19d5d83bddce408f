"""A process that answers questions: what it runs may abort or hang, and that is then an error here, not the end.

Both directions carry frames: one byte of kind, eight bytes of length, the payload. Arrays travel as safetensors.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from sdqa.errors import ExecutionError

ARRAYS, FACTS, FAILED = b"a", b"f", b"e"
HEAD_BYTES = 9
MAX_FRAME_BYTES = 2**34
TOLD_LINES = 3
"""Of what a dead process left on standard error, that its error repeats."""


def write_frame(stream: IO[bytes], kind: bytes, payload: bytes) -> None:
    """Send one frame."""
    stream.write(kind + len(payload).to_bytes(8, "little") + payload)
    stream.flush()


def pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Arrays by name as bytes."""
    return safetensors.numpy.save({name: np.ascontiguousarray(value) for name, value in arrays.items()})


def unpack(payload: bytes) -> dict[str, NDArray[Any]]:
    """What `pack` made."""
    return dict(safetensors.numpy.load(payload))


class Served:
    """A running process of `python -m MODULE ARGUMENTS`, that ends when this object does.

    Args:
        where: what it works on, for errors.
    """

    def __init__(self, module: str, *arguments: str, where: str) -> None:
        self.where = where
        self._told = TemporaryFile()  # noqa: SIM115 -- lives as long as the process
        place = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join([place, *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._told,
            env={**os.environ, "PYTHONPATH": path},
        )
        self._end = weakref.finalize(self, _end, self._process, self._told)

    def ask(self, payload: bytes, *, timeout_s: float) -> dict[str, NDArray[Any]]:
        """Arrays in, arrays out.

        Raises:
            ExecutionError: it refuses, dies, or takes longer than that.
        """
        assert self._process.stdin is not None
        if not self._end.alive:
            raise ExecutionError("the process was ended before", where=self.where)
        try:
            write_frame(self._process.stdin, ARRAYS, payload)
        except OSError as error:
            raise self._died() from error
        return unpack(self._answer(ARRAYS, timeout_s))

    def facts(self, *, timeout_s: float) -> Any:
        """What it says of itself when it is ready.

        Raises:
            ExecutionError: it refuses, dies, or takes longer than that.
        """
        return json.loads(self._answer(FACTS, timeout_s))

    def close(self) -> None:
        """End the process."""
        self._end()

    def _answer(self, wanted: bytes, timeout_s: float) -> bytes:
        deadline = time.monotonic() + timeout_s
        head = self._read(HEAD_BYTES, deadline, timeout_s)
        kind, size = head[:1], int.from_bytes(head[1:], "little")
        if kind not in {wanted, FAILED} or size > MAX_FRAME_BYTES:
            self.close()
            raise ExecutionError("the process answers with something else than was asked for", where=self.where)
        payload = self._read(size, deadline, timeout_s)
        if kind == FAILED:
            raise ExecutionError(payload.decode("utf-8", "replace"), where=self.where)
        return payload

    def _read(self, size: int, deadline: float, timeout_s: float) -> bytes:
        assert self._process.stdout is not None
        stream, found = self._process.stdout, bytearray()
        while len(found) < size:
            ready, _, _ = select.select([stream], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                self.close()
                raise ExecutionError(f"no answer within {timeout_s:g} s; the process was ended", where=self.where)
            piece = os.read(stream.fileno(), min(size - len(found), 2**20))
            if not piece:
                raise self._died()
            found += piece
        return bytes(found)

    def _died(self) -> ExecutionError:
        status = self._process.wait()
        self._told.seek(0)
        lines = [line for line in self._told.read().decode("utf-8", "replace").splitlines() if line.strip()]
        said = " / ".join(lines[-TOLD_LINES:]) or "no message"
        self.close()
        return ExecutionError(f"the process died with status {status}: {said}", where=self.where)


def _end(process: subprocess.Popen[bytes], told: IO[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, told):
        if stream is not None:
            try:
                stream.close()
            except OSError:
                continue
