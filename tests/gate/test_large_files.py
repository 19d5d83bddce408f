"""A place of large goldens elsewhere: what it holds is checked, and whatever it raises is told in our words."""

from __future__ import annotations

import hashlib
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from sdqa.errors import GoldenDamaged, GoldenMissing, StoreError
from sdqa.gate import large_files

DATA = b"a picture"
DIGEST = hashlib.sha256(DATA).hexdigest()


class BucketError(Exception):
    """As the libraries of buckets raise them: of no kind that Python knows."""


class Unreachable(MemoryFileSystem):
    protocol = "unreachable"

    def exists(self, path: str, **options: object) -> bool:
        raise BucketError("could not connect to the endpoint")

    def _open(self, path: str, *arguments: object, **options: object) -> object:
        raise BucketError("could not connect to the endpoint")


@pytest.fixture(autouse=True)
def registered() -> None:
    fsspec.register_implementation("unreachable", Unreachable, clobber=True)


def test_what_was_put_is_fetched_once(tmp_path: Path) -> None:
    place = "memory://goldens-of-a-test"
    assert large_files.put(place, DATA) == large_files.put(place, DATA) == DIGEST
    assert large_files.fetch(place, DIGEST, len(DATA), tmp_path) == DATA
    assert large_files.fetch("memory://nowhere", DIGEST, len(DATA), tmp_path) == DATA, "from the cache"


def test_another_content_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (place / DIGEST).write_bytes(b"another")
    with pytest.raises(GoldenDamaged, match="not the one that was recorded"):
        large_files.fetch(str(place), DIGEST, len(DATA), tmp_path / "cache")


@pytest.mark.parametrize("place", ["unreachable://bucket", "nothing-like-it://bucket", "memory://empty"])
def test_a_place_that_gives_nothing_is_named(place: str, tmp_path: Path) -> None:
    with pytest.raises(GoldenMissing, match="cannot be read") as raised:
        large_files.fetch(place, DIGEST, len(DATA), tmp_path)
    assert raised.value.where == f"{place}/{DIGEST}"


@pytest.mark.parametrize("place", ["unreachable://bucket", "nothing-like-it://bucket"])
def test_a_place_that_takes_nothing_is_named(place: str) -> None:
    with pytest.raises(StoreError, match="cannot be kept") as raised:
        large_files.put(place, DATA)
    assert "SDQA_GOLDENS_PLACE" in raised.value.hint
