"""Recurrent layers over [s, b, I]: sequence, batch, features.

Source: coremltools' definitions iOS15 to iOS18 `recurrent`. Gates are stacked in MIL's order: lstm i, f, o, z; gru
r, o, z. The sequence of a reverse layer stands in the order in which it was walked through, last input first, as
coremltools' tests show; a bidirectional layer has both directions in the order of the input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from sdqa.mil.arguments import Argument, as_bool, as_float, as_str, as_tensor
from sdqa.mil.registry import op

Activation = Callable[[torch.Tensor], torch.Tensor]


def _hard_sigmoid(x: torch.Tensor) -> torch.Tensor:
    return torch.clamp(0.2 * x + 0.5, 0, 1)


_ACTIVATIONS: dict[str, Activation] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "scaled_tanh": torch.tanh,  # with Core ML's default scales, both 1
    "relu": torch.relu,
    "hard_sigmoid": _hard_sigmoid,
    "sigmoid_hard": _hard_sigmoid,
    "linear": lambda x: x,
}


def _activation(name: Argument) -> Activation:
    key = as_str(name).lower()
    if key not in _ACTIVATIONS:
        raise ValueError(f"unknown activation {key!r}: expected one of {', '.join(sorted(_ACTIVATIONS))}")
    return _ACTIVATIONS[key]


def _order(direction: Argument, length: int) -> Iterator[int]:
    """Time steps in the order in which they are walked through."""
    name = as_str(direction)
    if name not in ("forward", "reverse"):
        raise ValueError(f"unknown direction {name!r}")
    return iter(range(length) if name == "forward" else range(length - 1, -1, -1))


def _tensors(dtype: torch.dtype, *values: Argument) -> tuple[torch.Tensor | None, ...]:
    return tuple(None if value is None else as_tensor(value).to(dtype) for value in values)


def _state(value: Argument, x: torch.Tensor) -> torch.Tensor:
    """An initial state [b, *] in the data's dtype.

    One of another batch size stands for any if its rows are alike: coremltools' frontend writes zeros of the wrong size
    before a packed sequence, which Core ML accepts.

    Raises:
        ValueError: if its batch size is another, and its rows differ.
    """
    state, batch = as_tensor(value).to(x.dtype), x.shape[1]
    if state.shape[0] == batch:
        return state
    if not len(state) or bool((state != state[:1]).any()):
        raise ValueError(f"an initial state of shape {tuple(state.shape)} for a batch of {batch}")
    return state[:1].expand(batch, -1)


def _collected(steps: list[torch.Tensor], last: torch.Tensor, output_sequence: Argument) -> torch.Tensor:
    """[s, b, H] of every step, or [1, b, H] of the last one that was computed."""
    return torch.stack(steps) if as_bool(output_sequence) else last.unsqueeze(0)


@op("rnn")
def rnn(
    x: torch.Tensor,
    initial_h: Argument,
    weight_ih: Argument,
    weight_hh: Argument,
    bias: Argument = None,
    direction: Argument = "forward",
    output_sequence: Argument = False,
    activation: Argument = "tanh",
) -> tuple[torch.Tensor, torch.Tensor]:
    """h = activation(W_ih x + W_hh h + bias). Returns the sequence and the last h [b, H]."""
    h = _state(initial_h, x)
    w_ih, w_hh, b = _tensors(x.dtype, weight_ih, weight_hh, bias)
    assert w_ih is not None
    assert w_hh is not None
    act = _activation(activation)
    inputs = F.linear(x, w_ih, b)
    steps = []
    for t in _order(direction, x.shape[0]):
        h = act(inputs[t] + F.linear(h, w_hh))
        steps.append(h)
    return _collected(steps, h, output_sequence), h


@op("gru")
def gru(
    x: torch.Tensor,
    initial_h: Argument,
    weight_ih: Argument,
    weight_hh: Argument,
    bias: Argument = None,
    direction: Argument = "forward",
    output_sequence: Argument = False,
    recurrent_activation: Argument = "sigmoid",
    activation: Argument = "tanh",
    reset_after: Argument = False,
    input_bias: Argument = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """r, z = σ(W x + U h + b); o = φ(W x + U (r·h) + b); h = (1 - z)·o + z·h.

    With `reset_after` the reset gate acts on U h + b instead, as in torch and cuDNN. `bias` belongs to the hidden
    product, `input_bias` to the input's. Returns the sequence and the last h [b, H].
    """
    h = _state(initial_h, x)
    w_ih, w_hh, b, b_ih = _tensors(x.dtype, weight_ih, weight_hh, bias, input_bias)
    assert w_ih is not None
    assert w_hh is not None
    gate, act, after = _activation(recurrent_activation), _activation(activation), as_bool(reset_after)
    size = w_hh.shape[1]
    w_r, w_o, w_z = torch.split(w_hh, size)
    b_r, b_o, b_z = torch.split(b, size) if b is not None else (None, None, None)
    inputs = F.linear(x, w_ih, b_ih)
    steps = []
    for t in _order(direction, x.shape[0]):
        i_r, i_o, i_z = torch.split(inputs[t], size, -1)
        r, z = gate(i_r + F.linear(h, w_r, b_r)), gate(i_z + F.linear(h, w_z, b_z))
        o = act(i_o + (r * F.linear(h, w_o, b_o) if after else F.linear(r * h, w_o, b_o)))
        h = (1 - z) * o + z * h
        steps.append(h)
    return _collected(steps, h, output_sequence), h


@dataclass(frozen=True)
class _Cell:
    """One direction of an lstm."""

    w_ih: torch.Tensor
    w_hh: torch.Tensor
    bias: torch.Tensor | None
    peephole: torch.Tensor | None
    gate: Activation
    cell: Activation
    out: Activation
    clip: float | None

    def run(
        self, x: torch.Tensor, h: torch.Tensor, c: torch.Tensor, order: Iterator[int]
    ) -> tuple[list[torch.Tensor], torch.Tensor, torch.Tensor]:
        """h of every step in the order of computation, and the last h and c."""
        size = self.w_hh.shape[1]
        p_i, p_f, p_o = torch.split(self.peephole, size) if self.peephole is not None else (None, None, None)
        inputs = F.linear(x, self.w_ih, self.bias)
        steps = []
        for t in order:
            i, f, o, z = torch.split(inputs[t] + F.linear(h, self.w_hh), size, -1)
            if p_i is not None and p_f is not None:
                i, f = i + c * p_i, f + c * p_f
            c = self.gate(f) * c + self.gate(i) * self.cell(z)
            if self.clip is not None:
                c = torch.clamp(c, -self.clip, self.clip)
            if p_o is not None:
                o = o + c * p_o
            h = self.gate(o) * self.out(c)
            steps.append(h)
        return steps, h, c


@op("lstm")
def lstm(
    x: torch.Tensor,
    initial_h: Argument,
    initial_c: Argument,
    weight_ih: Argument,
    weight_hh: Argument,
    bias: Argument = None,
    peephole: Argument = None,
    weight_ih_back: Argument = None,
    weight_hh_back: Argument = None,
    bias_back: Argument = None,
    peephole_back: Argument = None,
    direction: Argument = "forward",
    output_sequence: Argument = False,
    recurrent_activation: Argument = "sigmoid",
    cell_activation: Argument = "tanh",
    activation: Argument = "tanh",
    clip: Argument = None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """i, f, o = σ(W x + U h + b + p·c); c = f·c + i·φ(…), clipped to ±clip; h = o·ψ(c). Peephole weights are i, f, o.

    Bidirectional layers take and return both directions side by side in the last dimension. Returns the sequence, the
    last h and the last c, each of the last step that its direction computed.
    """
    functions = (_activation(recurrent_activation), _activation(cell_activation), _activation(activation))
    limit = None if clip is None else as_float(clip)

    def cell(w_ih: Argument, w_hh: Argument, b: Argument, p: Argument) -> _Cell:
        if w_ih is None or w_hh is None:
            raise ValueError("a bidirectional lstm needs weight_ih_back and weight_hh_back")
        bias_vector, peephole_vector = _tensors(x.dtype, b, p)
        weights = (as_tensor(w_ih).to(x.dtype), as_tensor(w_hh).to(x.dtype))
        return _Cell(*weights, bias_vector, peephole_vector, *functions, limit)

    h, c = _state(initial_h, x), _state(initial_c, x)
    forward = cell(weight_ih, weight_hh, bias, peephole)
    if as_str(direction) != "bidirectional":
        steps, h, c = forward.run(x, h, c, _order(direction, x.shape[0]))
        return _collected(steps, h, output_sequence), h, c
    backward = cell(weight_ih_back, weight_hh_back, bias_back, peephole_back)
    size = forward.w_hh.shape[1]
    ahead, h_a, c_a = forward.run(x, h[:, :size], c[:, :size], _order("forward", x.shape[0]))
    back, h_b, c_b = backward.run(x, h[:, size:], c[:, size:], _order("reverse", x.shape[0]))
    h, c = torch.cat([h_a, h_b], -1), torch.cat([c_a, c_b], -1)
    steps = [torch.cat(pair, -1) for pair in zip(ahead, reversed(back), strict=True)]
    return _collected(steps, h, output_sequence), h, c
