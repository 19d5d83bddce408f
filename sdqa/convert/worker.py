"""The process that `sdqa.convert.isolate` starts: converts or reads one component, and tells how it went."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdqa.convert.record import PackageRecord
from sdqa.errors import ConversionError, SdqaError
from sdqa.models import Teacher, load_teacher
from sdqa.plan.variant import Variant
from sdqa.plugins import load_plugins
from sdqa.runtime.registry import AIMODEL


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


def _convert(teacher: Teacher, job: Mapping[str, Any]) -> PackageRecord:
    variant, base = Variant.model_validate(job["variant"]), Path(job["base"]) if job["base"] else None
    convert_here = _core_ai if job["format"] == AIMODEL else _core_ml
    return convert_here(teacher, job["component"], variant, Path(job["destination"]), base)


def _core_ml(teacher: Teacher, component: str, variant: Variant, folder: Path, base: Path | None) -> PackageRecord:
    from sdqa.convert.component import convert_here

    return convert_here(teacher, component, variant, folder, base)


def _core_ai(teacher: Teacher, component: str, variant: Variant, folder: Path, base: Path | None) -> PackageRecord:
    from sdqa.convert.coreai.component import convert_here

    return convert_here(teacher, component, variant, folder, base)


def _adopt(teacher: Teacher, job: Mapping[str, Any]) -> PackageRecord:
    from sdqa.convert.coreai.adopt import adopt_here

    variant = Variant.model_validate(job["variant"]) if job["variant"] else None
    return adopt_here(teacher, job["component"], Path(job["adopt"]), variant)


def main() -> None:
    """Read a job from standard input, write a record or an error to the file that it names."""
    job = json.load(sys.stdin)
    try:
        load_plugins(job["plugins"])
        teacher = load_teacher(job["source"], offline=True)
        if teacher.digest != job["digest"]:
            raise ConversionError("the model changed while it was being converted", where=job["source"])
        record = _adopt(teacher, job) if job.get("adopt") else _convert(teacher, job)
        whole = record.model_copy(update={"peak_bytes": peak_bytes()})
        result: dict[str, object] = {"record": whole.model_dump(mode="json")}
    except SdqaError as error:
        fields = {"class": type(error).__name__, "what": error.what, "where": error.where, "hint": error.hint}
        result = {"error": fields}
    Path(job["outcome"]).write_text(json.dumps(result), "utf-8")


if __name__ == "__main__":
    main()
