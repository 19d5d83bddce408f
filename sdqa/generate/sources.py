"""Source pictures by name: drawn scenes, files and the public-domain portrait that scikit-image ships."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.address import resolved
from sdqa.errors import ImageError
from sdqa.generate.colours import BACKGROUND
from sdqa.plan import Case

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from sdqa.generate.pictures import SourcePicture


SCENE_SIDE = 256  # scenes are drawn up to this size and enlarged beyond it
SCENE_MEAN, SCENE_TILE = 0.5, 4.0
"""Grey levels by which another platform or version of Pillow may draw a scene: on average, and in any of 8 x 8 tiles.
The smallest edit of a scene, a smile, changes a tile by 4.8."""


@dataclass(frozen=True)
class WantedPicture:
    """What a kind of source is asked for."""

    rest: str
    """The name without its kind."""
    size: int | None
    """Pixels a side; None where the model's size is not known."""
    root: Path
    """The folder that files lie below."""
    background: str


Reader = Callable[[WantedPicture], "SourcePicture"]
PICTURES: dict[str, Reader] = {}


def picture(kind: str) -> Callable[[Reader], Reader]:
    """Register how source pictures whose names start with `kind:` are read."""

    def register(reader: Reader) -> Reader:
        if kind in PICTURES:
            raise ValueError(f"two readers for {kind}:")
        PICTURES[kind] = reader
        return reader

    return register


def read_source(name: str, size: int | None, root: Path, background: str | None = None) -> SourcePicture:
    """The picture that a case's `source` names, and what was done to it.

    Args:
        name: `scene:portrait/SEED`, `scene:landscape/SEED`, `file:PATH` (relative to `root`) or `photo:astronaut`.
        size: pixels a side; None where the model's size is not known.
        background: behind transparent pixels; white where nothing is said.

    Raises:
        ImageError: it does not exist, is too large, is not a picture, or shows nothing.
    """
    kind, _, rest = name.partition(":")
    if kind not in PICTURES:
        raise ImageError(f"{name!r} is not a source", hint=f"sources: {', '.join(f'{one}:…' for one in PICTURES)}")
    return PICTURES[kind](WantedPicture(rest, size, root, background or BACKGROUND))


def load_source(name: str, size: int, root: Path, background: str | None = None) -> npt.NDArray[np.uint8]:
    """The pixels of `read_source`: uint8 (size, size, 3)."""
    return read_source(name, size, root, background).pixels


def look_at_source(name: str, size: int | None, root: Path, background: str | None = None) -> tuple[str, ...]:
    """The remarks of `read_source`; scenes are not drawn for them.

    Raises:
        ImageError: as `read_source` does.
        UsageError: there is no such scene.
    """
    if name.startswith("scene:"):
        from sdqa.embedded import scenes

        scenes.parse(name)
        return _scene_remarks(size or SCENE_SIDE)
    return read_source(name, size, root, background).remarks


def source_prompt(case: Case) -> str | None:
    """What a case's source picture shows, as far as anybody said; scenes say it themselves."""
    if case.source_prompt is None and case.source is not None and case.source.startswith("scene:"):
        from sdqa.embedded import scenes

        return scenes.parse(case.source).caption
    return case.source_prompt


def changed_picture(
    name: str, recorded: npt.NDArray[np.uint8] | None, root: Path, background: str | None = None
) -> str:
    """Why a recorded source picture is not the one that its name stands for now; empty when it is.

    Pictures in files have to be the same to the last pixel; scenes, but for how a version of Pillow rounds.

    Args:
        recorded: uint8 (size, size, 3), from a golden.
        background: behind transparent pixels; white where nothing is said.

    Raises:
        ImageError: there is no such picture any more.
    """
    import numpy as np

    if recorded is None:
        return f"the golden was recorded without the source picture {name}"
    now = load_source(name, recorded.shape[0], root, background)
    if np.array_equal(now, recorded):
        return ""
    gap = np.abs(now.astype(np.float64) - recorded)
    tile = max(1, recorded.shape[0] // 8)
    rows, columns = (side // tile * tile for side in gap.shape[:2])
    tiles = gap[:rows, :columns].reshape(rows // tile, tile, columns // tile, tile, -1).mean(axis=(1, 3, 4))
    if name.startswith("scene:") and gap.mean() <= SCENE_MEAN and tiles.max() <= SCENE_TILE:
        return ""
    return f"the source picture changed: {name} differs in {(gap > 0).any(axis=2).mean():.1%} of its pixels"


@picture("scene")
def scene(wanted: WantedPicture) -> SourcePicture:
    """A drawn scene, enlarged where it is drawn no larger."""
    import numpy as np
    from PIL import Image

    from sdqa.embedded import scenes
    from sdqa.generate.pictures import SourcePicture

    size = wanted.size or SCENE_SIDE
    drawn = scenes.draw(scenes.parse(f"scene:{wanted.rest}"), size=min(size, SCENE_SIDE)).convert("RGB")
    if drawn.width != size:
        drawn = drawn.resize((size, size), Image.Resampling.LANCZOS)
    return SourcePicture(np.asarray(drawn, dtype=np.uint8), _scene_remarks(size))


def _scene_remarks(size: int) -> tuple[str, ...]:
    side = SCENE_SIDE
    return (f"is drawn at {side}×{side} and enlarged to {size}×{size}",) if size > side else ()


@picture("file")
def file(wanted: WantedPicture) -> SourcePicture:
    """A picture of the suite's own."""
    from sdqa.generate.pictures import read_picture

    return read_picture(_confined(wanted.rest, wanted.root), wanted.size, background=wanted.background)


@picture("photo")
def photo(wanted: WantedPicture) -> SourcePicture:
    """The public-domain portrait that scikit-image ships."""
    from sdqa.generate.pictures import read_picture

    return read_picture(_astronaut(), wanted.size, background=wanted.background)


def _confined(name: str, root: Path) -> Path:
    path, folder = resolved(root / name), resolved(root)
    if not path.is_relative_to(folder):
        hint = f"move it below {folder}, itself and not a link"
        raise ImageError("a source file must lie below the suite's folder", where=name, hint=hint)
    return path


def _astronaut() -> Path:
    import importlib.util

    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        raise ImageError("photo:astronaut comes with scikit-image", hint="pip install scikit-image")
    return Path(spec.origin).parent / "data" / "astronaut.png"
