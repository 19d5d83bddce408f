"""Scoring: what applies is measured, what cannot be says why, and a broken metric is found before it is used."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from sdqa.arrays import Pixels
from sdqa.errors import MetricError, UsageError
from sdqa.metrics import METRICS, MetricModels, Picture, Subject, applicable, demand_sound, find, run_self_tests, score
from sdqa.metrics import psnr as psnr_module
from sdqa.metrics import test_images as specimens
from sdqa.metrics.registry import metric, self_test

LATENTS = np.random.default_rng(1).normal(size=(4, 16, 16)).astype(np.float32)

ASKED = {name for name, one in METRICS.items() if one.on_request}
"""Metrics that are measured only where a suite names them."""


@pytest.fixture(scope="module")
def models() -> MetricModels:
    return MetricModels()


def picture(image: Pixels) -> Picture:
    return Picture(image, image.astype(np.float32).transpose(2, 0, 1) / 127.5 - 1, LATENTS)


def subject(candidate: Picture | None = None) -> Subject:
    person, other = specimens.drawn()[:2]
    golden = picture(other.image)
    return Subject("case", other.caption, person.caption, person.image, candidate or golden, golden)


def read(given: Subject, name: str, models: MetricModels) -> float:
    (measurement,) = score(given, [name], models)
    assert measurement.value is not None
    return measurement.value


def test_the_golden_itself_scores_perfectly(models: MetricModels) -> None:
    found = {m.metric: m for m in score(subject(), None, models)}
    assert set(found) == set(METRICS) - ASKED
    perfect = {"psnr": 100, "tile_psnr": 100, "ssim": 1, "latent_psnr": 150, "lpips": 0, "finite": 1, "shape": 1}
    assert {name: found[name].value for name in perfect} == pytest.approx(perfect)
    for name in ("clip_score", "clip_directional", "lpips_source", "black", "noise", "tiling", "grey_wash"):
        assert found[name].value == found[name].golden
    assert all(m.fingerprint and m.case == "case" and not m.reason for m in found.values())


def test_scoring_twice_gives_identical_figures(models: MetricModels) -> None:
    noisy = np.clip(specimens.drawn()[1].image + np.random.default_rng(0).normal(0, 9, (64, 64, 3)), 0, 255)
    given = subject(picture(noisy.astype(np.uint8)))
    assert score(given, None, MetricModels()) == score(given, None, models)


def test_text_to_image_has_no_source_metrics(models: MetricModels) -> None:
    given = replace(subject(), source=None, source_prompt=None)
    names = {m.metric for m in score(given, None, models)}
    assert names == set(applicable([])) == set(METRICS) - {"lpips_source", "clip_directional", *ASKED}


def test_a_touch_up_has_no_direction_of_editing(models: MetricModels) -> None:
    given = replace(subject(), source_prompt=f" {subject().prompt.upper()}")
    names = {m.metric for m in score(given, None, models)}
    assert names == set(applicable(["source"])) == set(METRICS) - {"clip_directional", *ASKED}


def test_an_unknown_metric_is_a_usage_error_with_a_suggestion(models: MetricModels) -> None:
    with pytest.raises(UsageError, match="did you mean psnr"):
        score(subject(), ["psnrr"], models)


def test_another_shape_is_not_compared(models: MetricModels) -> None:
    small = Picture(specimens.drawn()[1].image[:32], None, LATENTS)
    found = {m.metric: m for m in score(subject(small), None, models)}
    assert found["shape"].value == 0
    assert found["finite"].value == 1
    assert found["psnr"].value is None
    assert "(32, 64, 3)" in found["psnr"].reason


def test_latents_that_are_not_finite_read_nan_and_not_a_number_that_passes(models: MetricModels) -> None:
    latents = LATENTS.copy()
    latents[0, 0, 0] = np.nan
    spoilt = replace(picture(specimens.drawn()[1].image), latents=latents)
    found = {m.metric: m for m in score(subject(spoilt), None, models)}
    finite, latent_psnr = found["finite"].value, found["latent_psnr"].value
    assert finite is not None
    assert finite < 1
    assert latent_psnr is not None
    assert np.isnan(latent_psnr)


def test_a_golden_that_is_not_finite_is_refused(models: MetricModels) -> None:
    given = subject()
    bad = replace(given, golden=replace(given.golden, latents=np.full_like(LATENTS, np.inf)))
    with pytest.raises(MetricError, match="golden"):
        score(bad, ["psnr"], models)


def test_every_metric_passes_its_self_test(models: MetricModels) -> None:
    results = run_self_tests(models)
    assert [result for result in results if not result.passed] == []
    assert {"psnr", "tile_psnr", "lpips", "clip_score", "finite", "ssim"} <= {result.metric for result in results}


def test_a_metric_that_fails_its_self_test_stops_the_gate(
    models: MetricModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def from_the_tested(reference: Pixels, tested: Pixels, *, peak: float | None = None, ceiling: float = 100) -> float:
        x, y = reference.astype(float), tested.astype(float)
        return float(20 * np.log10((peak or np.abs(y).max()) / np.sqrt(np.mean((x - y) ** 2))))

    monkeypatch.setattr(psnr_module, "signal_to_noise", from_the_tested)
    with pytest.raises(MetricError, match="a spike does not inflate"):
        demand_sound(models, ["psnr"])


def test_lpips_fed_with_0_to_1_is_found(models: MetricModels, monkeypatch: pytest.MonkeyPatch) -> None:
    right = models.lpips.prepare
    monkeypatch.setattr(models.lpips, "prepare", lambda image: (right(image) + 1) / 2)
    with pytest.raises(MetricError, match=r"\[-1, 1\]"):
        demand_sound(models, ["lpips"])


def test_a_figure_outside_the_valid_range_is_not_a_figure(
    models: MetricModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METRICS, "ssim", replace(find("ssim"), valid=(-1, 0.5)))
    (found,) = score(subject(), ["ssim"], models)
    assert found.value is None
    assert "valid range" in found.reason


def test_registering_twice_is_loud() -> None:
    with pytest.raises(ValueError, match="twice"):
        metric("psnr", unit="dB", better="higher")(find("psnr").measure)
    with pytest.raises(ValueError, match="twice"):
        self_test("psnr", "NaN is not a pass")(lambda: True)


def test_identity_names_weights_resolution_and_range_and_is_json(models: MetricModels) -> None:
    identity = models.identity()
    assert json.loads(json.dumps(identity)) == identity
    assert identity["lpips"]["lpips"]["backbone"] == "alex"
    assert len(identity["lpips"]["lpips"]["weights"]) == 64
    assert identity["clip_score"]["clip"]["resolution"] == 64
    assert identity["psnr"]["range"] == [0, 100]
    other = MetricModels(lpips="stlpips:vgg")
    assert other.identity()["lpips"] != identity["lpips"]
    assert other.identity()["psnr"] == identity["psnr"]
    assert models.fingerprint("lpips", (64, 64)) != models.fingerprint("lpips", (128, 128))


@pytest.mark.parametrize("spec", ["lpips", "lpips:squeeze", "dists:alex"])
def test_an_unknown_network_is_a_usage_error(spec: str) -> None:
    with pytest.raises(UsageError, match="stlpips:alex"):
        MetricModels(lpips=spec)


def test_a_missing_imagenet_backbone_is_said_and_not_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    import torch

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (found,) = score(subject(), ["lpips"], MetricModels(lpips="lpips:alex"))
    assert found.value is None
    assert "needs no download" in found.reason


def test_detectors_see_what_they_are_for(models: MetricModels) -> None:
    image = specimens.drawn()[1].image
    noise = np.random.default_rng(0).integers(0, 256, image.shape, dtype=np.uint8)
    grey = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    dead: dict[str, tuple[Pixels, int]] = {
        "black": (np.zeros_like(image), 1),
        "constant": (np.full_like(image, 127), -1),
        "noise": (noise, 1),
        "tiling": (np.tile(image[::4, ::4], (4, 4, 1)), 1),
        "saturation": (np.where(image > 127, 255, 0).astype(np.uint8), 1),
        "grey_wash": (grey, -1),
    }
    for name, (broken, sign) in dead.items():
        golden = read(subject(), name, models)
        assert sign * (read(subject(picture(broken)), name, models) - golden) > 0.25 * max(golden, 0.4), name


def test_importing_the_metrics_imports_nothing_heavy() -> None:
    code = "import sys, sdqa.metrics; sdqa.metrics.MetricModels().identity(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"


def test_what_is_measured_on_request_leaves_all_other_identities_alone(models: MetricModels) -> None:
    assert {"outside_edit", "face_identity"} <= ASKED
    assert not ASKED & set(models.identity())
    assert "outside_edit" in models.identity(("outside_edit",))
    assert "outside_edit" not in applicable(["source"])


def test_the_background_of_an_edit_is_held_to_the_source(models: MetricModels) -> None:
    given = subject()
    assert given.source is not None
    golden = given.source.copy()
    golden[:24] = 255 - golden[:24]
    other = replace(given, golden=picture(golden), candidate=picture(golden))
    damaged = golden.copy()
    damaged[40:] = 0
    elsewhere = golden.copy()
    elsewhere[:8] = 128
    assert read(other, "outside_edit", models) == 0
    assert read(replace(other, candidate=picture(elsewhere)), "outside_edit", models) == 0, "within the edit"
    assert read(replace(other, candidate=picture(damaged)), "outside_edit", models) > 10


@pytest.mark.parametrize(("factor", "wanted"), [(1.0, 0.0), (0.5, 6.02), (2.0, 6.02), (0.0, 60.0), (np.inf, np.nan)])
def test_a_prompt_that_moves_less_or_more_than_the_teachers_is_told_in_decibel(
    models: MetricModels, factor: float, wanted: float
) -> None:
    teacher = (0.4, 0.2, 0.1)
    golden = replace(subject().golden, guidance=teacher)
    candidate = replace(golden, guidance=tuple(factor * one for one in teacher))
    found = read(replace(subject(candidate), golden=golden), "conditioning_sensitivity", models)
    assert found == pytest.approx(wanted, abs=0.01, nan_ok=True)


def test_without_guidance_there_is_no_sensitivity_to_it(models: MetricModels) -> None:
    names = ("psnr", "conditioning_sensitivity")
    assert [one.metric for one in score(subject(), names, models)] == ["psnr"]
    guided = replace(subject(), golden=replace(subject().golden, guidance=(0.1, 0.2)))
    *_, found = score(guided, names, models)
    assert (found.value, found.reason) == (None, "0 guided steps, the teacher makes 2")
