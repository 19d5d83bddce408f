"""An asset is refused by its files before anything parses its program."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdqa.errors import PackageError
from sdqa.runtime.asset import open_asset
from tests.coreai import write_asset


def test_a_whole_asset_is_told_by_its_program(tmp_path: Path) -> None:
    one, other = write_asset(tmp_path / "a.aimodel"), write_asset(tmp_path / "b.aimodel", metadata="{}")
    opened = open_asset(one)
    assert opened.producer == "somebody 1"
    assert opened.bytes == sum(path.stat().st_size for path in one.iterdir())
    assert opened.digest == open_asset(other).digest, "metadata has dates; they are no part of what is executed"
    assert opened.digest != open_asset(write_asset(tmp_path / "c.aimodel", b"another")).digest


def test_another_program_than_the_hash_is_of_is_refused(tmp_path: Path) -> None:
    asset = write_asset(tmp_path / "a.aimodel", bytes(1000))
    (asset / "main.mlirb").write_bytes(bytes(999))
    with pytest.raises(PackageError, match=r"main\.mlirb is not the program that main\.hash is of"):
        open_asset(asset)


@pytest.mark.parametrize("name", ["main.mlirb", "main.hash", "metadata.json"])
def test_missing_files_and_links_are_refused(tmp_path: Path, name: str) -> None:
    asset = write_asset(tmp_path / "a.aimodel")
    (asset / name).rename(tmp_path / name)
    with pytest.raises(PackageError, match=f"{name} is missing"):
        open_asset(asset)
    (asset / name).symlink_to(tmp_path / name)
    with pytest.raises(PackageError, match=f"{name} is missing, or no file of its own"):
        open_asset(asset)


@pytest.mark.parametrize(
    ("metadata", "said"), [("[1]", "no JSON object"), ("{", "cannot be read"), (" " * (2**20 + 1), "too big")]
)
def test_metadata_is_not_trusted(tmp_path: Path, metadata: str, said: str) -> None:
    with pytest.raises(PackageError, match=said):
        open_asset(write_asset(tmp_path / "a.aimodel", metadata=metadata))


def test_something_else_is_no_asset(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"no \.aimodel folder"):
        open_asset(write_asset(tmp_path / "a.mlpackage"))
    with pytest.raises(PackageError, match=r"no \.aimodel folder"):
        open_asset(tmp_path / "b.aimodel")
