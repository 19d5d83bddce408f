"""What a change can have touched: held against what must run, room by room and file by file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sdqa.bundle import Bundle
from sdqa.ci.affected import affected
from sdqa.cli import run as sdqa
from sdqa.plan import Plan, load_suite, make_plan
from sdqa.store.code import Package
from tests.ci import honest
from tests.ci.gated_place import Place, git

ROOT = Path(__file__).parents[2]
SUITE = (
    honest.SUITE
    + """
[models.other]
source = "folder:models/other"
[[lanes]]
model = "other"
variants = ["fp16"]
[cases.owl]
prompt = "an owl"
source = "file:pictures/owl.png"
models = ["other"]
strength = 0.5
"""
)
LANES = {"tiny/fp16", "tiny/small", "tiny/fp16@coreml-cpu_and_ne", "other/fp16"}
TINY, OTHER = LANES - {"other/fp16"}, {"other/fp16"}
NOTHING: set[str] = set()


class Repository:
    """A repository with two models, one of them in a folder of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("sdqa.toml", SUITE)
        for name in ("goldens/tiny/cat/manifest.json", "goldens/other/owl/manifest.json", "models/other/unet/w.bin"):
            self.write(name, name)
        self.write("pictures/owl.png", "an owl")
        git(root, "init", "-q")
        self.base = self.commit()

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def commit(self) -> str:
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "--allow-empty", "-m", "change")
        return git(self.root, "rev-parse", "HEAD")

    def plan(self) -> Plan:
        return make_plan(load_suite(self.root / "sdqa.toml"), self.root / "sdqa.toml")

    def touched(self, base: str = "", package: Package | None = None) -> set[str]:
        self.commit()
        return set(affected(self.plan(), base or self.base, package=package).reasons)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


FILES = {
    "README.md": NOTHING,
    "docs/any.txt": NOTHING,
    ".github/CODEOWNERS": NOTHING,
    ".gitignore": NOTHING,
    "goldens/tiny/tolerances.json": NOTHING,
    "goldens/tiny/audit.jsonl": NOTHING,
    "goldens/sensitivity.json": NOTHING,
    "goldens/tiny/cat/manifest.json": TINY,
    "goldens/tiny/cat/audit.jsonl": TINY,
    "goldens/tiny/baselines/fp16@reference/cat/manifest.json": TINY,
    "goldens/other/owl/image.png": OTHER,
    "goldens/nobody/x.json": LANES,
    "models/other/unet/w.bin": OTHER,
    "models/other/README.md": OTHER,
    "models/unused/w.bin": LANES,
    "pictures/owl.png": OTHER,
    "pictures/other.png": LANES,
    "sdqa.lock": LANES,
    "requirements.txt": LANES,
    ".github/workflows/quality.yml": LANES,
    "src/anything.py": LANES,
    "sdqa/report/html.py": LANES,  # of somebody else's repository nobody knows what it means
}


def test_each_file_touches_the_lanes_that_are_made_from_it(repository: Repository) -> None:
    base = repository.base
    for path, lanes in FILES.items():
        repository.write(path, "changed")
        assert repository.touched(base) == lanes, path
        base = git(repository.root, "rev-parse", "HEAD")


WORDS = [
    ("lpips = 0.1\n", "lpips = 0.2\n", NOTHING),
    ("model_memory_bytes = 1000", "model_memory_bytes = 2000", NOTHING),
    ('name = "small"\n', 'name = "small"\ndescription = "words"\n', NOTHING),
    ('"an owl"', '"a great owl"', OTHER),
    ("[variants.small]\n", '[variants.small]\ntarget = "iOS18"\n', {"tiny/small"}),
    ('"a cat"', '"a great cat"', LANES),  # of both models
    ('names = ["finite", "shape", "lpips", "psnr"]', 'names = ["finite", "shape", "psnr"]', LANES),
    ('variants = ["fp16", "small"]', 'variants = ["small", "fp16"]', NOTHING),
    ('compute_units = ["CPU_AND_NE"]', 'compute_units = ["ALL"]', {"tiny/fp16@coreml-all"}),
]


