"""A miniature package of the sort that conversions make: convolution, linear, normalisation, a compressed kernel."""

from __future__ import annotations

import gc
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdqa import compat


def _build(folder: Path) -> Path:
    compat.prepare_coremltools()
    import coremltools as ct
    from coremltools.converters.mil.mil import Builder as mb

    random = np.random.default_rng(0)

    def draw(*shape: int) -> Any:
        return random.standard_normal(shape).astype(np.float32)

    @mb.program(input_specs=[mb.TensorSpec(shape=(1, 4, 8, 8))], opset_version=ct.target.iOS17)
    def program(x: Any) -> Any:
        hidden = mb.conv(x=x, weight=draw(8, 4, 3, 3), bias=draw(8), pad_type="same", name="conv_in")
        hidden = mb.silu(x=hidden, name="activation")
        hidden = mb.conv(x=hidden, weight=draw(8, 8, 3, 3), bias=draw(8), pad_type="same", name="conv_mid")
        hidden = mb.transpose(x=hidden, perm=[0, 2, 3, 1], name="channels_last")
        hidden = mb.layer_norm(x=hidden, axes=[-1], gamma=draw(8), beta=draw(8), epsilon=1e-5, name="norm")
        return mb.linear(x=hidden, weight=draw(16, 8), bias=draw(16), name="projection")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # coremltools leaves its temporary folders to the collector
        model = ct.convert(
            program,
            convert_to="mlprogram",
            minimum_deployment_target=ct.target.iOS17,
            compute_precision=ct.precision.FLOAT16,
            skip_model_load=True,
        )
        model.save(str(folder / "mini.mlpackage"))
        compressed = ct.optimize.coreml.palettize_weights(
            model,
            ct.optimize.coreml.OptimizationConfig(
                global_config=ct.optimize.coreml.OpPalettizerConfig(mode="uniform", nbits=4, weight_threshold=100)
            ),
        )
        compressed.save(str(folder / "mini-palettized.mlpackage"))
        del model, compressed, program
        gc.collect()
    return folder


@pytest.fixture(scope="session")
def miniatures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `mini.mlpackage` and its 4-bit palettized sibling; not to be changed."""
    return _build(tmp_path_factory.mktemp("miniatures"))


@pytest.fixture(params=["mini", "mini-palettized"])
def package(request: pytest.FixtureRequest, miniatures: Path, tmp_path: Path) -> Path:
    """A private copy of one of them."""
    return copy_of(miniatures / f"{request.param}.mlpackage", tmp_path)


def copy_of(package: Path, folder: Path) -> Path:
    import shutil

    return Path(shutil.copytree(package, folder / package.name))
