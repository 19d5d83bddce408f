"""What the documents name is there: files, modules, sessions, verbs and links; and the generated tables are current."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdqa.plugins import GROUPS

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
NAMES = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]

PATH = re.compile(r"`((?:sdqa|tests|docs|goldens|training|\.github)/[\w./{}-]*[\w/])(?::\d+)?`")
FENCED = re.compile(r"^```.+?^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`|^    (\S.*)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)(#[\w-]+)?\)")
FILES = {"sdqa.toml", "sdqa.lock", "sdqa.status", "sdqa.provisional"}
"""What looks like a module and is a file, or a property in JUnit."""


def paths(text: str) -> Iterator[str]:
    """The paths of the repository that a document names; one with capitals or braces is a pattern, not a path."""
    for found in PATH.findall(text):
        placeholder = re.search(r"(^|/)[A-Z]{2,}(/|$)", found)
        if not placeholder and "{" not in found:
            yield found


def spans(text: str) -> Iterator[str]:
    """What stands in code: between backticks, or indented."""
    for quoted, indented in SPAN.findall(text):
        yield quoted or indented


@pytest.mark.parametrize("name", NAMES)
def test_paths_exist(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert sorted({path for path in paths(text) if not (ROOT / path).exists()}) == []


@pytest.mark.parametrize("name", NAMES)
def test_modules_exist(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    named = {module for span in spans(text) for module in re.findall(r"python -m ((?:sdqa|training)[\w.]*)", span)}
    named |= (
        {module for span in spans(text) for module in re.findall(r"^((?:sdqa)(?:\.\w+)+)$", span)} - FILES - set(GROUPS)
    )
    assert sorted(module for module in named if not is_there(module)) == []


def is_there(dotted: str) -> bool:
    """A module, or an attribute of one."""
    try:
        if importlib.util.find_spec(dotted):
            return True
    except ModuleNotFoundError:
        pass
    module, _, attribute = dotted.rpartition(".")
    return bool(module) and hasattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("name", NAMES)
def test_sessions_exist(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    noxfile = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    known = set(re.findall(r"^@nox\.session\ndef (\w+)", noxfile, re.MULTILINE))
    known |= set(re.findall(r'^@nox\.session\(name="([\w-]+)"\)', noxfile, re.MULTILINE))
    assert len(known) > 10
    assert sorted(set(re.findall(r"nox -s ([a-z][\w-]*)", text)) - known) == []


@pytest.mark.parametrize("name", NAMES)
def test_verbs_exist(name: str) -> None:
    from sdqa.cli import cli

    text = (ROOT / name).read_text(encoding="utf-8")
    named = {verb for span in spans(text) for verb in re.findall(r"^sdqa ([a-z]+(?:-[a-z]+)*)", span)}
    assert sorted(named - set(cli.commands)) == []


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    folder = (ROOT / name).parent
    prose = FENCED.sub("", text)
    links = [link for link, _ in LINK.findall(prose) if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in links if not (folder / link).exists()] == []


def test_what_is_not_there_is_found() -> None:
    text = "see `sdqa/gone.py`, `sdqa/store.py`, `goldens/MODEL/audit.jsonl` and `docs/README.md`"
    assert list(paths(text)) == ["sdqa/gone.py", "sdqa/store.py", "docs/README.md"]
    assert not is_there("sdqa.gone")
    assert is_there("sdqa.store.Store")


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    """The pages that are made from the code, by name."""
    specification = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return {name: page() for name, page in module.PAGES.items()}


def test_tables_have_every_entry_of_their_registry(generated: dict[str, str]) -> None:
    from sdqa.faults.registry import known_faults
    from sdqa.metrics import METRICS
    from sdqa.plan import Budgets, Case

    assert [name for name in METRICS if f"| `{name}` |" not in generated["tables/metrics.md"]] == []
    assert [name for name in known_faults() if f"| `{name}` |" not in generated["tables/faults.md"]] == []
    keys = [*Budgets.model_fields, *Case.model_fields]
    assert [key for key in keys if f"| `{key}` |" not in generated["tables/configuration.md"]] == []
    assert "palettize-" in generated["tables/recipes.md"]


def test_tables_are_for_readers(generated: dict[str, str]) -> None:
    """No addresses, no names of pydantic's or typing's own; every row as wide as its head."""
    for name, text in generated.items():
        if not name.startswith("tables/"):
            continue
        assert not re.search(r" at 0x|Pydantic|BeforeValidator|typing\.|NoneType", text), name
        rows = [len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("|")]
        assert rows, name
        assert len(set(rows)) == 1, name


def test_the_reference_names_modules_that_exist(generated: dict[str, str]) -> None:
    named = [found for text in generated.values() for found in re.findall(r"^::: ([\w.]+)$", text, re.MULTILINE)]
    assert len(named) > 8
    assert [module for module in named if importlib.util.find_spec(module) is None] == []


def test_every_document_has_a_place_in_the_navigation(generated: dict[str, str]) -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")} | set(generated)
    assert sorted(page for page in pages if not re.search(rf"[-:] {re.escape(page)}$", navigation, re.MULTILINE)) == []