def test_the_suite_is_compared_word_by_word(repository: Repository) -> None:
    for before, after, lanes in WORDS:
        assert before in SUITE
        repository.write("sdqa.toml", SUITE.replace(before, after))
        assert repository.touched() == lanes, after


def test_a_file_that_moved_or_went_counts_in_both_places(repository: Repository) -> None:
    git(repository.root, "mv", "models/other/unet/w.bin", "models/w.md")
    assert repository.touched() == OTHER
    git(repository.root, "rm", "-q", "goldens/tiny/cat/manifest.json")
    assert repository.touched() == LANES


def test_a_base_that_nobody_knows_is_everything(repository: Repository) -> None:
    assert set(affected(repository.plan(), "ab" * 20).reasons) == LANES
    assert set(affected(repository.plan(), "--output=x").reasons) == LANES


@pytest.mark.parametrize("path", ["models/other/unet", "pictures"])
def test_what_git_ignores_is_never_carried(repository: Repository, path: str) -> None:
    git(repository.root, "rm", "-q", "-r", "--cached", path)
    repository.write(".gitignore", f"/{path}/\n")
    base = repository.commit()
    repository.write("README.md", "words")
    assert repository.touched(base) == OTHER
    reason = affected(repository.plan(), base).reasons["other/fp16"]
    assert reason.startswith(path.removesuffix("/unet"))
    assert "is not in the repository" in reason


def test_a_model_that_is_held_in_part_or_elsewhere_is_never_carried(repository: Repository, tmp_path: Path) -> None:
    repository.write(".gitignore", "*.safetensors\n")
    base = repository.commit()
    repository.write("models/other/unet/x.safetensors", "weights")
    assert repository.touched(base) == OTHER
    (repository.root / "models/other/unet/x.safetensors").unlink()
    assert repository.touched(base) == NOTHING
    (repository.root / "models/other/link.bin").symlink_to("/nowhere")
    assert repository.touched(repository.commit()) == OTHER
    repository.write("sdqa.toml", SUITE.replace("folder:models/other", "folder:/elsewhere/other"))
    assert repository.touched(repository.commit()) == OTHER


def test_a_plugin_is_an_input_of_every_lane_wherever_it_lies(repository: Repository) -> None:
    repository.write("docs/metricx.py", "NUMBER = 1\n")
    repository.write("sdqa.toml", SUITE + '[plugins]\nmodules = ["docs.metricx"]\n')
    base = repository.commit()
    repository.write("README.md", "words")
    assert repository.touched(base) == NOTHING
    for path in ("docs/metricx.py", "docs/table.txt", "docs/inner/helper.py"):
        base = repository.commit()
        repository.write(path, "NUMBER = 2\n")
        assert repository.touched(base) == LANES, path


def test_what_a_plugin_may_import_is_an_input_too(repository: Repository) -> None:
    repository.write("metricx_alone.py", "NUMBER = 1\n")
    repository.write("docs/any.md", "words")
    repository.write("sdqa.toml", SUITE + '[plugins]\nmodules = ["metricx_alone"]\n')
    base = repository.commit()
    for path, lanes in (("docs/any.md", NOTHING), ("docs/helper.py", LANES), ("metricx_alone.py", LANES)):
        repository.write(path, "NUMBER = 2\n")
        assert repository.touched(base) == lanes, path
        base = git(repository.root, "rev-parse", "HEAD")


