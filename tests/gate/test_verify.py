"""Verifying goldens: digests, records, and whether the teacher still draws them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sdqa.bundle import Measurement
from sdqa.errors import GoldenMissing, ModelError
from sdqa.gate.goldens import Golden, write_golden
from sdqa.gate.tolerances import Tolerances
from sdqa.gate.verify import verify

PIXELS = np.zeros((16, 16, 3), np.uint8)
LATENTS = np.ones((4, 4, 4), np.float32)


@pytest.fixture
def goldens(tmp_path: Path) -> Path:
    for case in ("portrait", "landscape"):
        write_golden(
            tmp_path / "tiny" / case,
            inputs={},
            seed=1,
            timesteps=[1],
            image=PIXELS,
            latents=LATENTS,
            noise=LATENTS,
            scores={},
            teacher_digest="12" * 32,
            metric_identities={},
            versions={},
        )
    return tmp_path


def figures(psnr: float = 100.0, latent_psnr: float | None = 150.0) -> list[Measurement]:
    return [
        Measurement(metric="finite", value=1.0, better="higher"),
        Measurement(metric="psnr", value=psnr, unit="dB", better="higher"),
        Measurement(metric="latent_psnr", value=latent_psnr, unit="dB", better="higher", reason="no latents"),
    ]


def bad(goldens: Path, **how: object) -> list[str]:
    return [f"{f.subject}: {f.what}" for f in verify(goldens, **how) if not f.sound]  # type: ignore[arg-type]


def test_sound_goldens_have_no_bad_findings(goldens: Path) -> None:
    assert bad(goldens) == []
    assert bad(goldens, reproduce=lambda golden: figures()) == []


def test_a_teacher_that_draws_something_else_is_found(goldens: Path) -> None:
    def reproduce(golden: Golden) -> list[Measurement]:
        return figures(psnr=60.0) if golden.manifest.case == "portrait" else figures()

    assert bad(goldens, reproduce=reproduce) == ["tiny/portrait: reproduced: psnr 60 dB, stated noise 70"]


def test_what_cannot_be_reproduced_is_not_sound(goldens: Path) -> None:
    def refuse(golden: Golden) -> list[Measurement]:
        raise ModelError("no weights")

    assert len(bad(goldens, reproduce=refuse)) == 2
    assert len(bad(goldens, reproduce=lambda golden: figures(latent_psnr=None))) == 2


def test_a_changed_file_and_a_change_without_a_record_are_found(goldens: Path) -> None:
    manifest = goldens / "tiny" / "portrait" / "manifest.json"
    data = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**data, "seed": 2}))
    (goldens / "tiny" / "landscape" / "image.png").write_bytes(b"")
    found = bad(goldens)
    assert any(text.startswith("tiny/portrait: portrait: changed without a record") for text in found)
    assert any(text.startswith("tiny/landscape: SDQA-602") for text in found)


def test_tolerances_changed_by_hand_are_found(goldens: Path, tolerances: Tolerances) -> None:
    path = goldens / "tiny" / "tolerances.json"
    tolerances.save(path, "")
    assert bad(goldens) == []
    path.write_text(path.read_text().replace('"limit": 50.0', '"limit": 5.0'))
    assert bad(goldens)[0].startswith("tiny/tolerances: tolerances: changed without a record")


def test_no_goldens_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GoldenMissing):
        list(verify(tmp_path / "nowhere"))


def test_a_golden_that_no_longer_stands_for_its_case_is_not_sound(goldens: Path) -> None:
    def stale(golden: Golden) -> str:
        if golden.manifest.case == "landscape":
            raise ModelError("the picture is gone")
        return "the source picture changed"

    found = bad(goldens, stale=stale)
    assert "tiny/portrait: the source picture changed" in found
    assert any(one.startswith("tiny/landscape") and "the picture is gone" in one for one in found)
    assert bad(goldens, stale=lambda golden: "") == []
