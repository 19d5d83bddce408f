"""An archive is the one that was named, and cannot reach out of its folder."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

import pytest

from sdqa.errors import ArchiveError, UsageError
from sdqa.runner import archive
from tests.runner.machine import packed

RUN = ("run.sh", b"#!/bin/sh\n", 0o755)


def unpack(folder: Path, data: bytes) -> Path:
    path = folder / "runner.tar.gz"
    path.write_bytes(data)
    into = folder / "root" / "application"
    archive.unpack(path, hashlib.sha256(data).hexdigest(), into)
    return into


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def everything(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_files_folders_and_links_inside_are_unpacked(tmp_path: Path) -> None:
    data = packed(RUN, ("bin/x", b"x", 0o4711), ("lib/cli.js", b"js", 0o644), links={"bin/npm": "../lib/cli.js"})
    into = unpack(tmp_path, data)
    assert everything(into) == ["bin", "bin/npm", "bin/x", "lib", "lib/cli.js", "run.sh"]
    assert (into / "bin" / "npm").read_bytes() == b"js"
    assert (into / "bin" / "x").stat().st_mode & 0o7777 == 0o755  # no set-user-id
    again = unpack(tmp_path, packed(RUN, links={"round": "round"}))  # leads nowhere, and so nowhere else
    assert everything(again) == ["round", "run.sh"]


@pytest.mark.parametrize(
    "data",
    [
        packed(RUN, ("../evil", b"x", 0o644)),
        packed(RUN, ("a/../../evil", b"x", 0o644)),
        packed(RUN, ("/tmp/evil", b"x", 0o644)),
        packed(RUN, links={"out": "../../.."}),
        packed(RUN, links={"out": "/etc"}),
        packed(RUN, ("a/b/c", b"x", 0o644), links={"l": "a/b", "m": "l/../../.."}),
        packed(RUN, ("a/b", b"x", 0o644), links={"a": "/tmp"}),
        packed(RUN, ("d/x", b"x", 0o644), links={"d/l": "..", "d/m": "l/../x"}),
        packed(RUN, RUN),
        packed(RUN, extra=[special("hard", tarfile.LNKTYPE, "run.sh")]),
        packed(RUN, extra=[special("pipe", tarfile.FIFOTYPE)]),
        packed(RUN, extra=[special("null", tarfile.CHRTYPE)]),
        packed(("other.sh", b"x", 0o755)),
        packed(RUN)[:-20],
        b"not an archive",
        b"",
    ],
    ids=range(16),  # the bytes hold the time
)
def test_what_reaches_out_or_is_no_runner_leaves_nothing(tmp_path: Path, data: bytes) -> None:
    before = {path.name for path in tmp_path.parent.iterdir()}
    with pytest.raises(ArchiveError):
        unpack(tmp_path, data)
    assert everything(tmp_path) in (["root", "runner.tar.gz"], ["runner.tar.gz"])
    assert {path.name for path in tmp_path.parent.iterdir()} == before


def test_a_link_first_and_a_file_through_it(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    first = special("d", tarfile.SYMTYPE, str(outside))
    second = tarfile.TarInfo("d/evil")
    with pytest.raises(ArchiveError):
        unpack(tmp_path, packed(RUN, extra=[first, second]))
    assert list(outside.iterdir()) == []


def test_limits_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(ArchiveError, match="larger than any runner"):
        unpack(tmp_path, packed(RUN, ("zeros", bytes(2000), 0o644)))
    monkeypatch.setattr(archive, "MAX_MEMBERS", 3)
    with pytest.raises(ArchiveError, match="larger than any runner"):
        unpack(tmp_path, packed(RUN, *((f"f{number}", b"", 0o644) for number in range(5))))
    monkeypatch.setattr(archive, "MAX_ARCHIVE_BYTES", 10)
    with pytest.raises(ArchiveError, match="bytes"):
        unpack(tmp_path, packed(RUN))


def test_another_digest_unpacks_nothing(tmp_path: Path) -> None:
    path = tmp_path / "runner.tar.gz"
    path.write_bytes(packed(RUN))
    with pytest.raises(ArchiveError, match="sha256"):
        archive.unpack(path, "0" * 64, tmp_path / "application")
    with pytest.raises(ArchiveError, match="cannot be read"):
        archive.unpack(tmp_path / "nowhere", "0" * 64, tmp_path / "application")
    assert everything(tmp_path) == ["runner.tar.gz"]
    with pytest.raises(UsageError, match="sha256"):
        archive.check_digest("abc")


def test_the_version_is_in_the_name() -> None:
    assert archive.version_of("actions-runner-osx-arm64-2.340.1.tar.gz") == "2.340.1"
    assert archive.version_of("runner.tar.gz") == ""
