"""Whoever approves an outcome, or calibrates with a run of another machine, refuses what the gate would refuse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sdqa.bundle import Lane, Sample
from sdqa.cli import run as sdqa
from sdqa.errors import UsageError
from sdqa.gate.baseline import read_manifest
from sdqa.gate.goldens import write_golden
from sdqa.plan import Plan
from sdqa.store import digest_of
from sdqa.workflow.elsewhere import with_elsewhere
from tests.ci import honest, honest_pictures
from tests.ci.forged import LANES
from tests.ci.forged.altered import FP16, with_machine
from tests.ci.forged.samples import shown_as
from tests.ci.honest import golden, lane_of, run_of, units

FORGED = [
    "less_noise_than_the_pictures_have",
    "two_cases_with_each_others_candidates_and_their_digests",
    "a_distance_below_nothing",
    "the_goldens_figure_was_edited_beside_the_value",
    "a_parity_that_is_not_the_worst_of_its_readings",
    "a_sample_is_missing",
]


def metrics_of(lane: Lane) -> Lane:
    """With the identity of the metrics that the goldens were measured with."""
    machine = with_machine(metrics=digest_of(golden("cat").metrics))
    figures = {(m.case, m.component, m.metric): m.fingerprint for m in machine.measurements}
    kept = tuple(
        m.model_copy(update={"fingerprint": figures.get((m.case, m.component, m.metric), m.fingerprint)})
        for m in lane.measurements
    )
    return lane.model_copy(update={"fingerprint": machine.fingerprint, "measurements": kept})


class Checkout:
    """A repository whose goldens are there with all their files, and bundles of its first lane."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.suite = root / "sdqa.toml"
        self.suite.write_text(honest.SUITE, encoding="utf-8")
        for case in honest.CASES:
            record = golden(case)
            write_golden(
                root / "goldens" / "tiny" / case,
                inputs=record.inputs,
                seed=record.seed,
                timesteps=record.timesteps,
                image=honest_pictures.pixels_of(case, "golden"),
                latents=honest_pictures.latents_of(case),
                noise=honest_pictures.latents_of(case),
                source=honest_pictures.pixels_of(case, "source") if case != "dog" else None,
                scores=record.scores,
                teacher_digest=record.teacher,
                metric_identities=record.metrics,
                versions={},
            )

    @property
    def plan(self) -> Plan:
        return honest.plan(self.suite)

    def send(self, name: str, lane: Lane) -> Path:
        return honest.keep(self.root / name, run_of(metrics_of(lane)))

    def approve(self, bundle: Path, *more: str) -> int:
        told = ["--suite", str(self.suite), "--lane", FP16, "--reason", "looked at", *more]
        return sdqa(["approve", str(bundle), *told])


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def calibrated_with(checkout: Checkout, bundle: Path) -> None:
    here = {"as planned": [metrics_of(lane_of(units()[0]))]}
    found = with_elsewhere({"fp16": here}, checkout.plan, [bundle])
    assert len(found["fp16"]) == 2


def approved(*more: str) -> Callable[[Checkout, Path], None]:
    def how(checkout: Checkout, bundle: Path) -> None:
        if checkout.approve(bundle, *more):
            raise UsageError("refused")

    return how


def repeated(checkout: Checkout, bundle: Path) -> None:
    first = checkout.send("first", lane_of(units()[0]))
    if checkout.approve(first, "--case", "cat", "--repeat", str(bundle)):
        raise UsageError("refused")


HOW = {
    "approve": approved(),
    "approve --golden": approved("--golden", "--yes"),
    "approve --repeat": repeated,
    "calibrate --from": calibrated_with,
}


@pytest.mark.parametrize("how", HOW)
def test_an_honest_run_is_taken(checkout: Checkout, how: str) -> None:
    HOW[how](checkout, checkout.send("bundle", lane_of(units()[0])))


def beside_baselines(checkout: Checkout, lane: Lane) -> Lane:
    """With the figures that the lane had beside its approved pictures, when it drew each case's own."""
    place = checkout.root / "goldens" / "tiny" / "baselines" / "fp16@reference"
    figures = [
        honest.figure_of("psnr", 100.0, case=case).model_copy(
            update={"metric": "baseline_psnr", "fingerprint": read_manifest(place / case).identity("baseline_psnr")}
        )
        for case in honest.CASES
    ]
    return lane.model_copy(update={"measurements": (*lane.measurements, *figures)})


def with_all_of(sample: Sample, other: Sample) -> Sample:
    """A sample with another's candidate and latents, and all that is recorded of them."""
    facts = sample.facts.model_copy(update={"latents": other.facts.latents})
    return shown_as(sample, other).model_copy(update={"latents_digest": other.latents_digest, "facts": facts})


def test_figures_beside_an_approved_picture_are_read_again(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two cases have each other's pictures and latents, and all figures that the goldens tell are set right."""
    assert checkout.approve(checkout.send("first", lane_of(units()[0]))) == 0
    again = beside_baselines(checkout, lane_of(units()[0]))
    assert checkout.approve(checkout.send("again", again)) == 0
    cat, dog, fox = again.samples
    samples = (with_all_of(cat, dog), with_all_of(dog, cat), fox)
    apart = honest_pictures.shown().psnr
    told = {one.case: apart[one.images["candidate"].sha256, one.images["golden"].sha256] for one in samples}
    figures = tuple(
        m.model_copy(update={"value": told[m.case]}) if m.metric == "psnr" and m.case is not None else m
        for m in again.measurements
        if m.metric != "latent_psnr"
    )
    forged = again.model_copy(update={"samples": samples, "measurements": figures})
    assert checkout.approve(checkout.send("forged", forged)) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "refuse this run: cat/baseline_psnr: is 100, its pictures say 7.7" in said


def test_suspicious_figures_are_named_before_they_are_approved(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    lane = lane_of(units()[0])
    doubted = {f"{FP16}/{case}/{metric}" for case in ("cat", "dog") for metric in ("lpips", "psnr")}
    verdicts = tuple(
        one.model_copy(update={"status": "suspicious", "reason": "an outlier"}) if one.check in doubted else one
        for one in lane.verdicts
    )
    bundle = checkout.send("bundle", lane.model_copy(update={"verdicts": verdicts}))
    assert checkout.approve(bundle) == 0
    said = capsys.readouterr().out
    assert "stays red" not in said
    assert said.index("suspicious in 4 checks") < said.index("  cat/lpips: an outlier") < said.index("  and 1 more")
    assert said.index("  and 1 more") < said.index("first baseline")
    assert checkout.approve(bundle, "--case", "fox") == 0
    assert "suspicious" not in capsys.readouterr().out


@pytest.mark.parametrize(("how", "name"), [(how, name) for how in HOW for name in FORGED])
def test_what_the_gate_would_refuse_is_refused(
    checkout: Checkout, how: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = checkout.send("bundle", LANES[name][1]())
    before = sorted(path.read_bytes() for path in (checkout.root / "goldens").rglob("*") if path.is_file())
    with pytest.raises(UsageError) as error:
        HOW[how](checkout, bundle)
    said = f"{error.value}{capsys.readouterr().err}"
    assert "the gate would refuse this run: " in said
    assert "sdqa qa" in said
    after = sorted(path.read_bytes() for path in (checkout.root / "goldens").rglob("*") if path.is_file())
    assert before == after
