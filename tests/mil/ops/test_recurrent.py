"""Recurrent layers against torch's, and against the formulas step by step in numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from .oracle import numbers, run, same

SEQUENCE, BATCH, INPUT, HIDDEN = 4, 2, 3, 5
X = numbers(SEQUENCE, BATCH, INPUT)
H, C = numbers(BATCH, HIDDEN, seed=1), numbers(BATCH, HIDDEN, seed=2)


def parameters(gates: int, seed: int = 10) -> dict[str, Any]:
    """Weights with `gates` blocks."""
    return {
        "weight_ih": numbers(gates * HIDDEN, INPUT, seed=seed),
        "weight_hh": numbers(gates * HIDDEN, HIDDEN, seed=seed + 1),
        "bias": numbers(gates * HIDDEN, seed=seed + 2),
    }


def reordered(weights: np.ndarray[Any, Any], order: list[int]) -> torch.Tensor:
    """Gate blocks in another order."""
    blocks = np.split(weights, len(order))
    return torch.from_numpy(np.concatenate([blocks[place] for place in order]))


def torch_layer(layer: Any, given: dict[str, Any], order: list[int], suffix: str = "l0") -> None:
    """Copy MIL's parameters into a torch layer; the whole bias goes to the hidden side."""
    state = layer.state_dict()
    state[f"weight_ih_{suffix}"] = reordered(given["weight_ih"], order)
    state[f"weight_hh_{suffix}"] = reordered(given["weight_hh"], order)
    state[f"bias_hh_{suffix}"] = reordered(given["bias"], order)
    state[f"bias_ih_{suffix}"] = torch.zeros_like(state[f"bias_hh_{suffix}"])
    layer.load_state_dict(state)


def walked(layer: Any, direction: str, *states: Any) -> tuple[Any, ...]:
    """torch's outputs; walked backwards by turning the input around, as coremltools' tests do."""
    x = torch.from_numpy(X if direction == "forward" else X[::-1].copy())
    initial = tuple(torch.from_numpy(state)[None] for state in states)
    with torch.no_grad():
        out, last = layer(x, initial if len(initial) > 1 else initial[0])
    return (out.numpy(), *(state[0].numpy() for state in (last if isinstance(last, tuple) else (last,))))


@pytest.mark.parametrize("direction", ["forward", "reverse"])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_rnn(direction: str, activation: str) -> None:
    layer, given = torch.nn.RNN(INPUT, HIDDEN, nonlinearity=activation), parameters(1)
    torch_layer(layer, given, [0])
    arguments = given | {"direction": direction, "activation": activation}
    expected = walked(layer, direction, H)
    same(run("rnn", x=X, initial_h=H, output_sequence=True, **arguments), expected, atol=1e-5)
    last = expected[1]
    same(run("rnn", x=X, initial_h=H, **arguments), (last[None], last), atol=1e-5)


@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_gru_with_reset_after_agrees_with_torch(direction: str) -> None:
    # torch stacks r, z, n; MIL r, o, z
    layer, given = torch.nn.GRU(INPUT, HIDDEN), parameters(3)
    torch_layer(layer, given, [0, 2, 1])
    actual = run("gru", x=X, initial_h=H, output_sequence=True, direction=direction, reset_after=True, **given)
    same(actual, walked(layer, direction, H), atol=1e-5)


@pytest.mark.parametrize("input_bias", [False, True])
def test_gru_applies_the_reset_gate_before_the_product(input_bias: bool) -> None:
    given, extra = parameters(3), numbers(3 * HIDDEN, seed=20)
    w, u, b = (np.split(given[name], 3) for name in ("weight_ih", "weight_hh", "bias"))
    i = np.split(extra if input_bias else np.zeros_like(extra), 3)
    h, steps = H.astype(np.float64), []
    for x in X:
        r = 1 / (1 + np.exp(-(x @ w[0].T + i[0] + h @ u[0].T + b[0])))
        z = 1 / (1 + np.exp(-(x @ w[2].T + i[2] + h @ u[2].T + b[2])))
        o = np.tanh(x @ w[1].T + i[1] + (r * h) @ u[1].T + b[1])
        h = (1 - z) * o + z * h
        steps.append(h)
    arguments = given | ({"input_bias": extra} if input_bias else {})
    same(run("gru", x=X, initial_h=H, output_sequence=True, **arguments), (np.stack(steps), h), atol=1e-5)


