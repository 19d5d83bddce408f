"""A shell in a project folder, in an environment as the wheel alone makes it: nothing of the extras can be imported."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODULES = {"pyyaml": "yaml", "scikit-image": "skimage", "scikit-learn": "sklearn"}
"""Distributions whose modules have other names."""
BLOCK = """
from importlib.machinery import PathFinder
find = PathFinder.find_spec
def find_spec(cls, name, path=None, target=None):
    return None if name.partition(".")[0] in {names!r} else find(name, path, target)
PathFinder.find_spec = classmethod(find_spec)
"""


def extras() -> set[str]:
    """Modules of the distributions that only the extras bring."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [line for name in ("test", "identity", "bench") for line in project["optional-dependencies"][name]]
    names = {_name(line) for line in wanted} - required(project["dependencies"])
    names -= {"hypothesis"}  # pytest loads its plugin wherever it is installed
    return {MODULES.get(name, name.replace("-", "_")) for name in names}


def required(lines: list[str]) -> set[str]:
    """The distributions that requirements bring, and theirs, without extras."""
    found: set[str] = set()
    open_ends = [_name(line) for line in lines]
    while open_ends:
        name = open_ends.pop()
        if name not in found:
            found.add(name)
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                theirs = importlib.metadata.requires(name) or []
                open_ends += [_name(line) for line in theirs if "extra ==" not in line]
    return found


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0].lower().replace("_", "-")


@dataclass(frozen=True)
class Shell:
    """Runs `sdqa …` in a folder."""

    folder: Path
    blocked: Path

    @classmethod
    def at(cls, folder: Path, place: Path) -> Shell:
        """
        Args:
            place: where the module lies that keeps the extras out.
        """
        place.mkdir(parents=True, exist_ok=True)
        (place / "sitecustomize.py").write_text(BLOCK.format(names=extras()), encoding="utf-8")
        return cls(folder, place)

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """Standard output of a verb that ends with a code."""
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(self.blocked), str(ROOT)]),
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "120",
        }
        done = subprocess.run(
            [sys.executable, "-m", "sdqa", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == code, f"sdqa {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout
