"""A look into an asset, in a process of its own: Core AI's parser, compiler and runtime can end theirs."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.numpy

from sdqa.convert.isolate import error_of, search_path
from sdqa.errors import ExecutionError

Array = npt.NDArray[Any]
TIMEOUT_S = 3600.0
"""For all operations of one component. The embedded U-Net takes 2 minutes."""
TOLD_LINES = 3
"""Of what a dead process left on standard error, that its error repeats."""


def look(module: str, job: Mapping[str, Any], arrays: Mapping[str, Array], *, timeout_s: float = TIMEOUT_S) -> Any:
    """What a module's `perform(job, arrays)` finds, as plain values.

    Args:
        module: of this room; the caller's own.
        job: plain values; "component" names what is looked at, for errors.

    Raises:
        ExecutionError: the process died or took too long.
        SdqaError: whatever `perform` raised.
    """
    import os

    where = f"{job['component']}, looking into the asset"
    with tempfile.TemporaryDirectory(prefix="sdqa-look-") as folder:
        given, outcome = Path(folder) / "given.safetensors", Path(folder) / "outcome.json"
        safetensors.numpy.save_file({name: np.ascontiguousarray(value) for name, value in arrays.items()}, given)
        told = {"module": module, "job": dict(job), "arrays": str(given), "outcome": str(outcome)}
        try:
            process = subprocess.run(
                [sys.executable, "-m", "sdqa.diagnose.coreai.worker"],
                input=json.dumps(told),
                text=True,
                capture_output=True,
                check=False,
                timeout=timeout_s,
                env={**os.environ, "PYTHONPATH": search_path()},
            )
        except subprocess.TimeoutExpired as error:
            raise ExecutionError(f"no answer within {timeout_s:g} s; the process was ended", where=where) from error
        if process.returncode == 0 and outcome.is_file():
            found = json.loads(outcome.read_text("utf-8"))
            if "error" in found:
                raise error_of(found["error"])
            return found["result"]
    lines = [line for line in process.stderr.splitlines() if line.strip()]
    said = " / ".join(lines[-TOLD_LINES:]) or "no message"
    raise ExecutionError(f"the process died with status {process.returncode}: {said}", where=where)
