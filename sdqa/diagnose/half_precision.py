"""A torch module as a runtime computes it in half precision: every result rounded once, constants rounded when used.

It tells how far from fp32 rounding alone takes a component. A runtime that is as far rounds, and does nothing else; one
that is farther computes something else, too. `sdqa.diagnose.rounding` measures what single operations lose.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map
from torch.utils.weak import WeakIdKeyDictionary

_ATEN = torch.ops.aten


class HalfPrecision(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within it, whatever follows from the given inputs is rounded to half precision, operation by operation.

    Args:
        inputs: what everything else follows from; fp32 that half precision holds.
        in_pieces: as Core AI's processor runtime does it: products of matrices are added up term by term in half
            precision, and biases, the scales and shifts of norms and the parts of a GELU are operations of their own.
            Otherwise as torch and `sdqa.mil` do: in fp32, with one rounding at the end.
        in_full: inputs of which nothing is rounded before it meets a matrix: a U-Net asks for the sines of its
            timestep in fp32, and Core AI's converter does as it says; coremltools' makes them fp16 all the same.
    """

    def __init__(self, inputs: Sequence[Tensor], *, in_pieces: bool, in_full: Sequence[Tensor] = ()) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._in_pieces = in_pieces
        self._following, self._in_full = _known(inputs), _known(in_full)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        flat, _ = tree_flatten((args, given))
        tensors = [value for value in flat if isinstance(value, Tensor)]
        full = any(value in self._in_full for value in tensors)
        if not any(value in self._following for value in tensors) and not (full and func in _PRODUCTS):
            made = func(*args, **given)  # a constant in the making: in fp32, as converters do
            for value in tree_flatten(made)[0] if full else ():
                self._in_full[value] = True
            return made
        args, given = tree_map(self._entering, (args, given))
        whole = _PIECES.get(func, func) if self._in_pieces else func
        return tree_map(self._leaving, whole(*args, **given))

    def _entering(self, value: Any) -> Any:
        return _rounded(value) if isinstance(value, Tensor) and value not in self._following else value

    def _leaving(self, value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        value = _rounded(value)
        self._following[value] = True
        return value


def _known(tensors: Sequence[Tensor]) -> Any:
    table = WeakIdKeyDictionary()
    for tensor in tensors:
        table[tensor] = True
    return table


def _rounded(value: Tensor) -> Tensor:
    return value.half().float() if value.dtype == torch.float32 else value


def _product(a: Tensor, b: Tensor) -> Tensor:
    """a [..., M, K] times b [..., K, N], both fp32 that half precision holds; one rounding a term."""
    a, b = a.half(), b.half()
    total = torch.zeros(*a.shape[:-1], b.shape[-1], dtype=torch.float16)
    for k in range(a.shape[-1]):
        total = total + a[..., k : k + 1] * b[..., k : k + 1, :]
    return total.float()


def _product_plus(added: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return _product(a, b) + added


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    dropout: float = 0.0,  # noqa: ARG001  nothing is dropped where nothing is trained
    is_causal: bool = False,
    *,
    attn_mask: Tensor | None = None,
    scale: float | None = None,
) -> tuple[Tensor, None]:
    scores = _rounded(_product(query, key.transpose(-1, -2)) * (scale or 1 / math.sqrt(query.shape[-1])))
    if is_causal:
        attn_mask = torch.full(scores.shape[-2:], -math.inf).triu(1)
    weights = _rounded(torch.softmax(scores if attn_mask is None else scores + attn_mask, -1))
    return _product(weights, value), None


def _convolution(x: Tensor, weight: Tensor, bias: Tensor | None, *rest: Any) -> Tensor:
    made: Tensor = _ATEN.convolution.default(x, weight, None, *rest)
    return made if bias is None else _rounded(made) + bias.reshape(1, -1, *(1 for _ in x.shape[2:]))


def _group_norm(x: Tensor, weight: Tensor | None, bias: Tensor | None, *sizes: Any) -> tuple[Tensor, Tensor, Tensor]:
    made, mean, rstd = _ATEN.native_group_norm.default(x, None, None, *sizes)
    shape = (1, -1, *(1 for _ in x.shape[2:]))
    return _scaled(made, *(None if one is None else one.reshape(shape) for one in (weight, bias))), mean, rstd


def _layer_norm(
    x: Tensor, shape: Sequence[int], weight: Tensor | None, bias: Tensor | None, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    made, mean, rstd = _ATEN.native_layer_norm.default(x, shape, None, None, epsilon)
    return _scaled(made, weight, bias), mean, rstd


def _scaled(made: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    if weight is not None:
        made = _rounded(made) * weight
    return made if bias is None else _rounded(made) + bias


def _gelu(x: Tensor, *, approximate: str = "none") -> Tensor:
    if approximate != "none":
        return torch.nn.functional.gelu(x, approximate=approximate)
    share = _rounded(torch.erf(_rounded(x * _rounded(torch.tensor(math.sqrt(0.5))))))
    return _rounded(x * 0.5) * _rounded(share + 1)


_PRODUCTS: Final = (_ATEN.mm.default, _ATEN.bmm.default, _ATEN.addmm.default, _ATEN.baddbmm.default)
_PIECES: Final[Mapping[Any, Callable[..., Any]]] = {
    _ATEN.mm.default: _product,
    _ATEN.bmm.default: _product,
    _ATEN.addmm.default: _product_plus,
    _ATEN.baddbmm.default: _product_plus,
    _ATEN._scaled_dot_product_flash_attention_for_cpu.default: _attention,
    _ATEN.convolution.default: _convolution,
    _ATEN.native_group_norm.default: _group_norm,
    _ATEN.native_layer_norm.default: _layer_norm,
    _ATEN.gelu.default: _gelu,
}
