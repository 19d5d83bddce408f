"""A lane of few bits against its own approved outcomes, through the real gate: what its fidelity limits cannot see."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from sdqa.bundle import Bundle, Fingerprint, Lane, Run, Status
from sdqa.cli import run as cli
from sdqa.errors import ConfigError, GoldenStale, UsageError
from sdqa.gate import large_files
from sdqa.gate.audit import read_audit
from sdqa.gate.baseline import FLOORS, METRICS, read_manifest
from sdqa.gate.goldens import Golden, read_golden
from sdqa.generate.sample import SampleRecord, StoredSample
from sdqa.metrics import MetricModels
from sdqa.metrics.stage import score_case
from sdqa.metrics.subject import Picture, Subject
from sdqa.plan import PlannedLane, load_suite, make_plan
from sdqa.store import Store, digest_of
from sdqa.workflow.approval import approval
from sdqa.workflow.baselines import baseline_folder, baseline_scores
from sdqa.workflow.gate import exit_code, gate, judge_again, planned_checks
from sdqa.workflow.job import Job
from sdqa.workflow.lane import Collected
from sdqa.workflow.references import References
from sdqa.workflow.stages import Samples, Scores

ROOT = Path(__file__).parents[2]
CASE, LANE = "portrait-hat", "tiny/palettized-6bit"
NAMES = ("finite", "shape", "psnr", "tile_psnr", "ssim", "lpips", "latent_psnr", "clip_score")
"""What compares with the golden. (`lpips_source` sees the eye when it is alone; over eleven cases it is an outlier.)"""
FACTS = Fingerprint(teacher="12" * 32, metrics="34" * 32, runtime="reference", compute_unit="CPU_ONLY")
Pixels = npt.NDArray[np.uint8]


class Bench:
    """The embedded suite without its baselines, one case of its 6-bit lane, and samples made by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.suite = folder, folder / "sdqa.toml"
        text = (ROOT / "sdqa.toml").read_text(encoding="utf-8")
        parts = text.split("[metrics]\n")
        names = f"[metrics]\nnames = {list(NAMES)}\n".replace("'", '"')
        self.suite.write_text(names.join(parts), encoding="utf-8")
        shutil.copytree(ROOT / "goldens", folder / "goldens", ignore=shutil.ignore_patterns("baselines"))
        self.store = Store(folder / "store")
        self.golden: Golden = read_golden(folder / "goldens" / "tiny" / CASE)

    @property
    def lane(self) -> PlannedLane:
        plan = make_plan(load_suite(self.suite), self.suite)
        lane = next(one for one in plan.lanes if one.id == LANE)
        return replace(lane, cases={CASE: lane.cases[CASE]})

    def recompressed(self, seed: int) -> Pixels:
        """The golden as a 6-bit lane draws it: another palette scatters every pixel by a few grey levels (45 dB)."""
        noise = np.random.default_rng(seed).normal(0, 1.4, self.golden.image.shape)
        return np.clip(np.rint(self.golden.image + noise), 0, 255).astype(np.uint8)

    def run(self, name: str, image: Pixels, facts: Fingerprint = FACTS) -> Lane:
        """The lane with this picture, scored and judged; its bundle lies in the folder of that name."""
        lane, bundle = self.lane, Bundle(self.folder / name)
        plan = replace(make_plan(load_suite(self.suite), self.suite), lanes=(lane,))
        job = Job(plan, self.store, bundle)
        folder = self.store.root / digest_of(image.tobytes().hex())
        record = SampleRecord(
            timesteps=self.golden.manifest.timesteps, seconds={}, end_to_end_s=1, nonfinite={}, peak_bytes=1
        )
        decoded = np.moveaxis(image.astype(np.float32) / 127.5 - 1, 2, 0)
        sample = StoredSample(folder, record, image, decoded, self.golden.latents)
        references = References({CASE: self.golden})
        models = MetricModels()
        candidate = Picture(image, decoded, self.golden.latents)
        reference = Picture(self.golden.image, None, self.golden.latents)
        prompt = lane.cases[CASE].prompt
        subject = Subject(CASE, prompt, None, self.golden.source, candidate=candidate, golden=reference)
        found = list(score_case(subject, NAMES, models, self.store, {"sample": folder.name, "golden": "g"}))
        found += baseline_scores(job, lane, models, references, {CASE: sample}, facts)
        scores = Scores(tuple(found), facts)
        judged = gate(job, lane, Collected(references=references, samples=Samples({CASE: sample}), scores=scores))
        bundle.write(Run(sdqa_version="0", suite="embedded", suite_digest="0", created="", lanes=(judged,)))
        return judged

    def approve(self, name: str, *more: str) -> int:
        where = [str(self.folder / name), "--suite", str(self.suite), "--lane", LANE, "--reason", "looked at", *more]
        return cli(["approve", *where])


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    # A part of a lane, without packages: tests/ci/test_demand_examined.py has whole ones.
    monkeypatch.setattr("sdqa.workflow.approval.demand_examined", lambda *_: None)
    return Bench(tmp_path)


