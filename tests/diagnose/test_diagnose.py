"""Planted defects, each with the verdict that it must get."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdqa.bundle.diagnosis import write_diagnoses
from sdqa.diagnose import Diagnosis, Wrapper
from sdqa.diagnose.harness import Harness
from sdqa.errors import DiagnosisError, ExecutionError
from sdqa.generate.pipeline import Glue
from sdqa.runtime import Arrays, Runner
from tests.diagnose.conftest import CASES, Laboratory, case
from tests.diagnose.planting import Planting

pytestmark = pytest.mark.slow

UPSAMPLER = "decoder_up_blocks_0_upsamplers_0_conv_weight_to_fp16"


def transpose_upsampler(planting: Planting) -> None:
    planting.weight(UPSAMPLER, lambda kernel: kernel.transpose(0, 1, 3, 2))


def swap_time_halves(planting: Planting) -> None:
    planting.rewire("emb_cast_fp16", "values", "var_67_cast_fp16", "var_66_cast_fp16")


def only_cause(diagnosis: Diagnosis) -> Any:
    assert len(diagnosis.causes) == 1, diagnosis.verdict
    return diagnosis.causes[0]


def test_sound_fp16_packages_are_sound(laboratory: Laboratory, tmp_path: Path) -> None:
    packages = {name: laboratory.package(name) for name in ("unet", "vae_decoder")}
    found = laboratory.diagnose(packages, sweep=True)
    assert found.sound
    assert [cause.stage for cause in found.causes] in ([], ["steps"])
    assert found.verdict.startswith("The candidate is sound")
    assert [len(one.rungs) for one in found.ladder] == [2, 2]
    for one in found.ladder:
        assert one.rungs[0].psnr_db > 100
        assert 60 < one.rungs[1].psnr_db < 90
    assert found.coverage[0].missing == found.coverage[0].invented == ()
    [written] = json.loads(write_diagnoses(tmp_path, [found]).read_text())
    assert written["sound"] is True


def test_transposed_kernel_is_conversion_and_named_with_its_module(laboratory: Laboratory) -> None:
    packages = {
        "unet": laboratory.package("unet"),
        "vae_decoder": laboratory.planted("vae_decoder", transpose_upsampler),
    }
    found = laboratory.diagnose(packages)
    cause = only_cause(found)
    assert (cause.component, cause.stage) == ("vae_decoder", "conversion")
    assert cause.module == "decoder.up_blocks.0.upsamplers.0.conv"
    assert cause.weight == UPSAMPLER
    assert cause.explains > 0.9
    assert re.search(r"kernel transposed \(cosine 0\.[0-7]\d*, transposed 1\.00\)", found.verdict)
    assert "Not the cause" in found.verdict


def test_transposed_kernel_is_named_without_any_reference_package(laboratory: Laboratory) -> None:
    packages = {"vae_decoder": laboratory.planted("vae_decoder", transpose_upsampler)}
    found = laboratory.diagnose(packages, references=False)
    cause = only_cause(found)
    assert found.ladder[0].rungs[0].normal_db == 75  # rounding could be taken back from the checkpoint alone
    assert (cause.component, cause.stage) == ("vae_decoder", "conversion")
    assert cause.weight == UPSAMPLER


def test_renamed_package_without_its_sidecar_is_sound(laboratory: Laboratory) -> None:
    path = laboratory.planted("vae_decoder", lambda planting: planting.rename("other_"))
    path.with_suffix(".modules.json").unlink()
    for references in (True, False):
        found = laboratory.diagnose({"vae_decoder": path}, references=references)
        assert found.sound, found.verdict
        assert found.ladder[0].rungs[0].psnr_db > 100


def test_faulty_converter_is_found_against_torch_when_its_references_are_as_wrong(laboratory: Laboratory) -> None:
    def defect(planting: Planting) -> None:
        planting.weight(UPSAMPLER.removesuffix("_to_fp16"), lambda kernel: kernel.transpose(0, 1, 3, 2))

    wrong = laboratory.planted("vae_decoder", defect, "fp32")
    found = laboratory.diagnose({"vae_decoder": wrong}, float32={"vae_decoder": wrong}, uncompressed={})
    cause = only_cause(found)
    assert (cause.component, cause.stage) == ("vae_decoder", "conversion")
    assert cause.module == "decoder.up_blocks.0.upsamplers.0.conv"


def test_two_defects_in_two_components_are_both_named(laboratory: Laboratory) -> None:
    packages = {
        "unet": laboratory.planted("unet", swap_time_halves),
        "vae_decoder": laboratory.planted("vae_decoder", transpose_upsampler),
    }
    found = laboratory.diagnose(packages)
    assert {(cause.component, cause.stage) for cause in found.causes} == {
        ("unet", "conversion"),
        ("vae_decoder", "conversion"),
    }
    assert {cause.operation_type for cause in found.causes} == {"concat", "conv"}


def test_noised_weight_is_conversion_and_measured(laboratory: Laboratory) -> None:
    def noise(weight: Any) -> Any:
        return weight + 0.3 * weight.std() * np.random.default_rng(0).standard_normal(weight.shape)

    name = "unet_up_blocks_1_resnets_0_conv1_weight_to_fp16"
    path = laboratory.planted("unet", lambda planting: planting.weight(name, noise))
    found = laboratory.diagnose({"unet": path})
    cause = only_cause(found)
    assert (cause.component, cause.stage, cause.weight) == ("unet", "conversion", name)
    assert "noise of" in found.verdict


def test_overflowing_constant_is_precision_and_the_operation_that_overflows(laboratory: Laboratory) -> None:
    planted: list[str] = []

    def overflow(planting: Planting) -> None:
        planting.insert("input_11_cast_fp16", "real_div", 6e4)
        planted.append(planting.insert("input_11_cast_fp16", "mul", 6e4))

    found = laboratory.diagnose({"unet": laboratory.planted("unet", overflow)})
    cause = only_cause(found)
    assert (cause.component, cause.stage) == ("unet", "precision")
    assert (cause.operation, cause.module) == ("input_11_cast_fp16", "unet.down_blocks.0.resnets.0.nonlinearity")
    assert f"goes through mul {planted[0]}, which is not in a sound conversion" in found.verdict
    assert "not finite" in found.verdict


def test_two_bit_unet_is_quantisation_and_not_steps(laboratory: Laboratory) -> None:
    twenty = (case("portrait/17", 1, steps=20),)
    packages = {"unet": laboratory.package("unet", "pal2")}
    found = laboratory.diagnose(packages, cases=twenty, steps=(8, 30), sweep=True)
    cause = only_cause(found)
    assert (cause.component, cause.stage) == ("unet", "quantisation")
    assert "levels" in found.verdict
    assert "number of steps" in {one.suspect for one in found.excluded}


class Faulty:
    """Changes one call's output."""

    def __init__(self, runner: Runner, call: int, change: Any) -> None:
        self.runner, self.call, self.change, self.calls = runner, call, change, 0
        self.component = runner.component

    def run(self, inputs: Arrays) -> dict[str, Any]:
        outputs = self.runner.run(inputs)
        self.calls += 1
        if self.calls - 1 == self.call:
            return {name: self.change(value) for name, value in outputs.items()}
        return outputs