@pytest.mark.parametrize("direction", ["forward", "reverse"])
@pytest.mark.parametrize("output_sequence", [False, True])
def test_lstm_agrees_with_torch(direction: str, output_sequence: bool) -> None:
    # torch stacks i, f, g, o; MIL i, f, o, z
    layer, given = torch.nn.LSTM(INPUT, HIDDEN), parameters(4)
    torch_layer(layer, given, [0, 1, 3, 2])
    sequence, h, c = walked(layer, direction, H, C)
    arguments = given | {"direction": direction, "output_sequence": output_sequence}
    actual = run("lstm", x=X, initial_h=H, initial_c=C, **arguments)
    same(actual, (sequence if output_sequence else h[None], h, c), atol=1e-5)


def test_bidirectional_lstm_agrees_with_torch() -> None:
    layer = torch.nn.LSTM(INPUT, HIDDEN, bidirectional=True)
    ahead, back = parameters(4), parameters(4, seed=30)
    torch_layer(layer, ahead, [0, 1, 3, 2])
    torch_layer(layer, back, [0, 1, 3, 2], "l0_reverse")
    h, c = numbers(BATCH, 2 * HIDDEN, seed=3), numbers(BATCH, 2 * HIDDEN, seed=4)
    initial = [torch.from_numpy(np.stack(np.split(state, 2, 1))) for state in (h, c)]
    with torch.no_grad():
        out, (last_h, last_c) = layer(torch.from_numpy(X), tuple(initial))
    arguments = ahead | {f"{key}_back": value for key, value in back.items()} | {"direction": "bidirectional"}
    expected = (out.numpy(), np.concatenate(last_h.numpy(), 1), np.concatenate(last_c.numpy(), 1))
    same(run("lstm", x=X, initial_h=h, initial_c=c, output_sequence=True, **arguments), expected, atol=1e-5)
    last = run("lstm", x=X, initial_h=h, initial_c=c, **arguments)
    same(last, (expected[1][None], *expected[1:]), atol=1e-5)


def test_lstm_with_peepholes_and_a_clipped_cell() -> None:
    given, peephole = parameters(4), numbers(3 * HIDDEN, seed=20)
    p, h, c, steps = np.split(peephole, 3), H.astype(np.float64), C.astype(np.float64), []

    def sigmoid(x: Any) -> Any:
        return 1 / (1 + np.exp(-x))

    for x in X:
        i, f, o, z = np.split(x @ given["weight_ih"].T + h @ given["weight_hh"].T + given["bias"], 4, 1)
        c = sigmoid(f + c * p[1]) * c + sigmoid(i + c * p[0]) * np.tanh(z)
        c = np.clip(c, -0.3, 0.3)
        h = sigmoid(o + c * p[2]) * np.maximum(c, 0)
        steps.append(h)
    arguments = given | {"peephole": peephole, "clip": 0.3, "activation": "relu", "output_sequence": True}
    same(run("lstm", x=X, initial_h=H, initial_c=C, **arguments), (np.stack(steps), h, c), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("hard_sigmoid", [0, 0.4, 0.6, 1]), ("linear", [-3, -0.5, 0.5, 3]), ("scaled_tanh", np.tanh([-3, -0.5, 0.5, 3]))],
)
def test_activations(name: str, expected: Any) -> None:
    x = np.array([-3, -0.5, 0.5, 3], np.float32).reshape(1, 4, 1)
    one, zero = np.ones((1, 1), np.float32), np.zeros((1, 1), np.float32)
    result = run("rnn", x=x, initial_h=np.zeros((4, 1), np.float32), weight_ih=one, weight_hh=zero, activation=name)
    same(result[1].reshape(-1), expected)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown activation 'swish'"):
        run("rnn", x=X, initial_h=H, activation="swish", **parameters(1))
    with pytest.raises(ValueError, match="unknown direction 'sideways'"):
        run("rnn", x=X, initial_h=H, direction="sideways", **parameters(1))
    with pytest.raises(ValueError, match="weight_ih_back"):
        run("lstm", x=X, initial_h=H, initial_c=C, direction="bidirectional", **parameters(4))


def test_an_initial_state_of_another_batch_size_must_have_rows_that_are_alike() -> None:
    zeros, states = np.zeros((7, HIDDEN), np.float32), np.zeros((BATCH, HIDDEN), np.float32)
    expected = run("lstm", x=X, initial_h=states, initial_c=states, **parameters(4))
    same(run("lstm", x=X, initial_h=zeros, initial_c=zeros, **parameters(4)), expected)
    with pytest.raises(ValueError, match="for a batch of 2"):
        run("rnn", x=X, initial_h=numbers(7, HIDDEN), **parameters(1))
