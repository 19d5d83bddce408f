"""What sdqa imports is what pyproject.toml declares: no more, no less, and nothing that somebody else brings along."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

OPTIONAL = {
    "sdqa/metrics/faces.py": "identity",
    "sdqa/mil/bench.py": "bench",
    "sdqa/runtime/coreai_worker.py": "coreai",
    "sdqa/convert/coreai/compression.py": "coreai",
    "sdqa/convert/coreai/constants.py": "coreai",
    "sdqa/convert/coreai/contents.py": "coreai",
    "sdqa/convert/coreai/program.py": "coreai",
    "sdqa/faults/asset_editor.py": "coreai",
    "sdqa/diagnose/coreai/cut.py": "coreai",
    "sdqa/diagnose/rounding.py": "coreai",
    "sdqa/faults/yardstick.py": "yardstick",
    "sdqa/report/flip.py": "yardstick",
    "sdqa/ci/cluster.py": "dask",
    "sdqa/history/exports/parquet.py": "parquet",
    "sdqa/dashboard/changes.py": "dashboard",
}
"""Files that may also import what an extra declares; they do without it, or say what to install."""

UNIMPORTED = {
    "pytest-xdist": "`sdqa qa -n 2` is an option of pytest",
    "stlpips-pytorch": "its weights are read, its code is not run",
    "torchvision": "open_clip and lpips import it, and its build has to fit torch's",
}
"""Requirements that no line of sdqa imports, and why they are declared all the same."""

OWN = {"sdqa", "training"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(extra: str | None = None) -> set[str]:
    """The distributions that pyproject.toml names."""
    lines = PROJECT["dependencies"] if extra is None else PROJECT["optional-dependencies"][extra]
    return {normal(re.match(r"[\w.-]+", line)[0]) for line in lines}  # type: ignore[index]


def closure(names: Iterable[str]) -> set[str]:
    """Distributions and all that they require here, extras included where they are asked for."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = normal(waiting.pop())
        if name in found:
            continue
        found.add(name)
        try:
            lines = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        waiting += [re.match(r"[\w.-]+", line)[0] for line in lines if "extra ==" not in line]  # type: ignore[index]
    return found


def imported(path: Path) -> Iterator[str]:
    """The top-level names that a file imports, inside functions too, but for its own and the standard library's."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
        for name in names:
            top = name.partition(".")[0]
            if top not in sys.stdlib_module_names and top not in OWN:
                yield top


def undeclared(folder: Path) -> list[str]:
    """`file: module` of every import that no declared requirement provides."""
    provides = metadata.packages_distributions()
    wrong = []
    for path in sorted(folder.rglob("*.py")):
        allowed = declared()
        relative = path.relative_to(folder.parent).as_posix()
        if relative in OPTIONAL:
            allowed |= declared(OPTIONAL[relative])
        for module in sorted(set(imported(path))):
            givers = {normal(name) for name in provides.get(module, [])}
            if not givers & allowed and normal(module) not in allowed and module not in modules_of_extras(relative):
                wrong.append(f"{relative}: {module}")
    return wrong


def modules_of_extras(relative: str) -> set[str]:
    """Modules of optional requirements under their import names: they need not be installed where the test runs."""
    names = {
        "identity": {"dlib", "face_recognition_models"},
        "bench": {"onnx", "onnxruntime"},
        "coreai": {"coreai", "coreai_opt", "coreai_torch"},
        "yardstick": {"flip_evaluator"},
        "dask": {"distributed"},
        "dashboard": {"ruptures"},
        "parquet": {"pyarrow"},
    }
    return names.get(OPTIONAL.get(relative, ""), set())


@pytest.mark.parametrize("package", ["sdqa", "training"])
def test_every_import_is_declared(package: str) -> None:
    assert undeclared(ROOT / package) == []


def test_an_undeclared_import_is_found(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "one.py").write_text(
        "import numpy, json\n\n\ndef f():\n    import requests\n    from attrs import define\n"
    )
    assert undeclared(package) == ["package/one.py: attrs", "package/one.py: requests"]


def test_every_requirement_is_imported() -> None:
    provides = metadata.packages_distributions()
    files = [path for package in ("sdqa", "training") for path in (ROOT / package).rglob("*.py")]
    modules = {module for path in files for module in imported(path)}
    used = {normal(name) for module in modules for name in provides.get(module, [])}
    assert declared() - used - set(UNIMPORTED) == set()
    assert not used & set(UNIMPORTED), "imported after all"


def test_requirements_have_ranges() -> None:
    lines = [*PROJECT["dependencies"], *(line for extra in PROJECT["optional-dependencies"].values() for line in extra)]
    assert [line for line in lines if ">=" not in line] == []


IMPORT_ALL = """
import importlib, pkgutil, sys
allowed = set(sys.argv[1].split(","))

from importlib import machinery, metadata
import re

class Fence:  # the ordinary finder, blind to what is not declared

    @staticmethod
    def find_spec(name, path=None, target=None):
        if path is None and name in FENCED:
            return None
        return machinery.PathFinder.find_spec(name, path, target)

    @staticmethod
    def find_distributions(context):
        return machinery.PathFinder.find_distributions(context)

FENCED = {
    module
    for module, givers in metadata.packages_distributions().items()
    if not {re.sub(r"[-_.]+", "-", giver).lower() for giver in givers} & allowed
}
sys.meta_path[:] = [Fence if finder is machinery.PathFinder else finder for finder in sys.meta_path]
import sdqa
skipped = ("__main__", "conformance.plugin")
for module in pkgutil.walk_packages(sdqa.__path__, "sdqa."):
    if not module.name.endswith(skipped):
        importlib.import_module(module.name)
print(len(FENCED), "torchmetrics" in FENCED or "hypothesis" in FENCED)
"""


@pytest.mark.slow
def test_every_module_imports_with_the_declared_requirements_alone() -> None:
    """Whatever else is installed here cannot be found in the process that imports them all."""
    allowed = closure(declared()) | {"sdqa"}
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IMPORT_ALL, ",".join(sorted(allowed))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split()[-1] == "True", "nothing was fenced off"
