"""Every condition on what pictures and latents show is held: without any of them something else is seen or said."""

from __future__ import annotations

import types
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sdqa.bundle import Blob, Bundle, Lane, Run, Sample, documents
from sdqa.ci import baseline_pictures, golden_latents, looking, pictures, seen
from sdqa.ci.recorded import Recorded
from sdqa.ci.reference import LaneReference
from sdqa.gate.baseline import figure_identity, write_baseline
from sdqa.gate.baseline import read_manifest as read_baseline_manifest
from sdqa.gate.codec import encode_tensors
from sdqa.gate.goldens import write_golden
from sdqa.gate.manifest import MANIFEST_FILE, read_manifest
from tests.ci import honest, honest_pictures
from tests.ci.forged import RUNS
from tests.ci.forged.altered import FP16, SMALL, honest_lane, with_figure
from tests.ci.honest import linux, run_of
from tests.ci.mutants import Scenario, held
from tests.ci.sound import held_by, lanes


def with_blobs(sample: Sample, images: dict[str, Blob], latents: Blob | None) -> Sample:
    facts = sample.facts.model_copy(update={"latents": latents})
    return sample.model_copy(update={"images": images, "facts": facts})


def test_pictures() -> None:
    runs = [linux(), *(make() for _, make in RUNS.values())]
    known, goldenless = held_by()["the goldens"], held_by()["the teacher"]

    def flaws(run: Run, reference: LaneReference) -> Scenario:
        return lambda module: module.picture_flaws(run.lanes[0], reference, honest_pictures.shown())

    held(pictures, [flaws(run, reference) for run in runs for reference in (known, goldenless)] + of_figures())


def of_figures() -> list[Scenario]:
    """Each figure of lanes that brought everything, a part of it, or nothing."""
    known, goldenless = held_by()["the goldens"], held_by()["the teacher"]
    latents = lanes()["less_noise_than_the_latents_have"]
    cat = honest.sample_of("cat")

    def asked(lane: Lane, reference: LaneReference = known) -> Scenario:
        samples = {sample.case: sample for sample in lane.samples}
        pairs = [(figure, samples[figure.case]) for figure in lane.measurements if figure.case in samples]
        all_of_it = honest_pictures.shown()
        return lambda module: [[*module.unlike_shown(figure, one, reference, all_of_it)] for figure, one in pairs]

    def sent(images: dict[str, Blob], latents_blob: Blob | None) -> Lane:
        return latents.model_copy(update={"samples": (with_blobs(cat, images, latents_blob),)})

    found = [asked(lane) for lane in lanes().values()] + [asked(latents, goldenless), asked(sent({}, None))]
    found += [asked(sent({name: cat.images[name]}, cat.facts.latents)) for name in ("candidate", "golden")]
    found += of_baselines()
    return [*found, asked(with_figure("psnr", "cat", value=None)), asked(honest_lane(samples=()))]


def of_baselines() -> list[Scenario]:
    """A figure against the case's baseline, another case's, one that counts no more, or none; true and untrue."""
    cat, approved = honest.sample_of("cat"), {"cat": "of the cat", "dog": "of the dog"}
    all_of_it = honest_pictures.shown()
    read = replace(all_of_it, baseline_psnr={(cat.images["candidate"].sha256, "of the cat"): 60.0})

    def asked(value: float, content: str, baselines: dict[str, str], sample: Sample = cat) -> Scenario:
        reference = replace(held_by()["the goldens"], baselines=baselines)
        figure = honest.figure_of("psnr", value, case="cat", fingerprint=figure_identity("baseline_psnr", content))
        figure = figure.model_copy(update={"metric": "baseline_psnr"})
        return lambda module: [*module.unlike_shown(figure, sample, reference, read)]

    found = [asked(value, f"of the {case}", approved) for value in (60.0, 99.0) for case in ("cat", "dog", "fox")]
    found.append(asked(60.0, "of the cat", approved, with_blobs(cat, {}, cat.facts.latents)))
    return [*found, asked(99.0, "of the dog", {"dog": "of the dog"}), asked(99.0, "of the cat", {})]


def test_baseline_pictures(tmp_path: Path) -> None:
    """Whole, of another value than its record's, kept elsewhere, without a picture, damaged, and not there."""
    more = honest.SUITE + "".join(f'[cases.{case}]\nprompt = "a {case}"\n' for case in ("yak", "owl", "emu"))
    texts = [more, honest.SUITE.replace('goldens = "goldens"', 'goldens = "teacher"')]
    plans = [honest.plan(tmp_path / "sdqa.toml", text) for text in texts]
    place = tmp_path / "goldens" / "tiny" / "baselines" / "fp16@reference"
    for case in ("cat", "dog", "fox", "yak", "emu"):
        pixels = {"image": honest_pictures.pixels_of("cat", "candidate"), "latents": np.zeros((4, 2, 2), np.float32)}
        facts = {"golden": "g", "repeats": (), "run": "", "reason": "looked at"}
        write_baseline(place / case, honest_lane(), case, **pixels, **facts)
    file = read_baseline_manifest(place / "cat").files["image.png"]
    altered = {"dog": {"digests": {"image": "0" * 64}}, "fox": {"files": {}}}
    altered["yak"] = {"files": {"image.png": file.model_copy(update={"place": "warehouse"})}}
    for case, update in altered.items():
        manifest = read_baseline_manifest(place / case).model_copy(update=update)
        documents.write(place / case / MANIFEST_FILE, manifest.model_dump(mode="json"))
    (place / "emu" / MANIFEST_FILE).write_text("{}")

    def recorded(module: types.ModuleType) -> object:
        found = []
        for plan in plans:
            read, cases = (
                module.baseline_pictures_of(plan),
                (*honest.CASES, "yak", "owl", "emu", "../fp16@reference/cat"),
            )
            found += [read(lane, case) for lane in (FP16, SMALL, "tiny/gone") for case in cases]
            found += [module.baselines_of(plan, lane) for lane in plan.lanes]
        return found

    held(baseline_pictures, [recorded])
    read = baseline_pictures.baseline_pictures_of(plans[0])
    assert [read(FP16, case) is not None for case in honest.CASES] == [True, False, False]