def test_nan_at_the_third_call_is_runtime(laboratory: Laboratory) -> None:
    wrapper = Wrapper("nan", lambda runner: Faulty(runner, 2, lambda value: np.full_like(value, np.nan)))
    found = laboratory.diagnose({"unet": laboratory.package("unet")}, wrappers={"unet": wrapper})
    cause = only_cause(found)
    assert (cause.component, cause.stage, cause.operation) == ("unet", "runtime", "")
    assert found.ladder[0].rungs[-1].nonfinite == len(CASES)


def test_one_shifted_tile_at_one_step_is_runtime(laboratory: Laboratory) -> None:
    def shift(value: Any) -> Any:
        changed = value.copy()
        changed[..., :4, :4] = np.roll(changed[..., :4, :4], 1, axis=-1) + 1.0
        return changed

    wrapper = Wrapper("tile", lambda runner: Faulty(runner, 1, shift))
    found = laboratory.diagnose({"unet": laboratory.package("unet")}, wrappers={"unet": wrapper})
    assert [(cause.component, cause.stage) for cause in found.causes] == [("unet", "runtime")]


def test_fault_that_shows_only_on_the_candidates_own_values_is_runtime(laboratory: Laboratory) -> None:
    packages = {name: laboratory.package(name) for name in ("unet", "vae_decoder")}
    traces = [Harness(laboratory.evidence(packages)).trace(one) for one in CASES]
    taught = {call.inputs["z"].tobytes() for trace in traces for call in trace.recorders["vae_decoder"].calls}

    class Moody(Faulty):
        def run(self, inputs: Arrays) -> dict[str, Any]:
            outputs = self.runner.run(inputs)
            known = np.asarray(inputs["z"]).tobytes() in taught
            return outputs if known else {name: np.full_like(value, -1) for name, value in outputs.items()}

    wrapper = Wrapper("moody", lambda runner: Moody(runner, 0, None))
    cause = only_cause(laboratory.diagnose(packages, wrappers={"vae_decoder": wrapper}))
    assert (cause.component, cause.stage) == ("vae_decoder", "runtime")


