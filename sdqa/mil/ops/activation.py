"""Activations. Source: coremltools' definitions iOS15 to iOS17 `activation`."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from sdqa.mil.arguments import Argument, as_float, as_int, as_str, as_tensor
from sdqa.mil.registry import op


@op("relu", movement=True)
def relu(x: torch.Tensor) -> torch.Tensor:
    """max(x, 0); keeps NaN."""
    return torch.relu(x)


@op("relu6", movement=True)
def relu6(x: torch.Tensor) -> torch.Tensor:
    """min(max(x, 0), 6)."""
    return torch.clamp(x, 0, 6)


@op("sigmoid")
def sigmoid(x: torch.Tensor) -> torch.Tensor:
    """1 / (1 + exp(-x))."""
    return torch.sigmoid(x)


@op("silu")
def silu(x: torch.Tensor) -> torch.Tensor:
    """x · sigmoid(x)."""
    return F.silu(x)


@op("softplus")
def softplus(x: torch.Tensor) -> torch.Tensor:
    """log(1 + exp(x)); above 20 the correction is below half a unit in the last place of fp32, so x itself."""
    return F.softplus(x)


@op("softsign")
def softsign(x: torch.Tensor) -> torch.Tensor:
    """x / (1 + |x|)."""
    return F.softsign(x)


@op("gelu")
def gelu(x: torch.Tensor, mode: Argument = "EXACT") -> torch.Tensor:
    """Gaussian error linear unit: EXACT, TANH_APPROXIMATION or SIGMOID_APPROXIMATION."""
    name = as_str(mode)
    if name == "EXACT":
        return F.gelu(x)
    if name == "TANH_APPROXIMATION":
        return F.gelu(x, approximate="tanh")
    if name == "SIGMOID_APPROXIMATION":
        return x * torch.sigmoid(1.702 * x)
    raise ValueError(f"gelu has no mode {name!r}")


@op("elu")
def elu(x: torch.Tensor, alpha: Argument = 1.0) -> torch.Tensor:
    """x where x > 0, else alpha · (exp(x) - 1)."""
    return F.elu(x, as_float(alpha))


@op("leaky_relu")
def leaky_relu(x: torch.Tensor, alpha: Argument = 0.01) -> torch.Tensor:
    """x where x >= 0, else alpha · x."""
    return F.leaky_relu(x, as_float(alpha))


@op("clamped_relu")
def clamped_relu(x: torch.Tensor, alpha: Argument, beta: Argument) -> torch.Tensor:
    """min(beta, x) where x >= 0, else min(beta, alpha · x)."""
    return torch.clamp(F.leaky_relu(x, as_float(alpha)), max=as_float(beta))


@op("thresholded_relu", movement=True)
def thresholded_relu(x: torch.Tensor, alpha: Argument = 1.0) -> torch.Tensor:
    """x where x >= alpha, else 0."""
    return torch.where(x < as_float(alpha), torch.zeros_like(x), x)


@op("linear_activation")
def linear_activation(x: torch.Tensor, alpha: Argument, beta: Argument = 0.0) -> torch.Tensor:
    """alpha · x + beta."""
    return as_float(alpha) * x + as_float(beta)


@op("scaled_tanh")
def scaled_tanh(x: torch.Tensor, alpha: Argument = 1.0, beta: Argument = 1.0) -> torch.Tensor:
    """alpha · tanh(beta · x)."""
    return as_float(alpha) * torch.tanh(as_float(beta) * x)


@op("sigmoid_hard")
def sigmoid_hard(x: torch.Tensor, alpha: Argument = 0.2, beta: Argument = 0.5) -> torch.Tensor:
    """min(max(alpha · x + beta, 0), 1)."""
    return torch.clamp(as_float(alpha) * x + as_float(beta), 0, 1)


@op("prelu")
def prelu(x: torch.Tensor, alpha: Argument) -> torch.Tensor:
    """x where x > 0, else alpha_c · x, with one alpha [C] per channel (axis 1)."""
    return torch.where(x > 0, x, _per_channel(alpha, x) * x)


@op("softplus_parametric")
def softplus_parametric(x: torch.Tensor, alpha: Argument, beta: Argument) -> torch.Tensor:
    """alpha_c · log(1 + exp(beta_c · x)), with alpha and beta [C] per channel (axis 1)."""
    return _per_channel(alpha, x) * F.softplus(_per_channel(beta, x) * x)


@op("softmax")
def softmax(x: torch.Tensor, axis: Argument = -1) -> torch.Tensor:
    """exp(x) / Σ exp(x) along one axis."""
    return torch.softmax(x, as_int(axis))


def _per_channel(value: Argument, x: torch.Tensor) -> torch.Tensor:
    """A vector [C] shaped to broadcast along axis 1 of x."""
    return as_tensor(value).to(x.dtype).reshape([-1 if axis == 1 else 1 for axis in range(x.dim())])
