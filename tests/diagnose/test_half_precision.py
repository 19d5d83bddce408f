"""Rounding, operation by operation: what half precision does to a module, and nothing besides."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sdqa.diagnose.half_precision import HalfPrecision


def drawn(*shape: int, scale: float = 1.0) -> Tensor:
    made = scale * torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))
    return made.half().float()


def rounded(function: object, *inputs: Tensor, in_pieces: bool, in_full: tuple[Tensor, ...] = ()) -> Tensor:
    assert callable(function)
    with torch.no_grad(), HalfPrecision(inputs, in_pieces=in_pieces, in_full=in_full):
        made = function(*inputs, *in_full)
    assert isinstance(made, Tensor)
    return made


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        (torch.add, (drawn(2, 9), drawn(2, 9))),
        (torch.softmax, (drawn(4, 9),)),
        (F.conv2d, (drawn(1, 4, 8, 8), drawn(3, 4, 3, 3))),
        (F.linear, (drawn(2, 96), drawn(5, 96), drawn(5))),
        (F.silu, (drawn(2, 9),)),
    ],
)
def test_a_single_operation_is_rounded_once_at_its_end(function: object, inputs: tuple[Tensor, ...]) -> None:
    assert callable(function)
    last = (-1,) if function is torch.softmax else ()
    made = rounded(lambda *given: function(*given, *last), *inputs, in_pieces=False)
    assert torch.equal(made, function(*inputs, *last).half().float())


def test_a_product_is_added_up_term_by_term() -> None:
    ones, steps = torch.ones(1, 4096), torch.ones(1, 4096)
    assert rounded(F.linear, ones, steps, in_pieces=False).item() == 4096
    assert rounded(F.linear, ones, steps, in_pieces=True).item() == 2048, "one is half a step of 2048"


def test_biases_and_the_affine_halves_of_norms_are_operations_of_their_own() -> None:
    x, weight, bias = drawn(1, 8, 4, 4), drawn(8), drawn(8)
    plain = F.group_norm(x, 4).half()
    expected = (plain * weight.half().reshape(1, -1, 1, 1)) + bias.half().reshape(1, -1, 1, 1)
    assert torch.equal(rounded(lambda x: F.group_norm(x, 4, weight, bias), x, in_pieces=True), expected.float())
    plain = F.layer_norm(x, (4,)).half()
    expected = plain * weight.half()[:4] + bias.half()[:4]
    assert torch.equal(
        rounded(lambda x: F.layer_norm(x, (4,), weight[:4], bias[:4]), x, in_pieces=True), expected.float()
    )
    kernel = drawn(3, 8, 1, 1)
    expected = F.conv2d(x, kernel).half() + bias.half()[:3].reshape(1, -1, 1, 1)
    assert torch.equal(rounded(lambda x: F.conv2d(x, kernel, bias[:3]), x, in_pieces=True), expected.float())


@pytest.mark.parametrize("causal", [False, True])
def test_attention_in_pieces_is_attention(causal: bool) -> None:
    query, key, value = (drawn(1, 2, 6, 8, scale=scale) for scale in (1.0, 0.9, 0.8))

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)

    made, exact = rounded(attend, query, key, value, in_pieces=True), attend(query, key, value)
    assert 0 < float((made - exact).abs().max()) < 5e-3
    mask = torch.zeros(6, 6).masked_fill(torch.ones(6, 6).triu(1).bool(), float("-inf"))
    masked = rounded(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, mask), query, key, value, in_pieces=True)
    assert torch.equal(masked, made) == causal


def test_gelu_in_pieces_is_gelu() -> None:
    x = drawn(4, 64)
    for approximate in ("none", "tanh"):
        made = rounded(lambda x, how=approximate: F.gelu(x, approximate=how), x, in_pieces=True)
        assert 0 < float((made - F.gelu(x, approximate=approximate)).abs().max()) < 5e-3


def test_constants_are_made_in_fp32_and_rounded_when_they_are_used() -> None:
    def angles(step: Tensor) -> Tensor:
        frequencies = torch.exp(torch.arange(16) * torch.tensor(-0.61803))
        return step * frequencies

    step = torch.tensor([951.0])
    frequencies = torch.exp(torch.arange(16) * torch.tensor(-0.61803)).half()
    assert torch.equal(rounded(angles, step, in_pieces=False), (step.half() * frequencies).float())


def test_what_follows_from_a_timestep_in_full_is_rounded_at_the_first_matrix() -> None:
    step, weight, x = torch.tensor([[951.0]]), drawn(4, 8), drawn(1, 4)
    frequencies = torch.linspace(0.1, 1, 8)

    def embedded(x: Tensor, step: Tensor) -> Tensor:
        return x + F.linear(torch.sin(step * frequencies), weight)

    made = rounded(embedded, x, in_pieces=True, in_full=(step,))
    exact = embedded(x, step)
    assert 0 < float((made - exact).abs().max()) < 1e-2
    half = rounded(embedded, x, step, in_pieces=True)
    assert float((half - exact).abs().max()) > 1e-2, "angles of hundreds have no digits left in half precision"
