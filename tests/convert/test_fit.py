from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

from sdqa.convert.adopt import adopt
from sdqa.convert.contract import Tensor, check_schema, contract, side_by_side
from sdqa.convert.fit import Fit, fit_component, match_names
from sdqa.convert.inventory import take_inventory
from sdqa.errors import ContractError, ModelError
from sdqa.models import ExistingPackages, Teacher, load_source, load_teacher
from sdqa.runtime.renamed import RenamedRunner
from tests.builders import Convert


@pytest.fixture
def folder(packages: Convert, tmp_path: Path) -> Path:
    """Packages of another tool, under Hugging Face's names."""
    for component in ("text_encoder", "vae_decoder"):
        record = packages(component)
        copytree(record.path, tmp_path / record.path.name)
    return tmp_path


def find(folder: Path) -> ExistingPackages:
    found = load_source(f"packages:{folder}")
    assert isinstance(found, ExistingPackages)
    return found


def fits(folder: Path, teacher: Teacher) -> dict[str, Fit]:
    return {
        component: fit_component(paths, contract(component, teacher.family, teacher.facts))
        for component, paths in find(folder).packages.items()
    }


def test_hugging_face_names_are_known_and_fit(folder: Path, teacher: Teacher) -> None:
    found = fits(folder, teacher)
    assert list(found) == ["text_encoder", "vae_decoder"]
    assert not any(fit.renamed for fit in found.values())


def test_apples_names_are_known(folder: Path) -> None:
    prefix = "Stable_Diffusion_version_runwayml_stable-diffusion-v1-5"
    (folder / "TextEncoder.mlpackage").rename(folder / f"{prefix}_text_encoder.mlpackage")
    (folder / "VAEDecoder.mlpackage").rename(folder / f"{prefix}_vae_decoder.mlpackage")
    assert list(find(folder).packages) == ["text_encoder", "vae_decoder"]


def test_other_names_need_a_mapping(folder: Path) -> None:
    (folder / "TextEncoder.mlpackage").rename(folder / "words.mlpackage")
    (folder / "VAEDecoder.mlpackage").rename(folder / "pixels.mlpackage")
    with pytest.raises(ModelError, match="no package in the folder has a known name"):
        find(folder)
    (folder / "packages.json").write_text('{"text_encoder": "words.mlpackage", "vae_decoder": "pixels.mlpackage"}')
    assert find(folder).packages["vae_decoder"][0].name == "pixels.mlpackage"


@pytest.mark.parametrize("name", ["../elsewhere.mlpackage", "missing.mlpackage", "packages.json"])
def test_mappings_stay_inside_the_folder(folder: Path, name: str) -> None:
    (folder / "packages.json").write_text(f'{{"unet": "{name}"}}')
    with pytest.raises(ModelError, match="unet"):
        find(folder)


def test_half_a_chunked_unet_is_refused(folder: Path) -> None:
    (folder / "TextEncoder.mlpackage").rename(folder / "UnetChunk1.mlpackage")
    with pytest.raises(ModelError, match="one chunk"):
        find(folder)


def test_two_packages_for_one_component_are_refused(folder: Path) -> None:
    (folder / "VAEDecoder.mlpackage").rename(folder / "Stable_Diffusion_version_x_text_encoder.mlpackage")
    with pytest.raises(ModelError, match="are both text_encoder"):
        find(folder)


def test_packages_are_no_teacher(folder: Path) -> None:
    with pytest.raises(ModelError, match="no PyTorch teacher"):
        load_teacher(f"packages:{folder}")


def test_package_of_another_size_is_refused_with_both_schemas(folder: Path) -> None:
    tiny = load_teacher("random:sd-v1-5")
    with pytest.raises(ContractError) as caught:
        fits(folder, tiny)
    message = str(caught.value)
    assert "declared" in message
    assert "last_hidden_state float32 (1, 77, 768)" in message
    assert "last_hidden_state float32 (1, 77, 32)" in message


def test_contract_is_checked_on_disk(packages: Convert, teacher: Teacher) -> None:
    path = packages("vae_decoder").path
    found = take_inventory(path)
    decoder = contract("vae_decoder", teacher.family, teacher.facts)
    check_schema(decoder, found.inputs, found.outputs, where=str(path))
    encoder = contract("vae_encoder", teacher.family, teacher.facts)
    with pytest.raises(ContractError, match="not a vae_encoder as declared"):
        check_schema(encoder, found.inputs, found.outputs, where=str(path))


def test_a_changed_dtype_breaks_the_contract_and_is_marked(packages: Convert, teacher: Teacher) -> None:
    declared = contract("vae_decoder", teacher.family, teacher.facts)
    table = side_by_side(declared, [Tensor("z", (1, 4, 16, 16), "float32")], declared.outputs)
    assert [line.strip()[0] for line in table.splitlines()[1:]] == ["≠", "o"]


def test_renamed_values_arematch_namesed_by_their_only_shape() -> None:
    wanted = (Tensor("sample", (2, 4, 8, 8), "float16"), Tensor("timestep", (2,), "float16"))
    found = (Tensor("latent", (2, 4, 8, 8), "float32"), Tensor("timestep", (2,), "float32"))
    assert match_names(wanted, found) == {"sample": "latent", "timestep": "timestep"}
    ambiguous = (*found, Tensor("other", (2, 4, 8, 8), "float32"))
    assert match_names(wanted, ambiguous) is None


@pytest.mark.slow
def test_packages_of_another_tool_become_records(packages: Convert, teacher: Teacher, tmp_path: Path) -> None:
    for component in teacher.components:
        record = packages(component)
        copytree(record.path, tmp_path / record.path.name)
    records = adopt(find(tmp_path), teacher)
    assert list(records) == list(teacher.components)
    assert all(record.coverage.complete for record in records.values())
    assert records["unet"].bit_widths == packages("unet").bit_widths
    assert records["unet"].names == {}


def test_a_folder_that_lacks_a_component_is_refused(folder: Path, teacher: Teacher) -> None:
    with pytest.raises(ModelError, match="no package for vae_encoder, unet"):
        adopt(find(folder), teacher)


def test_renamed_values_are_translated_both_ways() -> None:
    class Doubling:
        component = "vae_decoder"

        def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {"pixels": 2 * inputs["latent"]}

    runner = RenamedRunner(Doubling(), {"z": "latent", "image": "pixels"})
    assert runner.run({"z": np.ones(3)})["image"].tolist() == [2, 2, 2]
