"""A history on a branch of its own: `git:sdqa-history`, an orphan that shares nothing with the project's files.

Nothing is checked out: commits are made by `git fast-import` on top of the branch's tip and the branch is moved with
its old value named, so a second writer is noticed. With a remote named `origin`, its branch is the one that counts:
what is added is pushed as a fast-forward, and where somebody was quicker, it is made again on top of theirs.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sdqa.bundle.files import Refused
from sdqa.errors import HistoryError
from sdqa.history import git
from sdqa.history.files import MAX_FILE_BYTES, NAME

REMOTE = "origin"
ATTEMPTS = 8
WAIT_S = 0.2
"""Before the second attempt; doubled with each, and spread, so that two writers part."""
MAX_LISTED = 100_000
WHO = "sdqa <sdqa@localhost>"


class HistoryBranch:
    """See the file's text."""

    def __init__(self, branch: str, folder: Path) -> None:
        known = git.output(folder, "check-ref-format", "--branch", branch) if branch else None
        if known != branch or branch.startswith("-"):
            raise HistoryError(f"{branch[:80]!r} is no name of a branch", hint="say git:sdqa-history, say")
        top = git.output(folder, "rev-parse", "--git-dir")
        if top is None:
            raise HistoryError("there is no git repository here", where=str(folder), hint="name a folder instead")
        self.branch, self.folder = branch, folder
        self._ref = f"refs/heads/{branch}"
        self._remote = git.output(folder, "remote", "get-url", REMOTE) is not None

    @property
    def where(self) -> str:
        """In words."""
        return f"git:{self.branch}"

    def names(self) -> list[str]:
        """The records at the branch's tip, of the remote where it answers."""
        tip = self._tip()
        if tip is None:
            return []
        listed = git.run(self.folder, "ls-tree", "-r", "--name-only", "-z", tip, "runs/").decode("utf-8", "replace")
        found = [name for name in listed.split("\0") if NAME.fullmatch(name)]
        return sorted(found, key=lambda name: name.rsplit("/", 1)[-1])[-MAX_LISTED:]

    def read(self, names: Sequence[str]) -> Iterator[tuple[str, bytes | Refused]]:
        """Blobs' bytes, from one process; a blob that is too large is never asked for."""
        tip = self._tip(fetch=False)
        asked = "".join(f"{tip}:{name}\n" for name in names).encode()
        sizes = git.run(self.folder, "cat-file", "--batch-check=%(objecttype) %(objectsize)", given=asked).splitlines()
        fit = [
            name
            for name, line in zip(names, sizes, strict=True)
            if (words := line.split())[:1] == [b"blob"] and int(words[1]) <= MAX_FILE_BYTES
        ]
        yield from ((name, Refused("is too large, or no file")) for name in names if name not in set(fit))
        for start in range(0, len(fit), 500):  # what is held at once stays small
            some = fit[start : start + 500]
            data = git.run(
                self.folder,
                "cat-file",
                "--batch=%(objectsize)",
                given="".join(f"{tip}:{name}\n" for name in some).encode(),
            )
            at = 0
            for name in some:
                end = data.index(b"\n", at)
                size = int(data[at:end])
                yield name, data[end + 1 : end + 1 + size]
                at = end + 2 + size

    def add(self, files: Mapping[str, bytes]) -> int:
        """One commit with what is not there yet.

        Raises:
            HistoryError: the branch cannot be moved: no permission to push, or others are quicker every time.
        """
        problem = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(WAIT_S * 2 ** min(attempt, 5) * (0.5 + secrets.randbelow(100) / 100))
            try:
                tip = self._tip()
                there = set(self._names_at(tip))
                new = {name: data for name, data in files.items() if name not in there}
                if not new:
                    return 0
                commit = self._commit(tip, new)
                self._publish(tip, commit)
                return len(new)
            except git.GitFailed as error:
                problem = str(error)
        hint = f"give the job permission to write to it, and run it again; git said: {problem}"
        raise HistoryError("the history's branch cannot be written", where=self.where, hint=hint)

    def _names_at(self, tip: str | None) -> list[str]:
        if tip is None:
            return []
        return git.run(self.folder, "ls-tree", "-r", "--name-only", "-z", tip, "runs/").decode().split("\0")

    def _tip(self, *, fetch: bool = True) -> str | None:
        """The commit that the branch is at; of the remote's where there is one, else this repository's own."""
        if self._remote and fetch:
            git.output(self.folder, "fetch", "--quiet", "--no-tags", REMOTE, f"+{self._ref}:{self._seen}")
        places = (self._seen, self._ref) if self._remote else (self._ref,)
        for place in places:
            found = git.output(self.folder, "rev-parse", "--verify", "--quiet", f"{place}^{{commit}}")
            if found:
                return found
        return None

    @property
    def _seen(self) -> str:
        """Where the remote's branch is remembered."""
        return f"refs/remotes/{REMOTE}/{self.branch}"

    def _commit(self, tip: str | None, files: Mapping[str, bytes]) -> str:
        """A commit on top of the tip; no branch moves."""
        made = f"refs/sdqa/{secrets.token_hex(8)}"
        message = f"Add {len(files)} run{'s' if len(files) != 1 else ''}\n".encode()
        parts = [
            f"feature done\ncommit {made}\ncommitter {WHO} {int(time.time())} +0000\ndata {len(message)}\n".encode(),
            message,
            f"from {tip}\n".encode() if tip else b"",
        ]
        for name, data in sorted(files.items()):
            parts += [f"M 100644 inline {name}\ndata {len(data)}\n".encode(), data, b"\n"]
        try:
            git.run(self.folder, "fast-import", "--quiet", "--date-format=raw", given=b"".join([*parts, b"done\n"]))
            return git.run(self.folder, "rev-parse", "--verify", made).decode().strip()
        finally:
            git.output(self.folder, "update-ref", "-d", made)

    def _publish(self, tip: str | None, commit: str) -> None:
        """Move the branch from its tip to the commit, or fail because it is elsewhere by now."""
        if self._remote:
            git.run(self.folder, "push", "--quiet", REMOTE, f"{commit}:{self._ref}")  # refused unless a fast-forward
            git.output(self.folder, "update-ref", self._seen, commit)
        else:
            nothing = "0" * len(commit)  # there must be none yet
            git.run(self.folder, "update-ref", "-m", "sdqa history", self._ref, commit, tip or nothing)