MEASURES = {
    "address", "bundle", "compat", "convert", "diagnose", "embedded", "endings", "errors", "families", "faults",
    "foreign", "gate", "generate", "metrics", "mil", "models", "notices", "plan", "plugins", "progress", "runtime",
    "store", "words", "workflow",
}  # fmt: skip
"""Rooms with at least one module that decides what is measured."""
SHOWS = {
    "__main__", "ci", "cli", "deprecation", "plain", "pytest_items", "pytest_plugin", "pytest_session", "pytest_status",
    "report",
}  # fmt: skip
"""Rooms that plan, judge and show only: what they change is seen without measuring again."""
EXAMPLES = {
    "convert/build.py": True,
    "mil/ops/conv.py": True,
    "generate/pipeline.py": True,
    "metrics/lpips.py": True,
    "runtime/reference.py": True,
    "families/sd.py": True,
    "models/folder.py": True,
    "embedded/scenes.py": True,
    "faults/graph.py": True,
    "store/entries.py": True,
    "gate/goldens.py": True,
    "workflow/stages.py": True,
    "plan/suite.py": True,
    "bundle/records.py": True,
    "compat/hub.py": True,
    "ci/judge.py": False,  # what it judges by is asked again of what was measured
    "diagnose/harness.py": True,
    "errors.py": True,
    "report/html.py": False,
    "report/templates/page.html.j2": False,
    "cli/ci.py": False,
    "ci/gate.py": False,
    "ci/templates/gate.txt": False,
    "embedded/weights/provenance.json": True,  # data of a room that measures: nobody looks closer
    "diagnose/causes.py": False,
    "gate/approve.py": False,
    "workflow/diagnose.py": False,
    "workflow/campaign/run.py": False,
    "mil/bench.py": False,
    "pytest_plugin.py": False,
    "__main__.py": False,
    "nobody/knows.py": False,  # and nobody imports it
}
"""Files of each kind of room, and whether a change of one measures everything again."""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """This project's own source in a repository of its own."""
    root = tmp_path_factory.mktemp("own")
    shutil.copytree(ROOT / "sdqa", root / "sdqa", ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"))
    return Repository(root)


def test_every_room_is_known_to_measure_or_to_show(own: Repository) -> None:
    package = Package(own.root / "sdqa")
    rooms = {name.split(".")[1] for name in package.modules if "." in name}
    assert rooms >= MEASURES | SHOWS
    quiet = {room for room in rooms if all(not found for found in measured(own, package, room))}
    assert {room for room in rooms if room in SHOWS} <= quiet
    assert not quiet & MEASURES


def measured(own: Repository, package: Package, room: str) -> list[bool]:
    from sdqa.ci.affected import _shows_only

    places = [path for name, path in package.modules.items() if name.split(".")[1:2] == [room]]
    return [not _shows_only(path, package) for path in places]


def test_a_change_in_each_room_runs_what_it_must(own: Repository) -> None:
    base, package = own.base, Package(own.root / "sdqa")
    for name, everything in EXAMPLES.items():
        path = own.root / "sdqa" / name
        assert path.exists() or name == "nobody/knows.py", name
        own.write(f"sdqa/{name}", (path.read_text(encoding="utf-8") if path.exists() else "") + "\n# changed\n")
        found = own.touched(base, package)
        assert found == (LANES if everything else NOTHING), name
        base = git(own.root, "rev-parse", "HEAD")
    for name in ("tests/test_any.py", "training/loop.py", "docs/any.md"):
        own.write(name, "changed")
    assert own.touched(base, package) == NOTHING


# Carrying.


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return measured_before(tmp_path, monkeypatch)


def measured_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """All lanes measured at the first commit, and the gate's report on it."""
    found = Place(tmp_path, monkeypatch)
    found.send_all()
    assert sdqa(["ci", "gate", str(tmp_path / "bundles"), "--output", str(tmp_path / "earlier")]) == 0
    return found


def changed(place: Place, name: str, text: str | Callable[[str], str]) -> None:
    path = place.suite.parent / name
    path.write_text(text if isinstance(text, str) else text(path.read_text(encoding="utf-8")), encoding="utf-8")
    place.commit_all("change")


def gate(place: Place, *bundles: str, results: str = '{"plan": {"result": "success"}}') -> int:
    report = str(place.root / "report")
    carried = str(place.root / "earlier")
    folder = place.root / "now"
    folder.mkdir(exist_ok=True)
    return sdqa(["ci", "gate", str(folder), *bundles, "--results", results, "--carried", carried, "--output", report])


def test_nothing_affected_is_a_pass_that_says_why(place: Place) -> None:
    changed(place, "README.md", "words")
    results = '{"plan": {"result": "success"}, "lanes": {"result": "skipped"}}'
    assert gate(place, results=results) == 0
    run = Bundle(place.root / "report").read()
    assert {lane.carried for lane in run.lanes} == {place.commit}
    text = (place.root / "report" / "summary.md").read_text(encoding="utf-8")
    assert f"carried from {place.commit[:12]}: nothing that it is made from changed" in text


def test_results_of_skipped_jobs_alone_are_results(place: Place) -> None:
    changed(place, "README.md", "words")
    assert gate(place, results='{"lanes": {"result": "skipped"}}') == 0
    assert gate(place, results="{}") == 4
    assert gate(place, results='{"lanes": {"result": "cancelled"}}') == 4


def test_what_is_carried_is_judged_again(place: Place) -> None:
    changed(place, "sdqa.toml", lambda text: text.replace("lpips = 0.1\n", "lpips = 0.001\n"))
    assert gate(place) == 1


def test_an_affected_lane_needs_evidence_of_its_own(place: Place) -> None:
    changed(place, "sdqa.toml", lambda text: text.replace("[variants.small]\n", '[variants.small]\ntarget = "iOS18"\n'))
    assert gate(place) == 4
    run = Bundle(place.root / "report").read()
    assert {lane.id: bool(lane.carried) for lane in run.lanes} == {
        "tiny/fp16": True,
        "tiny/small": False,
        "tiny/fp16@coreml-cpu_and_ne": True,
    }


def test_a_whole_lane_of_a_report_that_was_not_whole_is_carried(place: Place) -> None:
    linux, earlier = str(place.root / "bundles" / "linux"), str(place.root / "earlier")
    assert sdqa(["ci", "gate", linux, "--output", earlier]) == 4
    changed(place, "README.md", "words")
    engine = str(place.send("mac", honest.mac()))
    assert gate(place, engine, results='{"lanes": {"result": "success"}}') == 0


def test_the_plan_runs_what_is_affected(place: Place) -> None:
    changed(place, "sdqa.toml", lambda text: text.replace("[variants.small]\n", '[variants.small]\ntarget = "iOS18"\n'))
    output = place.root / "plan.json"
    for option in (["--carried", str(place.root / "earlier")], ["--changed-since", place.commit]):
        assert sdqa(["ci", "plan", *option, "--output", str(output)]) == 0
        data = json.loads(output.read_text(encoding="utf-8"))
        assert [job["unit"] for job in data["jobs"]] == ["tiny/small"]
        assert data["carried"] == ["tiny/fp16", "tiny/fp16@coreml-cpu_and_ne"]


@pytest.mark.parametrize("event", ["push", "schedule", "merge_group"])
def test_what_runs_by_the_clock_or_on_the_branch_carries_nothing(
    place: Place, event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(place, "README.md", "words")
    monkeypatch.setenv("GITHUB_EVENT_NAME", event)
    assert gate(place) == 4
    output = place.root / "plan.json"
    assert sdqa(["ci", "plan", "--carried", str(place.root / "earlier"), "--output", str(output)]) == 0
    assert len(json.loads(output.read_text(encoding="utf-8"))["jobs"]) == 2


@pytest.mark.parametrize(
    "update",
    [
        {"fault": "nan"},
        {"sdqa_version": "9"},
        {"provenance": None},
    ],
    ids=lambda update: next(iter(update)),
)
def test_evidence_that_is_none_carries_nothing(place: Place, update: dict[str, object]) -> None:
    bundle = Bundle(place.root / "earlier")
    bundle.write(bundle.read().model_copy(update=update))
    changed(place, "README.md", "words")
    assert gate(place) == 4


def test_evidence_of_a_commit_outside_of_the_history_carries_nothing(place: Place) -> None:
    git(place.suite.parent, "checkout", "-q", "--orphan", "elsewhere")
    changed(place, "README.md", "words")
    assert gate(place) == 4


def test_what_was_carried_itself_is_not_carried_again(place: Place) -> None:
    bundle = Bundle(place.root / "earlier")
    run = bundle.read()
    lanes = tuple(lane.model_copy(update={"carried": "ab" * 20}) for lane in run.lanes)
    bundle.write(run.model_copy(update={"lanes": lanes}))
    changed(place, "README.md", "words")
    assert gate(place) == 4
