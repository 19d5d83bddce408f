"""Writes an .mlpackage so that equal programs are equal bytes."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MODEL = "Data/com.apple.CoreML/model.mlmodel"
WEIGHTS = "Data/com.apple.CoreML/weights"
_CONVERSION_DATE = "com.github.apple.coremltools.conversion_date"

_NAMESPACE = uuid.UUID("6d1f5f0c-3f0f-5b5e-9a43-6a1f0b1c6f55")


def write_package(model: Any, destination: Path, *, notes: Mapping[str, str]) -> None:
    """Save a coremltools model with nothing random in it: no date, no random UUID, maps in sorted order.

    Args:
        model: a `coremltools.models.MLModel` of an ML Program.
        destination: the package's path; what is there is replaced in one step.
        notes: user-defined metadata to add.
    """
    spec = model.get_spec()
    spec.description.metadata.userDefined.pop(_CONVERSION_DATE, None)
    spec.description.metadata.userDefined.update(notes)
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".writing-") as folder:
        package = Path(folder) / destination.name
        (package / MODEL).parent.mkdir(parents=True)
        (package / MODEL).write_bytes(spec.SerializeToString(deterministic=True))
        weights = Path(model.weights_dir) if model.weights_dir else None
        entries = [("model.mlmodel", "CoreML Model Specification", "com.apple.CoreML/model.mlmodel")]
        if weights is not None and any(weights.iterdir()):
            shutil.copytree(weights, package / WEIGHTS)
            entries.append(("weights", "CoreML Model Weights", "com.apple.CoreML/weights"))
        (package / "Manifest.json").write_text(_manifest(entries), "utf-8")
        replaced = Path(folder) / "replaced"
        if destination.exists():
            os.replace(destination, replaced)
        os.replace(package, destination)


def _manifest(entries: list[tuple[str, str, str]]) -> str:
    items = {
        str(uuid.uuid5(_NAMESPACE, path)).upper(): {
            "author": "com.apple.CoreML",
            "description": description,
            "name": name,
            "path": path,
        }
        for name, description, path in entries
    }
    root = next(identifier for identifier, item in items.items() if item["name"] == "model.mlmodel")
    content = {"fileFormatVersion": "1.0.0", "itemInfoEntries": items, "rootModelIdentifier": root}
    return json.dumps(content, indent=4, sort_keys=True) + "\n"


def package_bytes(package: Path) -> int:
    """Size on disk."""
    return sum(path.stat().st_size for path in _files(package))


def _files(package: Path) -> list[Path]:
    return sorted(path for path in package.rglob("*") if path.is_file())
