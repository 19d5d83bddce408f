"""An .mlpackage on disk: its files and the model message inside; nothing outside its folder is ever opened."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdqa.address import read_address
from sdqa.errors import PackageError, UnsupportedPackage
from sdqa.foreign import Foreign, recognise
from sdqa.mil import schema
from sdqa.mil.blob import WeightFile

MAX_MODEL_BYTES = 1 << 31
"""Protobuf's own limit on a message."""
MAX_MANIFEST_BYTES = 1 << 24
MAX_LISTED = 8
WHOLE = "copy or download the whole package again, its Manifest.json included"
_ROOT_PREFIX = "@model_path/"
_UNREADABLE = frozenset(
    {"lfs", "annex", "empty", "html", "folder", "zip", "gzip", "xz", "bzip2", "zstd", "7z", "rar", "tar"}
)
"""What is not another kind of model, but a package that has not arrived whole."""
PIPELINES = frozenset({"pipeline", "pipelineClassifier", "pipelineRegressor"})


@dataclass
class Package:
    """An opened package: the decoded model message, and its weight files as they are asked for."""

    path: Path
    model: Any
    """A Core ML `Model` message."""
    model_folder: Path
    """What `@model_path` stands for in the names of weight files."""
    function: str | None = None
    """The function that the package was asked for, where its address names one."""
    _files: dict[str, WeightFile] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The package's own name, for messages."""
        return self.path.name

    def weight_file(self, name: str) -> WeightFile:
        """A weight file by the name that the program uses (`@model_path/weights/weight.bin`).

        Raises:
            PackageError: if it lies outside the package or cannot be read.
        """
        opened = self._files.get(name)
        if opened is not None:
            return opened
        if not name.startswith(_ROOT_PREFIX):
            raise PackageError(f"a constant names the file {name!r}", where=self.name, hint=f"expected {_ROOT_PREFIX}…")
        root = self.path if self.path.is_dir() else self.model_folder
        path = _inside(root, self.model_folder / name.removeprefix(_ROOT_PREFIX), self.name)
        try:
            opened = WeightFile(path, f"{self.name}: {name.removeprefix(_ROOT_PREFIX)}")
        except OSError as error:
            raise PackageError(f"the weight file {name!r} cannot be read: {error.strerror}", where=self.name) from error
        self._files[name] = opened
        return opened


def open_package(path: str | Path) -> Package:
    """Read a package's model message; weights are only mapped when asked for.

    Args:
        path: of an .mlpackage or .mlmodel; `#name` after it asks for one of its functions.

    Raises:
        PackageError: if files are missing, unreadable or not what they should be.
        UnsupportedPackage: if it is a model, but neither an ML Program nor a pipeline.
    """
    address = read_address(path)
    path, label = address.path, address.path.name
    if not path.exists():
        raise PackageError("there is no such package", where=str(path))
    if path.suffix == ".mlmodelc":
        raise refused(recognise(path), label, label)
    message_path = _message_path(path) if path.is_dir() else path
    try:
        if message_path.stat().st_size > MAX_MODEL_BYTES:
            raise PackageError(f"{message_path.name} is larger than any protobuf message may be", where=label)
        raw = message_path.read_bytes()
    except OSError as error:
        raise PackageError(f"{message_path.name} cannot be read: {error.strerror}", where=label) from error
    model = schema.new_model()
    try:
        model.ParseFromString(raw)
    except schema.decode_error() as error:
        foreign = recognise(message_path)
        if foreign is not None:
            raise refused(foreign, message_path.name, label) from error
        raise PackageError(
            f"{message_path.name} is no Core ML model: truncated, damaged or nested too deeply", where=label
        ) from error
    kind = model.WhichOneof("Type")
    if kind is None:
        foreign = recognise(message_path)
        if foreign is not None:
            raise refused(foreign, message_path.name, label)
    if kind not in PIPELINES:
        require_ml_program(model, label)
    return Package(path, model, message_path.parent, address.function)


def refused(foreign: Foreign | None, name: str, label: str) -> PackageError:
    """The error that names a file for what it is.

    Args:
        name: the file or folder.
        label: the package it belongs to.
    """
    if foreign is None:
        return PackageError(f"{name} is no package", where=label, hint="give an .mlpackage")
    kind = PackageError if foreign.kind in _UNREADABLE else UnsupportedPackage
    return kind(f"{name} is {foreign.what}", where=label, hint=foreign.hint)


