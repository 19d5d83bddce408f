"""Face identity: an extra, only by name, and honest about what it cannot see."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from sdqa.arrays import Floats, Pixels
from sdqa.errors import MetricError
from sdqa.metrics import MetricModels, Picture, Subject, applicable, score

SOURCE, SAME, OTHER, NOBODY = (np.full((64, 64, 3), value, np.uint8) for value in (10, 20, 30, 40))
VECTORS = {10: [1.0, 0.0], 20: [0.6, 0.8], 30: [0.0, 1.0]}
LATENTS = np.zeros((4, 8, 8), np.float32)


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> MetricModels:
    def embed(image: Pixels) -> Floats | None:
        vector = VECTORS.get(int(image[0, 0, 0]))
        return None if vector is None else np.array(vector, np.float32)

    made = MetricModels()
    monkeypatch.setattr(made.face, "embed", embed)
    return made


def measured(
    candidate: Pixels, golden: Pixels, models: MetricModels, source: Pixels = SOURCE
) -> tuple[object, object, str]:
    given = Subject("c", "p", None, source, Picture(candidate, None, LATENTS), Picture(golden, None, LATENTS))
    (found,) = score(given, ["face_identity"], models)
    return found.value, found.golden, found.reason


def test_the_figure_is_the_cosine_with_the_source_for_candidate_and_golden(models: MetricModels) -> None:
    assert measured(SAME, SOURCE, models) == (pytest.approx(0.6), 1.0, "")
    assert measured(OTHER, SAME, models) == (0.0, pytest.approx(0.6), "")


def test_a_lost_face_is_a_lost_identity(models: MetricModels) -> None:
    assert measured(NOBODY, SAME, models)[0] == 0.0


def test_a_source_without_a_face_is_not_measured(models: MetricModels) -> None:
    assert measured(SAME, SAME, models, source=NOBODY) == (None, None, "no face was found in the source")


def test_it_is_only_measured_by_name() -> None:
    assert "face_identity" not in applicable(["source"])
    assert "face_identity" in applicable(["source"], ["face_identity"])


def test_without_the_extra_it_says_how_to_get_it_and_with_it_a_photograph_is_recognised() -> None:
    from skimage.data import astronaut

    face = MetricModels().face
    photograph = astronaut()
    if importlib.util.find_spec("dlib") is None:
        with pytest.raises(MetricError, match=r"sdqa\[identity\]"):
            face.embed(photograph)
        return
    whole, mirrored = face.embed(photograph), face.embed(np.ascontiguousarray(photograph[:, ::-1]))
    assert whole is not None
    assert mirrored is not None
    assert float(whole @ mirrored) > 0.9
    assert face.embed(np.full((256, 256, 3), 128, np.uint8)) is None
