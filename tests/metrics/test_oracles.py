"""Figures against the libraries that others trust, to 1e-4."""

from __future__ import annotations

import hashlib
import importlib
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from sdqa import compat, embedded
from sdqa.arrays import Pixels
from sdqa.metrics import perceptual, psnr, ssim, stlpips
from sdqa.metrics import test_images as specimens
from sdqa.metrics.clip_space import ClipSpace
from sdqa.metrics.perceptual import Perceptual

RNG = np.random.default_rng(0)


def pairs() -> list[tuple[Pixels, Pixels]]:
    first, second = specimens.drawn()[0].image, specimens.drawn()[1].image
    noisy = np.clip(first + RNG.normal(0, 12, first.shape), 0, 255).astype(np.uint8)
    return [(first, noisy), (first, specimens.blur(first, 2)), (first, second)]


def batch(image: Pixels) -> torch.Tensor:
    return torch.from_numpy(image.astype(np.float32).transpose(2, 0, 1)[None])


@pytest.mark.parametrize("number", range(3))
def test_psnr_agrees_with_torchmetrics_and_skimage(number: int) -> None:
    compat.prepare_torchvision()
    from skimage.metrics import peak_signal_noise_ratio as skimage_psnr
    from torchmetrics.functional.image import peak_signal_noise_ratio

    a, b = pairs()[number]
    ours = psnr.signal_to_noise(a, b, peak=255)
    assert ours == pytest.approx(float(peak_signal_noise_ratio(batch(b), batch(a), data_range=255.0)), abs=1e-4)
    assert ours == pytest.approx(float(skimage_psnr(a, b, data_range=255)), abs=1e-4)


@pytest.mark.parametrize("number", range(3))
def test_ssim_agrees_with_torchmetrics_and_skimage(number: int) -> None:
    compat.prepare_torchvision()
    from skimage.metrics import structural_similarity
    from torchmetrics.functional.image import structural_similarity_index_measure

    a, b = pairs()[number]
    ours = ssim.similarity(a, b)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "channel_axis": 2}
    assert ours == pytest.approx(float(structural_similarity(a, b, data_range=255, **options)), abs=1e-4)
    full = structural_similarity_index_measure(
        batch(b).double(), batch(a).double(), data_range=255.0, return_full_image=True
    )[1]
    assert ours == pytest.approx(float(full[..., 5:-5, 5:-5].mean()), abs=1e-4)  # it pads, which the paper does not


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    """stlpips_pytorch itself, with stand-ins for the two packages that it imports for nothing."""
    compat.prepare_torchvision()
    for name, attribute in (("IPython", "embed"), ("torchsummary", "summary")):
        stand_in = types.ModuleType(name)
        setattr(stand_in, attribute, None)
        monkeypatch.setitem(sys.modules, name, stand_in)
    yield importlib.import_module("stlpips_pytorch.stlpips")
    for name in [name for name in sys.modules if name.startswith("stlpips_pytorch")]:
        del sys.modules[name]


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["alex", "vgg"])
def test_stlpips_agrees_with_its_package(package: types.ModuleType, backbone: str) -> None:
    theirs = package.LPIPS(net=backbone, variant="shift_tolerant", verbose=False).eval()
    ours = Perceptual(f"stlpips:{backbone}")
    for a, b in pairs():
        with torch.inference_mode():
            expected = float(theirs(batch(a) / 127.5 - 1, batch(b) / 127.5 - 1))
        assert ours.distance(a, b) == pytest.approx(expected, abs=1e-5)


def test_lpips_runs_the_reference_package_with_the_backbone_from_the_hub_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compat.prepare_torchvision()
    import lpips
    from torchvision.models import alexnet

    torch.manual_seed(0)
    network = alexnet(weights=None)
    features = {key: value for key, value in network.state_dict().items() if key.startswith("features.")}
    checkpoints = tmp_path / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    torch.save(features, checkpoints / "made.pth")
    digest = hashlib.sha256((checkpoints / "made.pth").read_bytes()).hexdigest()[:8]
    (checkpoints / "made.pth").rename(checkpoints / f"made-{digest}.pth")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setitem(perceptual.IMAGENET, "alex", (f"made-{digest}.pth", "https://example.invalid/made.pth"))
    theirs = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False).eval()
    for slice_ in theirs.net.children():
        for key, value in slice_.state_dict().items():
            value.copy_(features[f"features.{key}"])
    ours = Perceptual("lpips:alex")
    for a, b in pairs():
        with torch.inference_mode():
            expected = float(theirs(batch(a) / 127.5 - 1, batch(b) / 127.5 - 1))
        assert expected > 0
        assert ours.distance(a, b) == pytest.approx(expected, abs=1e-5)


def test_clip_embeds_as_open_clip_does() -> None:
    compat.prepare_hub()
    import open_clip
    from PIL import Image

    model, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{embedded.OPEN_CLIP}", precision="fp32")
    ours = ClipSpace("embedded:tiny")
    wide = np.asarray(Image.fromarray(specimens.drawn()[0].image).resize((150, 100)), dtype=np.uint8)
    for image in (specimens.drawn()[0].image, wide):
        x = preprocess(Image.fromarray(image))[None]
        torch.testing.assert_close(ours.prepare(image), x, atol=1e-5, rtol=0)
        with torch.inference_mode():
            expected = torch.nn.functional.normalize(model.eval().encode_image(x), dim=-1)[0].numpy()
        np.testing.assert_allclose(ours.image(image), expected, atol=1e-4)


def test_pinned_weights_are_what_the_wheel_ships() -> None:
    for backbone, digest in stlpips.DIGESTS.items():
        assert hashlib.sha256(stlpips.weights_path(backbone).read_bytes()).hexdigest() == digest
