"""Faces as vectors, through dlib: the optional extra `sdqa[identity]`.

dlib's HOG detector finds faces, its five landmarks align the largest, and its ResNet turns it into 128 numbers. The
weights come with the `face_recognition_models` package; only its files are read (it imports `pkg_resources`).

King, "Dlib-ml: a machine learning toolkit", 2009; the network: dlib_face_recognition_resnet_model_v1, 2017.
"""

from __future__ import annotations

import functools
import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdqa.errors import MetricError
from sdqa.store import file_digest

if TYPE_CHECKING:
    from sdqa.arrays import Floats, Pixels

HINT = "pip install 'sdqa[identity]'"
FILES = {
    "shape_predictor_5_face_landmarks.dat": "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
    "dlib_face_recognition_resnet_model_v1.dat": "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
}
"""File → sha256."""
SMALLEST_SIDE = 256
"""Pixels: smaller images are enlarged, because the detector knows no face below 80 px."""


@dataclass
class Faces:
    """Finds and embeds the largest face of a picture; loads its networks on first use."""

    _networks: Any = field(default=None, repr=False)

    def identity(self) -> dict[str, Any]:
        """What makes two figures comparable; needs no network."""
        return {"implementation": "dlib", "detector": "HOG, upsampled once", "weights": FILES, "face": "largest"}

    def embed(self, image: Pixels) -> Floats | None:
        """The largest face as a unit vector (128,) float32, or None when there is no face.

        Raises:
            MetricError: the extra is not installed, or its weights are not the pinned ones.
        """
        import numpy as np

        if self._networks is None:
            self._networks = _load()
        detector, landmarks, network = self._networks
        picture = _enlarged(image)
        found = detector(picture, 1)
        if not found:
            return None
        largest = max(found, key=lambda box: box.width() * box.height())
        vector = np.asarray(network.compute_face_descriptor(picture, landmarks(picture, largest)), dtype=np.float64)
        unit: Floats = (vector / np.linalg.norm(vector)).astype(np.float32)
        return unit


@functools.cache
def _load() -> tuple[Any, Any, Any]:
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations or importlib.util.find_spec("dlib") is None:
        raise MetricError("face identity needs dlib and its models, which are not installed", hint=HINT)
    folder = Path(spec.submodule_search_locations[0]) / "models"
    for name, digest in FILES.items():
        if not (folder / name).is_file() or file_digest(folder / name) != digest:
            raise MetricError("the face models are not the pinned ones", where=str(folder / name), hint=HINT)
    import dlib

    landmarks, network = (str(folder / name) for name in FILES)
    return (
        dlib.get_frontal_face_detector(),
        dlib.shape_predictor(landmarks),
        dlib.face_recognition_model_v1(network),
    )


def _enlarged(image: Pixels) -> Pixels:
    import numpy as np

    side = min(image.shape[:2])
    if side >= SMALLEST_SIDE:
        return np.ascontiguousarray(image)
    from PIL import Image

    scale = SMALLEST_SIDE / side
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return np.array(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC), dtype=np.uint8)
