"""Random numbers. Source: coremltools' definition iOS15 `random`.

The distributions are Core ML's, the generator is torch's: equal seeds give equal numbers here, not on other runtimes.
A seed of -1 draws from the prediction's own generator.
"""

from __future__ import annotations

import torch

from sdqa.mil.arguments import Argument, as_float, as_int, as_ints, as_str
from sdqa.mil.registry import Context, op


def _generator(seed: Argument, context: Context) -> torch.Generator:
    number = as_int(seed)
    return context.generator if number == -1 else torch.Generator().manual_seed(number)


@op("random_uniform", wants_context=True)
def random_uniform(
    shape: Argument, context: Context, low: Argument = 0.0, high: Argument = 1.0, seed: Argument = -1
) -> torch.Tensor:
    """Uniform in [low, high)."""
    start, stop = as_float(low), as_float(high)
    return torch.rand(as_ints(shape), generator=_generator(seed, context)) * (stop - start) + start


@op("random_normal", wants_context=True)
def random_normal(
    shape: Argument, context: Context, mean: Argument = 0.0, stddev: Argument = 1.0, seed: Argument = -1
) -> torch.Tensor:
    """Normal with the given mean and standard deviation."""
    return torch.randn(as_ints(shape), generator=_generator(seed, context)) * as_float(stddev) + as_float(mean)


@op("random_bernoulli", wants_context=True)
def random_bernoulli(shape: Argument, context: Context, prob: Argument = 0.5, seed: Argument = -1) -> torch.Tensor:
    """1 with probability `prob`, else 0."""
    return (torch.rand(as_ints(shape), generator=_generator(seed, context)) < as_float(prob)).float()


@op("random_categorical", wants_context=True)
def random_categorical(
    x: torch.Tensor, context: Context, mode: Argument = "logits", size: Argument = 1, seed: Argument = -1
) -> torch.Tensor:
    """`size` draws with replacement per distribution: x [*, K], log-probabilities or probabilities, → [*, size]."""
    kind = as_str(mode)
    if kind not in ("logits", "probs"):
        raise ValueError(f"random_categorical has no mode {kind!r}")
    weights = torch.softmax(x.float(), -1) if kind == "logits" else x.float()
    rows = weights.reshape(-1, weights.shape[-1])
    drawn = torch.multinomial(rows, as_int(size), replacement=True, generator=_generator(seed, context))
    return drawn.reshape(*x.shape[:-1], as_int(size)).float()
