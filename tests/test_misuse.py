"""Misuse and broken surroundings: no traceback, the right exit code, and one message that names what to do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sdqa import cli
from sdqa.bundle import Bundle
from sdqa.errors import EXIT_GATE_FAILED, EXIT_INCOMPLETE, EXIT_INFRASTRUCTURE, EXIT_PASS, EXIT_USAGE
from sdqa.history import read_history
from tests.small_suite import ROOT, SUITE, sdqa, write_suite

Prepare = Callable[[Path], None]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_suite(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said_by(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and everything that was said."""
    code = cli.run(arguments)
    captured = capsys.readouterr()
    return code, captured.out + captured.err


TYPOS = [
    # what stands there, what somebody wrote, a part of the one message
    ("schema_version = 1", "schema_version = 2", "2 is not one of 1"),
    ('name = "control"', 'nmae = "control"', "did you mean 'name'?"),
    ('goldens = "teacher"', 'golden = "teacher"', "did you mean 'goldens'?"),
    ("[models.tiny]", "[model.tiny]", "did you mean 'models'?"),
    ('source = "embedded:tiny"', 'source = "embeded:tiny"', "'embeded:tiny' is not a source"),
    ('source = "embedded:tiny"', 'sorce = "embedded:tiny"', "did you mean 'source'?"),
    ('precision = "float16"', 'precision = "fp16"', "did you mean 'float16'?"),
    ('precision = "float16"', 'precison = "float16"', "did you mean 'precision'?"),
    ('precision = "float16"', 'precision = "float16"\ntarget = "ios17"', "did you mean 'iOS17'?"),
    ('precision = "float16"', 'precision = "float16"\ncompression = "paletize-6bit"', "did you mean 'palettize-6bit'?"),
    ('runtime = "torch"', 'runtime = "torhc"', "did you mean 'torch'?"),
    ('variants = ["fp16", "fp32"]', 'variants = ["fp16", "fp23"]', "did you mean 'fp32'?"),
    ('compute_units = ["CPU_ONLY"]', 'compute_unit = ["CPU_ONLY"]', "did you mean 'compute_units'?"),
    ('names = ["finite"', 'names = ["finit"', "did you mean 'finite'?"),
    ("[metrics]", '[metrics]\nlpips = "alex"', "'stlpips:alex'"),
    ("psnr = 70.0", "pnsr = 70.0", "'pnsr' cannot be limited by hand"),
    ('scheduler = "ddim"', 'scheduler = "dimm"', "did you mean 'ddim'?"),
    ("steps = 2", "step = 2", "did you mean 'steps'?"),
    ("steps = 2", "steps = -1", "(allowed: at least 1 and at most 1000)"),
    ("strength = 0.5", "strength = 2", "(allowed: at least 0 and at most 1)"),
    ("strength = 0.5", 'strength = "half"', "should be a valid number"),
    ("[limits]", '[budgets]\nmodel_memory_bytes = "2 gigs"\n[limits]', "is not a quantity such as '2 GB'"),
    ("seed = 1", "sede = 1", "did you mean 'seed'?"),
    ('prompt = "a man with red hair"', "prompt = 3", "should be a valid string"),
]


@pytest.mark.parametrize(("right", "wrong", "words"), TYPOS)
def test_a_typo_is_answered_by_one_message_with_its_line(
    project: Path, capsys: pytest.CaptureFixture[str], right: str, wrong: str, words: str
) -> None:
    suite = project / "sdqa.toml"
    text = suite.read_text(encoding="utf-8")
    assert right in text
    text = text.replace(right, wrong, 1)
    suite.write_text(text, encoding="utf-8")
    code, said = said_by(capsys, "plan")
    assert code == EXIT_USAGE, said
    assert "Traceback" not in said
    assert words in said
    changed = [line for line in wrong.splitlines() if line not in right][-1]
    number = text.splitlines().index(next(line for line in text.splitlines() if line.startswith(changed))) + 1
    assert f"sdqa.toml:{number}: $" in said, "every message names its line"
    assert f"| {text.splitlines()[number - 1]}" in said, "and shows it"
    assert said.count("did you mean") <= 1