def of_case(lane: Lane, against: str) -> dict[str, Status]:
    """Metric → status of the figures of the case: against the golden or the baseline."""
    wanted = set(METRICS) if against == "baseline" else set(NAMES)
    return {v.metric: v.status for v in lane.verdicts if v.case == CASE and v.metric in wanted}


def hat_band_gone(image: Pixels) -> Pixels:
    damaged = image.copy()
    damaged[17:20, 15:48] = image[12:15, 15:48]
    return damaged


def eye_painted_over(image: Pixels) -> Pixels:
    damaged = image.copy()
    damaged[27:31, 34:39] = image[33:37, 34:39]
    return damaged


@pytest.mark.parametrize("damage", [hat_band_gone, eye_painted_over])
def test_local_damage_passes_the_golden_and_fails_the_baseline(bench: Bench, damage: object) -> None:
    sound = bench.recompressed(1)
    assert not of_case(bench.run("first", sound), "baseline"), "without a baseline nothing is planned against one"
    assert bench.approve("first") == 0
    again = bench.run("again", sound)
    assert set(of_case(again, "baseline").values()) == {"pass"}
    broken = bench.run("broken", damage(sound))  # type: ignore[operator]
    assert "fail" not in of_case(broken, "golden").values(), "the limits of few bits are blind to it"
    assert set(of_case(broken, "baseline").values()) == {"fail"}
    plan = make_plan(load_suite(bench.suite), bench.suite)
    assert exit_code(plan, [broken]) == 1
    reason = next(v.reason for v in broken.verdicts if v.check == f"{LANE}/{CASE}/baseline_psnr")
    assert "the lane changed: look at both, and approve it if it is meant (sdqa approve)" in reason


