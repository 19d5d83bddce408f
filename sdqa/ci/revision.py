"""A judge as a revision has it: read out of git's objects or from a folder, never by changing what is checked out."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sdqa.errors import SdqaError, UsageError
from sdqa.gate.audit import AUDIT_FILE
from sdqa.gate.manifest import MANIFEST_FILE
from sdqa.gate.tolerances import TOLERANCES_FILE
from sdqa.plan import Plan, load_suite, make_plan

WANTED = (AUDIT_FILE, MANIFEST_FILE, TOLERANCES_FILE)
GIT_SECONDS = 120
MAX_FILE_BYTES = 64 * 2**20


@contextmanager
def plan_at(place: str, suite: Path) -> Iterator[Plan | None]:
    """The plan of a suite as a folder or a revision has it; None where that has no such suite.

    Args:
        place: anything that git resolves to a commit; or a folder that holds the suite, absolute or beginning with a
            dot, because a change could bring a folder that is called like the revision it is held against.
        suite: the suite's file here; its repository is asked.

    Raises:
        UsageError: it is neither a folder nor a revision.
        SdqaError: its suite cannot be read.
    """
    if _commit(place, suite) is None and place.startswith((".", "/")) and Path(place).is_dir():
        path = Path(place) / suite.name
        yield _plan(path) if path.is_file() else None
        return
    with tempfile.TemporaryDirectory(prefix="sdqa-revision-") as temporary:
        root = Path(temporary)
        yield _plan(root / suite.name) if _read_revision(place, suite.resolve(), root) else None


def _plan(path: Path) -> Plan:
    return make_plan(load_suite(path), path, platform="linux")


def _read_revision(revision: str, suite: Path, root: Path) -> bool:
    """The suite and what belongs to its judge, written below `root`; whether there is such a suite."""
    name = _commit(revision, suite)
    if name is None:
        raise UsageError(
            f"{revision[:80]!r} is neither a folder nor a revision of git here",
            where=str(suite.parent),
            hint="fetch it (actions/checkout: fetch-depth), or name a folder that holds the suite: ./before",
        )
    prefix = (_git(suite.parent, "rev-parse", "--show-prefix") or b"").decode().strip()
    content = _blobs(suite.parent, name, [f"{prefix}{suite.name}"])
    if not content:
        return False
    (root / suite.name).write_bytes(content[f"{prefix}{suite.name}"])
    goldens = load_suite(root / suite.name).goldens
    listing = _git(suite.parent, "ls-tree", "-r", "-z", "--name-only", "--full-tree", name, "--", f"{prefix}{goldens}")
    files = [file for file in (listing or b"").decode("utf-8", errors="replace").split("\0") if file]
    wanted = [file for file in files if file.rpartition("/")[2] in WANTED and "\n" not in file]
    for file, data in _blobs(suite.parent, name, wanted).items():
        target = (root / file.removeprefix(prefix)).resolve()
        if target.is_relative_to(root.resolve()):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    return True


def _commit(revision: str, suite: Path) -> str | None:
    """The commit that a revision names in the suite's repository."""
    asked = ("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    found = _git(suite.resolve().parent, *asked) if revision else None
    return found.decode().strip() if found is not None else None


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
