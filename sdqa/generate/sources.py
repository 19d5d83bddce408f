"""Source pictures by name: drawn scenes, files and the public-domain portrait that scikit-image ships."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sdqa.errors import ImageError
from sdqa.foreign import recognise
from sdqa.plan import Case

MAX_BYTES = 64 * 2**20
MAX_PIXELS = 64 * 10**6
SCENE_SIDE = 256  # scenes are drawn up to this size and enlarged beyond it


Reader = Callable[[str, int, Path], npt.NDArray[np.uint8]]
"""Of the name without its kind, the size, and the folder that files lie below."""
PICTURES: dict[str, Reader] = {}


def picture(kind: str) -> Callable[[Reader], Reader]:
    """Register how source pictures whose names start with `kind:` are read."""

    def register(reader: Reader) -> Reader:
        if kind in PICTURES:
            raise ValueError(f"two readers for {kind}:")
        PICTURES[kind] = reader
        return reader

    return register


def load_source(name: str, size: int, root: Path) -> npt.NDArray[np.uint8]:
    """The picture that a case's `source` names: uint8 (size, size, 3).

    Args:
        name: `scene:portrait/SEED`, `scene:landscape/SEED`, `file:PATH` (relative to `root`) or `photo:astronaut`.

    Raises:
        ImageError: it does not exist, is too large, or is not a picture.
    """
    kind, _, rest = name.partition(":")
    if kind not in PICTURES:
        raise ImageError(f"{name!r} is not a source", hint=f"sources: {', '.join(f'{one}:…' for one in PICTURES)}")
    return PICTURES[kind](rest, size, root)


def source_prompt(case: Case) -> str | None:
    """What a case's source picture shows, as far as anybody said; scenes say it themselves."""
    if case.source_prompt is None and case.source is not None and case.source.startswith("scene:"):
        from sdqa.embedded import scenes

        return scenes.parse(case.source).caption
    return case.source_prompt


@picture("scene")
def scene(rest: str, size: int, _: Path) -> npt.NDArray[np.uint8]:
    """A drawn scene, enlarged where it is drawn no larger."""
    from PIL import Image

    from sdqa.embedded import scenes

    drawn = scenes.draw(scenes.parse(f"scene:{rest}"), size=min(size, SCENE_SIDE)).convert("RGB")
    if drawn.width != size:
        drawn = drawn.resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(drawn, dtype=np.uint8)


@picture("file")
def file(rest: str, size: int, root: Path) -> npt.NDArray[np.uint8]:
    """A picture of the suite's own."""
    return read_picture(_confined(rest, root), size)


@picture("photo")
def photo(_rest: str, size: int, _root: Path) -> npt.NDArray[np.uint8]:
    """The public-domain portrait that scikit-image ships."""
    return read_picture(_astronaut(), size)


def _confined(name: str, root: Path) -> Path:
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        raise ImageError("a source file must lie below the suite's folder", where=name, hint=f"move it below {root}")
    return path


def _astronaut() -> Path:
    import importlib.util

    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        raise ImageError("photo:astronaut comes with scikit-image", hint="pip install scikit-image")
    return Path(spec.origin).parent / "data" / "astronaut.png"


def read_picture(path: Path, size: int) -> npt.NDArray[np.uint8]:
    """A picture file as a centred square: uint8 (size, size, 3).

    Raises:
        ImageError: it cannot be read, or is larger than 64 MB or 64 megapixels.
    """
    from PIL import Image, ImageOps

    hint = "give a PNG, JPEG or WebP picture"
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ImageError(f"larger than {MAX_BYTES} bytes", where=str(path))
        with Image.open(path, formats=["PNG", "JPEG", "WEBP"]) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise ImageError(f"larger than {MAX_PIXELS} pixels", where=str(path))
            upright = ImageOps.exif_transpose(picture)
            square = ImageOps.fit(upright.convert("RGB"), (size, size), Image.Resampling.LANCZOS)
    except (OSError, SyntaxError, ValueError) as error:
        foreign = recognise(path)
        if foreign is not None and foreign.kind not in ("png", "jpeg"):
            what = f"the source picture cannot be read: it is {foreign.what}"
            raise ImageError(what, where=str(path), hint=foreign.hint) from error
        raise ImageError("the source picture cannot be read", where=str(path), hint=hint) from error
    return np.asarray(square, dtype=np.uint8)
