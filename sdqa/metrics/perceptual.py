"""The network behind the LPIPS metrics: `stlpips:alex`, `stlpips:vgg`, `lpips:alex` or `lpips:vgg`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdqa import compat
from sdqa.errors import MetricError, UsageError
from sdqa.metrics import stlpips
from sdqa.metrics.threads import one_thread

if TYPE_CHECKING:
    import torch

    from sdqa.arrays import Pixels

IMAGENET = {
    "alex": ("alexnet-owt-7be5be79.pth", "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth"),
    "vgg": ("vgg16-397923af.pth", "https://download.pytorch.org/models/vgg16-397923af.pth"),
}
"""torchvision's ImageNet backbones: file in torch's hub folder, and where it comes from. The name ends with 8 digits of
its sha256, which are checked."""


def backbone_path(backbone: str) -> Path:
    """Where torch's hub keeps a backbone; worked out without torch, by the same rule."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    home = Path(os.environ.get("TORCH_HOME") or caches / "torch").expanduser()
    return home / "hub" / "checkpoints" / IMAGENET[backbone][0]


def fetch_backbone(backbone: str) -> Path:
    """A backbone, downloaded unless it is here.

    Raises:
        MetricError: it cannot be downloaded, or is not the file that its name promises.
    """
    import urllib.request

    from sdqa.store import write_atomically

    path, (name, url) = backbone_path(backbone), IMAGENET[backbone]
    if not path.is_file():
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                data = answer.read(MAX_BACKBONE_BYTES + 1)
        except OSError as error:
            hint = f"put {url} there by hand, or use stlpips:{backbone}, which needs no download"
            what = f"the ImageNet backbone cannot be fetched: {error}"
            raise MetricError(what, where=str(path), hint=hint) from error
        _demand_promised(name, data, path)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)
    else:
        _demand_promised(name, path.read_bytes(), path)
    return path


def _demand_promised(name: str, data: bytes, path: Path) -> None:
    if not hashlib.sha256(data).hexdigest().startswith(name.rpartition("-")[2].removesuffix(".pth")):
        what = "the ImageNet backbone is not the one its name promises"
        raise MetricError(what, where=str(path), hint="delete the file, and run sdqa fetch")


MAX_BACKBONE_BYTES = 600 * 2**20
SMALLEST = 32
"""Pixels a side below which the deepest stage has nothing left."""


def fitted(image: Pixels, size: tuple[int, ...]) -> Pixels:
    """The image at (height, width), as the pipeline's preprocessing would make it (Lanczos)."""
    import numpy as np

    if image.shape[:2] == tuple(size):
        return image
    from PIL import Image

    resized = Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.LANCZOS)
    return np.asarray(resized, dtype=np.uint8)


@dataclass
class Perceptual:
    """A perceptual distance between uint8 images; loads its network on first use."""

    spec: str
    _network: Callable[[Any, Any], Any] | None = field(default=None, repr=False)
    _cache: dict[tuple[str, str], float] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.spec.partition(":")[0] not in ("stlpips", "lpips") or self.backbone not in IMAGENET:
            raise UsageError(
                f"{self.spec!r} is no perceptual metric", hint="stlpips:alex, stlpips:vgg, lpips:alex, lpips:vgg"
            )

    @property
    def backbone(self) -> str:
        """alex or vgg."""
        return self.spec.partition(":")[2]

    def identity(self) -> dict[str, Any]:
        """What makes two distances comparable; needs no network."""
        if self.spec.startswith("stlpips"):
            digest = stlpips.DIGESTS[self.backbone]
        else:
            digest = IMAGENET[self.backbone][0].rpartition("-")[2].removesuffix(".pth")
        return {
            "implementation": "stlpips vST0.0" if self.spec.startswith("stlpips") else "lpips v0.1",
            "backbone": self.backbone,
            "weights": digest,
            "resolution": "as generated",
            "input": "RGB in [-1, 1]",
        }

    def prepare(self, image: Pixels) -> torch.Tensor:
        """uint8 (H, W, 3) to float32 (1, 3, H, W) in [-1, 1]."""
        import numpy as np
        import torch

        x = image.astype(np.float32).transpose(2, 0, 1)[None] / np.float32(127.5) - np.float32(1)
        return torch.from_numpy(np.ascontiguousarray(x))

    def fitted(self, image: Pixels, size: tuple[int, ...]) -> Pixels:
        """The image at (height, width); see `fitted`."""
        return fitted(image, size)

    def distance(self, a: Pixels, b: Pixels) -> float:
        """Distance of two images of one shape; symmetric, 0 for the same image.

        Raises:
            MetricError: the shapes differ, the images are too small, or the weights are not there.
        """
        if a.shape != b.shape or min(a.shape[:2]) < SMALLEST:
            raise MetricError(
                f"LPIPS needs two images of one shape, at least {SMALLEST} px a side: {a.shape}, {b.shape}"
            )
        key = (_digest(a), _digest(b))
        if key not in self._cache:
            import torch

            if self._network is None:
                self._network = self._load()
            with one_thread(), torch.inference_mode():
                self._cache[key] = float(self._network(self.prepare(a), self.prepare(b)).reshape(()))
        return self._cache[key]

    def _load(self) -> Callable[[Any, Any], Any]:
        return stlpips.ShiftTolerant(self.backbone) if self.spec.startswith("stlpips") else _reference(self.backbone)


def _reference(backbone: str) -> Callable[[Any, Any], Any]:
    """The `lpips` package's network with torchvision's backbone from torch's hub folder."""
    compat.prepare_torchvision()
    import lpips
    import torch

    path = backbone_path(backbone)
    if not path.exists():
        hint = f"sdqa fetch; or use stlpips:{backbone}, which needs no download"
        raise MetricError(f"the ImageNet backbone of lpips:{backbone} is not here", where=str(path), hint=hint)
    _demand_promised(path.name, path.read_bytes(), path)
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    network = lpips.LPIPS(net=backbone, pnet_rand=True, verbose=False).eval()
    state = network.net.state_dict()
    for key in state:
        state[key] = checkpoint["features." + key.partition(".")[2]]
    network.net.load_state_dict(state)
    return network  # type: ignore[no-any-return]


def _digest(image: Pixels) -> str:
    import numpy as np

    return hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest() + str(image.shape)
