"""ST-LPIPS: shift-tolerant LPIPS, run from the weights that the `stlpips_pytorch` wheel ships.

The package itself imports IPython and torchsummary for nothing, so only its weight files are read: safely
(`weights_only`), and only when their digest is the pinned one. The networks are AlexNet's and VGG16's feature stacks
with a stride-1 first convolution, and, in place of every stride, a blur of stride 2 ([1 2 1] x [1 2 1] / 16, after
reflecting 2 pixels).

Ghildyal and Liu, "Shift-tolerant perceptual similarity metric", ECCV 2022.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.errors import MetricError

if TYPE_CHECKING:
    import torch

DIGESTS = {
    "alex": "b356b382f96010f77d085ee8343ecd9fd322d0a56e8de2b2d0549fafcad8b9ee",
    "vgg": "44597da68f49c1837c100ff52299050f274d102eb102e5837178c79be6f0e250",
}
Step = tuple[str, int]
ALEX: tuple[tuple[Step, ...], ...] = (
    (("conv", 0), ("blur", 1), ("relu", 2)),
    (("pool3", 3), ("blur", 4), ("conv", 5), ("relu", 6)),
    (("pool3", 7), ("blur", 8), ("conv", 9), ("relu", 10)),
    (("conv", 11), ("relu", 12)),
    (("conv", 13), ("relu", 14)),
)
VGG: tuple[tuple[Step, ...], ...] = (
    (("conv", 0), ("relu", 1), ("conv", 2), ("relu", 3)),
    (("pool2", 4), ("blur", 5), ("conv", 6), ("relu", 7), ("conv", 8), ("relu", 9)),
    (("pool2", 10), ("blur", 11), *((kind, 12 + i) for i, kind in enumerate(("conv", "relu") * 3))),
    (("pool2", 18), ("blur", 19), *((kind, 20 + i) for i, kind in enumerate(("conv", "relu") * 3))),
    (("pool2", 26), ("blur", 27), *((kind, 28 + i) for i, kind in enumerate(("conv", "relu") * 3))),
)
NETWORKS = {"alex": ALEX, "vgg": VGG}


def weights_path(backbone: str) -> Path:
    """Where the wheel keeps a network's weights.

    Raises:
        MetricError: the package is not installed.
    """
    spec = importlib.util.find_spec("stlpips_pytorch")
    if spec is None or not spec.submodule_search_locations:
        raise MetricError("stlpips_pytorch is not installed", hint="pip install stlpips_pytorch")
    return Path(spec.submodule_search_locations[0]) / "weights" / "vST0.0" / f"{backbone}_shift_tolerant.pth"


class ShiftTolerant:
    """One ST-LPIPS network, fp32, on the CPU."""

    def __init__(self, backbone: str) -> None:
        import torch

        path = weights_path(backbone)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise MetricError("the ST-LPIPS weights cannot be read", where=str(path), hint=str(error)) from error
        if hashlib.sha256(data).hexdigest() != DIGESTS[backbone]:
            hint = "install stlpips_pytorch 0.0.2 again; figures of other weights cannot be compared"
            raise MetricError("the ST-LPIPS weights are not the pinned ones", where=str(path), hint=hint)
        self.weights: dict[str, torch.Tensor] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        self.slices = NETWORKS[backbone]
        self.first_padding = 2 if backbone == "alex" else 1

    def features(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Five stages' activations of (N, 3, H, W) in [-1, 1], each of unit length along channels."""
        import torch
        from torch.nn import functional as F

        w = self.weights
        x = (x - w["scaling_layer.shift"]) / w["scaling_layer.scale"]
        stages = []
        for number, steps in enumerate(self.slices, 1):
            for kind, index in steps:
                name = f"net.slice{number}.{index}"
                if kind == "conv":
                    weight = w[f"{name}.weight"]
                    padding = self.first_padding if index == 0 else weight.shape[-1] // 2
                    x = F.conv2d(x, weight, w[f"{name}.bias"], padding=padding)
                elif kind == "relu":
                    x = F.relu(x)
                elif kind == "blur":
                    x = F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), w[f"{name}.filt"], stride=2, groups=x.shape[1])
                else:
                    x = F.max_pool2d(x, int(kind[-1]), stride=1)
            stages.append(x / (torch.sqrt((x**2).sum(dim=1, keepdim=True)) + 1e-10))
        return stages

    def __call__(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Distances (N,) of two (N, 3, H, W) tensors in [-1, 1]."""
        from torch.nn import functional as F

        total = a.new_zeros(a.shape[0])
        for i, (x, y) in enumerate(zip(self.features(a), self.features(b), strict=True)):
            total = total + F.conv2d((x - y) ** 2, self.weights[f"lin{i}.model.1.weight"]).mean(dim=(1, 2, 3))
        return total
