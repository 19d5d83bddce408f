"""Every stored entry's key names the code that builds it: what the builder imports is in the key's closure."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sdqa.convert.formats import FORMATS
from sdqa.store import code
from sdqa.store.code import Package, own_package
from tests.coreai import needs_coreai

PACKAGE = Path(__file__).parents[2] / "sdqa"
MEMOS = {"memo", "remembered"}
KEYLESS = {("sdqa.workflow.execution", "faulty")}
"""Entries whose code is part of another value of their key: a fault's own facts."""


@dataclass(frozen=True)
class Site:
    """One call that stores something."""

    module: str
    kind: str
    entries: tuple[str, ...]  # of `code_digest`, in the functions around the call
    used: frozenset[str]  # sdqa modules whose names the functions around the call use


def modules_imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """(name, sdqa module that defines it), type checkers' imports included: an argument's class brings its code."""
    package = own_package()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in package.modules:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                lazy = package.source(str(node.module)).lazy
                home = inner if inner in package.modules else lazy.get(alias.name, str(node.module))
                yield alias.asname or alias.name, home


def guarded(tree: ast.Module) -> set[str]:
    """Names that only type checkers see."""
    blocks = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    return {name for block in blocks for name, _ in modules_imported(block)}


def sites() -> list[Site]:
    found = []
    for module, path in own_package().modules.items():
        text = path.read_text(encoding="utf-8")
        if module.startswith("sdqa.store") or not any(f".{name}(" in text for name in MEMOS):
            continue
        tree = ast.parse(text)
        top = dict(modules_imported(tree))
        hidden = guarded(tree)
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef):
                continue
            calls = [
                node
                for node in ast.walk(function)
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MEMOS
            ]
            nested = {inner for inner in ast.walk(function) if isinstance(inner, ast.FunctionDef)} - {function}
            calls = [call for call in calls if not any(call in ast.walk(inner) for inner in nested)]
            for call in calls:
                builders = [
                    inner for inner in nested if inner.name in {n.id for n in ast.walk(call) if isinstance(n, ast.Name)}
                ]
                builders += [node for node in ast.walk(call) if isinstance(node, ast.Lambda)]
                names = {n.id for b in builders for n in ast.walk(b) if isinstance(n, ast.Name)}
                used = {home for name, home in top.items() if name in names and name not in hidden}
                found.append(
                    Site(
                        module,
                        ast.unparse(call.args[0]).removeprefix("f").strip("'"),
                        entries(tree, function, module),
                        frozenset(used),
                    )
                )
    return found


def entries(tree: ast.Module, function: ast.FunctionDef, module: str) -> tuple[str, ...]:
    """The modules that `code_digest` is given in a function, or in the one that makes the function's key."""
    scopes = [function]
    scopes += [
        other
        for other in ast.walk(tree)
        if isinstance(other, ast.FunctionDef)
        and other.name
        in {n.func.id for n in ast.walk(function) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    ]
    found = []
    for scope in scopes:
        for node in ast.walk(scope):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "code_digest":
                for argument in node.args:
                    if isinstance(argument, ast.Constant):
                        found.append(str(argument.value))
                    elif ast.unparse(argument) == "__name__":
                        found.append(module)
                    elif isinstance(argument, ast.Attribute) and ast.unparse(argument.value) == "form":
                        found += [getattr(form, argument.attr) for form in FORMATS.values()]
    return tuple(found)


SITES = sites()


def test_every_place_that_stores_is_looked_at() -> None:
    kinds = {site.kind for site in SITES}
    assert {"package", "description", "sample", "trace", "parity", "score", "sound", "golden"} <= kinds
    assert {"spread", "faulty", "mixtures", "coverage", "ladder", "steps", "operations"} <= kinds
    assert {"planned-schedule", "architecture"} <= kinds


@pytest.mark.parametrize(
    "site", [s for s in SITES if (s.module, s.kind) not in KEYLESS], ids=lambda s: f"{s.module}-{s.kind}"
)
def test_the_key_covers_what_the_builder_uses(site: Site) -> None:
    named = site.entries
    if not named and site.module.startswith("sdqa.diagnose."):  # the bench adds the code of the instrument's module
        bench = next(one for one in SITES if one.module == "sdqa.diagnose.harness" and one.kind.startswith("diagnose"))
        named = (*bench.entries, site.module)
    assert named, "the key has no code"
    assert site.used <= own_package().closure(*named)


RUN = """
import sys, tempfile, warnings
from pathlib import Path
warnings.simplefilter("ignore")
from sdqa.models import load_teacher
from sdqa.plan import Variant
teacher = load_teacher("random:miniature")
{run}
print("\\n".join(sorted(name for name in sys.modules if name == "sdqa" or name.startswith("sdqa."))))
"""
BUILDS = {
    "package": (
        "from sdqa.convert.build import build_component\n"
        "small = Variant(name='v', compression='palettize-6bit')\n"
        "build_component(teacher, 'vae_decoder', small, Path(tempfile.mkdtemp()))",
        ("sdqa.convert.build",),
    ),
    "description": (
        "from sdqa.convert.build import build_component\n"
        "from sdqa.convert.describe import describe_component\n"
        "built = build_component(teacher, 'vae_decoder', Variant(name='v'), Path(tempfile.mkdtemp()))\n"
        "describe_component(teacher, 'vae_decoder', built.paths)",
        ("sdqa.convert.build", "sdqa.convert.describe"),
    ),
    "asset": (
        "from sdqa.convert.coreai.build import build_here\n"
        "small = Variant(name='v', compression='palettize-6bit')\n"
        "build_here(teacher, 'vae_decoder', small, Path(tempfile.mkdtemp()), None)",
        ("sdqa.convert.coreai.build",),
    ),
    "sample": (
        "from sdqa.generate.noise import Noise\n"
        "from sdqa.generate.pipeline import Request\n"
        "from sdqa.generate.stage import generate, teacher_components\n"
        "import numpy as np\nfrom sdqa.store import Store\n"
        "z = np.zeros((4, 16, 16), np.float32)\n"
        "request = Request(prompt='a', negative_prompt='', noise=Noise(z, z), source=None, strength=1.0, "
        "guidance_scale=2.0, steps=1, scheduler='ddim')\n"
        "list(generate(teacher, teacher_components(teacher), {'a': request}, Store(Path(tempfile.mkdtemp()))))",
        ("sdqa.generate.stage",),
    ),
}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=needs_coreai if kind == "asset" else ()) for kind in sorted(BUILDS)]
)
def test_what_a_build_really_imports_is_in_its_key(kind: str) -> None:
    run, named = BUILDS[kind]
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(run=run)], capture_output=True, text=True, cwd=PACKAGE.parent, timeout=120
    )
    assert done.returncode == 0, done.stderr
    imported = {word for word in done.stdout.split() if word.partition(".")[0] == "sdqa"}  # a library may print, too
    assert imported
    assert imported <= own_package().closure(*named)


