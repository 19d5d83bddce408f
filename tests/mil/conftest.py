"""Small packages, made once per session with coremltools' own builder."""

from __future__ import annotations

import gc
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdqa import compat

compat.prepare_coremltools()

import coremltools as ct  # noqa: E402
from coremltools.converters.mil import Builder as mb  # noqa: E402

Convert = Callable[..., Path]


@pytest.fixture(scope="session")
def convert(tmp_path_factory: pytest.TempPathFactory) -> Convert:
    """Saves a program built with `mb.program`, and gives the package's path."""
    folder = tmp_path_factory.mktemp("packages")

    def save(program: Any, name: str, *, target: Any = ct.target.iOS17, half: bool = False, **options: Any) -> Path:
        precision = ct.precision.FLOAT16 if half else ct.precision.FLOAT32
        with compat.quiet_coremltools():
            model = ct.convert(
                program,
                convert_to="mlprogram",
                minimum_deployment_target=target,
                compute_precision=precision,
                skip_model_load=True,
                **options,
            )
            path = folder / f"{name}.mlpackage"
            model.save(str(path))
        return path

    return save


def _network(seed: int = 0) -> Any:
    """conv → silu → conv, a residual, flatten, linear: with weights large enough to lie in the weight file."""
    rng = np.random.default_rng(seed)
    first = rng.standard_normal((8, 3, 3, 3)).astype(np.float32)
    second = rng.standard_normal((8, 8, 3, 3)).astype(np.float32) * 0.2
    dense = rng.standard_normal((4, 8 * 36)).astype(np.float32) * 0.1

    @mb.program(input_specs=[mb.TensorSpec(shape=(1, 3, 6, 6))], opset_version=ct.target.iOS17)
    def program(x: Any) -> Any:
        a = mb.conv(x=x, weight=first, pad_type="same", name="first")
        b = mb.silu(x=a, name="act")
        c = mb.conv(x=b, weight=second, pad_type="same", name="second")
        d = mb.add(x=c, y=b, name="residual")
        e = mb.reshape(x=d, shape=(1, 8 * 36), name="flat")
        return mb.linear(x=e, weight=dense, name="dense")

    return program


@pytest.fixture(scope="session")
def network(convert: Convert) -> Path:
    """The small network in fp32."""
    return convert(_network(), "network")


@pytest.fixture(scope="session")
def half_network(convert: Convert) -> Path:
    """The small network in fp16, fp32 at its border."""
    return convert(_network(), "half", half=True)


@pytest.fixture
def damaged(network: Path, tmp_path: Path) -> Path:
    """A copy of the small network that a test may damage."""
    return Path(shutil.copytree(network, tmp_path / "damaged.mlpackage"))


@pytest.fixture(scope="session")
def image() -> np.ndarray[Any, Any]:
    """An input for the small network."""
    return np.random.default_rng(1).standard_normal((1, 3, 6, 6)).astype(np.float32)


@pytest.fixture(scope="session")
def subjects(convert: Convert) -> dict[str, Path]:
    """Small packages of many kinds, by name."""
    from .subjects import SUBJECTS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # coremltools leaves temporary folders to the collector
        made = {name: make(convert) for name, make in SUBJECTS.items()}
        gc.collect()
    return made
