"""Bundles as they come from other machines: what can be read whole is evidence, the rest stays out, by name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from sdqa.bundle import Blob, Bundle, Run
from sdqa.bundle.folder import RUN_FILE, blobs_of
from sdqa.errors import BundleError, SdqaError
from sdqa.gate.codec import array_digest

PICTURES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
MAX_PIXELS = 64 * 10**6
MAX_BUNDLES = 1024


@dataclass(frozen=True)
class Submitted:
    """One machine's bundle: its run, or why it is in quarantine."""

    name: str
    bundle: Bundle
    run: Run | None
    problem: str = ""
    pixels: Mapping[str, str] = field(default_factory=dict)  # of each picture, sha256 → digest of what it shows


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


def take(folder: Path) -> Submitted:
    """Read a bundle and everything that it names."""
    bundle = Bundle(folder)
    try:
        run = bundle.read()
        digests = {blob.sha256: _checked(bundle, blob) for blob in dict.fromkeys(blobs_of(run))}
    except SdqaError as error:
        return Submitted(folder.name, bundle, None, f"{error.what} ({Path(error.where).name})".replace(" ()", ""))
    return Submitted(folder.name, bundle, run, pixels={sha256: shown for sha256, shown in digests.items() if shown})


def _checked(bundle: Bundle, blob: Blob) -> str:
    """The digest of a picture's pixels, as goldens record them; empty for what is none. Size and digest of all are
    checked, and a picture must decode.

    Raises:
        BundleError: it is not what was recorded.
    """
    data = bundle.read_blob(blob)
    kind = PICTURES.get(blob.media_type)
    if kind is None:
        return ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=[kind]) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise BundleError(f"a picture has more than {MAX_PIXELS} pixels", where=blob.path)
                return array_digest(np.asarray(picture.convert("RGB")))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BundleError("a picture cannot be decoded", where=blob.path) from error