def test_problems_of_the_defaults_are_said_once_and_all_at_once(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (project / "sdqa.toml").read_text(encoding="utf-8")
    text = (
        text.replace("steps = 2", "steps = 0")
        .replace("strength = 0.5", "strength = 1.5")
        .replace("seed = 1", "sede = 1")
    )
    (project / "sdqa.toml").write_text(text, encoding="utf-8")
    code, said = said_by(capsys, "plan")
    assert code == EXIT_USAGE
    assert "3 problems in the configuration" in said
    assert (said.count("$.defaults.steps"), said.count("$.defaults.strength"), said.count("$.cases.")) == (1, 1, 1)


def write(path: str, data: bytes) -> Prepare:
    def prepare(folder: Path) -> None:
        (folder / path).write_bytes(data)

    return prepare


def large(folder: Path) -> None:
    with (folder / "sdqa.toml").open("wb") as stream:
        stream.truncate(100 * 2**20)


def linked(folder: Path) -> None:
    (folder / "real").mkdir()
    shutil.move(folder / "sdqa.toml", folder / "real" / "suite.toml")
    (folder / "sdqa.toml").symlink_to(folder / "real" / "suite.toml")


def circle(folder: Path) -> None:
    (folder / "sdqa.toml").unlink()
    (folder / "sdqa.toml").symlink_to(folder / "sdqa.toml")


def bundle_of(data: object) -> Prepare:
    def prepare(folder: Path) -> None:
        (folder / "bundle").mkdir()
        (folder / "bundle" / "run.json").write_text(json.dumps(data), encoding="utf-8")

    return prepare


def nothing(_: Path) -> None:
    pass


MISUSES: dict[str, tuple[Prepare, tuple[str, ...], int, str]] = {
    "no suite here": (lambda folder: (folder / "sdqa.toml").unlink(), ("plan",), EXIT_USAGE, "sdqa init"),
    "a suite that is not there": (nothing, ("plan", "--suite", "other.toml"), EXIT_USAGE, "no suite at other.toml"),
    "no shipped suite": (nothing, ("plan", "--suite", "embeded"), EXIT_USAGE, "shipped suites: "),
    "a folder as suite": (nothing, ("plan", "--suite", "."), EXIT_USAGE, "is a folder"),
    "a binary suite": (write("sdqa.toml", bytes(range(256))), ("plan",), EXIT_USAGE, "is not TOML"),
    "a suite of 100 MB": (large, ("plan",), EXIT_USAGE, "larger than"),
    "links in a circle": (circle, ("plan",), EXIT_USAGE, "no sdqa.toml here"),
    "a key twice": (write("sdqa.toml", b'name = "a"\nname = "b"\n'), ("plan",), EXIT_USAGE, "sdqa.toml:2: $"),
    "an empty suite": (write("sdqa.toml", b""), ("plan",), EXIT_USAGE, "$.models: is required"),
    "an unknown lane": (nothing, ("plan", "--lane", "tiny/fp61"), EXIT_USAGE, "lanes: tiny/fp16@torch"),
    "an unknown lane of qa": (nothing, ("qa", "--lane", "x"), EXIT_USAGE, "no lane matches 'x'"),
    "an unknown fault": (nothing, ("qa", "--fault", "unet-2bits"), EXIT_USAGE, "unet-2bit"),
    "an unknown fault for a stage": (nothing, ("score", "--fault", "no-such"), EXIT_USAGE, "no-such"),
    "an unknown verb": (nothing, ("plna",), EXIT_USAGE, "plna"),
    "an unknown option": (nothing, ("plan", "--jsno"), EXIT_USAGE, "--json"),
    "a pytest option that is none": (nothing, ("qa", "--bogus"), EXIT_USAGE, "--bogus"),
    "no bundle": (nothing, ("gate", "bundle"), EXIT_INFRASTRUCTURE, "no bundle here"),
    "a bundle that is none": (bundle_of([]), ("report", "bundle"), EXIT_INFRASTRUCTURE, "run.json"),
    "a bundle of later": (bundle_of({"schema_version": 99}), ("report", "bundle"), EXIT_INFRASTRUCTURE, "run.json"),
    "a merge of nothing": (nothing, ("merge",), EXIT_USAGE, "BUNDLES"),
    "a merge of what is not there": (nothing, ("merge", "bundle", "--output", "m"), EXIT_INFRASTRUCTURE, "no bundle"),
    "a schema of nothing": (nothing, ("schema", "gate"), EXIT_USAGE, "run"),
    "init where a suite is": (nothing, ("init",), EXIT_USAGE, "is there already"),
    "init in no folder": (nothing, ("init", "no/such/folder"), EXIT_INFRASTRUCTURE, "no such file or folder"),
    "an approval without a reason": (nothing, ("approve",), EXIT_USAGE, "--reason"),
    "a report into a file": (write("bundle", b""), ("report", "bundle"), EXIT_INFRASTRUCTURE, "run.json"),
    "a report below a file": (write("out", b""), ("merge", "bundle", "--output", "out/x"), EXIT_INFRASTRUCTURE, ""),
    "a diagnosis without packages": (nothing, ("diagnose",), EXIT_INFRASTRUCTURE, "no packages"),
    "a suite by a link": (linked, ("plan",), EXIT_PASS, "suite control"),
    "a mark at the beginning": (
        lambda folder: write("sdqa.toml", b"\xef\xbb\xbf" + (folder / "sdqa.toml").read_bytes())(folder),
        ("plan",),
        EXIT_PASS,
        "suite control",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISUSES)
def test_misuse_is_one_message(project: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    prepare, arguments, expected, words = MISUSES[name]
    prepare(project)
    code, said = said_by(capsys, *arguments)
    assert code == expected, said
    assert "Traceback" not in said
    assert words in said
    assert len([line for line in said.splitlines() if line.startswith("error ")]) <= 1


SURROUNDINGS: dict[str, dict[str, str]] = {
    "no home": {"HOME": ""},
    "a home that is not there": {"HOME": "/no/such/home"},
    "another language": {"LANG": "C", "LC_ALL": "C"},
    "nothing but ASCII": {"PYTHONIOENCODING": "ascii"},
    "a narrow terminal": {"COLUMNS": "20"},
    "no temporary folder": {"TMPDIR": "/no/such/folder"},
    "warnings as errors": {"PYTHONWARNINGS": "error"},
    "nothing compiled": {"PYTHONDONTWRITEBYTECODE": "1"},
    "optimised": {"PYTHONOPTIMIZE": "1"},
    "a dumb terminal": {"TERM": "dumb"},
}


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_odd_surroundings_change_nothing(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "with spaces, ünïcode"
    folder.mkdir()
    write_suite(folder)
    result = sdqa(folder, "plan", **SURROUNDINGS[name])
    assert (result.returncode, result.stderr) == (EXIT_PASS, ""), result.stderr
    assert "runs 3 cases" in result.stdout


def test_a_traceback_on_request_keeps_the_exit_code(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDQA_TRACEBACK", "1")
    code, said = said_by(capsys, "plan", "--lane", "nothing")
    assert code == EXIT_USAGE
    assert "Traceback" in said
    assert "no lane matches" in said


def test_a_reader_that_leaves_changes_no_verdict(tmp_path: Path) -> None:
    write_suite(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "sdqa", "faults", "list"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(timeout=120) == EXIT_PASS


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="needs a file system on which nothing can be made")
@pytest.mark.parametrize(
    "arguments",
    [("init", "/proc/x"), ("merge", "{bundle}", "--output", "/proc/x"), ("report", "{bundle}", "--output", "/proc/x")],
)
def test_where_nothing_can_be_written(
    bundle: object, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(getattr(bundle, "folder"))  # noqa: B009
    code, said = said_by(capsys, *(argument.replace("{bundle}", place) for argument in arguments))
    assert code == EXIT_INFRASTRUCTURE, said
    assert "SDQA-900" in said
    assert "/proc" in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_report_that_cannot_be_written_takes_nothing_from_the_verdict(tmp_path: Path) -> None:
    write_suite(tmp_path)
    result = sdqa(tmp_path, "qa", "--no-diagnose", "--output", "/proc/x", "--lane", "tiny/fp16@torch")
    said = result.stdout + result.stderr
    assert result.returncode == EXIT_INFRASTRUCTURE, said
    assert "Traceback" not in said
    assert "the report could not be written" in said
    assert "No check failed" in said


def test_no_permission_for_the_goldens(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As another user would see it: root may read everything, so a file stands where the folder should be."""
    text = SUITE.replace('goldens = "teacher"', 'goldens = "goldens"')
    (project / "sdqa.toml").write_text(text + '[cases.a]\nprompt = "a"\n', encoding="utf-8")
    (project / "goldens").write_text("", encoding="utf-8")
    code, said = said_by(capsys, "goldens", "verify", "--digests-only")
    assert code in (EXIT_GATE_FAILED, EXIT_INFRASTRUCTURE, 4), said
    assert "Traceback" not in said


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """A folder in which nothing can be made, and what a command starts with so that this holds for root too."""
    if os.name == "nt" or (os.geteuid() == 0 and shutil.which("setpriv") is None):
        pytest.skip("whoever may do everything may write everywhere")
    write_suite(tmp_path)
    (tmp_path / "empty").mkdir(mode=0o555)
    tmp_path.chmod(0o555)
    yield tmp_path, ("setpriv", "--bounding-set=-dac_override") if os.geteuid() == 0 else ()
    tmp_path.chmod(0o755)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("plan",), EXIT_PASS, "cannot be written"),
        (("qa", "--no-diagnose", "--lane", "tiny/fp16@torch"), EXIT_INFRASTRUCTURE, "no permission (.sdqa)"),
        (
            ("score", "--lane", "tiny/fp16@torch"),
            EXIT_INFRASTRUCTURE,
            "cannot be written: Permission denied (.sdqa/store)",
        ),
        (("init", "empty"), EXIT_INFRASTRUCTURE, "no permission"),
    ],
)
def test_a_folder_that_may_only_be_read(
    read_only: tuple[Path, tuple[str, ...]], arguments: tuple[str, ...], code: int, words: str
) -> None:
    folder, prefix = read_only
    result = sdqa(folder, *arguments, prefix=prefix)
    said = result.stdout + result.stderr
    assert result.returncode == code, said
    assert "Traceback" not in said
    assert "Errno" not in said
    assert words in said


@pytest.mark.slow
def test_two_runs_at_once_in_one_folder(tmp_path: Path) -> None:
    write_suite(tmp_path)
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: sdqa(tmp_path, "qa", "--no-diagnose"), range(2)))
    for result in both:
        said = result.stdout + result.stderr
        assert result.returncode == EXIT_PASS, said
        assert "Traceback" not in said
        assert "Pass: All" in said
    run = Bundle(tmp_path / ".sdqa" / "report").read()
    assert [lane.status for lane in run.lanes].count("ran") == 2, "a whole report, not a mixture"
    history = read_history(str(tmp_path / ".sdqa" / "history"))
    assert history.unread == 0
    assert 1 <= len(history.records) <= 2, "two that say the same in the same second are one record"
    assert not (tmp_path / ".sdqa" / "runs").exists()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with the golden of one case, as a run records it."""
    folder = tmp_path_factory.mktemp("recorded")
    suite = write_suite(folder)
    text = suite.read_text(encoding="utf-8").replace('goldens = "teacher"', 'goldens = "goldens"')
    suite.write_text(text, encoding="utf-8")
    result = sdqa(folder, "goldens", "--case", "edit-1", "--no-check-stability")
    assert result.returncode == EXIT_PASS, result.stderr
    return folder


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def as_pointer(path: Path) -> None:
    path.write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 20\n", encoding="utf-8")


BROKEN: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "a picture that was cut off": ("image.png", cut, "image.png"),
    "another picture": ("image.png", lambda path: path.write_bytes(path.with_name("source.png").read_bytes()), "image"),
    "latents that are gone": ("latents.safetensors", Path.unlink, "latents.safetensors"),
    "noise that git did not fetch": ("noise.safetensors", as_pointer, "noise.safetensors"),
    "no record": ("manifest.json", Path.unlink, "no golden for this case"),
    "half a record": ("manifest.json", cut, "manifest"),
    "a record of another shape": ("manifest.json", lambda path: path.write_text("[]"), "manifest"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_golden_that_is_broken(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    file, damage, words = BROKEN[name]
    shutil.copytree(recorded, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    damage(tmp_path / "goldens" / "tiny" / "edit-1" / file)
    for arguments in (("score", "--lane", "tiny/fp16@torch"), ("plan",)):
        code, said = said_by(capsys, *arguments)
        assert "Traceback" not in said
        if arguments[0] == "score":
            assert code == EXIT_INCOMPLETE, said
            assert words in said
    code, said = said_by(capsys, "goldens", "verify", "--digests-only")
    assert (code, "Traceback" in said) == (EXIT_GATE_FAILED, False), said
    assert "WRONG  tiny/edit-1" in said
