"""The process that `sdqa.diagnose.coreai.process` starts: does one module's job, and leaves the result or the error."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import safetensors.numpy

from sdqa.errors import SdqaError


def main() -> None:
    """Read a job from standard input, write a result or an error to the file that it names."""
    told = json.load(sys.stdin)
    try:
        arrays = safetensors.numpy.load_file(told["arrays"])
        found: dict[str, Any] = {"result": importlib.import_module(told["module"]).perform(told["job"], arrays)}
    except SdqaError as error:
        found = {"error": {"class": type(error).__name__, "what": error.what, "where": error.where, "hint": error.hint}}
    Path(told["outcome"]).write_text(json.dumps(found), "utf-8")


if __name__ == "__main__":
    main()
