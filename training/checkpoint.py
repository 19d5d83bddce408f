"""Checkpoints that survive a kill at any moment: tensors in safetensors, the rest in JSON, no pickle.

`state.json` names the tensor file that belongs to it and is replaced last, atomically; so either the old pair or the
new one is there, whole.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from sdqa.errors import ModelError

STATE = "state.json"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Checkpoint:
    step: int
    """Completed steps."""
    seconds: float
    """Spent in training so far, over all runs."""
    tensors: Mapping[str, Tensor]


def save(folder: Path, recipe: str, checkpoint: Checkpoint) -> None:
    """Replace the folder's checkpoint; `recipe` is the digest that a later `load` must give."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"step-{checkpoint.step:08d}.safetensors"
    partial = folder / f"{name}.partial"
    save_file({key: tensor.detach().cpu().contiguous() for key, tensor in checkpoint.tensors.items()}, partial)
    _settle(partial, folder / name)
    state = {
        "schema_version": SCHEMA_VERSION,
        "recipe": recipe,
        "step": checkpoint.step,
        "seconds": round(checkpoint.seconds, 3),
        "tensors": name,
        "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest(),
    }
    partial = folder / f"{STATE}.partial"
    partial.write_text(json.dumps(state, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    _settle(partial, folder / STATE)
    for old in folder.glob("step-*"):
        if old.name != name:
            old.unlink()


def load(folder: Path, recipe: str) -> Checkpoint | None:
    """The folder's checkpoint, or None when there is none.

    Raises:
        ModelError: it belongs to another recipe, or was damaged.
    """
    try:
        state = json.loads((folder / STATE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ModelError(
            f"a checkpoint cannot be read: {error}", where=str(folder), hint="delete the folder"
        ) from error
    hint = "use another --work folder, or delete this one"
    if not isinstance(state, dict) or state.get("schema_version") != SCHEMA_VERSION or state.get("recipe") != recipe:
        raise ModelError("a checkpoint belongs to another recipe", where=str(folder), hint=hint)
    path = folder / Path(str(state.get("tensors"))).name
    try:
        if hashlib.sha256(path.read_bytes()).hexdigest() != state.get("sha256"):
            raise ModelError("a checkpoint was damaged", where=str(path), hint=hint)
        return Checkpoint(int(state["step"]), float(state["seconds"]), load_file(path))
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise ModelError(f"a checkpoint cannot be read: {error}", where=str(path), hint=hint) from error


def _settle(partial: Path, final: Path) -> None:
    """Flush to the disk, then rename over what was there."""
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(partial, final)


def gather(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def scatter(prefix: str, tensors: Mapping[str, Tensor], into: Mapping[str, Tensor]) -> None:
    """Copy the tensors of a prefix into those of the same name.

    Raises:
        ModelError: one is missing or has another shape.
    """
    with torch.no_grad():
        for name, target in into.items():
            source = tensors.get(f"{prefix}.{name}")
            if source is None or source.shape != target.shape:
                raise ModelError("a checkpoint does not fit the architecture", where=f"{prefix}.{name}")
            target.copy_(source)
