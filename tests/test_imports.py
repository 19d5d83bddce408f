"""Imports point downwards only, and what people call every minute does not load torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "sdqa"

#: Rooms from the ground up; a room may import from any level below its own.
LEVELS = [
    {"exit_codes", "signals", "lazy", "arrays"},
    {"errors", "compat", "deprecation", "foreign", "address", "plain"},
    {"store", "notices", "endings", "github"},
    {"plugins"},
    {"bundle", "embedded", "families"},
    {"mil", "models"},
    {"runtime"},
    {"plan"},
    {"progress", "history"},
    {"convert", "generate", "metrics", "gate", "report"},
    {"diagnose", "faults", "ci", "runner", "words", "dashboard"},
    {"workflow", "pytest_status"},
    {"pytest_session", "pytest_items"},
    {"pytest_plugin"},
    {"cli"},
    {"__main__"},
]


def level(room: str) -> int:
    for index, rooms in enumerate(LEVELS):
        if room in rooms:
            return index
    raise AssertionError(f"room {room!r} has no level: add it to LEVELS")


def room_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "sdqa" and len(parts) > 1 else None


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            if node.module == "sdqa":
                found |= {f"sdqa.{alias.name}" for alias in node.names}
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def sources() -> dict[str, Path]:
    """Module name → file."""
    files = sorted(PACKAGE.rglob("*.py"))
    return {".".join(("sdqa", *path.relative_to(PACKAGE).with_suffix("").parts)): path for path in files}


def test_imports_point_downwards() -> None:
    wrong = []
    for path in sources().values():
        relative = path.relative_to(PACKAGE)
        room = relative.parts[0].removesuffix(".py")
        if room == "__init__":
            continue
        for module in imports(path):
            other = room_of(module)
            if other is None or other == room or other.startswith("__"):
                continue
            if level(other) >= level(room):
                wrong.append(f"{relative} imports {module}")
    assert wrong == []


def test_no_circles_between_files() -> None:
    """Imports inside functions count too: a circle that loads is still a circle to a reader."""
    files = sources()
    edges = {name: modules_named(path, files) - {name} for name, path in files.items()}
    assert circles(edges) == []


def modules_named(path: Path, files: dict[str, Path]) -> set[str]:
    """The modules that a file asks for: `from package import name` means the package only where name is no module."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            wanted = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in files or f"{name}.__init__" in files else node.module for name in wanted}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name if name in files else f"{name}.__init__" for name in found} & files.keys()


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that reach each other (Tarjan's strongly connected components of more than one)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(edges[name]):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            group = []
            while not group or group[-1] != name:
                group.append(stack.pop())
            if len(group) > 1:
                found.append(sorted(group))

    for name in sorted(edges):
        if name not in index:
            visit(name)
    return found


def test_a_circle_would_be_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


def test_the_runtime_knows_nothing_of_diffusion() -> None:
    for path in sorted((PACKAGE / "mil").rglob("*.py")):
        rooms = {room_of(module) for module in imports(path)} - {None, "mil"}
        assert rooms <= {"lazy", "errors", "compat", "deprecation", "foreign", "address", "plain"}, path
        if path.name != "bench.py":  # its subject is a U-Net of diffusers
            assert not {"diffusers", "transformers"} & {module.split(".")[0] for module in imports(path)}, path


@pytest.mark.parametrize(
    "code",
    [
        "import sdqa.cli",
        "import sdqa.plan, sdqa.bundle, sdqa.store",
        "import sdqa.families",
        "import sdqa.models; sdqa.models.look_at('embedded:tiny'); sdqa.models.look_at('random:sdxl')",
        "import sdqa.models; sdqa.models.look_at('hub:nobody/nothing')",
        "import sdqa.plan.describe; sdqa.plan.describe.plan_text",
        "import sdqa.gate",
        "import sdqa.report",
        "import sdqa.workflow",
        "import sdqa.pytest_plugin",
        "import sdqa.cli.runner, sdqa.runner.doctor, sdqa.runner.setup, sdqa.runner.foreground, sdqa.runner.leaving",
    ],
)
def test_light_modules_do_not_load_torch(code: str) -> None:
    check = f"import sys; {code}; heavy = {{'torch', 'coremltools', 'diffusers', 'open_clip'}} & set(sys.modules); "
    result = subprocess.run(
        [sys.executable, "-c", check + "sys.exit(', '.join(heavy) or 0)"], capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
