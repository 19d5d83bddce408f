"""The border between a caller and a program, by the conventions of Core ML.

Inputs are arrays, PIL images where the package declares images, and may be left out where they are optional. Outputs:
rank 0 becomes shape (1,), fp16 becomes float32, integers become int32, images become PIL images, class labels stay
python's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from sdqa.errors import ExecutionError, InputError
from sdqa.mil.arguments import as_tensor
from sdqa.mil.capacity import refuse_beyond
from sdqa.mil.features import Feature
from sdqa.mil.images import array_to_image, image_to_array
from sdqa.mil.types import ValueType


class Border:
    """Turns what a caller gives into tensors, and tensors into what a caller gets.

    Args:
        precision: "declared" rounds fp16 inputs, "float32" does not, "native" makes them float16.
        where: package and function, for messages.
    """

    def __init__(self, inputs: tuple[Feature, ...], outputs: tuple[Feature, ...], precision: str, where: str) -> None:
        self.inputs, self.outputs, self.precision, self.where = inputs, outputs, precision, where

    def enter(self, given: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """Inputs by name as tensors in their carriers; optional ones that are left out are filled in.

        Raises:
            InputError: if inputs are missing, unknown, or of the wrong shape or type.
        """
        known = {feature.name: feature for feature in self.inputs if feature.kind != "state"}
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise self._error(f"there is no input {', '.join(map(repr, unknown))}", f"the inputs are {sorted(known)}")
        missing = sorted(name for name, feature in known.items() if name not in given and not feature.optional)
        if missing:
            raise self._error(
                f"the input {', '.join(map(repr, missing))} is missing", f"the inputs are {sorted(known)}"
            )
        return {name: self._tensor(feature, given.get(name)) for name, feature in known.items()}

    def _tensor(self, feature: Feature, given: Any) -> torch.Tensor:
        if given is None:
            if not feature.admits(feature.default_shape):
                raise self._error(
                    f"the default of {feature.name!r} has the shape {list(feature.default_shape)}",
                    f"expected is {feature.expectation()}",
                )
            try:
                refuse_beyond(math.prod(feature.default_shape))
            except ValueError as error:
                raise self._error(f"the default of {feature.name!r} cannot be made: {error}", "") from error
            return self._carry(feature, torch.full(feature.default_shape, feature.default))
        if feature.kind == "image" and not isinstance(given, torch.Tensor):
            given = image_to_array(given, feature, self.where)
        try:
            tensor = as_tensor(given)
        except (TypeError, ValueError) as error:
            raise self._error(f"the input {feature.name!r} is no array of numbers: {error}", "") from error
        if tensor.dim() != len(feature.shape) and tensor.numel() == 1 and not feature.shape:
            tensor = tensor.reshape(())
        if not feature.admits(tuple(tensor.shape)):
            raise self._error(
                f"the input {feature.name!r} has the shape {list(tensor.shape)}", f"expected is {feature.expectation()}"
            )
        return self._carry(feature, tensor)

    def _carry(self, feature: Feature, tensor: torch.Tensor) -> torch.Tensor:
        carrier = ValueType("tensor", feature.dtype).element.carrier
        if carrier is None:
            raise self._error(f"the input {feature.name!r} is declared text", "only tensors can be given")
        if not carrier.is_floating_point:
            whole = tensor.to(carrier)
            if not torch.equal(whole.to(tensor.dtype), tensor):
                what = "fractions" if tensor.is_floating_point() else "values out of range"
                raise self._error(f"the input {feature.name!r} has {what}", f"declared is {feature.dtype}")
            return whole
        if feature.dtype == "fp16":
            if self.precision == "native":
                return tensor.to(torch.float16)
            return tensor.half().float() if self.precision == "declared" else tensor.float()
        return tensor.to(carrier)

    def leave(self, values: Sequence[Any]) -> dict[str, Any]:
        """Outputs by name, by Core ML's conventions.

        Raises:
            ExecutionError: if a value is not what the package describes.
        """
        given: dict[str, Any] = {}
        for feature, value in zip(self.outputs, values, strict=True):
            try:
                given[feature.name] = self._given(feature, value)
            except (RuntimeError, TypeError, ValueError) as error:
                what = f"the output {feature.name!r} is no {feature.kind}: {type(error).__name__}: {error}"
                raise ExecutionError(what, where=self.where) from error
        return given

    def _given(self, feature: Feature, value: Any) -> Any:
        if feature.kind == "label" and isinstance(value, torch.Tensor):
            return value.item()
        if feature.kind in ("label", "probabilities") or isinstance(value, str | dict):
            return value
        array = to_array(as_tensor(value))
        if feature.kind == "image":
            channels = 3 if feature.color_space in ("rgb", "bgr") else 1
            if array.ndim != 4 or array.shape[:2] != (1, channels) or 0 in array.shape:
                what = f"the image output {feature.name!r} has the shape {list(array.shape)}"
                raise ExecutionError(what, where=self.where, hint=f"an image is [1, {channels}, height, width]")
            return array_to_image(array, feature)
        return array.reshape(1) if array.ndim == 0 else array

    def _error(self, what: str, hint: str) -> InputError:
        return InputError(what, where=self.where, hint=hint)


def to_array(tensor: torch.Tensor) -> np.ndarray[Any, Any]:
    """A tensor as an array of its own: floating point as float32, integers and flags as int32."""
    wanted = torch.float32 if tensor.dtype.is_floating_point else torch.int32
    return np.array(tensor.detach().to(wanted).numpy(), copy=True, order="C")
