"""Pictures and tensors to bytes and back; what comes in is untrusted."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.errors import DigestMismatch, ImageError

MAX_SIDE = 4096
PREVIEW_SIDE = 128
"""Pixels: images up to this size are kept in git as they are."""

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from sdqa.arrays import Floats, Pixels


def array_digest(array: npt.NDArray[np.generic]) -> str:
    """sha256 over dtype, shape and values (little-endian, C order), hexadecimal."""
    import numpy as np

    ordered = np.ascontiguousarray(array)
    ordered = ordered.astype(ordered.dtype.newbyteorder("<"), copy=False)
    head = f"{ordered.dtype.name} {list(ordered.shape)}\n".encode()
    return hashlib.sha256(head + ordered.tobytes()).hexdigest()


def as_pixels(image: npt.NDArray[np.generic], name: str) -> Pixels:
    """The image, when it is uint8 (H, W, 3).

    Raises:
        ImageError: it is not.
    """
    import numpy as np

    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ImageError(f"{name} must be uint8 of shape (H, W, 3), not {image.dtype} {image.shape}")
    return np.ascontiguousarray(image, dtype=np.uint8)


def encode_image(image: Pixels) -> bytes:
    """The image as PNG."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG", compress_level=9)
    return stream.getvalue()


def decode_image(data: bytes, path: Path) -> Pixels:
    """The pixels (H, W, 3) of a PNG; `path` is for the message.

    Raises:
        ImageError: it is not one, or too large.
    """
    import numpy as np
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            if max(picture.size) > MAX_SIDE:
                raise ImageError(
                    f"an image of {picture.size} is refused, the limit is {MAX_SIDE} px a side", where=str(path)
                )
            return np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageError(f"the image cannot be decoded: {error}", where=str(path)) from error


def preview(image: Pixels) -> Pixels:
    """The image, reduced to `PREVIEW_SIDE` pixels on its longer side."""
    import numpy as np
    from PIL import Image

    picture = Image.fromarray(image)
    picture.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), Image.Resampling.BOX)
    return np.asarray(picture)


def encode_tensors(values: Mapping[str, Floats]) -> bytes:
    """The arrays as one safetensors file."""
    import safetensors.numpy

    return safetensors.numpy.save(dict(values))


def decode_tensors(data: bytes, path: Path) -> dict[str, Floats]:
    """The tensors of a safetensors file, float32; `path` is for the message.

    Raises:
        DigestMismatch: it is not one, or holds a tensor of another type.
    """
    import numpy as np
    import safetensors
    import safetensors.numpy

    try:
        tensors = safetensors.numpy.load(data)
    except safetensors.SafetensorError as error:
        raise DigestMismatch(f"not a safetensors file: {error}", where=str(path)) from error
    for name, tensor in tensors.items():
        if tensor.dtype != np.float32:
            raise DigestMismatch(f"the tensor {name} is {tensor.dtype}, must be float32", where=str(path))
    return dict(tensors)
