"""Picture files as a pipeline takes them: upright, 8-bit sRGB, opaque, a centred square; and what was done for that."""

from __future__ import annotations

import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.errors import ImageError
from sdqa.foreign import recognise
from sdqa.generate.colours import BACKGROUND, TRANSPARENT, ColourlessError, PictureReading, flat_colours
from sdqa.generate.jpeg import demand_whole
from sdqa.generate.png import demand_all_rows, read_colours

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

MAX_BYTES = 64 * 2**20
MAX_PIXELS = 64 * 10**6
FORMATS = ("PNG", "JPEG", "WEBP")
JPEGS = ("JPEG", "MPO")
"""What Pillow calls a JPEG file, with further pictures behind the first or without."""
ORIENTATION = 0x0112
"""EXIF's tag; 1 is upright."""
EXIF, COLOUR_SPACE, NO_SRGB = 0x8769, 0xA001, (2, 0xFFFF)
"""EXIF's tags of its own table and of the colour space in it; what cameras write there for Adobe RGB."""
MUCH_CUT = 0.5
"""Share of a picture that is left, below which the plan says how much is."""
HINT = "give a PNG, JPEG or WebP picture"
DAMAGED = "the file is damaged: save or download it again"

_GARBLED = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, ZeroDivisionError)
"""What Pillow's readers raise over damaged files and their EXIF data."""


@dataclass(frozen=True)
class SourcePicture:
    """A source picture, and what became of it on the way."""

    pixels: npt.NDArray[np.uint8]
    """(size, size, 3), sRGB."""
    remarks: tuple[str, ...] = ()
    """Predicates of the picture, in the order of the work: "has transparency: composited on white"."""


def read_picture(path: Path, size: int | None, *, background: str = BACKGROUND) -> SourcePicture:
    """A picture file as a centred square.

    Args:
        size: pixels a side; None leaves the square as large as it is.
        background: a colour that lies behind transparent pixels.

    Raises:
        ImageError: it cannot be read to its end, is larger than 64 MB or 64 megapixels, or shows one colour only.
    """
    import numpy as np
    from PIL import Image

    try:
        if path.exists() and not path.is_file():
            what = f"the source picture is {'a folder' if path.is_dir() else 'a device or pipe'}, not a file"
            raise ImageError(what, where=str(path), hint=HINT)
        _demand_small(path.stat().st_size <= MAX_BYTES, f"{MAX_BYTES} bytes", path)
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit here is lower
            with Image.open(path, formats=FORMATS) as opened:
                _demand_small(opened.width * opened.height <= MAX_PIXELS, f"{MAX_PIXELS} pixels", path)
                if opened.format == "PNG":
                    demand_all_rows(path)
                elif opened.format in JPEGS:
                    demand_whole(path)
                reading = _upright(opened, path)
                picture = flat_colours(reading, background)
                square, said = _square(picture, size)
    except (*_GARBLED, struct.error, Image.DecompressionBombError) as error:
        foreign = recognise(path)
        if foreign is not None and foreign.kind not in ("png", "jpeg"):
            what = f"the source picture cannot be read: it is {foreign.what}"
            raise ImageError(what, where=str(path), hint=foreign.hint) from error
        hint = error.hint if isinstance(error, ColourlessError) else HINT if foreign is None else DAMAGED
        raise ImageError(f"the source picture cannot be read: {_said(error)}", where=str(path), hint=hint) from error
    pixels = np.asarray(square, dtype=np.uint8)
    if (pixels == pixels[:1, :1]).all():
        colour = tuple(int(value) for value in pixels[0, 0])
        raise _emptied(colour, picture, reading, background, path)
    warned = dict.fromkeys(f"is damaged, says Pillow: {one.message}" for one in heard)
    return SourcePicture(pixels, (*reading.remarks, *said, *warned))


def _emptied(
    colour: tuple[int, ...], picture: Image.Image, reading: PictureReading, background: str, path: Path
) -> ImageError:
    """The error that says what left nothing of a picture: its crop, what lies behind its transparent pixels, or nobody.

    Args:
        picture: before it was cropped.
    """
    what, hint = "the source picture", "give one that shows something; see with an image viewer what is in the file"
    if any(darkest != brightest for darkest, brightest in picture.getextrema()):  # type: ignore[misc]
        side = min(picture.size)
        what = f"cropped to its middle, {side}×{side} of {picture.width}×{picture.height}, the source picture"
        hint = "give one whose middle shows something"
    elif any(remark.startswith(TRANSPARENT) for remark in reading.remarks):
        what = f"its transparent pixels on {background}, the source picture"
        hint = "say another background in the case, or give a picture whose opaque pixels show something"
    return ImageError(f"{what} shows nothing but the colour {colour}", where=str(path), hint=hint)


def _said(error: Exception) -> str:
    """What a reader says, without the path, which the message has already."""
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return f"it is none of {', '.join(FORMATS)}"
    return str((isinstance(error, OSError) and error.strerror) or error)


def _demand_small(small: bool, limit: str, path: Path) -> None:
    if not small:
        raise ImageError(f"the source picture is larger than {limit}", where=str(path), hint="scale it down")


def _upright(opened: Image.Image, path: Path) -> PictureReading:
    """The first frame, turned as the camera was held, with what its file says of its colours."""
    from PIL import ImageOps

    reading = PictureReading(opened)
    frames = int(getattr(opened, "n_frames", 1))
    if frames > 1:
        reading.say(f"has {frames} frames: the first is taken")
    profile, transparent = opened.info.get("icc_profile"), opened.info.get("transparency")
    opened.load()
    exif = opened.getexif()
    orientation = exif.get(ORIENTATION, 1)
    reading.picture = ImageOps.exif_transpose(opened)
    if orientation in range(2, 9):
        reading.say(f"is stored turned (EXIF orientation {orientation}): turned upright")
    reading.profile = profile if isinstance(profile, bytes) else b""
    reading.transparent = transparent
    if opened.format == "PNG":
        reading.png = read_colours(path)
    if not reading.profile and exif.get_ifd(EXIF).get(COLOUR_SPACE) in NO_SRGB:
        reading.say("says that its colours are not sRGB (EXIF), and has no profile: taken as sRGB")
    return reading


def _square(picture: Image.Image, size: int | None) -> tuple[Image.Image, tuple[str, ...]]:
    """The centred square at a size, and how it came to be."""
    from PIL import Image, ImageOps

    side = min(picture.size)
    size = side if size is None else size
    square = ImageOps.fit(picture, (size, size), Image.Resampling.LANCZOS)
    steps = []
    if picture.width != picture.height:
        share = side / max(picture.size)
        left = f" ({share:.0%} of it)" if share < MUCH_CUT else ""
        steps.append(f"is cropped to {side}×{side}{left}")
    if side != size:
        what = "enlarged" if size > side else "resized"
        steps.append(f"{'' if steps else 'is '}{what} to {size}×{size}")
    return square, ((f"of {picture.width}×{picture.height} {' and '.join(steps)}",) if steps else ())
