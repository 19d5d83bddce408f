from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sdqa import mil
from sdqa.convert import Variant, convert_component
from sdqa.convert.contract import contract
from sdqa.convert.program import example_inputs
from sdqa.convert.wrappers import wrap
from sdqa.errors import ConversionError
from sdqa.models import Teacher, load_teacher
from tests.builders import Convert

pytestmark = pytest.mark.slow

SDXL = "random:miniature-sdxl"


def psnr(reference: np.ndarray, tested: np.ndarray) -> float:
    reference, tested = reference.astype(np.float64), tested.astype(np.float64)
    error = np.mean((reference - tested) ** 2)
    return float(10 * np.log10((reference.max() - reference.min()) ** 2 / error)) if error else np.inf


def compare(packages: Convert, component: str, source: str = "random:miniature", **options: object) -> list[float]:
    """PSNR of each output of the package against the torch module, on the contract's example inputs."""
    teacher = load_teacher(source)
    record = packages(component, source, **options)
    declared = contract(component, teacher.family, teacher.facts, Variant.model_validate({"name": "t", **options}))
    examples = example_inputs(declared, teacher.facts)
    with torch.no_grad():
        wanted = wrap(teacher, component)(*examples)
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    inputs = {tensor.name: value.numpy() for tensor, value in zip(declared.inputs, examples, strict=True)}
    given = mil.load(record.path).predict(inputs)
    return [psnr(each.numpy(), given[tensor.name]) for each, tensor in zip(wanted, declared.outputs, strict=True)]


@pytest.mark.parametrize("component", ["text_encoder", "vae_encoder", "unet", "vae_decoder"])
def test_float16_package_computes_what_torch_computes(packages: Convert, component: str) -> None:
    assert min(compare(packages, component)) > 50


@pytest.mark.parametrize("component", ["text_encoder", "text_encoder_2", "unet"])
def test_sdxl_package_computes_what_torch_computes(packages: Convert, component: str) -> None:
    assert min(compare(packages, component, SDXL)) > 50


def test_float32_package_is_as_good_as_exact(packages: Convert) -> None:
    assert min(compare(packages, "unet", precision="float32")) > 110


def test_unet_without_mid_block_converts_and_invents_nothing(packages: Convert) -> None:
    record = packages("unet", "random:miniature-tiny-sd", target="iOS16")
    assert record.coverage.complete
    assert min(compare(packages, "unet", "random:miniature-tiny-sd", target="iOS16")) > 50


def test_record_survives_json(packages: Convert) -> None:
    record = packages("vae_decoder")
    assert type(record).model_validate_json(record.model_dump_json()) == record
    assert record.path.name == "VAEDecoder.mlpackage"
    assert record.bytes > 0
    assert record.bit_widths.keys() == {"16"}


def test_converting_twice_gives_the_same_bytes(packages: Convert, teacher: Teacher, tmp_path: Path) -> None:
    again = convert_component(teacher, "vae_decoder", Variant(name="other-name"), tmp_path)
    assert again.digest == packages("vae_decoder").digest


def test_unknown_component_is_named(teacher: Teacher, tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="text_encoder_2"):
        convert_component(teacher, "text_encoder_2", Variant(name="v"), tmp_path)


def test_operations_are_mapped_to_modules(packages: Convert) -> None:
    program = mil.load(packages("unet").path)
    mapped = {operation.name: operation.module for operation in program.operations if operation.module}
    assert len(mapped) > 0.95 * len(program.operations)
    convolutions = {operation.module for operation in program.operations if operation.type == "conv"}
    assert {"unet.conv_in", "unet.conv_out", "unet.down_blocks.0.resnets.0.conv1"} <= convolutions