def require_ml_program(model: Any, label: str) -> None:
    """Refuse a model message that is no ML Program.

    Raises:
        PackageError: if it is empty.
        UnsupportedPackage: if it is a model of another kind.
    """
    kind = model.WhichOneof("Type")
    if kind == "mlProgram":
        return
    if kind is None:
        raise PackageError("the model message is empty", where=label)
    reasons = {
        "neuralNetwork": "a neural network of the format before ML Programs",
        "neuralNetworkClassifier": "a neural network of the format before ML Programs",
        "neuralNetworkRegressor": "a neural network of the format before ML Programs",
        "customModel": "a custom model, whose code is not in the package",
    }
    raise UnsupportedPackage(
        f"the model is {reasons.get(kind, f'of the kind {kind}')}; only ML Programs are executed",
        where=label,
        hint="convert with coremltools' convert_to='mlprogram'",
    )


def _message_path(folder: Path) -> Path:
    """The model message of a package folder: what its manifest names, as Core ML finds it."""
    manifest = folder / "Manifest.json"
    if not manifest.is_file():
        raise _without_manifest(folder)
    try:
        if manifest.stat().st_size > MAX_MANIFEST_BYTES:
            raise PackageError("Manifest.json is implausibly large", where=folder.name)
        content = json.loads(manifest.read_text(encoding="utf-8"))
        items = {identifier: entry["path"] for identifier, entry in content["itemInfoEntries"].items()}
        relative = items[content["rootModelIdentifier"]]
        if not all(isinstance(path, str) and path for path in items.values()):
            raise TypeError("a path is no string")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        foreign = recognise(manifest)
        if foreign is not None:
            raise refused(foreign, manifest.name, folder.name) from error
        raise PackageError(
            f"Manifest.json does not name a root model ({type(error).__name__}: {error})", where=folder.name, hint=WHOLE
        ) from error
    message = _inside(folder, folder / "Data" / relative, folder.name)
    _require_items(folder, list(items.values()), message.parent)
    return message


def _without_manifest(folder: Path) -> PackageError:
    """The error about a folder in which nothing says what its files are, by what lies there instead."""
    if any((folder / "Data").rglob("*.mlmodel")):
        return PackageError(
            "the package has no Manifest.json: Core ML opens none without it", where=folder.name, hint=WHOLE
        )
    foreign = recognise(folder)
    if foreign is not None:
        return refused(foreign, "this", folder.name)
    there = ", ".join(sorted(item.name for item in folder.glob("*"))[:MAX_LISTED]) or "nothing"
    return PackageError("no Manifest.json and no single .mlmodel inside", where=folder.name, hint=f"in it are: {there}")


def _require_items(folder: Path, items: Sequence[str], model_folder: Path) -> None:
    """What a manifest names is there, and it names the weights that are there.

    Raises:
        PackageError: it does not, or names something outside the package.
    """
    named = [_resolved(folder, folder / "Data" / item, folder.name) for item in items]
    absent = [item for item, path in zip(items, named, strict=True) if not path.exists()]
    if absent:
        listed = ", ".join(map(repr, absent[:MAX_LISTED]))
        raise PackageError(f"Manifest.json names {listed}, missing in the package", where=folder.name, hint=WHOLE)
    weights = [path for path in sorted((model_folder / "weights").glob("*")) if path.is_file()]
    unnamed = [path.name for path in weights if not any(path.is_relative_to(item) for item in named)]
    if unnamed:
        listed = ", ".join(unnamed[:MAX_LISTED])
        raise PackageError(f"Manifest.json does not name the weights ({listed})", where=folder.name, hint=WHOLE)


def _inside(folder: Path, path: Path, label: str) -> Path:
    """The path, resolved, if it lies in the folder and is a plain file.

    Raises:
        PackageError: if it leads outside (by `..`, an absolute path or a link) or is no file.
    """
    resolved = _resolved(folder, path, label)
    if not resolved.is_file():
        raise PackageError(f"the file {path.name!r} is missing", where=label)
    return resolved


def _resolved(folder: Path, path: Path, label: str) -> Path:
    """The path, resolved, if it lies in the folder.

    Raises:
        PackageError: if it leads outside (by `..`, an absolute path or a link).
    """
    try:
        resolved, root = path.resolve(), folder.resolve()
        resolved.is_file()  # a name that is too long, or has a zero in it, is found out here
    except (OSError, ValueError, RuntimeError) as error:
        raise PackageError(f"a file name in the package cannot be resolved: {error}", where=label) from error
    if not resolved.is_relative_to(root):
        raise PackageError(f"the file {path.name!r} lies outside the package", where=label)
    return resolved
