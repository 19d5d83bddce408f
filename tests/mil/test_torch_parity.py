"""Networks of several kinds, converted by coremltools, against the same networks in torch."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sdqa import compat, mil


class Residual(nn.Module):
    """A small image classifier: strided and grouped convolutions, batch norm, pooling, a residual."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.body = nn.Sequential(nn.Conv2d(16, 16, 3, 1, 2, 2, groups=4), nn.GroupNorm(4, 16), nn.Hardswish())
        self.up = nn.ConvTranspose2d(16, 8, 3, 2, 1, 1)
        self.head = nn.Linear(8, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        x = self.up(x + self.body(x))
        return torch.softmax(self.head(x.mean((2, 3))), -1)


class Encoder(nn.Module):
    """Token embeddings and a transformer layer with attention written out by torch."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(50, 32)
        self.layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, activation="gelu", norm_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        positions = torch.arange(x.shape[1]).float() / 10
        hidden: torch.Tensor = self.layer(self.tokens(x) + torch.sin(positions)[None, :, None])
        return hidden[:, 0]


class Recurrent(nn.Module):
    """A bidirectional lstm above a gru above an elman layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.RNN(6, 8, batch_first=True), nn.GRU(8, 8, batch_first=True)
        self.third = nn.LSTM(8, 5, num_layers=2, bidirectional=True, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden, _ = self.third(self.second(self.first(x)[0])[0])
        return torch.cumsum(hidden, 1).amax(-1)


class Audio(nn.Module):
    """Strided one-dimensional convolutions, log-energies, and a causal filter."""

    def __init__(self) -> None:
        super().__init__()
        self.filters = nn.Conv1d(1, 12, 32, 16)
        self.causal = nn.Conv1d(12, 12, 3, dilation=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        energy = torch.log(self.filters(x).square() + 1e-3)
        energy = (energy - energy.mean(-1, keepdim=True)) / (energy.std(-1, keepdim=True) + 1e-3)
        return torch.tanh(self.causal(nn.functional.pad(energy, (4, 0))))


KINDS: dict[str, tuple[type[nn.Module], Any]] = {
    "convolutional": (Residual, lambda draw: draw.normal(size=(2, 3, 32, 32)).astype(np.float32)),
    "transformer": (Encoder, lambda draw: draw.integers(0, 50, (2, 12)).astype(np.int32)),
    "recurrent": (Recurrent, lambda draw: draw.normal(size=(2, 9, 6)).astype(np.float32)),
    "audio": (Audio, lambda draw: draw.normal(size=(1, 1, 800)).astype(np.float32)),
}


def decibel(reference: Any, actual: Any) -> float:
    """Peak signal to noise ratio, the peak being the reference's range."""
    reference, actual = np.asarray(reference, np.float64), np.asarray(actual, np.float64)
    error = float(np.mean((reference - actual) ** 2))
    return np.inf if error == 0 else float(20 * np.log10(np.ptp(reference)) - 10 * np.log10(error))


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("target", ["iOS15", "iOS18"])
@pytest.mark.parametrize(("precision", "least"), [("FLOAT32", 110), ("FLOAT16", 50)])
def test_agrees_with_torch(
    kind: str, target: str, precision: str, least: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compat.prepare_coremltools()
    import coremltools as ct

    monkeypatch.setattr(torch.backends.mha, "_is_fastpath_enabled", False)  # one fused operator, unknown to coremltools
    torch.manual_seed(0)
    make, draw = KINDS[kind]
    network, x = make().eval(), draw(np.random.default_rng(1))
    path = tmp_path / "network.mlpackage"
    with compat.quiet_coremltools(), torch.no_grad():
        trace: Any = torch.jit.trace
        traced = trace(network, torch.from_numpy(x), check_trace=False)
        model = ct.convert(
            traced,
            inputs=[ct.TensorType(name="x", shape=x.shape, dtype=x.dtype)],
            outputs=[ct.TensorType(name="y")],
            minimum_deployment_target=getattr(ct.target, target),
            compute_precision=getattr(ct.precision, precision),
            skip_model_load=True,
        )
        model.save(str(path))
        expected = network(torch.from_numpy(x)).numpy()
        del model
        gc.collect()  # coremltools leaves its temporary folders to the collector, which warns
    assert decibel(expected, mil.load(path).predict({"x": x})["y"]) >= least
    if precision == "FLOAT16":  # torch's own fp16 rounds inside operations too
        assert decibel(expected, mil.load(path, precision="native").predict({"x": x})["y"]) >= least - 10
        assert decibel(expected, mil.load(path, precision="float32").predict({"x": x})["y"]) >= least
