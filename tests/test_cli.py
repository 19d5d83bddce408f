"""The command line: codes, messages and no tracebacks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdqa import cli
from sdqa.errors import EXIT_USAGE

ROOT = Path(__file__).parents[1]


def run(*arguments: str) -> int:
    return cli.run(arguments)


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    assert run("--version") == 0
    assert "quality" in capsys.readouterr().out.lower()


def test_plan_json(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert run("plan", "--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["suite"] == "embedded"
    assert {lane["skipped"] is None for lane in data["lanes"]} == {True, False}


def test_a_typo_in_the_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "sdqa.toml").read_text(encoding="utf-8").replace("guidance_scale = 3.0", "guidance_sclae = 3.0")
    (tmp_path / "sdqa.toml").write_text(text, encoding="utf-8")
    assert run("plan") == EXIT_USAGE
    message = capsys.readouterr().err
    assert "$.defaults.guidance_sclae: unknown key; did you mean 'guidance_scale'?" in message
    assert "Traceback" not in message


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "--suite", "nothing"),
        ("plan", "--lane", "nothing"),
        ("qa", "--fault", "no-such-fault"),
        ("no-such-verb",),
        ("plan", "--no-such-option"),
    ],
)
def test_usage_errors(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert run(*arguments) == EXIT_USAGE
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    assert captured.err


def test_no_bundle_is_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("report", str(tmp_path)) == 3
    assert "no bundle here" in capsys.readouterr().err


def test_init_writes_a_suite_that_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("init") == 0
    assert run("plan") == 0
    assert run("init") == EXIT_USAGE


def test_schemas_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    for what in ("run", "suite"):
        assert run("schema", what) == 0
        assert json.loads(capsys.readouterr().out)["type"] == "object"


@pytest.mark.parametrize(("suite", "place"), [("fullsize", "."), ("project/sdqa.toml", "project")])
def test_pytests_cache_lies_in_the_users_folder_and_not_in_the_package(
    suite: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "sdqa.toml").write_text((ROOT / "sdqa.toml").read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    seen: list[str] = []
    monkeypatch.setattr(pytest, "main", lambda arguments, plugins: seen.extend(arguments) or 0)
    assert run("qa", "--suite", suite) == 0
    assert f"cache_dir={(tmp_path / place).resolve() / '.sdqa' / 'pytest_cache'}" in seen


def test_the_plan_says_which_packages_are_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nobody can tell, and with a guidance of none."""
    monkeypatch.chdir(tmp_path)
    for name in ("Unet", "UnetChunk1", "UnetChunk2", "VAEDecoder"):
        (tmp_path / "made" / f"{name}.mlpackage").mkdir(parents=True)
    (tmp_path / "sdqa.toml").write_text(
        'name = "adopted"\n[models.m]\nsource = "packages:made"\nreference = "random:miniature"\n'
        '[variants.fp16]\nprecision = "float16"\n[[lanes]]\nmodel = "m"\nvariants = ["fp16"]\nruntime = "reference"\n'
        '[cases.a]\nprompt = "a cat"\nsteps = 4\nguidance_scale = 0\n',
        encoding="utf-8",
    )
    assert run("plan") == EXIT_USAGE
    assert "Unet.mlpackage and UnetChunk1.mlpackage, UnetChunk2.mlpackage are both the U-Net" in capsys.readouterr().out
    (tmp_path / "made" / "packages.json").write_text('{"unet": "Unet.mlpackage"}', encoding="utf-8")
    assert run("plan") == EXIT_USAGE
    said = capsys.readouterr().out
    assert "packages unet: Unet.mlpackage, refused\n" in said, "there is nothing in it"
    assert "left out: UnetChunk1.mlpackage" in said
