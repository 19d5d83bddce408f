"""Compiled templates are kept beside their sources, by what decides them, and done without where they cannot be."""

from __future__ import annotations

import marshal
import sys
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader

from sdqa.report.template_code import FOLDER, TemplateCode


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "page.j2").write_text("one {{ name }}", encoding="utf-8")
    return tmp_path


def rendered(templates: Path, *sources: Path) -> str:
    environment = Environment(
        loader=FileSystemLoader(templates), autoescape=True, bytecode_cache=TemplateCode(templates, sources)
    )
    return environment.get_template("page.j2").render(name="<a>")


def kept(templates: Path) -> list[Path]:
    return sorted((templates / FOLDER).glob("*"))


def test_what_was_compiled_is_kept_and_used(templates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rendered(templates) == "one &lt;a&gt;"
    assert len(kept(templates)) == 1
    monkeypatch.setattr(Environment, "_generate", None)  # what compiles would fail
    assert rendered(templates) == "one &lt;a&gt;"


def test_another_source_is_compiled_anew_and_the_old_code_goes(templates: Path, tmp_path: Path) -> None:
    code = tmp_path / "code.py"
    code.write_text("a = 1", encoding="utf-8")
    rendered(templates, code)
    [first] = kept(templates)
    (templates / "page.j2").write_text("two {{ name }}", encoding="utf-8")
    assert rendered(templates, code) == "two &lt;a&gt;"
    [second] = kept(templates)
    code.write_text("a = 2", encoding="utf-8")
    rendered(templates, code)
    [third] = kept(templates)
    assert len({first, second, third}) == 3


@pytest.mark.parametrize("data", [b"", b"cut", b"\xe3\0\0", marshal.dumps(1)])
def test_damaged_code_is_compiled_anew(data: bytes, templates: Path) -> None:
    rendered(templates)
    [place] = kept(templates)
    place.write_bytes(data)
    assert rendered(templates) == "one &lt;a&gt;"
    assert place.read_bytes() != data


def test_nothing_is_kept_where_python_keeps_nothing_or_cannot(templates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (templates / FOLDER).write_text("in the way", encoding="utf-8")
    assert rendered(templates) == "one &lt;a&gt;"
    (templates / FOLDER).unlink()
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert rendered(templates) == "one &lt;a&gt;"
    assert kept(templates) == []
