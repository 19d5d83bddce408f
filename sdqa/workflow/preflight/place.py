"""Where a run writes: whether it may, and whether there is room."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.plan.quantity import show_bytes
from sdqa.workflow.preflight.record import Lack, Look, Note

if TYPE_CHECKING:
    from sdqa.workflow.preflight.cost import Cost


SPARE_BYTES = 200 * 10**6
"""For samples, traces and the report."""


def look_at_places(store: Path, output: Path, cost: Cost | None) -> Look:
    """Whether the store and the bundle's folder can be written, and whether the store has room."""
    lacks = [
        Lack("place", f"{folder} cannot be written", f"{option} FOLDER, or change the rights of {_nearest(folder)}")
        for option, folder in (("--store", store), ("--output", output))
        if not _writable(folder)
    ]
    free = shutil.disk_usage(_nearest(store)).free
    wanted = SPARE_BYTES + (cost.bytes if cost is not None else 0)
    said = f"about {show_bytes(wanted)} in {store}, {show_bytes(free)} are free"
    if free < wanted:
        lacks.append(Lack("disk", said, "make room, or use a store elsewhere: --store FOLDER"))
    return Look((Note("disk", said),) if free >= wanted else (), tuple(lacks))


def _nearest(folder: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    return place


def _writable(folder: Path) -> bool:
    place = _nearest(folder)
    return place.is_dir() and os.access(place, os.W_OK | os.X_OK)