CHANGED = """
import json, sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
from sdqa.convert.stage import convert_one
from sdqa.models import load_teacher
from sdqa.plan import Variant
from sdqa.store import Store
found = convert_one(load_teacher("random:miniature"), "vae_decoder", Variant(name="v"), Store(Path(sys.argv[1])))
print(json.dumps([found.fresh, found.record.digest, found.record.cost.flops]))
"""


def test_a_doubled_cost_is_counted_anew_and_nothing_is_converted_again(tmp_path: Path) -> None:
    """Doubling `_flops` in the profile once gave the old figure from the same store."""
    shutil.copytree(PACKAGE, tmp_path / "sdqa", ignore=shutil.ignore_patterns("__pycache__", "weights"))

    def convert() -> tuple[bool, str, int]:
        command = [sys.executable, "-c", CHANGED, str(tmp_path / "store")]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
        assert done.returncode == 0, done.stderr
        fresh, digest, flops = json.loads(done.stdout.splitlines()[-1])
        return fresh, digest, flops

    first = convert()
    profile = tmp_path / "sdqa" / "mil" / "profile.py"
    text = profile.read_text(encoding="utf-8")
    doubled = text.replace("flops = _flops(node, sizes)", "flops = 2 * (_flops(node, sizes) or 0)")
    assert doubled != text
    profile.write_text(doubled, encoding="utf-8")
    second = convert()
    assert first[0]
    assert not second[0]
    assert second[1] == first[1]
    assert second[2] == 2 * first[2]


def test_dear_and_cheap_entries_depend_on_different_code() -> None:
    package = own_package()
    built, described = package.closure("sdqa.convert.build"), package.closure("sdqa.convert.describe")
    for module in ("sdqa.mil.profile", "sdqa.convert.lint", "sdqa.convert.coverage", "sdqa.convert.budget"):
        assert module in described
        assert module not in built
    assert "sdqa.families.sd" in built


def test_a_score_depends_on_the_code_of_the_embedded_clip() -> None:
    assert "sdqa.embedded.clip" in own_package().closure("sdqa.metrics.stage")


def test_a_sample_depends_on_the_models_the_plan_and_what_executes_it() -> None:
    from sdqa.workflow.execution import CODE

    found = own_package().closure("sdqa.generate.stage", *CODE)
    assert {"sdqa.models.folder", "sdqa.models.random_weights", "sdqa.plan.suite"} <= found
    assert {"sdqa.mil.execute", "sdqa.mil.ops.conv", "sdqa.runtime.coreml", "sdqa.runtime.renamed"} <= found


def test_the_closure_is_of_this_source() -> None:
    assert own_package().root == PACKAGE
    assert isinstance(own_package(), Package)
    assert code.code_digest("sdqa.plan") != code.code_digest("sdqa.bundle")
