"""A package with the losses of single stages taken back."""

from __future__ import annotations

import numpy as np
import pytest

from sdqa.diagnose.discrepancy import compare
from sdqa.diagnose.programs import Candidate, ProgramRunner
from tests.diagnose.conftest import Laboratory

pytestmark = pytest.mark.slow


def candidate(laboratory: Laboratory, **rest: object) -> Candidate:
    checkpoint = laboratory.evidence({}, references=False).checkpoint("text_encoder")
    sound, reference = laboratory.package("text_encoder"), laboratory.package("text_encoder", "fp32")
    return Candidate(rest.get("package", sound), rest.get("reference", reference), checkpoint=checkpoint)  # type: ignore[arg-type]


def run(program: object, laboratory: Laboratory) -> np.ndarray:
    from sdqa import mil

    loaded = mil.load(laboratory.package("text_encoder"))
    generator = np.random.default_rng(0)
    given = {feature.name: generator.integers(0, 700, feature.shape).astype(np.int32) for feature in loaded.inputs}
    outputs = ProgramRunner("text_encoder", program).run(given)  # type: ignore[arg-type]
    return next(iter(outputs.values()))


def test_constants_are_paired_with_what_they_were_rounded_from(laboratory: Laboratory) -> None:
    one = candidate(laboratory)
    pairs = [pair for pair in one.pairs(one.plain_program) if pair.value.size >= 64]
    assert len(pairs) > 10
    assert all(pair.rounded and not pair.compressed for pair in pairs)


def test_rounding_taken_back_is_the_conversion_in_fp32(laboratory: Laboratory) -> None:
    from sdqa import mil

    restored = candidate(laboratory).restored(precision="float32", rounding=True)
    assert restored.exact
    assert (restored.compressed, restored.unmatched, restored.stored) == (0, 0, 0)
    reference = run(mil.load(laboratory.package("text_encoder", "fp32"), precision="float32"), laboratory)
    declared = run(mil.load(laboratory.package("text_encoder")), laboratory)
    assert compare(reference, run(restored.program, laboratory)).psnr_db > 110
    assert compare(reference, declared).psnr_db < 100


def test_without_any_reference_nothing_can_be_taken_back(laboratory: Laboratory) -> None:
    alone = Candidate(laboratory.package("text_encoder"), None)
    assert alone.alignment.operations == {}
    assert not alone.restored(precision="float32", rounding=True).exact