def test_seen() -> None:
    held(seen, [lambda module: module.together([honest_pictures.shown(), honest_pictures.shown()])])


def test_looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an intake can meet: whole, named twice, damaged, of another kind, and more than is kept at a time."""
    bundle = Bundle(honest.keep(tmp_path / "bundle", linux()))
    run, read = linux(), Counter[str]()
    kept = Bundle.read_blob

    def read_blob(self: Bundle, blob: Blob) -> bytes:
        read[blob.sha256] += 1
        return kept(self, blob)

    monkeypatch.setattr(Bundle, "read_blob", read_blob)
    cat, dog, fox = run.lanes[0].samples
    text = bundle.add_blob(b"no picture", "text/plain")
    tensors = bundle.add_blob(encode_tensors({"noise": honest_pictures.latents_of("cat")}), "application/octet-stream")
    larger = bundle.add_blob(honest_pictures.picture(*honest_pictures.LARGER)[1], "image/png")
    as_text = cat.images["candidate"].model_copy(update={"media_type": "text/plain"})
    shorter = cat.images["golden"].model_copy(update={"bytes": 3})
    golden = {case: (f"golden {case}", honest_pictures.latents_of(case)) for case in honest.CASES}
    approved = {case: (f"approved {case}", honest_pictures.pixels_of(case, "golden")) for case in ("cat", "dog")}
    golden["dog"] = ("golden dog", honest_pictures.latents_of("dog") + np.float32(0.01))
    golden["fox"] = ("golden fox", honest_pictures.latents_of("fox")[:, :1])

    def looked(*samples: Sample, pixels: int = 10**6) -> Scenario:
        made = run_of(run.lanes[0].model_copy(update={"samples": samples}), run.lanes[1])

        def scenario(module: types.ModuleType) -> object:
            read.clear()
            vars(module).update(MAX_PIXELS=pixels)
            recorded = golden if pixels == 10**6 else {}
            return (
                module.look_at(
                    bundle, made, Recorded(lambda _, case: recorded.get(case), lambda _, case: approved.get(case))
                ),
                sorted(read.items()),
            )

        return scenario

    def pictured(**images: Blob) -> Sample:
        return cat.model_copy(update={"images": {**cat.images, **images}})

    scenarios = [looked(cat, dog, fox), looked(cat, dog, fox, pixels=9000), looked(cat, pixels=100)]
    scenarios += [looked(pictured(candidate=one)) for one in (text, as_text, larger, tensors)]
    scenarios += [looked(pictured(golden=one)) for one in (text, shorter, cat.images["candidate"])]
    scenarios += [looked(with_blobs(cat, cat.images, one)) for one in (None, text, tensors, shorter)]
    held(looking, [*scenarios, looked(with_blobs(cat, {}, cat.facts.latents))])


def test_golden_latents(tmp_path: Path) -> None:
    place = tmp_path / "goldens" / "tiny"
    zeros, pixels = np.zeros((4, 2, 2), np.float32), np.zeros((8, 8, 3), np.uint8)
    for case in (*honest.CASES, "yak"):
        write_golden(
            place / case,
            inputs={},
            seed=1,
            timesteps=(1.0,),
            image=pixels,
            latents=zeros,
            noise=zeros,
            scores={},
            teacher_digest="t",
            metric_identities={},
            versions={},
        )
    file = read_manifest(place / "yak").files[golden_latents.FILE]
    altered = {"dog": {"digests": {"latents": "0" * 64}}, "fox": {"files": {}}}
    altered["yak"] = {"files": {golden_latents.FILE: file.model_copy(update={"place": "warehouse"})}}
    for case, update in altered.items():
        manifest = read_manifest(place / case).model_copy(update=update)
        documents.write(place / case / MANIFEST_FILE, manifest.model_dump(mode="json"))
    more = honest.SUITE + '[cases.yak]\nprompt = "a yak"\n[cases.owl]\nprompt = "an owl"\n'
    texts = [more, honest.SUITE.replace('goldens = "goldens"', 'goldens = "teacher"')]
    plans = [honest.plan(tmp_path / "sdqa.toml", text) for text in texts]

    def recorded(module: types.ModuleType) -> object:
        found = []
        for plan in plans:
            read = module.golden_latents_of(plan)
            asked = [("tiny", case) for case in (*honest.CASES, "yak", "owl", "../tiny/cat")]
            found += [read(*one) for one in (*asked, ("gone/../tiny", "cat"))]
            found.append(read("tiny", "cat") is read("tiny", "cat"))
        return found

    held(golden_latents, [recorded])
    read = golden_latents.golden_latents_of(plans[0])
    assert [read("tiny", case) is not None for case in honest.CASES] == [True, False, False]
