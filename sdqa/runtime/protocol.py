"""The one protocol between a pipeline and whatever executes its components."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Arrays: TypeAlias = "Mapping[str, npt.NDArray[Any]]"


class Runner(Protocol):
    """Executes one component, in the names and layouts of its I/O contract.

    `unet`: `sample` (B, C, h, w), `timestep` (B,), `encoder_hidden_states` (B, D, 1, S) → `noise_pred` (B, C, h, w).
    `text_encoder`: `input_ids` (1, S) → `last_hidden_state` (1, S, D), `pooled_outputs` (1, D).
    `vae_encoder`: `x` (1, 3, H, W) in [-1, 1] → `latent` (1, 2C, h, w), mean and log-variance.
    `vae_decoder`: `z` (1, C, h, w) → `image` (1, 3, H, W). All floating point values are float32.
    """

    @property
    def component(self) -> str:
        """The component that is executed."""
        ...

    def run(self, inputs: Arrays) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
        """One forward pass.

        Raises:
            InputError: an input is missing or has the wrong shape.
            ExecutionError: the component failed.
        """
        ...


@runtime_checkable
class Loaded(Protocol):
    """A runner that knows how long loading took: without it, making the runner is timed as a whole."""

    @property
    def load_s(self) -> float:
        """Seconds to load; the first time on a machine this includes compiling for it."""
        ...
