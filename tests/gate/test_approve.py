"""Approving: recorded outcomes are promoted, and everything that would hide something is refused."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from PIL import Image

from sdqa.bundle import Bundle, Fingerprint, Lane, Measurement, Run, Sample, SampleFacts, Verdict
from sdqa.bundle.diagnosis import Diagnosis
from sdqa.errors import BundleError, GoldenBelowFloor, GoldenStale, UsageError
from sdqa.gate.approve import approve
from sdqa.gate.audit import read_audit, unrecorded
from sdqa.gate.codec import array_digest
from sdqa.gate.goldens import read_golden, write_golden
from sdqa.store import digest_of

IDENTITIES = {"clip_score": {"model": "embedded:tiny"}}
RNG = np.random.default_rng(0)
OLD, NEW = (RNG.integers(0, 256, (16, 16, 3), dtype=np.uint8) for _ in range(2))
OLD_LATENTS, NEW_LATENTS, NOISE = (RNG.normal(size=(4, 4, 4)).astype(np.float32) for _ in range(3))


@pytest.fixture
def goldens(tmp_path: Path) -> Path:
    folder = tmp_path / "goldens"
    for case in ("portrait", "landscape"):
        write_golden(
            folder / "tiny" / case,
            inputs={"prompt": case},
            seed=1,
            timesteps=[500, 1],
            image=OLD,
            latents=OLD_LATENTS,
            noise=NOISE,
            scores={"clip_score": 0.5, "psnr": 100.0},
            teacher_digest="12" * 32,
            metric_identities=IDENTITIES,
            versions={"torch": "2.13.0"},
        )
    return folder


MakeBundle = Callable[..., Path]


@pytest.fixture
def make_bundle(tmp_path: Path) -> MakeBundle:
    def make(worse: bool = False, fault: str | None = None, diagnosis: Diagnosis | None = None, **changes: Any) -> Path:
        bundle = Bundle(tmp_path / "run")
        stream = io.BytesIO()
        Image.fromarray(NEW).save(stream, "PNG")
        latents = bundle.add_blob(safetensors.numpy.save({"latents": NEW_LATENTS}), "application/octet-stream")
        samples = tuple(
            Sample(
                case=case,
                images={"candidate": bundle.add_blob(stream.getvalue(), "image/png")},
                image_digest=array_digest(NEW),
                latents_digest=changes.get("latents_digest", array_digest(NEW_LATENTS)),
                facts=SampleFacts(timesteps=changes.get("timesteps", (500.0, 1.0)), latents=latents),
            )
            for case in ("portrait", "landscape")
        )
        verdict = Verdict(
            check="tiny/fp16/portrait/clip_score",
            metric="clip_score",
            case="portrait",
            status="fail",
            reason="0.1 lower",
        )
        figures = (
            Measurement(metric="clip_score", case="portrait", value=0.6, golden=0.5, better="higher"),
            Measurement(metric="psnr", case="portrait", value=20.0, better="higher"),
        )
        fingerprint = Fingerprint(teacher=changes.get("teacher", "12" * 32), metrics=digest_of(IDENTITIES))
        lane = Lane(
            id="tiny/fp16",
            model="tiny",
            variant="fp16",
            runtime="reference",
            compute_unit="CPU_ONLY",
            samples=samples,
            measurements=figures,
            verdicts=(verdict,) if worse else (),
            fingerprint=fingerprint,
        )
        lanes = (lane, *changes.get("lanes", ()))
        run = Run(
            sdqa_version="0", suite="s", suite_digest="0", created="", lanes=lanes, fault=fault, diagnosis=diagnosis
        )
        bundle.write(run)
        return bundle.folder

    return make


def test_a_recorded_outcome_becomes_the_golden(goldens: Path, make_bundle: MakeBundle) -> None:
    approved = approve(make_bundle(), goldens, reason="better eyes", cases=["portrait"])
    golden = read_golden(goldens / "tiny" / "portrait")
    np.testing.assert_array_equal(golden.image, NEW)
    np.testing.assert_array_equal(golden.latents, NEW_LATENTS)
    np.testing.assert_array_equal(golden.noise, NOISE)
    assert golden.manifest.scores == {"clip_score": 0.6, "psnr": 100.0}
    assert golden.manifest.origin == "tiny/fp16"
    assert [a.case for a in approved if a.changed] == ["portrait"]
    np.testing.assert_array_equal(read_golden(goldens / "tiny" / "landscape").image, OLD)
    entry = read_audit(goldens / "tiny")[-1]
    assert (entry.subject, entry.reason, entry.after) == ("portrait", "better eyes", golden.manifest.content())
    assert entry.run
    current = {case: read_golden(goldens / "tiny" / case).manifest.content() for case in ("portrait", "landscape")}
    assert unrecorded(goldens / "tiny", current) == []


def test_approving_twice_changes_nothing(goldens: Path, make_bundle: MakeBundle) -> None:
    approve(make_bundle(), goldens, reason="once")
    assert not any(a.changed for a in approve(make_bundle(), goldens, reason="twice"))
    assert len(read_audit(goldens / "tiny")) == 4


def test_a_reason_is_required(goldens: Path, make_bundle: MakeBundle) -> None:
    with pytest.raises(UsageError, match="reason"):
        approve(make_bundle(), goldens, reason="  ")


def test_what_got_worse_needs_a_diagnosis(goldens: Path, make_bundle: MakeBundle) -> None:
    bundle = make_bundle(worse=True)
    with pytest.raises(UsageError, match=r"\$.portrait: clip_score: fail: 0.1 lower"):
        approve(bundle, goldens, reason="ship it")
    np.testing.assert_array_equal(read_golden(goldens / "tiny" / "landscape").image, OLD)
    approve(bundle, goldens, reason="ship it", diagnosis="the new tokenizer splits this prompt")
    entry = next(e for e in read_audit(goldens / "tiny") if e.reason == "ship it" and e.subject == "portrait")
    assert entry.diagnosis == "the new tokenizer splits this prompt"
    assert entry.worse == ("clip_score: fail: 0.1 lower",)


def test_the_runs_own_diagnosis_counts(goldens: Path, make_bundle: MakeBundle) -> None:
    found = Diagnosis(verdict="Cause: unet, quantisation", confidence="high")
    assert approve(make_bundle(worse=True, diagnosis=found), goldens, reason="accepted")


def test_a_diagnosis_that_could_not_be_made_explains_nothing(goldens: Path, make_bundle: MakeBundle) -> None:
    none = Diagnosis(lane="tiny/fp16", verdict="not diagnosed: there is no golden")
    with pytest.raises(UsageError, match="got worse"):
        approve(make_bundle(worse=True, diagnosis=none), goldens, reason="accepted")


def test_another_fingerprint_is_refused(goldens: Path, make_bundle: MakeBundle) -> None:
    with pytest.raises(GoldenStale, match="teacher"):
        approve(make_bundle(teacher="34" * 32), goldens, reason="r")
    with pytest.raises(GoldenStale, match="schedule"):
        approve(make_bundle(timesteps=[501.0, 1.0]), goldens, reason="r")


def test_a_planted_fault_is_never_approved(goldens: Path, make_bundle: MakeBundle) -> None:
    with pytest.raises(UsageError, match="unet-2bit"):
        approve(make_bundle(fault="unet-2bit@1"), goldens, reason="r")


def test_pictures_that_were_not_scored_are_refused(goldens: Path, make_bundle: MakeBundle) -> None:
    with pytest.raises(BundleError, match="not those that were scored"):
        approve(make_bundle(latents_digest="0" * 64), goldens, reason="r")


@pytest.mark.parametrize(("wrong", "word"), [({"lane": "tiny/int4"}, "tiny/fp16"), ({"cases": ["cat"]}, "landscape")])
def test_unknown_names_are_listed(goldens: Path, make_bundle: MakeBundle, wrong: dict[str, Any], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        approve(make_bundle(), goldens, reason="r", **wrong)


def test_with_several_lanes_one_must_be_named(goldens: Path, make_bundle: MakeBundle) -> None:
    other = Lane(id="tiny/int8", model="tiny", variant="int8", runtime="reference", compute_unit="CPU_ONLY")
    with pytest.raises(UsageError, match="several lanes"):
        approve(make_bundle(lanes=[other]), goldens, reason="r")
    assert approve(make_bundle(lanes=[other]), goldens, reason="r", lane="tiny/fp16")


MOVE = ("--golden", "--yes")  # the suite has other lanes that are held against the same goldens


def test_an_outcome_below_a_floor_becomes_no_golden(goldens: Path, make_bundle: MakeBundle) -> None:
    before = read_golden(goldens / "tiny" / "portrait").manifest
    asked: list[tuple[str, float | None]] = []

    def below(case: str, scores: Mapping[str, float | None]) -> list[str]:
        asked.append((case, scores["clip_score"]))
        return ["clip_score is 0.6"] if case == "portrait" else []

    with pytest.raises(GoldenBelowFloor, match=r"portrait: clip_score is 0\.6"):
        approve(make_bundle(), goldens, reason="r", below=below)
    assert asked == [("landscape", 0.5), ("portrait", 0.6)]
    assert read_golden(goldens / "tiny" / "portrait").manifest == before


# From the command line, as `docs/goldens.md` describes it.


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    path = tmp_path / "sdqa.toml"
    path.write_bytes((Path(__file__).parents[2] / "sdqa.toml").read_bytes())
    monkeypatch.chdir(tmp_path)
    return str(path)


@pytest.fixture
def unexamined(monkeypatch: pytest.MonkeyPatch) -> None:
    """These lanes are bare: tests/ci/test_demand_examined.py has whole ones."""
    monkeypatch.setattr("sdqa.ci.examined.demand_examined", lambda *_: None)


@pytest.mark.usefixtures("unexamined")
def test_approve_and_verify_from_the_command_line(
    goldens: Path, make_bundle: MakeBundle, suite: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from sdqa import cli

    bundle = str(make_bundle())
    assert cli.run(["approve", bundle, "--suite", suite, "--case", "portrait", "--reason", "reviewed", *MOVE]) == 0
    assert "tiny/portrait: " in capsys.readouterr().out
    assert read_golden(goldens / "tiny" / "portrait").manifest.origin == "tiny/fp16"
    assert cli.run(["goldens", "verify", "--suite", suite, "--digests-only"]) == 0
    manifest = goldens / "tiny" / "portrait" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"seed": 1', '"seed": 2'))
    assert cli.run(["goldens", "verify", "--suite", suite, "--digests-only"]) == 1
    assert "changed without a record" in capsys.readouterr().out


@pytest.mark.usefixtures("unexamined")
def test_refusals_from_the_command_line_have_codes_and_change_nothing(
    goldens: Path, make_bundle: MakeBundle, suite: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from sdqa import cli

    before = read_golden(goldens / "tiny" / "portrait").manifest
    worse, stale = str(make_bundle(worse=True)), ["--suite", suite, "--reason", "r", *MOVE]
    assert cli.run(["approve", worse, "--suite", suite]) == 2
    assert cli.run(["approve", worse, *stale[:-1]]) == 2
    assert "the golden is shared: tiny/palettized-6bit" in capsys.readouterr().err
    assert cli.run(["approve", worse, *stale]) == 2
    assert "1 figure got worse" in capsys.readouterr().err
    assert cli.run(["approve", str(make_bundle(teacher="34" * 32)), *stale]) == 4
    assert "another fingerprint" in capsys.readouterr().err
    assert cli.run(["approve", str(goldens / "nothing"), *stale]) == 3
    floors = Path(suite).with_name("floors.toml")
    added = '\n[cases.portrait]\nprompt = "a portrait"\n\n[floors]\nclip_score = 0.9\n'
    floors.write_text(Path(suite).read_text("utf-8") + added, encoding="utf-8")
    assert cli.run(["approve", str(make_bundle()), "--suite", str(floors), *stale[2:]]) == 4
    assert "clip_score is 0.6, [floors] takes no less than 0.9" in capsys.readouterr().err
    assert read_golden(goldens / "tiny" / "portrait").manifest == before
