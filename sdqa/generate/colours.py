"""A picture's colours as a pipeline takes them: whatever was stored becomes opaque 8-bit RGB in sRGB."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sdqa.generate.png import PngColours

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

BACKGROUND = "white"
"""What lies behind transparent pixels where a suite says nothing."""
TRANSPARENT = "has transparency"
"""How the remark on it begins."""
SIXTEEN, SIXTEEN_BITS = 16, 65535
DARK = 8
"""Of the levels, the part that a picture stays below whose 16 bits hold fewer, as a camera's 12 do."""
LATTICE = 9
"""Values a channel at which a profile is compared with sRGB."""
SAME_LEVELS = 1
"""Grey levels by which a profile may differ from sRGB and still be sRGB: its curves are tables."""


class ColourlessError(ValueError):
    """A file's samples have no meaning as colours here."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


@dataclass
class PictureReading:
    """A picture between its file and the pipeline, with what has to be said of it."""

    picture: Image.Image
    profile: bytes = b""
    """ICC."""
    transparent: Any = None
    """The colour, or the palette's entries, that a file without alpha declares to be transparent."""
    png: PngColours = field(default_factory=PngColours)
    """What a PNG says of its samples; 8 bits of sRGB where nothing does."""
    said: list[str] = field(default_factory=list)

    def say(self, remark: str) -> None:
        """Remember what was done."""
        self.said.append(remark)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was done, in order."""
        return tuple(self.said)


def flat_colours(reading: PictureReading, background: str) -> Image.Image:
    """The picture in mode RGB.

    Raises:
        ColourlessError: its pixels are of a kind that has no meaning as a picture.
    """
    from PIL import Image

    if reading.png.foreign:
        raise _foreign(reading)
    if reading.png.overrides_profile and reading.profile:
        reading.profile = b""
        reading.say("has code points (cICP) and a colour profile (iCCP): by the format the code points count")
    colours, alpha = _separated(reading)
    picture = _in_srgb(reading, colours)
    if reading.png.gamma is not None:
        reading.say(f"has the gamma {reading.png.gamma:.4g} (gAMA): converted to sRGB")
        picture = picture.point(gamma_table(reading.png.gamma) * 3)
    if reading.png.video:
        reading.say("has the transfer of BT.709 (cICP): converted to sRGB")
        picture = picture.point(video_table() * 3)
    if alpha is None or alpha.getextrema()[0] == 255:
        return picture
    reading.say(f"{TRANSPARENT}: composited on {background}")
    ground = Image.new("RGB", picture.size, background)
    return Image.composite(picture, ground, alpha)


def _foreign(reading: PictureReading) -> ColourlessError:
    """The error that says which colours a PNG states, and what to do about it."""
    what, hint = f"its colours have {reading.png.foreign}", "save it in sRGB, or with a colour profile"
    if reading.png.overrides_profile:
        hint = "save it in sRGB, without the chunk cICP"
        if reading.profile:
            what += ", which by the format count before its colour profile (iCCP)"
            hint = "take the chunk cICP out, if the profile is right; or save it in sRGB"
    return ColourlessError(what, hint)


def _separated(reading: PictureReading) -> tuple[Image.Image, Image.Image | None]:
    """Colours in 8 bits, L, RGB or CMYK, and alpha (L), where there is any."""
    from PIL import Image

    picture = reading.picture
    if picture.mode.startswith("I"):
        return _eight_bits(reading)
    if reading.png.depth == SIXTEEN:
        if reading.transparent is not None:
            raise ColourlessError("it declares a transparent colour of 16 bits", "give it an alpha channel instead")
        reading.say("is of 16 bits a colour: the upper 8 are taken")
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or reading.transparent is not None:
        if reading.transparent is not None:
            picture.info["transparency"] = reading.transparent  # turning a picture may lose it
        whole = picture.convert("RGBA")
        return whole.convert("RGB"), whole.getchannel("A")
    if picture.mode == "CMYK":
        return picture, None
    if picture.mode in ("1", "L"):
        return picture.convert("L"), None
    if picture.mode in ("RGB", "P", "YCbCr", "LAB", "HSV"):
        return picture.convert("RGB"), None
    what = f"pixels of Pillow's mode {picture.mode} are no colours: {Image.getmodebands(picture.mode)} bands"
    raise ColourlessError(what, "save it as RGB of 8 bits")


def _eight_bits(reading: PictureReading) -> tuple[Image.Image, Image.Image | None]:
    """16-bit grey, whole numbers from 0 to 65535, scaled to 0 to 255; Pillow's own conversion cuts off above 255."""
    import numpy as np
    from PIL import Image

    values: npt.NDArray[np.int64] = np.asarray(reading.picture).astype(np.int64)
    if values.min() < 0 or values.max() > SIXTEEN_BITS:
        what = f"grey values from {values.min()} to {values.max()} do not fit into 16 bits"
        raise ColourlessError(what, "save it as grey of 8 or 16 bits")
    dark = f", its brightest is {values.max()} of {SIXTEEN_BITS}" if values.max() < SIXTEEN_BITS // DARK else ""
    reading.say(f"is 16-bit grey: scaled to 8 bits{dark}")
    scaled = Image.fromarray(((values * 255 + SIXTEEN_BITS // 2) // SIXTEEN_BITS).astype(np.uint8))
    if not isinstance(reading.transparent, int):
        return scaled, None
    opaque = np.where(values == reading.transparent, 0, 255).astype(np.uint8)
    return scaled, Image.fromarray(opaque)


def _in_srgb(reading: PictureReading, colours: Image.Image) -> Image.Image:
    """Colours as sRGB: by the profile in the file where it fits the pixels, as they are where there is none."""
    from PIL import ImageCms

    if not reading.profile:
        if colours.mode == "CMYK":
            reading.say("is CMYK without a profile: converted to RGB by Pillow's rule")
        return colours.convert("RGB")
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(reading.profile))
        srgb = ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(profile, srgb, colours.mode, "RGB")
        name = ImageCms.getProfileDescription(profile).strip() or "without a name"
        if colours.mode != "CMYK" and _changes_little(transform, colours.mode):
            return colours.convert("RGB")
        converted = ImageCms.applyTransform(colours, transform)
    except (ImageCms.PyCMSError, OSError) as error:
        reading.say(f"has a colour profile that cannot be used: left out ({error})")
        return colours.convert("RGB")
    assert converted is not None  # it is None only where the picture is changed in place
    reading.say(f"has the colour profile {name}: converted to sRGB")
    return converted


def gamma_table(gamma: float) -> list[int]:
    """Levels of sRGB for the 256 levels of samples that are light to the power of gamma (IEC 61966-2-1)."""
    import numpy as np

    return _levels((np.arange(256) / 255) ** (1 / gamma))


def video_table() -> list[int]:
    """Levels of sRGB for the 256 levels of samples that follow BT.709 (ITU-R BT.709-6, 1.2, turned round)."""
    import numpy as np

    samples = np.arange(256) / 255
    return _levels(np.where(samples < 0.081, samples / 4.5, ((samples + 0.099) / 1.099) ** (1 / 0.45)))


def _levels(light: npt.NDArray[np.float64]) -> list[int]:
    import numpy as np

    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return [int(level) for level in np.rint(255 * encoded)]


def _changes_little(transform: Any, mode: str) -> bool:
    """Whether a transform leaves a lattice of colours as it is: the profile is sRGB, whatever it calls itself."""
    import numpy as np
    from PIL import Image, ImageCms

    levels = np.linspace(0, 255, LATTICE).round().astype(np.uint8)
    if mode == "RGB":
        lattice = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(LATTICE, -1, 3)
    else:
        lattice = np.arange(256, dtype=np.uint8)[None]
    before = Image.fromarray(np.ascontiguousarray(lattice))
    after = ImageCms.applyTransform(before, transform)
    gap = np.asarray(after).astype(int) - np.asarray(before.convert("RGB")).astype(int)
    return bool(np.abs(gap).max() <= SAME_LEVELS)
