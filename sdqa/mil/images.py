"""Pictures at a program's border: PIL images, files, or arrays of one, in; PIL images out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sdqa.errors import InputError
from sdqa.foreign import recognise
from sdqa.mil.features import Feature

MODES = {"rgb": "RGB", "bgr": "RGB", "grayscale": "L", "grayscale_float16": "F"}
SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N", "I")


def image_to_array(given: Any, feature: Feature, where: str) -> np.ndarray[Any, Any]:
    """A PIL image, a file of one, or an array (H, W[, 3]), as (1, C, H, W) float32 in the declared order of channels.

    Raises:
        InputError: a file is no picture, a picture has another size, or an array holds no numbers.
    """
    color = feature.color_space in ("rgb", "bgr")
    if isinstance(given, str | Path):
        given = _read(Path(given), feature, where)
    if hasattr(given, "convert"):
        given = _in_mode(given, MODES[feature.color_space])
    try:
        array = np.asarray(given, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"the input {feature.name!r} is no picture: {error}",
            where=where,
            hint="give a PIL image, the path of a PNG or JPEG, or an array",
        ) from error
    if array.ndim == 2 and not color:
        return array[None, None]
    if array.ndim == 3 and color and array.shape[2] == 3:
        array = array.transpose(2, 0, 1)[None]
        return np.ascontiguousarray(array[:, ::-1] if feature.color_space == "bgr" else array)
    return array


def _read(path: Path, feature: Feature, where: str) -> Any:
    """A picture from a file, of a size that the input takes; it is never resized."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            width, height = image.size
            if not feature.admits((*feature.shape[:2], height, width)):
                raise InputError(
                    f"the picture {path.name} for {feature.name!r} has {width} × {height} pixels (width × height)",
                    where=where,
                    hint=f"expected is {feature.expectation()} (batch, channels, height, width): resize it",
                )
            image.load()
            return image.copy()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        foreign = recognise(path)
        named = foreign is not None and foreign.kind not in ("png", "jpeg")
        what = f"is {foreign.what}" if foreign is not None and named else f"cannot be read: {error}"
        raise InputError(
            f"the picture {path.name} for {feature.name!r} {what}", where=where, hint="give a PNG or JPEG"
        ) from error


def _in_mode(image: Any, mode: str) -> Any:
    """A picture in another mode; 16-bit grey is read as 8 bits, where PIL would cut it off at 255."""
    if image.mode in SIXTEEN_BITS and mode != "F":
        from PIL import Image

        values = np.asarray(image).astype(np.float64)
        if image.mode != "I" or values.max(initial=0) > 255:
            image = Image.fromarray(np.clip(np.rint(values / 257), 0, 255).astype(np.uint8))
    return image if image.mode == mode else image.convert(mode)


def array_to_image(array: np.ndarray[Any, Any], feature: Feature) -> Any:
    """An array (1, C, H, W) in the declared order of channels as a PIL image; values are rounded to bytes."""
    from PIL import Image

    plane = array[0]
    if feature.color_space == "grayscale_float16":
        return Image.fromarray(plane[0].astype(np.float32))
    pixels = np.clip(np.rint(plane), 0, 255).astype(np.uint8)
    if feature.color_space == "grayscale":
        return Image.fromarray(pixels[0])
    if feature.color_space == "bgr":
        pixels = pixels[::-1]
    return Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
