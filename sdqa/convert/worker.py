"""The process that `sdqa.convert.isolate` starts: converts one component, and leaves its record or its error."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from sdqa.convert.component import convert_here
from sdqa.errors import ConversionError, SdqaError
from sdqa.models import load_teacher
from sdqa.plan.variant import Variant
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
    """Read a job from standard input, write a record or an error to the file that it names."""
    job = json.load(sys.stdin)
    try:
        load_plugins(job["plugins"])
        teacher = load_teacher(job["source"], offline=True)
        if teacher.digest != job["digest"]:
            raise ConversionError("the model changed while it was being converted", where=job["source"])
        record = convert_here(
            teacher,
            job["component"],
            Variant.model_validate(job["variant"]),
            Path(job["destination"]),
            Path(job["base"]) if job["base"] else None,
        )
        whole = record.model_copy(update={"peak_bytes": peak_bytes()})
        result: dict[str, object] = {"record": whole.model_dump(mode="json")}
    except SdqaError as error:
        fields = {"class": type(error).__name__, "what": error.what, "where": error.where, "hint": error.hint}
        result = {"error": fields}
    Path(job["outcome"]).write_text(json.dumps(result), "utf-8")


if __name__ == "__main__":
    main()
