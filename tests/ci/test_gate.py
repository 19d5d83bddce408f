"""`sdqa ci gate` over folders on disk: one step that writes report, summary, annotations, outputs and exit code."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from sdqa.bundle import Bundle, Run
from sdqa.bundle.provenance import work_tree
from sdqa.ci.judge import judge_digest
from sdqa.cli import run as sdqa
from sdqa.history import add_records, read_history, record_of
from sdqa.history.places import HistoryFolder
from sdqa.plan import load_suite, make_plan
from tests.ci import honest
from tests.report.pictures import draw, png

COMMITTED = honest.COMMITTED.isoformat()


def git(folder: Path, *arguments: str) -> str:
    names = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org"}
    names |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_COMMITTER_DATE": COMMITTED}
    command = ["git", "-C", str(folder), "-c", "commit.gpgsign=false", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **names})
    return done.stdout.strip()


class Place:
    """A repository with a suite, and what its machines send."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.suite = root / "repository" / "sdqa.toml"
        self.suite.parent.mkdir()
        self.suite.write_text(honest.SUITE, encoding="utf-8")
        honest.record_goldens(self.suite.parent / "goldens")
        git(self.suite.parent, "init", "-q")
        self.commit = self.commit_all("first")
        self.output, self.summary = root / "output", root / "summary"
        for name in list(os.environ):
            if name.startswith("GITHUB_"):
                monkeypatch.delenv(name)
        monkeypatch.setenv("GITHUB_OUTPUT", str(self.output))
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(self.summary))
        monkeypatch.delenv("SDQA_RESULTS", raising=False)
        monkeypatch.chdir(self.suite.parent)

    def commit_all(self, message: str) -> str:
        git(self.suite.parent, "add", "-A")
        git(self.suite.parent, "commit", "-q", "--allow-empty", "-m", message)
        return git(self.suite.parent, "rev-parse", "HEAD")

    def send(self, name: str, run: Run) -> Path:
        """A bundle of this commit, by this checkout's judge."""
        plan = make_plan(load_suite(self.suite), self.suite)
        commit, _ = work_tree(self.suite.parent)
        said = {"commit": commit, "judge_digest": judge_digest(plan)}
        folder = self.root / "bundles" / name
        own = run.model_copy(update={"suite_digest": plan.suite_digest})
        return honest.keep(folder, honest.with_origin(own, **said))

    def send_all(self) -> None:
        self.send("linux", honest.linux())
        self.send("mac", honest.mac())

    def gate(self, *options: str, results: str | None = '{"lanes": {"result": "success"}}') -> int:
        told = () if results is None else ("--results", results)
        report = str(self.root / "report")
        return sdqa(["ci", "gate", str(self.root / "bundles"), *told, "--output", report, *options])

    def outputs(self) -> dict[str, str]:
        lines = self.output.read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines[-2:])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, monkeypatch)


def said(place: Place, words: str) -> None:
    """What the judge was held against stands in every place."""
    assert f"judge={words}" in place.output.read_text(encoding="utf-8").splitlines()
    report = place.root / "report"
    for text in (place.summary, report / "summary.md", report / "index.html"):
        assert words in text.read_text(encoding="utf-8")


def agreed(place: Place, code: int, verdict: str, word: str) -> None:
    """Words, outputs and exit code cannot differ."""
    assert place.outputs() == {"verdict": verdict, "exit-code": str(code)}
    assert Bundle(place.root / "report").read().exit_code == code
    titles = [line for line in place.summary.read_text(encoding="utf-8").splitlines() if line.startswith("## ")]
    assert titles[-1].endswith(f": {word}"), titles
    assert word in (place.root / "report" / "index.html").read_text(encoding="utf-8")


