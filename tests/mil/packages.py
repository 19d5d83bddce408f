"""Where things lie in the packages that coremltools writes, and a way to change them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sdqa.mil import schema

MODEL = Path("Data/com.apple.CoreML/model.mlmodel")
WEIGHTS = Path("Data/com.apple.CoreML/weights/weight.bin")


def edit(package: Path, change: Callable[[Any], None]) -> None:
    """Change the model message of a package."""
    model = schema.new_model()
    model.ParseFromString((package / MODEL).read_bytes())
    change(model)
    (package / MODEL).write_bytes(model.SerializeToString())
