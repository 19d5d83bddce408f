"""The runtime from the shell."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import coremltools
import coremltools as ct
import coremltools.optimize.coreml
import numpy as np
import pytest
from click.testing import CliRunner, Result
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import get_new_symbol
from PIL import Image

from sdqa import compat, mil
from sdqa.errors import InputError, UsageError
from sdqa.mil.cli import mil_group
from sdqa.mil.given import draw

from .conftest import Convert


def invoke(*arguments: object) -> Result:
    result = CliRunner().invoke(mil_group, [str(item) for item in arguments], catch_exceptions=False)
    assert result.exit_code in (0, 1, 2)
    return result


def test_info(network: Path) -> None:
    output = invoke("info", network).output
    assert "x: tensor fp32[1, 3, 6, 6]" in output
    assert "2 conv" in output
    facts = json.loads(invoke("info", network, "--json").output)
    assert facts["operations"]["conv"] == 2


def test_run_writes_what_predict_gives(network: Path, image: Any, tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", x=image)
    result = invoke(
        "run", network, "--inputs", tmp_path / "in.npz", "--output", tmp_path / "out.npz", "--capture", "act"
    )
    assert result.exit_code == 0
    ((name, expected),) = mil.load(network).predict({"x": image}).items()
    with np.load(tmp_path / "out.npz") as written:
        np.testing.assert_allclose(written[name], expected, rtol=1e-6)
        assert written["capture/act"].shape == (1, 8, 6, 6)


def test_run_draws_inputs(network: Path) -> None:
    assert invoke("run", network, "--random", 3).output == invoke("run", network, "--random", 3).output
    assert invoke("run", network).exit_code == 2


def test_run_reads_no_pickles(network: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError, match="cannot be read"):
        invoke("run", network, "--inputs", tmp_path / "in.npz")


def test_profile(network: Path) -> None:
    assert "second" in invoke("profile", network).output
    assert json.loads(invoke("profile", network, "--json").output)["flops"] > 0


def test_diff_exits_with_one_where_packages_differ(network: Path, half_network: Path) -> None:
    same = invoke("diff", network, network)
    assert (same.exit_code, same.output) == (0, "no differences\n")
    other = invoke("diff", network, half_network)
    assert other.exit_code == 1
    assert json.loads(invoke("diff", network, half_network, "--json").output)


def test_diff_of_values(network: Path, half_network: Path) -> None:
    assert invoke("diff", network, network, "--random", 1).exit_code == 0
    other = invoke("diff", network, half_network, "--random", 1, "--json")
    assert other.exit_code == 1
    assert {item["type"] for item in json.loads(other.output)} >= {"conv", "linear"}


def test_errors_have_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "x.mlmodel").write_bytes(b"\xff\xff")
    command = [sys.executable, "-m", "sdqa.mil", "info", str(tmp_path / "x.mlmodel")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 3
    assert result.stderr.startswith("SDQA-400")
    assert "Traceback" not in result.stderr


@pytest.fixture(scope="module")
def picture_package(convert: Convert) -> Path:
    """Takes an RGB image of 6 × 4 pixels (width × height)."""
    import torch

    traced = torch.jit.trace(torch.nn.Identity(), torch.zeros(1, 3, 4, 6))
    return convert(traced, "cli_picture", inputs=[ct.ImageType(name="x", shape=(1, 3, 4, 6))])


def test_random_images_are_bytes(picture_package: Path) -> None:
    program = mil.load(picture_package)
    drawn = draw(program.inputs, 3)["x"]
    assert drawn.min() >= 0
    assert 200 < drawn.max() <= 255
    assert abs(drawn.mean() - 127.5) < 20
    assert np.array_equal(drawn, np.rint(drawn))
    assert invoke("run", picture_package, "--random", 3).exit_code == 0


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_images_are_given_by_path(picture_package: Path, tmp_path: Path, suffix: str) -> None:
    picture = Image.new("RGB", (6, 4), (200, 100, 50))
    picture.save(tmp_path / f"x.{suffix}", quality=100)
    result = invoke(
        "run", picture_package, "--input", f"x={tmp_path / f'x.{suffix}'}", "--output", tmp_path / "out.npz"
    )
    assert result.exit_code == 0
    with np.load(tmp_path / "out.npz") as written:
        np.testing.assert_allclose(next(iter(written.values()))[0, :, 0, 0], [200, 100, 50], atol=3)
    assert invoke("run", picture_package, "--input", tmp_path / f"x.{suffix}").exit_code == 0


def test_pictures_that_do_not_fit_are_named(picture_package: Path, tmp_path: Path) -> None:
    program = mil.load(picture_package)
    Image.new("RGB", (5, 5)).save(tmp_path / "small.png")
    (tmp_path / "pointer.png").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4\nsize 4\n")
    (tmp_path / "cut.png").write_bytes((tmp_path / "small.png").read_bytes()[:40])
    for name, message in (
        ("small.png", "5 × 5 pixels"),
        ("pointer.png", "Git LFS pointer"),
        ("cut.png", "cannot be read"),
        ("absent.png", "cannot be read"),
    ):
        with pytest.raises(InputError, match=message):
            program.predict({"x": tmp_path / name})
    with pytest.raises(InputError, match="no picture"):
        program.predict({"x": [["a"]]})


def test_sixteen_bit_grey_is_read_as_eight(picture_package: Path, tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 6), 128 * 257, np.uint16)).save(tmp_path / "g16.png")
    (result,) = mil.load(picture_package).predict({"x": tmp_path / "g16.png"}).values()
    assert set(np.unique(result)) == {128}


def test_arrays_are_given_by_path(network: Path, image: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", image)
    np.savez(tmp_path / "x.npz", x=image)
    assert invoke("run", network, "--input", f"x={tmp_path / 'x.npy'}").output == (
        invoke("run", network, "--inputs", tmp_path / "x.npz").output
    )
    with pytest.raises(UsageError, match="names no input"):
        invoke("run", network, "--input", f"z={tmp_path / 'x.npy'}")


@pytest.fixture(scope="module")
def open_package(convert: Convert) -> Path:
    """Takes 1 to 8 rows of 3."""

    @mb.program(input_specs=[mb.TensorSpec((get_new_symbol(), 3))], opset_version=ct.target.iOS17)
    def program(x: Any) -> Any:
        return mb.linear(x=x, weight=np.ones((4, 3), np.float32), name="y")

    return convert(program, "cli_open", inputs=[ct.TensorType(name="x", shape=ct.Shape((ct.RangeDim(1, 8), 3)))])


def test_open_shapes_are_given(open_package: Path) -> None:
    assert "give --shape" in invoke("profile", open_package).output
    facts = json.loads(invoke("profile", open_package, "--shape", "x=8,3", "--json").output)
    assert facts["flops"] == 8 * 4 * (2 * 3 + 1)
    assert facts["peak_live_bytes"] > 0
    assert "[5, 4]" in invoke("run", open_package, "--random", 0, "--shape", "x=5,3").output
    for wrong in ("x=9,3", "z=5,3", "x=5,c", "x="):
        with pytest.raises(UsageError):
            invoke("profile", open_package, "--shape", wrong)


@pytest.mark.parametrize(
    ("options", "recipe"),
    [
        ({"nbits": 6}, "6-bit palettized, 64 entries, per tensor"),
        (
            {"nbits": 4, "granularity": "per_grouped_channel", "group_size": 16},
            "4-bit palettized, 16 entries, per grouped channel 16",
        ),
    ],
)
def test_recipes_of_weights_are_shown(convert: Convert, tmp_path: Path, options: dict[str, Any], recipe: str) -> None:
    @mb.program(input_specs=[mb.TensorSpec((1, 64))], opset_version=ct.target.iOS18)
    def program(x: Any) -> Any:
        weight = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
        return mb.linear(x=x, weight=weight, name="y")

    package = convert(program, "cli_palettized", target=ct.target.iOS18)
    tools = coremltools.optimize.coreml
    config = tools.OptimizationConfig(
        global_config=tools.OpPalettizerConfig(mode="kmeans", weight_threshold=0, **options)
    )
    with compat.quiet_coremltools(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = tools.palettize_weights(ct.models.MLModel(str(package), skip_model_load=True), config)
        model.save(str(tmp_path / "small.mlpackage"))
    assert recipe in invoke("info", tmp_path / "small.mlpackage").output
    assert f"[64, 64]: {recipe}" in invoke("info", tmp_path / "small.mlpackage", "--weights").output
    facts = json.loads(invoke("info", tmp_path / "small.mlpackage", "--json").output)
    (weight,) = (each for each in facts["weights"] if each["shape"] == [64, 64])
    assert weight["recipe"] == recipe
    assert weight["bits"] == options["nbits"]


def test_a_package_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    assert invoke("info", tmp_path / "absent.mlpackage").exit_code == 2
