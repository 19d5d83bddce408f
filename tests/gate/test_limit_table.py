"""The table at the end of a calibration says what each metric does not see."""

from __future__ import annotations

from sdqa.gate import Tolerances
from sdqa.gate.limit_table import limit_table, tail_lines
from sdqa.gate.tail import Tail


def test_every_limit_with_what_it_is_blind_to(tolerances: Tolerances) -> None:
    table = dict(tolerances.variants["fp16"])
    table["lpips"] = table["lpips"].model_copy(update={"nearest_fault": None, "blind_to": ("a@marked", "b@marked")})
    table["clip_score"] = table["clip_score"].model_copy(update={"blind_to": ("a@marked",)})
    known = tolerances.model_copy(update={"variants": {"fp16": table, "old": table}, "left_out": ("c@marked",)})
    head, names, clip, lpips, psnr, *rest = limit_table(known, ["fp16"], ["a@marked", "b@marked"])
    assert head == "tiny, fp16: 2 faults planted"
    assert names.split("  ")[1] == "metric"
    assert "≥ -0.02" in clip
    assert clip.endswith("1 of 2: a")
    assert lpips.endswith("none                   all 2")
    assert "≥ 50 dB  ≥ 45 dB  unet-2bit at 1 dB" in psnr
    assert psnr.endswith("nothing")
    assert rest[0] == "not planted, for want of time: c@marked"


def test_what_text_to_image_cases_may_reach_alone(tolerances: Tolerances) -> None:
    table = dict(tolerances.variants["fp16"])
    assert list(tail_lines(tolerances, ["fp16"])) == ["tiny, fp16: text-to-image cases need no limits of their own"]
    table["psnr"] = table["psnr"].model_copy(update={"tail": Tail(n=40, beyond=2, worst=17, severe=9, date="d")})
    known = tolerances.model_copy(update={"variants": {"fp16": table}})
    assert list(tail_lines(known, ["fp16"])) == [
        "tiny, fp16: text-to-image cases alone",
        "  psnr  ≥ 9 dB  17 dB at worst, 2 of 40 beyond 30 dB",
    ]