def test_whole_evidence_is_green_in_every_place(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.send_all()
    assert place.gate("--expect-commit", place.commit) == 0
    agreed(place, 0, "pass", "Pass")
    assert "::error" not in capsys.readouterr().out


def test_a_bundle_that_is_older_than_its_commit(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    told = dict.fromkeys(("started", "ended"), "2020-01-01T00:00:00+00:00")
    place.send("linux", honest.with_origin(honest.linux(created="2020-01-01T00:00:00+00:00"), **told))
    place.send("mac", honest.mac())
    assert place.gate("--expect-commit", place.commit) == 4
    assert "it began before its commit was made" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("service", ["true", ""])
def test_githubs_own_lines_are_written_there_alone(
    place: Place, service: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Elsewhere the table and the failures above them say the same."""
    monkeypatch.setenv("GITHUB_ACTIONS", service)
    assert place.gate("--expect-commit", place.commit) == 4
    said = capsys.readouterr().out
    assert ("::error title=SDQA-720" in said) is bool(service)
    assert "no bundle of this commit ran this lane" in said


OWNED = "detected dubious ownership in repository"
"""What git says of a folder of another user."""


@pytest.mark.parametrize("how", ["no git", "broken", "no repository", "another owner"])
def test_a_checkout_that_nobody_can_verify(
    place: Place, how: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place.send_all()
    if how == "no git":
        monkeypatch.setenv("PATH", str(place.root / "nothing"))
    elif how == "broken":
        monkeypatch.setenv("GIT_DIR", str(place.root / "nothing"))
    elif how == "another owner":
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    else:
        (place.suite.parent / ".git").rename(place.root / "elsewhere")
    assert place.gate("--expect-commit", place.commit) == 4
    said = " ".join(capsys.readouterr().out.split())  # lines of the terminal's width
    assert f"nobody can tell that it is of commit {place.commit[:12]}: " in said
    words = {"no git": "git cannot be asked", "another owner": OWNED}.get(how, "not a git repository")
    assert words in said
    assert "git config --global --add safe.directory" in said
    assert place.gate() == 4, "whoever does not say which commit is to be proved is told the same"
    said = " ".join(capsys.readouterr().out.split())
    assert "nobody can tell that it is of commit nobody knows which: " in said
    assert words in said


def test_a_folder_of_another_user_is_named_wherever_git_is_asked(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place.send_all()
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert sdqa(["judge-diff", "HEAD"]) == 2
    said = capsys.readouterr().err
    assert f"git does not say what 'HEAD' is: fatal: {OWNED}" in said
    assert "git config --global --add safe.directory" in said
    assert sdqa(["ci", "plan", "--output", str(place.root / "plan.json")]) == 0
    assert f"no gate will take it: fatal: {OWNED}" in capsys.readouterr().err
    assert sdqa(["ci", "plan", "--changed-since", "HEAD", "--output", str(place.root / "plan.json")]) == 0
    found = capsys.readouterr().out
    assert (
        f"3 of 3 lanes are affected since HEAD (0 changed files): the base cannot be compared: git says: fatal: {OWNED}"
        in found
    )
    told = ("--expect-commit", place.commit, "--base", place.commit)
    assert place.gate(*told) == 4
    said = " ".join(capsys.readouterr().out.split())
    assert f"git does not say what '{place.commit}' is: fatal: {OWNED}" in said
    monkeypatch.setenv("GITHUB_EVENT_NAME", "push")
    assert place.gate(*told) == 4
    said_in = place.output.read_text(encoding="utf-8")
    assert f"judge=judge not compared: git does not say what was there before this push: fatal: {OWNED}" in said_in


def test_the_linux_artifact_is_lost(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.send("mac", honest.mac())
    assert place.gate() == 4
    agreed(place, 4, "incomplete", "Incomplete")
    assert "tiny/fp16" in capsys.readouterr().out


def test_a_cancelled_job_is_red_in_the_summary_and_the_outputs_too(place: Place) -> None:
    place.send_all()
    assert place.gate(results='{"lanes": {"result": "cancelled", "outputs": {}}}') == 4
    agreed(place, 4, "incomplete", "Incomplete")
    assert "ended as cancelled" in place.summary.read_text(encoding="utf-8")


def test_a_failed_check_is_1_in_every_place(place: Place) -> None:
    place.send("linux", honest.linux())
    run = honest.mac()
    worse = tuple(m.model_copy(update={"value": 9.0}) if m.metric == "lpips" else m for m in run.lanes[0].measurements)
    place.send("mac", honest.with_lane(run, run.lanes[0].id, measurements=worse))
    assert place.gate() == 1
    agreed(place, 1, "fail", "Fail")


def test_no_bundle_at_all(place: Place) -> None:
    (place.root / "bundles").mkdir()
    assert place.gate() == 4
    agreed(place, 4, "incomplete", "Incomplete")


def test_bundles_of_the_commit_before(place: Place) -> None:
    place.send_all()
    place.commit_all("second")
    assert place.gate() == 4
    assert "another commit" in place.summary.read_text(encoding="utf-8")


def test_another_commit_is_expected_than_the_one_that_is_checked_out(place: Place) -> None:
    place.send_all()
    assert place.gate("--expect-commit", "0" * 40) == 4


def test_a_commit_may_be_written_in_capitals(place: Place) -> None:
    place.send_all()
    assert place.gate("--expect-commit", f" {place.commit.upper()}\n") == 0


@pytest.mark.parametrize("name", ["HEAD", "main", "0" * 39, "0" * 41, "g" * 40])
def test_a_part_of_a_commits_name_is_refused_in_words(
    place: Place, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place.send_all()
    for verb in (["gate", str(place.root / "bundles"), "--expect-commit"], ["plan", "--commit"]):
        assert sdqa(["ci", *verb, name]) == 2
        said = capsys.readouterr().err
        assert f"{verb[-1]} {name!r} is not the whole name of a commit" in said
        assert "git rev-parse HEAD" in said


@pytest.mark.parametrize("outcome", ["failure", "cancelled", "skipped", ""])
def test_the_bundles_could_not_be_fetched(place: Place, outcome: str) -> None:
    place.send_all()
    assert place.gate("--download", outcome) == 4
    assert "fetching the bundles ended as" in place.summary.read_text(encoding="utf-8")


def test_no_jobs_results(place: Place) -> None:
    place.send_all()
    assert place.gate(results="") == 4
    assert place.gate(results="{}") == 4
    assert place.gate(results=None) == 0  # a plain shell


def test_results_that_are_not_json_end_red_with_outputs(place: Place) -> None:
    place.send_all()
    assert place.gate(results="[1]") == 2
    assert place.outputs() == {"verdict": "error", "exit-code": "2"}
    assert "the gate could not run" in place.summary.read_text(encoding="utf-8")


def test_a_plan_of_record_of_this_checkout_is_accepted_and_any_other_is_not(place: Place) -> None:
    place.send_all()
    path = place.root / "plan.json"
    assert sdqa(["ci", "plan", "--output", str(path)]) == 0
    assert place.gate("--plan", str(path)) == 0
    data = json.loads(path.read_text(encoding="utf-8"))
    for key, value in (("judge_digest", "0" * 64), ("commit", "0" * 40), ("units", data["units"][:2])):
        path.write_text(json.dumps({**data, key: value}), encoding="utf-8")
        assert place.gate("--plan", str(path)) == 4, key
    path.write_text("{", encoding="utf-8")
    assert place.gate("--plan", str(path)) == 4


def test_merge_with_a_plan_is_the_gate(place: Place) -> None:
    place.send_all()
    path = place.root / "plan.json"
    assert sdqa(["plan", "--record", str(path)]) == 0
    folders = [str(place.root / "bundles" / name) for name in ("linux", "mac")]
    report = ["--output", str(place.root / "merged")]
    assert sdqa(["merge", *folders, "--plan", str(path), "--expect-commit", place.commit, *report]) == 0
    assert sdqa(["merge", folders[0], "--plan", str(path), *report]) == 4
    assert sdqa(["merge", folders[0], "--expect-commit", place.commit, *report]) == 2


def test_what_is_merged_without_a_plan_is_no_gate(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.send_all()
    folders = [str(place.root / "bundles" / name) for name in ("linux", "mac")]
    merged = place.root / "merged"
    assert sdqa(["merge", *folders, "--output", str(merged)]) == 0
    said = capsys.readouterr().out
    assert "Joined, not judged: 75 checks in 3 lanes passed where they ran." in said
    assert "✓ Pass" not in said
    summary = (merged / "summary.md").read_text(encoding="utf-8")
    assert summary.startswith("## ➖ sdqa small: Joined, not judged")
    assert json.loads((merged / "summary.json").read_text(encoding="utf-8"))["title"] == "Joined, not judged"
    assert "Joined, not judged" in (merged / "index.html").read_text(encoding="utf-8")
    assert "sdqa.joined" in (merged / "junit.xml").read_text(encoding="utf-8")
    again = Bundle(place.root / "again")
    assert sdqa(["merge", str(merged), "--output", str(again.folder)]) == 0
    assert again.read().joined
    (place.root / "bundles" / "linux" / "run.json").write_bytes((merged / "run.json").read_bytes())
    assert place.gate() == 0, "the measurements are as good as before"
    assert not Bundle(place.root / "report").read().joined


def test_two_lanes_of_three_merged_without_a_plan_are_incomplete(place: Place) -> None:
    one, two, _ = honest.units()
    folders = [place.send(str(i), honest.run_of(honest.lane_of(unit))) for i, unit in enumerate((one, two))]
    assert sdqa(["merge", *map(str, folders), "--output", str(place.root / "merged")]) == 4


@pytest.mark.parametrize(
    "damage", ["json", "half", "picture", "size", "digest", "symlink", "fifo", "blob-fifo", "large"]
)
def test_a_bad_bundle_is_named_while_the_rest_is_reported(
    place: Place, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.send_all()
    bundle = Bundle(place.send("bad", honest.mac()))
    data = png(draw("portrait", 1).resize((8, 8))) if damage != "picture" else b"\x89PNG\r\n\x1a\nnothing"
    blob = bundle.add_blob(data, "image/png")
    if damage == "size":
        blob = blob.model_copy(update={"bytes": 3})
    run = bundle.read()
    samples = tuple(one.model_copy(update={"images": {"golden": blob}}) for one in run.lanes[0].samples)
    bundle.write(honest.with_lane(run, run.lanes[0].id, samples=samples))
    path, target = bundle.folder / blob.path, bundle.folder / "run.json"
    if damage == "json":
        target.write_text("{", encoding="utf-8")
    elif damage == "half":
        target.write_text(
            target.read_text(encoding="utf-8").replace('"suite": "', '"suite": "\\ud800'), encoding="utf-8"
        )
    elif damage == "digest":
        path.write_bytes(bytes(blob.bytes))
    elif damage == "symlink":
        path.unlink()
        path.symlink_to(place.suite)
    elif damage == "fifo":
        target.unlink()
        os.mkfifo(target)
    elif damage == "blob-fifo":
        path.unlink()
        os.mkfifo(path)
    elif damage == "large":
        monkeypatch.setattr("sdqa.bundle.folder.MAX_RUN_BYTES", 10**6)
        bundle.write(run.model_copy(update={"suite": "x" * 10**6}))
    assert place.gate() == 4
    merged = Bundle(place.root / "report").read()
    assert [failure.where for failure in merged.failures] == ["bad"]
    assert "in quarantine" in merged.failures[0].message
    assert merged.counts()["pass"] == merged.planned_checks


def test_pictures_of_accepted_bundles_come_along(place: Place) -> None:
    place.send_all()
    bundle = Bundle(place.root / "bundles" / "mac")
    blob = bundle.add_blob(png(draw("portrait", 1).resize((8, 8))), "image/png")
    run = bundle.read()
    samples = tuple(
        one.model_copy(update={"images": {**one.images, "difference": blob}}) for one in run.lanes[0].samples
    )
    bundle.write(honest.with_lane(run, run.lanes[0].id, samples=samples))
    assert place.gate() == 0
    assert Bundle(place.root / "report").read_blob(blob)


def test_a_damaged_history_does_not_gate(place: Place) -> None:
    place.send_all()
    damaged = place.root / "history" / "runs" / "2026" / "01" / "20260101T000000Z-0123456789abcdef.json.gz"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"no record")
    earlier = record_of(honest.linux().model_copy(update={"created": "2026-01-01T00:00:00Z"}), environment={})
    add_records(HistoryFolder(place.root / "history"), [earlier])
    assert place.gate("--history", str(place.root / "history")) == 0
    assert "1 file of the history could not be read" in (place.root / "report" / "index.html").read_text()
    assert place.gate("--history", "git:no such branch") == 0
    assert len(read_history(str(place.root / "history")).records) == 1  # a gate only reads it


def test_limits_that_are_a_billion_times_wider_are_the_first_thing_said(place: Place) -> None:
    wide = honest.SUITE.replace("lpips = 0.1\n", "lpips = 1e8\n").replace("psnr = 30.0", "psnr = 3e-8")
    place.suite.write_text(wide, encoding="utf-8")
    place.commit_all("wide")
    place.send_all()
    assert place.gate() == 0, "without a base nobody can know"
    said(place, "judge not compared: no base was given: --base")
    assert place.gate("--base", "HEAD^1") == 1
    agreed(place, 1, "judge changed", "Judge changed")
    lines = Bundle(place.root / "report").folder.joinpath("summary.md").read_text(encoding="utf-8").splitlines()
    assert lines[2].startswith("This change loosens the judge")
    assert lines[4] == "### The judge changed"
    assert sdqa(["judge-diff", "HEAD^1", "--record", "--reason", "a new metric network"]) == 0
    place.commit_all("said why")
    place.send_all()
    assert place.gate("--base", "HEAD^2") == 4, "no such revision"
    assert place.gate("--base", "HEAD~2") == 0
    assert "a new metric network" in place.summary.read_text(encoding="utf-8")


def test_lanes_and_cases_deleted_are_named(place: Place) -> None:
    fewer = honest.SUITE.replace('variants = ["fp16", "small"]', 'variants = ["fp16"]').replace(
        '[cases.dog]\nprompt = "a dog"\n', ""
    )
    place.suite.write_text(fewer, encoding="utf-8")
    place.commit_all("fewer")
    assert sdqa(["judge-diff", "HEAD^1", "--json"]) == 1
    assert place.gate("--base", "HEAD^1") == 1
    text = place.summary.read_text(encoding="utf-8")
    assert "tiny/small | removed" in text
    assert "dog | removed" in text


def test_a_checkout_of_another_commit_judges_nothing(place: Place) -> None:
    place.send_all()
    claimed = place.commit
    place.commit_all("second")
    assert place.gate("--expect-commit", claimed) == 4
    [found] = [one.message for one in Bundle(place.root / "report").read().failures if one.where == "checkout"]
    assert claimed[:12] in found


def test_a_checkout_with_changed_files_judges_nothing(place: Place) -> None:
    place.send_all()
    place.suite.write_text(f"{honest.SUITE}\n# only a remark\n", encoding="utf-8")
    assert place.gate("--expect-commit", place.commit) == 4
    assert "its files were changed since the commit" in {
        one.message for one in Bundle(place.root / "report").read().failures
    }


def test_a_base_that_there_is_not_is_said_in_words(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place.send_all()
    monkeypatch.setenv("GITHUB_EVENT_NAME", "push")
    assert place.gate("--base", "0" * 40) == 0
    said(place, "judge not compared: the branch is new, nothing was there before")
    assert place.gate("--base", "ab" * 20) == 0, "the commit before a push may be gone"
    assert "judge not compared: what was there before this push, abababababab" in capsys.readouterr().out
    monkeypatch.setenv("GITHUB_EVENT_NAME", "merge_group")
    assert place.gate("--base", "ab" * 20) == 4, "a merge group is held against its base"
    assert place.gate("--base", place.commit) == 0
    said(place, f"judge compared with {place.commit[:12]}")


def test_another_suite_in_the_place_of_the_bases_is_a_verdict_of_its_own(place: Place) -> None:
    place.suite.unlink()
    place.suite = place.suite.with_name("other.toml")
    other = honest.SUITE.replace('name = "small"', 'name = "another"').replace('"embedded:tiny"', '"random:miniature"')
    place.suite.write_text(other.replace('goldens = "goldens"', 'goldens = "elsewhere"'), encoding="utf-8")
    place.commit_all("another")
    suite = ("--suite", str(place.suite))
    assert place.gate(*suite, "--base", "HEAD^1") == 1
    assert place.outputs()["verdict"] == "judge not comparable"
    lines = (place.root / "report" / "summary.md").read_text(encoding="utf-8").splitlines()
    assert lines[0].endswith("Judge not comparable")
    assert lines[2].startswith("The judge cannot be compared: the base has sdqa.toml")
    assert sdqa(["judge-diff", "HEAD^1", *suite, "--record", "--reason", "a new model"]) == 0
    place.commit_all("said why")
    assert place.gate(*suite, "--base", "HEAD~2") == 4, "only the evidence is missing now"
    assert "nobody recorded why" not in place.summary.read_text(encoding="utf-8").rpartition("## ")[2]


def test_goldens_that_nothing_asks_for_stand_in_every_form(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("tiny/gone", "left/cat"):
        folder = place.suite.parent / "goldens" / name
        folder.mkdir(parents=True)
        (folder / "latents.safetensors").touch()
    place.commit_all("left behind")
    place.send_all()
    place.gate()
    words = "2 goldens that no case asks for: left/cat, tiny/gone"
    report = place.root / "report"
    assert [one.subject for one in Bundle(report).read().orphans] == ["left/cat", "tiny/gone"]
    for text in ((report / "index.html").read_text("utf-8"), (report / "summary.md").read_text("utf-8")):
        assert words in text
    assert words in capsys.readouterr().out


@pytest.mark.parametrize("broken", ["suite", "results", "crash"])
def test_a_gate_that_ends_half_way_leaves_no_verdict_of_yesterday(
    place: Place, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    place.send_all()
    assert place.gate() == 0
    if broken == "suite":
        place.suite.write_text("name = 3", encoding="utf-8")
    elif broken == "crash":

        def crash(*_: object, **__: object) -> None:
            raise RuntimeError("half way")

        monkeypatch.setattr("sdqa.ci.gate.decide", crash)
    assert place.gate(results="[" if broken == "results" else '{"lanes": {"result": "success"}}') in (2, 3)
    assert not [path for path in (place.root / "report").iterdir() if path.name != "blobs"]


def test_a_destination_that_is_a_bundle_is_refused_and_left(place: Place) -> None:
    place.send_all()
    bundle = place.root / "bundles" / "linux"
    assert sdqa(["ci", "gate", str(place.root / "bundles"), "--results", "{}", "--output", str(bundle)]) == 2
    assert Bundle(bundle).read()
