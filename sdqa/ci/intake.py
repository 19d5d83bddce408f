"""Bundles as they come from other machines: what can be read whole is evidence, the rest stays out, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sdqa.bundle import Bundle, Run
from sdqa.bundle.folder import RUN_FILE
from sdqa.ci.looking import look_at
from sdqa.ci.recorded import NOTHING_RECORDED, Recorded
from sdqa.ci.seen import Seen
from sdqa.errors import BundleError, SdqaError

MAX_BUNDLES = 1024
NOTHING = Seen()


@dataclass(frozen=True)
class Submitted:
    """One machine's bundle: its run, or why it is in quarantine."""

    name: str
    bundle: Bundle
    run: Run | None
    problem: str = ""
    shown: Seen = NOTHING  # what its pictures and latents show


def find_bundles(places: Sequence[Path]) -> list[Path]:
    """Folders with a `run.json`: the places themselves and the folders in them, as artifacts are unpacked.

    Raises:
        BundleError: there are too many.
    """
    found: list[Path] = []
    for place in places:
        if (place / RUN_FILE).exists() or not place.is_dir():
            found.append(place)
            continue
        found += sorted(path for path in place.iterdir() if path.is_dir())
    if len(found) > MAX_BUNDLES:
        raise BundleError(f"{len(found)} bundles are too many, the limit is {MAX_BUNDLES}")
    return found


def take(folder: Path, recorded: Recorded = NOTHING_RECORDED) -> Submitted:
    """Read a bundle and everything that it names.

    Args:
        recorded: what its pictures and latents are held against.
    """
    bundle = Bundle(folder)
    try:
        run = bundle.read()
        shown = look_at(bundle, run, recorded)
    except SdqaError as error:
        return Submitted(folder.name, bundle, None, f"{error.what} ({Path(error.where).name})".replace(" ()", ""))
    return Submitted(folder.name, bundle, run, shown=shown)
