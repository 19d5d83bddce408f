"""Imports point downwards only, and what people call every minute does not load torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "sdqa"

#: Rooms from the ground up; a room may import from its own level's listed friends and from any level below.
LEVELS = [
    {"errors", "compat"},
    {"store", "environment"},
    {"documents"},
    {"bundle", "plan"},
    {"progress", "mil", "models"},
    {"runtime"},
    {"convert", "generate", "metrics", "gate", "report"},
    {"diagnose", "faults"},
    {"recording"},
    {"execution", "lane", "figures", "device"},
    {"workflow"},
    {"stages", "calibration", "diagnosing", "pytest_plugin", "train"},
    {"rehearsal"},
    {"cli"},
    {"__main__"},
]


#: The training program lives beside the weights that it makes, but uses the product from above, metrics included.
TRAINING = Path("models/tiny/train")


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


def test_imports_point_downwards() -> None:
    wrong = []
    for path in sorted(PACKAGE.rglob("*.py")):
        relative = path.relative_to(PACKAGE)
        room = "train" if relative.is_relative_to(TRAINING) else relative.parts[0].removesuffix(".py")
        room = "__main__" if relative.name == "__main__.py" and len(relative.parts) > 1 else room  # its own command
        if room == "__init__":
            continue
        for module in imports(path):
            other = room_of(module)
            if other is None or other == room or (room == "train" and other == "models") or other.startswith("__"):
                continue
            if level(other) > level(room):
                wrong.append(f"{relative} imports {module}")
    assert wrong == []


def test_the_runtime_knows_nothing_of_diffusion() -> None:
    for path in sorted((PACKAGE / "mil").rglob("*.py")):
        rooms = {room_of(module) for module in imports(path)} - {None, "mil"}
        assert rooms <= {"errors", "compat"}, path
        if path.name != "bench.py":  # its subject is a U-Net of diffusers
            assert not {"diffusers", "transformers"} & {module.split(".")[0] for module in imports(path)}, path


@pytest.mark.parametrize(
    "code",
    [
        "import sdqa.cli",
        "import sdqa.plan, sdqa.bundle, sdqa.store",
        "import sdqa.plan.describe; sdqa.plan.describe.plan_text",
        "import sdqa.gate",
        "import sdqa.report",
        "import sdqa.workflow",
        "import sdqa.pytest_plugin",
    ],
)
def test_light_modules_do_not_load_torch(code: str) -> None:
    check = f"import sys; {code}; heavy = {{'torch', 'coremltools', 'diffusers', 'open_clip'}} & set(sys.modules); "
    result = subprocess.run(
        [sys.executable, "-c", check + "sys.exit(', '.join(heavy) or 0)"], capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