def test_component_that_fails_is_blamed_and_not_the_end_of_the_diagnosis(laboratory: Laboratory) -> None:
    def fail(value: Any) -> Any:
        raise ExecutionError("the device gave up", where="unet")

    wrapper = Wrapper("fails", lambda runner: Faulty(runner, 1, fail))
    found = laboratory.diagnose({"unet": laboratory.package("unet")}, wrappers={"unet": wrapper})
    assert [(cause.component, cause.stage) for cause in found.causes] == [("unet", "runtime")]


def test_wrong_scaling_factor_is_glue_and_named(laboratory: Laboratory) -> None:
    found = laboratory.diagnose({"vae_decoder": laboratory.package("vae_decoder")}, glue=Glue(scaling_factor=0.18215))
    cause = only_cause(found)
    assert (cause.component, cause.stage, cause.operation) == ("glue", "glue", "scaling_factor")
    assert "the VAE scaling factor is 0.18215, the model's is 0.555148" in found.verdict.replace("The", "the")


def test_lost_prompt_is_glue_and_named(laboratory: Laboratory) -> None:
    cases = tuple(replace(one, candidate_request=replace(one.request, prompt="a red house")) for one in CASES)
    found = laboratory.diagnose({"vae_decoder": laboratory.package("vae_decoder")}, cases=cases)
    assert only_cause(found).operation == "prompt"


def test_unknown_setting_is_guessed_from_what_was_drawn(laboratory: Laboratory) -> None:
    packages = {"vae_decoder": laboratory.package("vae_decoder")}
    harness = Harness(laboratory.evidence(packages))
    drawn = tuple(
        replace(one, observed=harness.outcome(one.request, Glue(source_transform="bgr"), frozenset(packages)).image)
        for one in CASES
    )
    found = laboratory.diagnose(packages, cases=drawn)
    cause = only_cause(found)
    assert (cause.stage, cause.operation) == ("glue", "source_transform")
    assert "BGR" in found.verdict


def test_teacher_that_has_not_converged_blames_the_steps(laboratory: Laboratory) -> None:
    few = (case("portrait/17", 1, steps=2, strength=1.0),)
    found = laboratory.diagnose({"vae_decoder": laboratory.package("vae_decoder")}, cases=few, sweep=True)
    cause = only_cause(found)
    assert (cause.component, cause.stage) == ("scheduler", "steps")


def test_defect_with_a_normal_loss_is_named_and_the_loss_is_said_to_be_normal(laboratory: Laboratory) -> None:
    name = "decoder_conv_out_weight_to_fp16"
    path = laboratory.planted("vae_decoder", lambda planting: planting.weight(name, lambda weight: weight * 1.01))
    found = laboratory.diagnose({"vae_decoder": path})
    assert found.verdict.startswith("No abnormal loss")
    assert only_cause(found).weight == name
    assert "scaled by 1.01" in found.verdict


def test_nothing_to_diagnose_is_an_error(laboratory: Laboratory) -> None:
    with pytest.raises(DiagnosisError, match="no component of its own"):
        laboratory.diagnose({})
