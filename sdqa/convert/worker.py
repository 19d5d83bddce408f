"""The process that `sdqa.convert.isolate` starts: does one module's job, and leaves the result or the error.

It knows no module by name: what a package is built by is only what the building module imports.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
from pathlib import Path
from typing import Any

from sdqa.errors import ConversionError, SdqaError
from sdqa.models import load_teacher
from sdqa.plugins import load_plugins


def peak_bytes() -> int:
    """Peak resident memory of this process so far.

    Linux's `ru_maxrss` begins with what the process that started this one had; the high-water mark in /proc does not.
    """
    status = Path("/proc/self/status")
    if status.exists():
        marks = [line.split() for line in status.read_text("ascii").splitlines() if line.startswith("VmHWM:")]
        if marks:
            return int(marks[0][1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    """Read a job from standard input, write a result or an error to the file that it names."""
    job = json.load(sys.stdin)
    try:
        load_plugins(job["plugins"])
        load_plugins(job["plugins"])
        teacher = load_teacher(job["source"], offline=True)
        if teacher.digest != job["digest"]:
            raise ConversionError("the model changed while it was being converted", where=job["source"])
        made = importlib.import_module(job["module"]).perform(teacher, job)
        result: dict[str, Any] = {"result": made.model_dump(mode="json"), "peak_bytes": peak_bytes()}
    except SdqaError as error:
        fields = {"class": type(error).__name__, "what": error.what, "where": error.where, "hint": error.hint}
        result = {"error": fields}
    Path(job["outcome"]).write_text(json.dumps(result), "utf-8")


if __name__ == "__main__":
    main()
