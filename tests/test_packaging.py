"""What is shipped: the wheel alone runs the embedded suite in an empty folder; training stays in the source tree."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import sdqa

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


def build(target: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    return next(path for path in folder.iterdir() if path.suffix in {".whl", ".gz"})


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as pip would."""
    folder = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(build("wheel", folder)) as wheel:
        wheel.extractall(folder / "installed")
    return folder / "installed"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in the source distribution, without its top folder."""
    with tarfile.open(build("sdist", tmp_path_factory.mktemp("sdist"))) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def run(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A verb of the unpacked wheel, from an empty folder."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "sdqa", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )


def test_the_wheel_has_the_package_and_nothing_else(installed: Path) -> None:
    version = f"sdqa-{sdqa.__version__}.dist-info"
    assert {path.name for path in installed.iterdir()} == {"sdqa", version}
    assert f"Version: {sdqa.__version__}\n" in (installed / version / "METADATA").read_text(encoding="utf-8")


def test_the_wheel_has_every_file_of_the_package(installed: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "sdqa"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    kept = listed or [path.relative_to(ROOT).as_posix() for path in (ROOT / "sdqa").rglob("*.py")]
    assert [name for name in kept if (ROOT / name).is_file() and not (installed / name).is_file()] == []


def test_the_wheel_has_the_embedded_suite_and_its_goldens(installed: Path) -> None:
    suites = installed / "sdqa" / "suites"
    assert (suites / "embedded.toml").read_bytes() == (ROOT / "sdqa.toml").read_bytes()
    goldens = [path for path in (ROOT / "goldens").rglob("*") if path.is_file()]
    assert goldens
    for path in goldens:
        shipped = suites / "goldens" / "embedded" / path.relative_to(ROOT / "goldens")
        assert shipped.read_bytes() == path.read_bytes()


def test_the_source_distribution_can_be_built_and_tested_from(source: set[str]) -> None:
    wanted = {"sdqa.toml", "noxfile.py", "README.md", "CONTRIBUTING.md", "mkdocs.yml", "training/__main__.py"}
    wanted |= {"tests/conftest.py", "docs/decisions.md", "goldens/sensitivity.json", ".github/workflows/qa.yml"}
    assert wanted <= source


def test_the_wheel_alone_plans_the_embedded_suite(installed: Path, tmp_path: Path) -> None:
    result = run(installed, tmp_path, "plan", "--suite", "embedded", "--explain")
    assert result.returncode == 0, result.stderr
    assert "tiny/fp16" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_goldens_in_the_wheel_are_sound(installed: Path, tmp_path: Path) -> None:
    result = run(installed, tmp_path, "goldens", "verify", "--suite", "embedded", "--digests-only")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "portrait-hat" in result.stdout


@pytest.mark.parametrize("verb", [("goldens",), ("calibrate",)])
def test_the_goldens_in_the_wheel_are_not_written_over(installed: Path, tmp_path: Path, verb: tuple[str, ...]) -> None:
    result = run(installed, tmp_path, *verb, "--suite", "embedded", "--reason", "none")
    assert result.returncode == 2
    assert "belong to the package" in result.stderr


def test_the_wheel_alone_collects_every_check_and_leaves_one_folder(installed: Path, tmp_path: Path) -> None:
    """A whole run of it takes a minute; what it reads from the package is read here."""
    result = run(installed, tmp_path, "qa", "--suite", "embedded", "--collect-only")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "tiny/fp16/portrait-hat/lpips" in result.stdout
    assert {path.name for path in tmp_path.iterdir()} <= {".sdqa"}
