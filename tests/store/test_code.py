"""The code in a key is what the builder can import: no less, or it serves what old code made; hardly more."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdqa.store import code
from sdqa.store.code import Package, own_package

ROOT = Path(__file__).parents[2] / "sdqa"


@pytest.fixture
def package(tmp_path: Path) -> Package:
    root = tmp_path / "pack"
    files = {
        "__init__.py": "",
        "a/__init__.py": "import pack.side\n\n\ndef g() -> None:\n    import pack.uncalled\n",
        "uncalled.py": "",
        "a/main.py": '"""See `pack.ghost`.\n\nfrom pack import ghost\n"""\n'
        "from typing import TYPE_CHECKING\nfrom pack.b import (  # all of it\n    deep as d,\n    name,\n)\n"
        "if TYPE_CHECKING:\n    from pack import typed\n\n\ndef f() -> None:\n    from pack import late\n"
        '    read("table.json")\n',
        "a/table.json": "{}",
        "a/other.json": "{}",
        "side.py": "def g() -> None:\n    import pack.called\n",
        "called.py": "",
        "b/__init__.py": '_LAZY = {\n    "name": "pack.b.home",\n    "unasked": "pack.b.unasked",\n}\n\n\n'
        "def __getattr__(name: str) -> object:\n    import importlib\n\n"
        "    return getattr(importlib.import_module(_LAZY[name]), name)\n",
        "b/deep.py": "",
        "b/home.py": "",
        "b/unasked.py": "",
        "late.py": "import pack.called\n",
        "typed.py": "",
        "ghost.py": "",
        "plugins.py": 'import importlib\nfor n in ("x",):\n    importlib.import_module(f"pack.many.{n}")\n',
        "many/__init__.py": "",
        "many/x.py": "",
        "many/y.py": "",
        "spawns.py": 'ARGUMENTS = ["-m", "pack.worker"]\n',
        "worker.py": "",
        "whole.py": "from pack import b\n\nb.unasked()\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return Package(root)


def names(package: Package, *entries: str) -> set[str]:
    return {name.removeprefix("pack.") for name in package.closure(*entries)} - {"pack"}


def test_imports_are_followed_inside_functions_and_not_for_type_checkers(package: Package) -> None:
    found = names(package, "pack.a.main")
    assert {"a.main", "a", "side", "b", "b.deep", "b.home", "late", "called"} == found


def test_a_package_above_is_executed_and_its_functions_are_not_called(package: Package) -> None:
    assert "side" in names(package, "pack.a.main")
    assert "uncalled" not in names(package, "pack.a.main")
    assert "uncalled" in names(package, "pack.a")
    (package.root / "late.py").write_text("", encoding="utf-8")
    assert "called" not in names(Package(package.root), "pack.a.main"), "side is loaded, nobody calls it"


def test_lazy_names_lead_to_what_is_asked_and_the_package_itself_to_all(package: Package) -> None:
    assert "b.unasked" not in names(package, "pack.a.main")
    assert {"b.home", "b.unasked"} <= names(package, "pack.whole")


def test_computed_imports_are_followed_as_far_as_their_prefix_says(package: Package) -> None:
    assert names(package, "pack.plugins") == {"plugins", "many", "many.x", "many.y"}


def test_a_module_that_is_started_by_name_counts(package: Package) -> None:
    assert names(package, "pack.spawns") == {"spawns", "worker"}


def test_data_files_count_where_they_are_named(package: Package) -> None:
    found = {path.name for path in package.files("pack.a.main")}
    assert "table.json" in found
    assert "other.json" not in found


def test_an_unknown_module_is_an_error(package: Package) -> None:
    with pytest.raises(LookupError, match="gone"):
        package.closure("pack.gone")


def test_changed_code_changes_the_digest_and_other_code_does_not(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code, "own_package", lambda: Package(package.root))

    def digest() -> str:
        code.code_digest.cache_clear()
        return code.code_digest("pack.a.main")

    first = digest()
    (package.root / "typed.py").write_text("x = 1\n", encoding="utf-8")
    assert digest() == first
    (package.root / "a" / "table.json").write_text("[]", encoding="utf-8")
    second = digest()
    assert second != first
    (package.root / "late.py").write_text("x = 1\n", encoding="utf-8")
    assert digest() not in (first, second)
    code.code_digest.cache_clear()


def parsed(path: Path) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    """What Python's own parser says about a file's imports."""

    def visit(node: ast.AST, deferred: bool) -> Iterator[tuple[str, tuple[str, ...], bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                assert not child.orelse, path
                continue
            if isinstance(child, ast.Import):
                yield from ((alias.name, (), deferred) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path}: a relative import is not followed"
                yield str(child.module), tuple(alias.name for alias in child.names), deferred
            inner = deferred or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Try | ast.With | ast.If)
            yield from visit(child, inner)

    yield from visit(ast.parse(path.read_text(encoding="utf-8")), False)


def test_the_scan_sees_what_the_parser_sees() -> None:
    package = own_package()
    for module, path in package.modules.items():
        text = path.read_text(encoding="utf-8")
        wanted = sorted(one for one in parsed(path) if one[0].partition(".")[0] == "sdqa")
        table = package.source(module).lazy.values()
        found = [(one.module, one.names, one.deferred) for one in package.source(module).imports]
        extra = [one for one in found if one not in wanted and one[0].partition(".")[0] == "sdqa"]
        assert [one for one in wanted if one not in found] == [], path
        for name, _, _ in extra:  # started or loaded by name
            assert f'"{name}"' in text or "import_module(" in text, (path, name)
        assert set(table) <= set(package.modules), path


def test_no_import_is_computed_in_a_way_that_is_not_followed() -> None:
    known = {
        "cli/verbs.py",  # verbs
        "compat/scipy.py",  # parts of scipy
        "compat/open_clip.py",  # open_clip's tables
        "convert/formats.py",  # what a format names; the key of what it builds has the code of that
        "convert/worker.py",  # its caller's module
        "lazy.py",  # its caller's table, which is read there
        "diagnose/coreai/worker.py",  # the same
        "mil/schema.py",  # coremltools' messages
        "notices.py",  # libraries' logging
        "plugins.py",  # other people's modules; their code is in the identities of what they register
    }
    for path in sorted(ROOT.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        calls = text.count("import_module(") + text.count("__import__(")
        assert text.count("offering(__name__, ") == text.count(f"offering(__name__, {code.LAZY})"), path
        followed = text.count('import_module("') + len(code._PREFIX.findall(text))
        assert calls == followed or path.relative_to(ROOT).as_posix() in known or path.name == "code.py", path


def test_the_whole_package_is_read_in_no_time() -> None:
    best = 1e9
    for _ in range(3):
        package = Package(ROOT)
        began = time.process_time()
        for module in package.modules:
            package.source(module)
        best = min(best, time.process_time() - began)
    assert best < 0.3


def test_a_plan_reads_no_code() -> None:
    check = (
        "import sys; from sdqa.cli import run; run(['plan']); from sdqa.store.code import own_package, code_digest; "
        "sys.exit(own_package.cache_info().currsize + code_digest.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT.parent, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