def test_another_palette_is_a_change_that_a_person_approves(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.run("first", bench.recompressed(1))
    assert bench.approve("first") == 0
    assert f"{LANE} {CASE}: first baseline" in capsys.readouterr().out
    before = read_golden(bench.folder / "goldens" / "tiny" / CASE).manifest
    other = bench.run("other", bench.recompressed(2))
    assert of_case(other, "baseline")["baseline_psnr"] == "fail"
    assert bench.approve("other") == 0
    said = capsys.readouterr().out
    assert f"{LANE} {CASE}: new baseline, 4" in said
    assert "dB from the one before" in said
    assert set(of_case(bench.run("approved", bench.recompressed(2)), "baseline").values()) == {"pass"}
    assert read_golden(bench.folder / "goldens" / "tiny" / CASE).manifest == before, "the golden of all lanes stays"
    entries = [e for e in read_audit(bench.folder / "goldens" / "tiny") if e.subject.startswith("baselines/")][-2:]
    assert [(e.subject, e.reason) for e in entries] == [
        (f"baselines/palettized-6bit@reference/{CASE}", "looked at")
    ] * 2
    assert cli(["goldens", "verify", "--suite", str(bench.suite), "--digests-only", "--case", CASE]) == 0
    assert f"tiny/baselines/palettized-6bit@reference/{CASE}: all digests match" in capsys.readouterr().out


def test_what_stays_red_is_said_before_it(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    far = bench.run("far", bench.golden.image[::-1])
    assert "fail" in of_case(far, "golden").values()
    assert bench.approve("far") == 0
    said = capsys.readouterr().out
    assert said.index("stays red") < said.index("lpips: fail in 2 checks") < said.index("first baseline")
    again = bench.run("again", bench.golden.image[::-1])
    assert set(of_case(again, "baseline").values()) == {"pass"}
    assert "fail" in of_case(again, "golden").values()


def test_repeats_widen_the_limits_and_are_kept_with_the_baseline(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    first, repeat = bench.recompressed(1), bench.recompressed(2)
    bench.run("first", first)
    bench.run("repeat", repeat)
    assert bench.approve("first", "--repeat", str(bench.folder / "repeat")) == 0
    assert "limit: baseline_psnr 3" in capsys.readouterr().out
    manifest = read_manifest(baseline_folder(make_plan(load_suite(bench.suite), bench.suite), bench.lane) / CASE)
    [figures] = manifest.repeats
    assert set(figures) == set(FLOORS)
    assert 40 < figures["psnr"] < 46
    assert set(of_case(bench.run("third", bench.recompressed(3)), "baseline").values()) == {"pass"}
    assert of_case(bench.run("damaged", eye_painted_over(first)), "baseline")["baseline_tile_psnr"] == "fail"


def test_the_gate_judges_again_from_the_bundle_by_the_checkouts_baseline(bench: Bench) -> None:
    sound = bench.recompressed(1)
    bench.run("first", sound)
    bench.approve("first")
    bench.run("broken", eye_painted_over(sound))
    plan = replace(make_plan(load_suite(bench.suite), bench.suite), lanes=(bench.lane,))
    [lane] = judge_again(plan, bench.folder / "broken").lanes
    assert set(of_case(lane, "baseline").values()) == {"fail"}
    bench.approve("broken")  # now the checkout has another baseline than the figures were measured against
    [lane] = judge_again(plan, bench.folder / "broken").lanes
    assert set(of_case(lane, "baseline").values()) == {"not measured"}


def test_a_baseline_of_another_teacher_is_not_measured_against(bench: Bench) -> None:
    sound = bench.recompressed(1)
    bench.run("first", sound)
    bench.approve("first")
    other = bench.run("other", sound, FACTS.model_copy(update={"teacher": "56" * 32}))
    assert set(of_case(other, "baseline").values()) == {"not measured"}
    assert "the teacher is another one" in next(v.reason for v in other.verdicts if v.metric == "baseline_psnr")


def test_a_damaged_baseline_is_not_measured_against(bench: Bench) -> None:
    sound = bench.recompressed(1)
    bench.run("first", sound)
    bench.approve("first")
    folder = baseline_folder(make_plan(load_suite(bench.suite), bench.suite), bench.lane) / CASE
    data = (folder / "image.png").read_bytes()
    (folder / "image.png").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    found = bench.run("other", sound)
    assert set(of_case(found, "baseline").values()) == {"not measured"}
    assert "is not the one that was recorded" in next(v.reason for v in found.verdicts if v.metric == "baseline_psnr")
    assert cli(["goldens", "verify", "--suite", str(bench.suite), "--digests-only", "--case", CASE]) == 1


@pytest.mark.parametrize(
    ("choice", "before", "after"),
    [("required", {"not measured"}, {"pass"}), ("off", set(), set()), ("auto", set(), {"pass"})],
)
def test_a_lane_says_whether_it_wants_a_baseline(bench: Bench, choice: str, before: set[str], after: set[str]) -> None:
    text = bench.suite.read_text(encoding="utf-8")
    bench.suite.write_text(text.replace("[[lanes]]\n", f'[[lanes]]\nbaseline = "{choice}"\n', 1), encoding="utf-8")
    for wanted in (before, after):
        plan = make_plan(load_suite(bench.suite), bench.suite)
        planned = [one for one in planned_checks(plan, bench.lane) if f"/{CASE}/baseline_" in one]
        assert len(planned) == (3 if wanted else 0)
        assert set(of_case(bench.run("now", bench.recompressed(1)), "baseline").values()) == wanted
        assert bench.approve("now") == 0


def test_what_must_not_be_approved_is_refused(bench: Bench, tmp_path: Path) -> None:
    bench.run("first", bench.recompressed(1))
    plan = make_plan(load_suite(bench.suite), bench.suite)
    with pytest.raises(UsageError, match="reason"):
        list(approval(plan, bench.folder / "first").carry_out(" "))
    run = Bundle(bench.folder / "first").read()
    planted = Bundle(tmp_path / "planted")
    planted.write(run.model_copy(update={"fault": "unet-2bit"}))
    with pytest.raises(UsageError, match="planted fault: unet-2bit"):
        approval(plan, planted.folder)
    live = replace(plan, suite=plan.suite.model_copy(update={"goldens": "teacher"}))
    with pytest.raises(UsageError, match="no baselines"):
        approval(live, bench.folder / "first")
    moved = bench.folder / "goldens" / "tiny"
    shutil.rmtree(moved / CASE)
    shutil.copytree(moved / "portrait-glasses", moved / CASE)
    with pytest.raises(GoldenStale, match="another golden"):
        list(approval(plan, bench.folder / "first").carry_out("r"))


def test_a_case_cannot_have_the_folders_name(bench: Bench) -> None:
    text = bench.suite.read_text(encoding="utf-8").replace("[cases.portrait-hat]", "[cases.baselines]")
    bench.suite.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be called 'baselines'"):
        load_suite(bench.suite)


def test_large_pictures_are_kept_by_digest(tmp_path: Path) -> None:
    from sdqa.gate.baseline import read_baseline, write_baseline

    image = np.random.default_rng(0).integers(0, 256, (160, 160, 3), dtype=np.uint8)
    lane = Lane(id="m/v", model="m", variant="v", runtime="reference", compute_unit="CPU_ONLY", fingerprint=FACTS)
    folder, place = tmp_path / "m" / "baselines" / "v@reference" / "c", str(tmp_path / "place")
    latents = np.zeros((4, 4, 4), np.float32)
    write_baseline(
        folder, lane, "c", image=image, latents=latents, golden="g", repeats=(), run="", reason="r", place=place
    )
    assert place != large_files.DEFAULT_PLACE
    np.testing.assert_array_equal(read_baseline(folder, place=place).image, image)
