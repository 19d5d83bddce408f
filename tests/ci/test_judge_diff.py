"""What a change does to the judge, in both directions, and what a recorded reason is worth."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from sdqa.bundle import JudgeChange, documents
from sdqa.ci.judge_diff import is_silent, judge_diff, record_reason
from sdqa.ci.revision import plan_at
from sdqa.errors import UsageError
from sdqa.gate import Tolerances
from sdqa.gate.audit import AUDIT_FILE
from sdqa.plan import Plan, load_suite, make_plan
from sdqa.workflow.gate import RULES
from tests.ci import honest

ROOT = Path(__file__).parents[2]
LIMITS = ("limit", "case_limit", "severe")
RECORDS = shutil.ignore_patterns("baselines", "*.png", "*.safetensors")


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """The project's own suite and goldens' records without baselines, twice."""
    for name in ("base", "head"):
        (tmp_path / name).mkdir()
        shutil.copy(ROOT / "sdqa.toml", tmp_path / name)
        shutil.copytree(ROOT / "goldens", tmp_path / name / "goldens", ignore=RECORDS)
    return tmp_path / "base", tmp_path / "head"


def plan_of(folder: Path) -> Plan:
    path = folder / "sdqa.toml"
    return make_plan(load_suite(path), path, platform="linux")


def changed(pair: tuple[Path, Path]) -> tuple[JudgeChange, ...]:
    return judge_diff(plan_of(pair[0]), plan_of(pair[1]), RULES)


def edit(folder: Path, *replacements: tuple[str, str], name: str = "sdqa.toml") -> None:
    text = (folder / name).read_text(encoding="utf-8")
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    (folder / name).write_text(text, encoding="utf-8")


def test_the_same_judge(pair: tuple[Path, Path]) -> None:
    assert changed(pair) == ()


def test_words_that_judge_nothing_are_no_change(pair: tuple[Path, Path]) -> None:
    edit(pair[1], ("[models.tiny]", "# a remark\n[models.tiny]"), ('name = "embedded"', 'name = "other"'))
    assert not [one for one in changed(pair) if one.looser]


@pytest.mark.parametrize(
    ("before", "after", "looser"),
    [
        ("", "clip_score = 0.2", False),
        ("clip_score = 0.2", "", True),
        ("clip_score = 0.2", "clip_score = 0.3", False),
        ("clip_score = 0.2", "clip_score = 0.1", True),
        ("noise = 2.0", "noise = 3.0", True),
        ("noise = 2.0", "noise = 1.0", False),
    ],
)
def test_what_is_asked_of_the_teacher(pair: tuple[Path, Path], before: str, after: str, looser: bool) -> None:
    for folder, floor in zip(pair, (before, after), strict=True):
        edit(folder, ("[budgets]", f"[floors]\n{floor}\n[budgets]"))
    [change] = changed(pair)
    assert (change.kind, change.looser) == ("floor", looser)


@pytest.mark.parametrize(
    ("old", "new", "kind", "subject", "looser"),
    [
        ('inference_s = "40 s"', 'inference_s = "80 s"', "budget", "inference_s", True),
        ('inference_s = "40 s"', 'inference_s = "20 s"', "budget", "inference_s", False),
        ('inference_s = "40 s"\n', "", "budget", "inference_s", True),
        ('lpips = "stlpips:alex"', 'lpips = "lpips:alex"', "metric", "lpips", True),
        ('lpips = "stlpips:alex"', 'names = ["finite", "shape", "psnr"]', "metric", "ssim", True),
        ('"CPU_ONLY", "CPU_AND_NE"]', '"CPU_ONLY"]', "lane", "tiny/fp16@coreml-cpu_and_ne", True),
        ('[cases.text-landscape]', '[cases.text-lake]', "case", "text-landscape", True),
        ('seed = 35', 'seed = 36', "case", "text-portrait", False),
        ('[budgets]', '[limits]\nlpips = 0.5\n[budgets]', "limit", "tiny/fp16/lpips", True),
        ('[budgets]', '[limits]\nlatent_psnr = 1e9\n[budgets]', "limit", "tiny/fp16/latent_psnr", False),
        ('[budgets]', '[limits]\n"unet/parity_psnr" = 1.0\n[budgets]', "limit", "tiny/fp16/unet/parity_psnr", True),
        ('schema_version = 1', 'schema_version = 1\ngoldens = "teacher"', "goldens", "goldens", True),
    ],
)  # fmt: skip
def test_what_the_suite_loosens(
    pair: tuple[Path, Path], old: str, new: str, kind: str, subject: str, looser: bool
) -> None:
    edit(pair[1], (old, new))
    found = [one for one in changed(pair) if (one.kind, one.subject) == (kind, subject)]
    assert [one.looser for one in found] == [looser], changed(pair)
    assert is_silent(changed(pair)) == any(one.looser for one in changed(pair))


def test_what_is_added_loosens_nothing(pair: tuple[Path, Path]) -> None:
    edit(pair[0], ('inference_s = "40 s"\n', ""), ("[cases.text-landscape]", "[cases.text-lake]"))
    edit(pair[1], ("[cases.text-landscape]", "[cases.text-lake]\nprompt = 'x'\nseed = 32\n[cases.text-landscape]"))
    assert {one.what for one in changed(pair) if one.kind == "case"} >= {"added"}
    assert all(not one.looser for one in changed(pair) if one.kind == "budget")


def test_a_case_that_another_model_no_longer_draws(tmp_path: Path) -> None:
    for name in ("base", "head"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "sdqa.toml").write_text(honest.SUITE, encoding="utf-8")
    model = '[models.tiny]\nsource = "embedded:tiny"\n'
    edit(tmp_path / "head", (model, model + '[models.big]\nsource = "embedded:tiny"\n'))
    edit(tmp_path / "head", ('prompt = "a dog"', 'prompt = "a dog"\nmodels = ["big"]'))
    found = [one for one in changed((tmp_path / "base", tmp_path / "head")) if one.looser]
    assert {(one.kind, one.what) for one in found} == {("lane", "no longer draws dog")}


def widen(folder: Path, factor: float) -> Tolerances:
    """Every limit of the file by a factor, by hand; the audit log is not asked."""
    path = folder / "goldens" / "tiny" / "tolerances.json"
    before = Tolerances.load(path)
    tables = {
        variant: {
            key: one.model_copy(
                update={name: getattr(one, name) * factor for name in ("limit", "case_limit", "severe")}
            )
            for key, one in table.items()
        }
        for variant, table in before.variants.items()
    }
    after = before.model_copy(update={"variants": tables})
    documents.write(path, after.model_dump(mode="json"))
    return after


def test_all_limits_a_billion_times_wider_by_hand(pair: tuple[Path, Path]) -> None:
    widen(pair[1], 1e9)
    found = changed(pair)
    assert is_silent(found)
    assert any(one.subject == "tiny/fp16/lpips" and one.looser for one in found)
    assert any(one.subject == "tiny/tolerances.json" for one in found)


def test_tolerances_that_were_saved_with_a_reason_are_shown_and_pass(pair: tuple[Path, Path]) -> None:
    path = pair[1] / "goldens" / "tiny" / "tolerances.json"
    wide = widen(pair[1], 1.01)
    shutil.copy(pair[0] / "goldens" / "tiny" / "tolerances.json", path)
    wide.save(path, "measured on more machines")
    found = changed(pair)
    assert any(one.looser for one in found)
    assert not is_silent(found)
    assert {one.recorded for one in found if one.looser} == {"measured on more machines"}


def test_a_tolerance_that_is_taken_for_any_network_is_looser(pair: tuple[Path, Path]) -> None:
    path = pair[1] / "goldens" / "tiny" / "tolerances.json"
    before = Tolerances.load(path)
    table = {key: one.model_copy(update={"fingerprints": ()}) for key, one in before.variants["fp16"].items()}
    after = before.model_copy(update={"variants": {**before.variants, "fp16": table}})
    documents.write(path, after.model_dump(mode="json"))
    assert any("figures of other networks" in one.what and one.looser for one in changed(pair))


def test_an_entry_that_the_base_has_already_excuses_nothing(pair: tuple[Path, Path]) -> None:
    old = Tolerances.load(pair[0] / "goldens" / "tiny" / "tolerances.json")
    widen(pair[0], 0.5)  # the base became stricter since; the head goes back to what was recorded once
    assert old.digest() in (pair[1] / "goldens" / "tiny" / AUDIT_FILE).read_text(encoding="utf-8")
    assert is_silent(changed(pair))


def test_a_golden_that_was_changed_needs_an_entry(pair: tuple[Path, Path]) -> None:
    edit(pair[1] / "goldens" / "tiny" / "text-portrait", ('"seed": 35', '"seed": 99'), name="manifest.json")
    [found] = [one for one in changed(pair) if one.looser]
    assert (found.kind, found.subject, found.recorded) == ("golden", "tiny/text-portrait", "")


@pytest.mark.parametrize(
    ("name", "kind"), [("text-portrait", "golden"), ("baselines/fp16@reference/text-portrait", "baseline")]
)
def test_a_picture_that_was_exchanged_under_its_record_is_named(pair: tuple[Path, Path], name: str, kind: str) -> None:
    for folder in pair:
        shutil.copytree(ROOT / "goldens" / "tiny" / name, folder / "goldens" / "tiny" / name, dirs_exist_ok=True)
    path = pair[1] / "goldens" / "tiny" / name / "manifest.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["files"]["image.png"]["sha256"] = "0" * 64
    path.write_text(json.dumps(record), encoding="utf-8")
    [found] = changed(pair)
    assert (found.kind, found.subject, found.looser, found.recorded) == (kind, f"tiny/{name}", True, "")
    assert found.what == "other files under the same record: image.png"
    assert is_silent([found])


@pytest.mark.parametrize(
    ("name", "kind"), [("text-portrait", "golden"), ("baselines/fp16@reference/text-portrait", "baseline")]
)
def test_a_picture_that_was_overwritten_is_named(pair: tuple[Path, Path], name: str, kind: str) -> None:
    """Its record says what it said."""
    for folder in pair:
        shutil.copytree(ROOT / "goldens" / "tiny" / name, folder / "goldens" / "tiny" / name, dirs_exist_ok=True)
    assert changed(pair) == ()
    other = ROOT / "goldens" / "tiny" / name.replace("text-portrait", "text-landscape") / "image.png"
    place, before = (folder / "goldens" / "tiny" / name / "image.png" for folder in reversed(pair))
    shutil.copy(other, place)
    [found] = changed(pair)
    assert (found.kind, found.subject, found.looser, found.recorded) == (kind, f"tiny/{name}", True, "")
    assert found.what == "not the files of its record: image.png"
    assert is_silent([found])
    before.unlink()
    assert changed(pair) == (found,), "of a revision the records alone are there"
    shutil.copy(other, before)
    assert changed(pair) == (), "the base has it alike"
    before.unlink()
    place.write_bytes(bytes(10**6))
    assert changed(pair) == (found,), "of another size"


def test_a_picture_that_is_kept_elsewhere_was_not_exchanged(pair: tuple[Path, Path]) -> None:
    place = pair[1] / "goldens" / "tiny" / "text-portrait"
    record = json.loads((place / "manifest.json").read_text(encoding="utf-8"))["files"]["image.png"]
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"
    (place / "image.png").write_text(pointer.format(record["sha256"], record["bytes"]), encoding="utf-8")
    assert changed(pair) == ()
    (place / "image.png").write_text(pointer.format("0" * 64, record["bytes"]), encoding="utf-8")
    assert is_silent(changed(pair))


def test_tolerances_that_are_said_to_be_of_another_teacher(pair: tuple[Path, Path]) -> None:
    path = pair[1] / "goldens" / "tiny" / "tolerances.json"
    before = Tolerances.load(path)
    after = before.model_copy(update={"teachers": {**before.teachers, "fp16": "0" * 64}})
    documents.write(path, after.model_dump(mode="json"))
    [found] = [one for one in changed(pair) if one.looser]
    assert (found.kind, found.subject, found.recorded) == ("tolerance", "tiny/fp16", "")
    assert found.what.startswith("measured with the teacher 000000000000 instead of ")
    documents.write(path, before.model_copy(update={"teacher": "0" * 64}).model_dump(mode="json"))
    named = {one.subject for one in changed(pair) if one.looser}
    assert named == {f"tiny/{table}" for table in before.variants if table not in before.teachers}
    shutil.copy(pair[0] / "goldens" / "tiny" / "tolerances.json", path)
    after.save(path, "another teacher")
    assert {one.recorded for one in changed(pair) if one.looser} == {"another teacher"}


def test_an_audit_log_that_lost_entries_is_never_excused(pair: tuple[Path, Path]) -> None:
    path = pair[1] / "goldens" / "tiny" / AUDIT_FILE
    path.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[1:]), encoding="utf-8")
    record_reason(plan_of(pair[1]), changed(pair), "please")
    assert [one.kind for one in changed(pair) if one.looser and not one.recorded] == ["audit"]


def test_a_recorded_reason_holds_for_exactly_what_was_loosened(pair: tuple[Path, Path]) -> None:
    edit(pair[1], ('inference_s = "40 s"', 'inference_s = "80 s"'))
    record_reason(plan_of(pair[1]), changed(pair), "slower phones count too")
    assert {one.recorded for one in changed(pair)} == {"slower phones count too"}
    edit(pair[1], ("# Text to image.", "# Text to image, without a source."))
    assert not is_silent(changed(pair)), "an edit that loosens nothing needs no new reason"
    edit(pair[1], ('end_to_end_s = "60 s"', 'end_to_end_s = "99 s"'))
    assert is_silent(changed(pair))


def test_ten_of_eleven_cases_deleted_and_their_goldens_left_behind(pair: tuple[Path, Path]) -> None:
    text = (pair[1] / "sdqa.toml").read_text(encoding="utf-8")
    head, _, rest = text.partition("[cases.")
    (pair[1] / "sdqa.toml").write_text(f"{head}[cases.{rest.rpartition('[cases.')[2]}", encoding="utf-8")
    found = changed(pair)
    assert sum(one.kind == "case" and one.looser for one in found) == 10
    assert sum(one.kind == "orphan" and "/baselines/" not in one.subject for one in found) == 10
    assert is_silent(found)


def test_a_revision_is_read_without_checking_it_out() -> None:
    path = ROOT / "sdqa.toml"
    with plan_at("HEAD", path) as plan:
        assert plan is not None
        assert len(list(plan.goldens.glob("tiny/*/manifest.json"))) == 11
        assert (plan.goldens / "tiny" / "tolerances.json").exists()
        assert not list(plan.goldens.rglob("*.png"))
        assert plan.suite_path != path


@pytest.mark.parametrize("name", ["no-such-branch", "--output=/tmp/x", "HEAD:sdqa.toml", ""])
def test_what_is_no_revision_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError, match="neither a folder nor a revision"), plan_at(name, ROOT / "sdqa.toml"):
        pass


def test_a_folder_called_like_the_base_takes_nothing_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that brings its own base along would be held against itself."""
    suite = tmp_path / "sdqa.toml"
    suite.write_text(honest.SUITE, encoding="utf-8")
    git = ("git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@example.org")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "one")):
        subprocess.run([*git, *words], check=True, capture_output=True)
    (tmp_path / "HEAD").mkdir()
    (tmp_path / "HEAD" / "sdqa.toml").write_text(honest.SUITE.replace('prompt = "a dog"', 'prompt = "x"'), "utf-8")
    monkeypatch.chdir(tmp_path)
    with plan_at("HEAD", suite) as plan:
        assert plan is not None
        assert "x" not in {case.prompt for case in plan.suite.cases.values()}
    with plan_at("./HEAD", suite) as plan:
        assert plan is not None
        assert "x" in {case.prompt for case in plan.suite.cases.values()}
    with pytest.raises(UsageError, match=r"\./before"), plan_at("honest", suite):
        pass
