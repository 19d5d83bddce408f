"""Figures and cases in a verdict's words."""

from __future__ import annotations

from sdqa.gate import Tolerances
from sdqa.gate.wording import cases_in_words, figure_in_words, with_unit


def test_a_difference_has_a_sign_and_a_figure_its_unit(tolerances: Tolerances) -> None:
    table = tolerances.variants["fp16"]
    assert figure_in_words(table["lpips"], 0.25) == "+0.25 from the golden"
    assert figure_in_words(table["psnr"], 41.5) == "41.5 dB"
    assert with_unit(table["psnr"], -3.0) == "-3 dB"


def test_only_some_cases_are_named() -> None:
    assert cases_in_words(["a", "b"], 9) == "2 of 9 cases: a, b"
    assert cases_in_words(list("abcde"), 9) == "5 of 9 cases: a, b, c, d, e"
    assert cases_in_words(list("abcdef"), 9) == "6 of 9 cases: a, b, c, d, e …"
