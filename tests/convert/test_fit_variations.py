"""Packages of other tools that differ from the contract: what is accepted, what fails the check, what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import coremltools as ct
import numpy as np
import pytest
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import get_new_symbol

from sdqa.convert.adopt import adopt
from sdqa.convert.contract import Contract, Tensor, contract
from sdqa.convert.fit import Fit, fit_component
from sdqa.convert.inventory import take_inventory
from sdqa.convert.promises import promised_bits
from sdqa.convert.stage import adopted
from sdqa.errors import ContractError, UsageError
from sdqa.models import ExistingPackages, Teacher
from sdqa.plan.variant import Variant
from sdqa.runtime.reference import ReferenceRunner
from sdqa.runtime.renamed import RowRunner
from sdqa.workflow.figures import lane_measurements
from tests.conftest import Convert
from tests.mil.packages import edit

SIZE = (1, 4, 8, 8)
DECODER = Contract("vae_decoder", "VAEDecoder", (Tensor("z", SIZE, "float16"),), (Tensor("image", SIZE, "float32"),))
pytestmark = pytest.mark.filterwarnings("ignore:Implicitly cleaning up:ResourceWarning")


def _save(program: Any, path: Path, **options: Any) -> Path:
    from sdqa import compat

    settings = {"minimum_deployment_target": ct.target.iOS17, "compute_precision": ct.precision.FLOAT32, **options}
    with compat.quiet_coremltools():
        ct.convert(program, convert_to="mlprogram", skip_model_load=True, **settings).save(str(path))
    return path


def _decoder(path: Path, factor: float = 2.0, *, open_size: bool = False, **options: Any) -> Path:
    """z times a factor."""
    shape = (1, 4, get_new_symbol(), get_new_symbol()) if open_size else SIZE

    @mb.program(
        input_specs=[mb.TensorSpec(shape)], opset_version=options.get("minimum_deployment_target", ct.target.iOS17)
    )
    def program(z: Any) -> Any:
        return mb.mul(x=z, y=factor, name="image")

    return _save(program, path, **options)


def _traced(path: Path, size: tuple[int, ...], **options: Any) -> Path:
    """A torch module, whose outputs may be declared of any type."""
    import torch

    trace: Any = torch.jit.trace
    return _save(trace(torch.nn.ReLU(), torch.zeros(size)), path, **options)


@pytest.mark.parametrize("kind", ["enumerated", "range"])
def test_flexible_shapes_fit_where_they_admit_the_needed_one(tmp_path: Path, kind: str) -> None:
    def shape(*sizes: int) -> Any:
        if kind == "range":
            return ct.Shape(shape=(1, 4, ct.RangeDim(sizes[0], sizes[-1]), ct.RangeDim(sizes[0], sizes[-1])))
        return ct.EnumeratedShapes(shapes=[(1, 4, size, size) for size in sizes], default=(1, 4, sizes[0], sizes[0]))

    fitting, other = (
        _decoder(tmp_path / f"{name}.mlpackage", open_size=True, inputs=[ct.TensorType(name="z", shape=shape(*sizes))])
        for name, sizes in (("fitting", (4, 8, 16)), ("other", (16, 32)))
    )
    assert fit_component((fitting,), DECODER).breaches == ()
    with pytest.raises(ContractError, match="cannot serve") as caught:
        fit_component((other,), DECODER)
    assert ("one of [1, 4, 16, 16]" if kind == "enumerated" else "16–32") in str(caught.value)


def test_outputs_of_half_precision_break_the_contract(tmp_path: Path) -> None:
    package = _traced(
        tmp_path / "half.mlpackage",
        SIZE,
        inputs=[ct.TensorType(name="z", shape=SIZE)],
        outputs=[ct.TensorType(name="image", dtype=np.float16)],
        compute_precision=ct.precision.FLOAT16,
    )
    (breach,) = fit_component((package,), DECODER).breaches
    assert "the output 'image' is float16, declared is float32" in breach
    assert "Swift" in breach


def test_image_outputs_are_no_tensors(tmp_path: Path) -> None:
    declared = Contract(
        "vae_decoder", "x", (Tensor("z", (1, 3, 4, 4), "float16"),), (Tensor("image", (1, 3, 4, 4), ""),)
    )

    package = _traced(
        tmp_path / "image.mlpackage",
        (1, 3, 4, 4),
        inputs=[ct.TensorType(name="z", shape=(1, 3, 4, 4))],
        outputs=[ct.ImageType(name="image", color_layout=ct.colorlayout.RGB)],
    )
    with pytest.raises(ContractError, match="image rgb"):
        fit_component((package,), declared)


@pytest.fixture
def styles(tmp_path: Path) -> Path:
    """A package of two functions; style_a is the default."""
    descriptor = ct.utils.MultiFunctionDescriptor()
    for name, factor in (("style_a", 2.0), ("style_b", 3.0)):
        path = _decoder(tmp_path / f"{name}.mlpackage", factor, minimum_deployment_target=ct.target.iOS18)
        descriptor.add_function(str(path), src_function_name="main", target_function_name=name)
    descriptor.default_function_name = "style_a"
    ct.utils.save_multifunction(descriptor, str(tmp_path / "styles" / "VAEDecoder.mlpackage"))
    for name in ("style_a", "style_b"):
        shutil.rmtree(tmp_path / f"{name}.mlpackage")
    return tmp_path / "styles"


def test_a_function_is_named_after_a_mark(styles: Path) -> None:
    default = ExistingPackages.find(styles, source="packages:styles")
    (styles / "packages.json").write_text('{"vae_decoder": "VAEDecoder.mlpackage#style_b"}')
    named = ExistingPackages.find(styles, source="packages:styles")
    for found, factor in ((default, 2), (named, 3)):
        fit = fit_component(found.packages["vae_decoder"], DECODER)
        result = ReferenceRunner("vae_decoder", *fit.packages).run({"z": np.ones(SIZE, np.float32)})
        assert result["image"].ravel()[0] == factor
    with pytest.raises(UsageError, match=r"no function 'style_c'[\s\S]*style_a"):
        take_inventory(styles / "VAEDecoder.mlpackage#style_c")


def test_a_unet_of_one_row_is_run_row_by_row(tmp_path: Path) -> None:
    unet = Contract(
        "unet",
        "Unet",
        (Tensor("sample", (2, 4), "float16"), Tensor("timestep", (2,), "float16")),
        (Tensor("noise_pred", (2, 4), "float32"),),
    )
    calls: list[float] = []

    @mb.program(input_specs=[mb.TensorSpec((1, 4)), mb.TensorSpec((1,))], opset_version=ct.target.iOS17)
    def program(sample: Any, timestep: Any) -> Any:
        return mb.mul(x=sample, y=timestep, name="noise_pred")

    fit = fit_component((_save(program, tmp_path / "Unet.mlpackage"),), unet)
    assert fit.batch == 1
    assert fit.breaches == ()

    class Counting(ReferenceRunner):
        def run(self, inputs: Any) -> Any:
            calls.append(float(inputs["timestep"][0]))
            return super().run(inputs)

    runner = RowRunner(Counting("unet", *fit.packages))
    sample = np.arange(8, dtype=np.float32).reshape(2, 4)
    result = runner.run({"sample": sample, "timestep": np.float32([3, 3])})["noise_pred"]
    np.testing.assert_array_equal(result, 3 * sample)
    assert calls == [3, 3]
    alike = runner.run({"sample": sample[[1, 1]], "timestep": np.float32([3, 3])})["noise_pred"]
    np.testing.assert_array_equal(alike, 3 * sample[[1, 1]])
    assert calls == [3, 3, 3]


def test_a_text_encoder_without_pooled_output_is_accepted(packages: Convert, teacher: Teacher, tmp_path: Path) -> None:
    declared = contract("text_encoder", teacher.family, teacher.facts)
    package = Path(shutil.copytree(packages("text_encoder").path, tmp_path / "TextEncoder.mlpackage"))

    def drop(model: Any) -> None:
        (function,) = model.mlProgram.functions.values()
        (body,) = function.block_specializations.values()
        body.outputs.remove("pooled_outputs")
        kept = [item for item in model.description.output if item.name != "pooled_outputs"]
        del model.description.output[:]
        model.description.output.extend(kept)

    edit(package, drop)
    assert "pooled_outputs" not in fit_component((package,), declared).outputs
    xl = Contract(
        "text_encoder", "x", declared.inputs, tuple(Tensor(t.name, t.shape, t.dtype) for t in declared.outputs)
    )
    with pytest.raises(ContractError, match="pooled_outputs"):
        fit_component((package,), xl)


def test_a_text_encoder_without_pooled_output_runs() -> None:
    import torch

    from sdqa.generate.modules import TextEncoderModule

    class Runner:
        component = "text_encoder"

        def run(self, inputs: Any) -> Any:
            return {"last_hidden_state": np.zeros((1, 3, 2), np.float32)}

    class Config:
        hidden_size = 2

    hidden, pooled = TextEncoderModule(Runner(), Config())(torch.zeros(2, 3, dtype=torch.int64))
    assert hidden.shape == (2, 3, 2)
    assert pooled is None


def test_a_newer_specification_than_the_variants_target_is_a_breach(tmp_path: Path) -> None:
    package = _decoder(tmp_path / "new.mlpackage", minimum_deployment_target=ct.target.iOS18)
    assert fit_component((package,), DECODER, Variant(target="iOS18")).breaches == ()
    (breach,) = fit_component((package,), DECODER, Variant(target="iOS17")).breaches
    assert "specification version is 9, iOS17 reads up to 8" in breach


@pytest.mark.parametrize(
    ("made", "promised", "kept"),
    [
        (None, "palettize-6bit", False),
        ("palettize-6bit", "palettize-6bit", True),
        ("palettize-8bit", "palettize-6bit", False),
        ("palettize-4bit", "palettize-6bit", True),
        ("prune-50", "prune-50", True),
        ("linear-int8", "linear-int8", True),
    ],
)
def test_bits_are_what_the_variant_promises(
    packages: Convert, teacher: Teacher, made: str | None, promised: str, kept: bool
) -> None:
    declared = contract("vae_decoder", teacher.family, teacher.facts)
    record = packages("vae_decoder", compression=made) if made else packages("vae_decoder")
    fit = fit_component((record.path,), declared, Variant(compression=promised))
    assert (fit.breaches == ()) == kept
    if not kept:
        assert f"promises {promised_bits(Variant(compression=promised))} bits" in fit.breaches[0]


def test_breaches_fail_the_check_and_say_why(packages: Convert, teacher: Teacher, tmp_path: Path) -> None:
    for component in teacher.components:
        path = packages(component).path
        shutil.copytree(path, tmp_path / path.name)
    said: list[str] = []
    variant = Variant(compression="palettize-6bit")
    found = adopted(f"packages:{tmp_path}", teacher, variant, say=said.append)
    verdicts = {each.component: each for each in lane_measurements(found, {}, "x") if each.metric == "contract"}
    assert {each.value for each in verdicts.values()} == {0}
    assert "promises 6 bits" in str(verdicts["unet"].reason)
    assert said == [f"{name}: {packages(name).path.name}" for name in teacher.components]
    records = adopt(ExistingPackages.find(tmp_path, source="x"), teacher)
    assert not any(record.breaches for record in records.values())


def test_renamed_features_are_shown(tmp_path: Path) -> None:
    from sdqa.workflow.figures import _contract_reason

    @mb.program(input_specs=[mb.TensorSpec(SIZE)], opset_version=ct.target.iOS17)
    def program(latent: Any) -> Any:
        return mb.relu(x=latent, name="image")

    fit = fit_component((_save(program, tmp_path / "renamed.mlpackage"),), DECODER)
    assert fit == Fit("vae_decoder", fit.packages, {"z": "latent"}, {"image": "image"})

    class Record:
        breaches, batch, names, defaults = (), None, fit.renamed, fit.defaults

    assert _contract_reason(Record()).endswith("renamed: latent for z")  # type: ignore[arg-type]


def _optional(path: Path, *, default: float | None, shape: tuple[int, ...] = SIZE) -> Path:
    """z, and a mask that may be left out."""

    @mb.program(input_specs=[mb.TensorSpec(SIZE), mb.TensorSpec(SIZE)], opset_version=ct.target.iOS17)
    def program(z: Any, mask: Any) -> Any:
        return mb.add(x=z, y=mask, name="image")

    _save(program, path)

    def change(model: Any) -> None:
        kind = model.description.input[1].type
        kind.isOptional = True
        del kind.multiArrayType.shape[:]
        kind.multiArrayType.shape.extend(shape)
        if default is not None:
            kind.multiArrayType.floatDefaultValue = default

    edit(path, change)
    return path


def test_an_optional_input_that_nobody_gives_is_said(tmp_path: Path) -> None:
    from sdqa.convert.fit import look
    from sdqa.workflow.figures import _contract_reason

    path = _optional(tmp_path / "mask.mlpackage", default=0.5)
    fit = fit_component((path,), DECODER)
    assert fit.breaches == ()
    assert fit.defaults == {"mask": 0.5}
    said = "the optional input 'mask' is left at its default, 0.5"
    assert look("vae_decoder", (path,), DECODER, [Variant()]).remarks == (said,)
    result = ReferenceRunner("vae_decoder", *fit.packages).run({"z": np.ones(SIZE, np.float32)})
    assert result["image"].ravel()[0] == 1.5

    class Record:
        breaches, batch, names, defaults = (), None, fit.renamed, fit.defaults

    assert _contract_reason(Record()).endswith(said)  # type: ignore[arg-type]


def test_an_optional_input_without_a_default_breaks_the_contract(tmp_path: Path) -> None:
    (breach,) = fit_component((_optional(tmp_path / "mask.mlpackage", default=None),), DECODER).breaches
    assert "the input 'mask' as optional, without the value that it then has" in breach


def test_a_default_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="its default cannot be made: it has the shape"):
        fit_component((_optional(tmp_path / "mask.mlpackage", default=0.5, shape=(1,)),), DECODER)


def test_an_updatable_package_breaks_the_contract(tmp_path: Path) -> None:
    path = _decoder(tmp_path / "trained.mlpackage")
    edit(path, lambda model: setattr(model, "isUpdatable", True))
    (breach,) = fit_component((path,), DECODER).breaches
    assert "says that it is updatable" in breach
