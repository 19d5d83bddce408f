"""A judge as a revision or a folder has it: read out of git's objects, never by changing what is checked out."""

from __future__ import annotations

import posixpath
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sdqa.bundle.provenance import unverifiable
from sdqa.errors import SdqaError, UsageError
from sdqa.gate.audit import AUDIT_FILE
from sdqa.gate.manifest import MANIFEST_FILE
from sdqa.gate.tolerances import TOLERANCES_FILE
from sdqa.plan import Plan, load_suite, make_plan
from sdqa.plan.load import is_suite, lost_plugins

WANTED = (AUDIT_FILE, MANIFEST_FILE, TOLERANCES_FILE)
GIT_SECONDS = 120
MAX_FILE_BYTES = 64 * 2**20
MAX_SUITES = 256
"""Files that could be a suite and are looked at."""


@dataclass(frozen=True)
class LaidOut:
    """What a revision or a folder has, laid out on disk: suites, and the records that belong to their judge.

    Names are relative to the folder of the suite that was asked for.
    """

    folder: Path  # where that suite's folder is laid out
    suites: tuple[str, ...]  # sorted; those elsewhere in the repository begin with `../`

    def plan(self, name: str) -> Plan | None:
        """The plan of one of its suites, without the plugins that are lost; None where it has no such suite.

        Raises:
            SdqaError: the suite cannot be read.
        """
        path = self.folder / name
        if not path.is_file():
            return None
        return make_plan(load_suite(path, without=lost_plugins(path)), path, platform="linux")

    def lost(self, name: str) -> tuple[str, ...]:
        """The modules of plugins that one of its suites names, and that there are none of here: records of a revision
        are laid out, its code is not.

        Raises:
            SdqaError: the suite cannot be read.
        """
        path = self.folder / name
        return lost_plugins(path) if path.is_file() else ()


@contextmanager
def tree_at(place: str, suite: Path) -> Iterator[LaidOut]:
    """A repository as a revision has it, or a folder.

    Args:
        place: anything that git resolves to a commit; or a folder that holds the suite, absolute or beginning with a
            dot, because a change could bring a folder that is called like the revision it is held against.
        suite: the suite's file here; its repository is asked.

    Raises:
        UsageError: it is neither a folder nor a revision.
    """
    commit = commit_of(place, suite)
    if commit is None and place.startswith((".", "/")) and Path(place).is_dir():
        folder = Path(place)
        names = sorted(path.name for path in folder.glob("*.toml") if path.is_file())
        yield LaidOut(folder, tuple(name for name in names[:MAX_SUITES] if is_suite((folder / name).read_bytes())))
        return
    if commit is None and (why := unverifiable(suite.parent)):
        hint = f"where another user owns it: git config --global --add safe.directory {suite.resolve().parent}"
        raise UsageError(f"git does not say what {place[:80]!r} is: {why}", where=str(suite.parent), hint=hint)
    if commit is None:
        raise UsageError(
            f"{place[:80]!r} is neither a folder nor a revision of git here",
            where=str(suite.parent),
            hint="fetch it (actions/checkout: fetch-depth), or name a folder that holds the suite: ./before",
        )
    with tempfile.TemporaryDirectory(prefix="sdqa-revision-") as temporary:
        yield _lay_out(commit, suite.resolve(), Path(temporary).resolve())


@contextmanager
def plan_at(place: str, suite: Path) -> Iterator[Plan | None]:
    """The plan of a suite as a folder or a revision has it, by its path; None where that has no such suite.

    Raises:
        UsageError: it is neither a folder nor a revision.
        SdqaError: its suite cannot be read.
    """
    with tree_at(place, suite) as tree:
        yield tree.plan(suite.name)


def _lay_out(commit: str, suite: Path, root: Path) -> LaidOut:
    """The suites of a commit and what belongs to their judges, written below `root` as they lie in the repository."""
    here = suite.parent
    prefix = (_git(here, "rev-parse", "--show-prefix") or b"").decode().strip()
    files = _listing(here, commit)
    named = f"{prefix}{suite.name}"
    possible = [file for file in files if file.endswith(".toml") and file != named][:MAX_SUITES]
    found = _blobs(here, commit, [named, *possible])
    suites = {name: data for name, data in found.items() if name == named or is_suite(data)}
    for name, data in suites.items():
        _write(root, name, data)
    places = {_goldens(root, name) for name in suites}
    records = [file for file in files if file.rpartition("/")[2] in WANTED]
    wanted = [
        file
        for file in records
        if file.rpartition("/")[2] == AUDIT_FILE or any(file.startswith(f"{place}/") for place in places if place)
    ]
    for file, data in _blobs(here, commit, wanted).items():
        _write(root, file, data)
    names = (posixpath.relpath(name, prefix or ".") for name in suites)
    (root / prefix).mkdir(parents=True, exist_ok=True)
    return LaidOut(root / prefix, tuple(sorted(names)))


def _goldens(root: Path, name: str) -> str:
    """The folder of a suite's goldens, as the repository names it; empty where the suite cannot be read."""
    try:
        goldens = load_suite(root / name).goldens
    except SdqaError:
        return ""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), goldens))


def _write(root: Path, name: str, data: bytes) -> None:
    target = (root / name).resolve()
    if target.is_relative_to(root):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def commit_of(revision: str, suite: Path) -> str | None:
    """The commit that a revision names in the suite's repository; None where it names none."""
    asked = ("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    found = _git(suite.resolve().parent, *asked) if revision else None
    return found.decode().strip() if found is not None else None


def _listing(folder: Path, commit: str) -> list[str]:
    listing = _git(folder, "ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)
    names = (listing or b"").decode("utf-8", errors="replace").split("\0")
    return [name for name in names if name and "\n" not in name]


def _blobs(folder: Path, commit: str, names: Sequence[str]) -> dict[str, bytes]:
    """Files of a commit in one call of git; those that are not there are left out."""
    if not names:
        return {}
    asked = "".join(f"{commit}:{name}\n" for name in names).encode()
    output = _git(folder, "cat-file", "--batch", feed=asked) or b""
    found: dict[str, bytes] = {}
    place = 0
    for name in names:
        end = output.index(b"\n", place)
        header = output[place:end].split()
        place = end + 1
        if header[-1] == b"missing" or len(header) != 3:
            continue
        size = int(header[2])
        if header[1] == b"blob" and size <= MAX_FILE_BYTES:
            found[name] = output[place : place + size]
        place += size + 1
    return found


def _git(folder: Path, *arguments: str, feed: bytes | None = None) -> bytes | None:
    command = ["git", "-C", str(folder), "--no-optional-locks", *arguments]
    try:
        done = subprocess.run(command, input=feed, capture_output=True, timeout=GIT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SdqaError(f"git cannot be asked: {error}", where=str(folder)) from error
    return done.stdout if done.returncode == 0 else None
