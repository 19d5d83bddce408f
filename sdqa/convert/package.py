"""Writes an .mlpackage so that equal programs are equal bytes."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

_MODEL = "com.apple.CoreML/model.mlmodel"
_WEIGHTS = "com.apple.CoreML/weights"
_CONVERSION_DATE = "com.github.apple.coremltools.conversion_date"
_NAMESPACE = uuid.UUID("6d1f5f0c-3f0f-5b5e-9a43-6a1f0b1c6f55")


class PackageFolder:
    """A package while it is being written: it takes its place, whole, when the context ends without an error.

    Nothing random goes into it: item identifiers are derived from paths, and maps are written in sorted order.
    """

    def __init__(self, destination: Path) -> None:
        self.destination = destination
        destination.parent.mkdir(parents=True, exist_ok=True)
        self._temporary = tempfile.TemporaryDirectory(dir=destination.parent, prefix=".writing-")
        self._package = Path(self._temporary.name) / destination.name
        self.weights = self._package / "Data" / _WEIGHTS
        """Folder for weight files; left out of the package when it stays empty."""
        self.weights.mkdir(parents=True)

    def write_model(self, model: Any) -> None:
        """Write a Core ML `Model` message."""
        path = self._package / "Data" / _MODEL
        path.write_bytes(model.SerializeToString(deterministic=True))

    def __enter__(self) -> PackageFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._temporary:
            if kind is not None:
                return
            entries = [("model.mlmodel", "CoreML Model Specification", _MODEL)]
            if any(self.weights.iterdir()):
                entries.append(("weights", "CoreML Model Weights", _WEIGHTS))
            else:
                self.weights.rmdir()
            (self._package / "Manifest.json").write_text(_manifest(entries), "utf-8")
            if self.destination.exists():
                os.replace(self.destination, Path(self._temporary.name) / "replaced")
            os.replace(self._package, self.destination)


def write_package(model: Any, destination: Path, *, notes: Mapping[str, str]) -> None:
    """Save a coremltools model, without the date of its conversion.

    Args:
        model: a `coremltools.models.MLModel` of an ML Program.
        destination: the package's path; what is there is replaced in one step.
        notes: user-defined metadata to add.
    """
    message = model.get_spec()
    message.description.metadata.userDefined.pop(_CONVERSION_DATE, None)
    message.description.metadata.userDefined.update(notes)
    with PackageFolder(destination) as folder:
        if model.weights_dir:
            shutil.copytree(model.weights_dir, folder.weights, dirs_exist_ok=True)
        folder.write_model(message)


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
    return sum(path.stat().st_size for path in package.rglob("*") if path.is_file())
