"""What no device measured, on the page and on the terminal."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from sdqa.bundle import Bundle, DeviceEstimate, Estimate, Lane, Package, PackageFacts, Run
from sdqa.bundle.facts import PlacementFinding, PlacementLint
from sdqa.report.html import render_page
from sdqa.report.placement import estimates, placements
from sdqa.report.terminal import console_for, print_run
from tests.builders import lane_record, run_record

SLOW = PlacementFinding(
    rule="sequence-last",
    severity="slow",
    reason="linear layers copy [B]",
    operations=1160,
    modules=("unet.down_blocks.0.attn1.to_q", "unet.down_blocks.0.attn1.to_k"),
    flops_share=0.28,
)
LEAVES = PlacementFinding(rule="rank", severity="leaves", reason="too many axes", operations=2)
LARGE = PlacementFinding(rule="one-package", severity="size", reason="too large for one")
LATER = PlacementFinding(rule="later", severity="a severity of a later version", operations=1, flops_share=0.5)
TIMES = DeviceEstimate(device="iPhone 14", seconds=8.61, low_s=6.9, high_s=10.6, step_s=0.41)


def lane(name: str, estimate: Estimate | None, *findings: PlacementFinding) -> Lane:
    facts = PackageFacts(neural_engine=PlacementLint(findings=findings), average_bits=16)
    unet = Package(component="unet", name="Unet.mlpackage", digest="0" * 64, bytes=10**9, operations=9, facts=facts)
    return lane_record(name, packages=(unet,), estimate=estimate)


@pytest.fixture
def judged() -> Run:
    known = Estimate(case="girl", steps=20, devices=(TIMES,))
    none = Estimate(case="girl", steps=20, reason="its U-Net is too small")
    lanes = (
        lane("a/fp16", known, SLOW, LEAVES, LARGE),
        lane("b/fp16", known.model_copy(update={"devices": ()}), SLOW, LATER),
        lane("c/fp16", none),
    )
    return run_record(*lanes)


def printed(run: Run) -> str:
    stream = io.StringIO()
    print_run(run, console_for(stream, {"COLUMNS": "140"}), whole=True)
    return stream.getvalue()


def test_every_finding_is_listed_with_what_it_means(judged: Run) -> None:
    found = {(one.lane, one.rule): one for one in placements(judged)}
    slow = found["a/fp16", "sequence-last"]
    assert (slow.effect, slow.operations, slow.share) == ("slow on it", "1,160", "28.0%")
    assert slow.modules == SLOW.modules
    large = found["a/fp16", "one-package"]
    assert (large.effect, large.operations, large.share) == ("too large", "—", "—")
    assert {name for name, _ in found} == {"a/fp16", "b/fp16"}
    assert found["b/fp16", "later"].effect == "a severity of a later version"
    assert [rule for (_, rule), one in found.items() if not one.notable] == ["rank"], "nothing is computed in it"


def test_estimates_are_tabled_by_device_and_lane(judged: Run) -> None:
    table = estimates(judged)
    assert table is not None
    assert table.lanes == (("a/fp16", "girl, 20 U-Net runs"),)
    assert table.rows == (("iPhone 14", ("8.6 s (6.9 s to 11 s), a step 0.41 s",)),)
    assert ("c/fp16", "its U-Net is too small") in table.absent
    assert estimates(judged.model_copy(update={"lanes": (lane("a", None),)})) is None


def test_the_terminal_names_findings_once_and_labels_estimates(judged: Run) -> None:
    text = printed(judged)
    assert "a/fp16 and 1 more unet" in text
    assert text.count("sequence-last: linear layers copy [B]") == 1
    assert "too large" in text
    assert "leaves it" not in text, "what moves no arithmetic is left to the page"
    assert "8.6 s (6.9 s to 11 s), a step 0.41 s" in text
    assert "estimates" in text
    assert "never judged" in text
    assert "no latency estimate for c/fp16: its U-Net is too small" in text


def test_the_page_has_all_of_it(judged: Run, tmp_path: Path) -> None:
    page = render_page(Bundle(tmp_path), judged)
    section = page.split('id="placement"')[1].split("</section>")[0]
    for words in ("leaves it", "slow on it", "too large", "8.6 s (6.9 s to 11 s)", "never judged", "too small"):
        assert words in section, words
    assert "&#39;rule&#39;" not in page, "findings have a table of their own"


def test_a_bundle_without_either_has_no_such_section(run: Run, bundle: Bundle) -> None:
    assert 'id="placement"' not in render_page(bundle, run)


def test_estimates_survive_the_bundle_and_are_no_part_of_the_verdict(judged: Run, tmp_path: Path) -> None:
    Bundle(tmp_path).write(judged)
    again = Bundle(tmp_path).read()
    assert again.lanes[0].estimate == judged.lanes[0].estimate
    assert not again.verdicts
