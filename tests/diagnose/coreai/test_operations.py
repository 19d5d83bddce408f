"""Inside an asset: values given out, operations run alone, and the operation and weight that a fault changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sdqa.bundle.diagnosis import Operations
from sdqa.convert import PackageRecord
from sdqa.convert.coreai.build import save
from sdqa.convert.coreai.contents import FUNCTION, graphs_of, read_contents
from sdqa.faults import injection
from sdqa.models import Teacher
from tests.builders import Convert
from tests.coreai import needs_coreai

pytestmark = [needs_coreai, pytest.mark.slow]

Array = npt.NDArray[Any]
CALLS = [{"z": np.random.default_rng(7).standard_normal((1, 4, 16, 16)).astype(np.float32)}]


@pytest.fixture(scope="module")
def parameters(teacher: Teacher) -> Mapping[str, Array]:
    from sdqa.convert.wrappers import wrap

    return {name: value.detach().numpy() for name, value in wrap(teacher, "vae_decoder").named_parameters()}


@pytest.fixture(scope="module")
def half(assets: Convert) -> Path:
    """The miniature's VAE decoder in fp16."""
    return assets("vae_decoder", precision="float16").path


def planted(asset: Path, fault: str, folder: Path) -> Path:
    copy: Path = copytree(asset, folder / asset.name)
    edit = injection(fault).edit_package
    assert edit is not None
    edit(copy)
    return copy


def looked_into(asset: Path, reference: PackageRecord, parameters: Mapping[str, Array]) -> Operations:
    """In this process: what is planted here ends no process."""
    from sdqa.diagnose.coreai.operations import CALL, perform

    job = {"component": "vae_decoder", "asset": str(asset), "reference": str(reference.path), "calls": len(CALLS)}
    arrays = {f"{CALL} {n} {name}": value for n, call in enumerate(CALLS) for name, value in call.items()}
    return Operations.model_validate(perform(job, {**parameters, **arrays}))


def test_values_inside_are_given_out_and_taken_in_without_a_change_to_the_rest(half: Path, tmp_path: Path) -> None:
    from sdqa.diagnose.coreai.cut import cut, execute
    from sdqa.diagnose.coreai.program import AssetProgram

    program = AssetProgram(half, {})
    names = [name for name in program.places if name.startswith(("conv2d", "silu"))]
    [plain] = execute(half, CALLS)
    out = cut(half, {}, {name: program.places[name] for name in names}, tmp_path / "out.aimodel")
    [given] = execute(out, CALLS)
    assert np.array_equal(given["image"], plain["image"])
    assert all(np.isfinite(given[name]).all() and given[name].std() > 0 for name in names)
    middle = names[len(names) // 2]
    back = cut(half, {"middle": program.places[middle]}, {}, tmp_path / "back.aimodel")
    same, none = execute(back, [{**CALLS[0], "middle": given[middle]}, {**CALLS[0], "middle": 0 * given[middle]}])
    assert np.array_equal(same["image"], plain["image"])
    assert not np.array_equal(none["image"], plain["image"])


def test_a_sound_asset_has_no_conspicuous_weight(
    half: Path, aimodel: PackageRecord, parameters: Mapping[str, Array]
) -> None:
    found = looked_into(half, aimodel, parameters)
    assert (found.weights, found.inserted, found.removed) == ((), (), ())
    assert len(found.operations) > 50
    assert min(one.added_db for one in found.operations) > 55
    assert found.find("conv2d_1") is not None
    assert {one.module for one in found.operations} >= {"post_quant_conv", "decoder.conv_in", "decoder.conv_out"}


def test_a_damaged_weight_is_named_with_its_module_and_its_parameter(
    half: Path, aimodel: PackageRecord, parameters: Mapping[str, Array], tmp_path: Path
) -> None:
    found = looked_into(planted(half, "vae-decoder-noise@mild", tmp_path), aimodel, parameters)
    named = found.find(found.culprit)
    assert named is not None
    assert named.type == "conv2d"
    weight = next(one for one in found.weights if one.operation == found.culprit)
    assert weight.parameter == f"{named.module}.weight"
    assert weight.verdict.startswith("noise of")
    assert named.added_db < 50


def test_another_activation_in_the_asset_itself_is_named(
    half: Path, aimodel: PackageRecord, parameters: Mapping[str, Array], tmp_path: Path
) -> None:
    found = looked_into(planted(half, "vae-decoder-activation@mild", tmp_path), aimodel, parameters)
    named = found.find(found.culprit)
    assert named is not None
    assert (named.name, named.type) == ("relu_1", "relu")
    assert named.findings == ("a relu stands where a sound conversion has a silu",)
    assert named.module.startswith("decoder.")
    assert sorted(one.added_db for one in found.operations)[0] == named.added_db < 40 < 55
    assert found.weights == ()


def test_a_lost_branch_in_the_asset_itself_is_named(
    half: Path, aimodel: PackageRecord, parameters: Mapping[str, Array], tmp_path: Path
) -> None:
    """A residual is added to itself in place of the branch: no weight and no type tells of it."""
    copy = copytree(half, tmp_path / half.name)
    program = read_contents(copy).program
    block = graphs_of(program)[FUNCTION].regions[0].blocks[0]
    constant = {"coreai.constant"}
    sums = [
        each.operation
        for each in block.operations
        if each.operation.name.endswith("broadcasting_add")
        and all(getattr(value.owner, "name", "") not in constant for value in each.operation.operands)
    ]
    residual = sums[len(sums) // 2]
    residual.operands[1] = residual.operands[0]
    save(program, copy)
    found = looked_into(copy, aimodel, parameters)
    assert found.culprit in found.removed, "what nobody uses any more is not written"
    assert any(name.startswith("sound conv2d") for name in found.removed)
