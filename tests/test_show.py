"""`sdqa show`: a case in the terminal, failing cases on one picture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdqa.bundle import Bundle
from sdqa.cli import run as sdqa
from sdqa.errors import EXIT_INFRASTRUCTURE, EXIT_PASS, EXIT_USAGE
from sdqa.report.dossier import Dossier


def test_one_case_or_the_list_for_people_and_for_scripts(bundle: Bundle, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--bundle", str(bundle.folder)]
    assert sdqa(["show", "landscape-snow", "--lane", "*palette2*", *where]) == EXIT_PASS
    said = capsys.readouterr().out
    assert said.startswith("landscape-snow\n  prompt: a landscape with mountains in snow\n")
    assert "page: index.html#/case/landscape-snow?lane=tiny/palette2/reference/cpu" in said
    assert sdqa(["show", *where]) == EXIT_PASS
    assert capsys.readouterr().out.startswith("✕ fail landscape-lake in tiny/palette2/reference/cpu: lpips NaN")
    assert sdqa(["show", "landscape-snow", "--json", *where]) == EXIT_PASS
    [found] = json.loads(capsys.readouterr().out)
    assert Dossier.model_validate(found).lanes[0].lane == "tiny/palette2/reference/cpu"


def test_a_contact_sheet_is_written_in_one_step(
    bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "new" / "sheet.png"
    arguments = ["show", "--bundle", str(bundle.folder), "--contact-sheet", str(place)]
    assert sdqa(arguments) == EXIT_PASS
    assert capsys.readouterr().out.strip() == str(place)
    assert place.read_bytes().startswith(b"\x89PNG")
    assert sdqa([*arguments, "--json", "text-portrait"]) == EXIT_PASS
    assert {row["case"] for row in json.loads(capsys.readouterr().out)["rows"]} == {"text-portrait"}


def test_what_is_not_there_is_refused(bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sdqa(["show", "landscape-lak", "--bundle", str(bundle.folder)]) == EXIT_USAGE
    assert "did you mean 'landscape-lake'" in capsys.readouterr().err
    assert sdqa(["show", "--bundle", str(tmp_path)]) == EXIT_INFRASTRUCTURE
