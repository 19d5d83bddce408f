"""Conversion in a process of its own: peak memory is one component's, and a kill for memory is reported as such."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdqa import errors
from sdqa.errors import ConversionError, SdqaError, UsageError
from sdqa.models.teacher import Teacher
from sdqa.plugins import loaded_plugins, plugin_folders

ISOLATED_PARAMETERS = 50_000_000
"""Below this many parameters a process costs more (8 s of imports) than it saves."""

RETURNING = {"MALLOC_MMAP_THRESHOLD_": str(2**20), "MALLOC_TRIM_THRESHOLD_": str(2**24)}
"""Has glibc give what is freed back to the system: by default it raises its threshold for that with every large array
that is freed, and what tracing leaves behind in pieces stays resident to the end (1.1 GB for tiny-sd's U-Net)."""


def should_isolate(isolate: str, parameters: int) -> bool:
    """Whether to use a process of its own."""
    if isolate not in {"always", "never", "auto"}:
        raise UsageError(f"isolate is {isolate!r}", hint="always, never or auto")
    return isolate == "always" or (isolate == "auto" and parameters >= ISOLATED_PARAMETERS)


def isolated(module: str, teacher: Teacher, component: str, job: Mapping[str, Any]) -> tuple[Any, int]:
    """Call a module's `perform(teacher, job)` in a new process, and take over its result or its error.

    Args:
        module: of this room; the caller's own.
        job: plain values; the teacher and the component are added.

    Returns:
        The resulting record as plain values, and the peak of the process's memory in bytes.

    Raises:
        ProcessDied: the process was killed for memory, or died otherwise.
        SdqaError: whatever `perform` raised.
    """
    source = f"folder:{teacher.folder}" if teacher.folder is not None else teacher.source
    with tempfile.TemporaryDirectory(prefix="sdqa-convert-") as folder:
        outcome = Path(folder) / "outcome"
        plugins = [plugin.module for plugin in loaded_plugins()]
        about = {"module": module, "source": source, "digest": teacher.digest, "component": component}
        process = subprocess.run(
            [sys.executable, "-m", "sdqa.convert.worker"],
            input=json.dumps({**job, **about, "plugins": plugins, "outcome": str(outcome)}),
            text=True,
            capture_output=True,
            check=False,
            env={**RETURNING, **os.environ, "PYTHONPATH": search_path()},
        )
        if process.returncode == 0 and outcome.is_file():
            result = json.loads(outcome.read_text("utf-8"))
            if "result" in result:
                return result["result"], int(result["peak_bytes"])
            raise error_of(result["error"])
    raise explain_death(process.returncode, process.stderr, component)


def search_path() -> str:
    """PYTHONPATH with this package's own place first: the parent may have found it by other means."""
    place = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join([place, *filter(None, [os.environ.get("PYTHONPATH")]), *map(str, plugin_folders())])


class ProcessDied(ConversionError):
    """A process ended without a result."""

    code = "SDQA-304"


def explain_death(returncode: int, stderr: str, component: str) -> ProcessDied:
    """Why a conversion process ended without a result."""
    if returncode in {-signal.SIGKILL, 128 + signal.SIGKILL} or "MemoryError" in stderr:
        return ProcessDied(
            f"converting {component} ran out of memory and was killed",
            hint="convert on a machine with more memory (a Stable Diffusion v1-5 U-Net needs about 7 GB)",
        )
    last = stderr.strip().splitlines()[-1] if stderr.strip() else "no message"
    return ProcessDied(f"converting {component} died with status {returncode}: {last}")


def error_of(fields: dict[str, str]) -> SdqaError:
    """The child's error, in its own class."""
    kind = getattr(errors, fields["class"], ConversionError)
    error: SdqaError = kind(fields["what"], where=fields["where"], hint=fields["hint"])
    return error
