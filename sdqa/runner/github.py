"""GitHub's API for self-hosted runners of a repository or an organisation.

The four calls that a just-in-time runner needs: generate-jitconfig, list, delete, downloads.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sdqa.errors import GitHubError, UsageError
from sdqa.github import API, Client, Token

PER_PAGE = 100
MAX_PAGES = 100
HINTS = {
    401: "the token is not accepted: make a new one",
    403: "the token needs “Administration: write”; for an organisation “Self-hosted runners: write”",
    404: "either there is no such repository or organisation, or the token may not see it",
    409: "a runner of this name is there already: sdqa runner remove, or another --name",
    422: "GitHub does not accept what it was asked: look at --name, --label and --group",
}
_SCOPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}(/[A-Za-z0-9._-]{1,100})?")


@dataclass(frozen=True)
class Registered:
    """A runner as GitHub knows it."""

    id: int
    name: str
    status: str  # online, offline
    busy: bool
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Configured:
    """A runner that may be started once, and what it is started with."""

    runner: Registered
    encoded: str  # the just-in-time configuration: a credential for one job


@dataclass(frozen=True)
class Download:
    """The runner application for one kind of machine."""

    os: str  # osx, linux, win
    architecture: str
    url: str
    filename: str
    sha256: str


class GitHub:
    """The runners of one repository (`OWNER/NAME`) or organisation (`OWNER`).

    Raises:
        UsageError: the scope or the API's address cannot be one.
    """

    def __init__(self, scope: str, token: Token, api: str = API, pause: Callable[[float], None] = time.sleep) -> None:
        self.scope = check_scope(scope)
        self._client = Client(scope, token, api, pause, hints=HINTS, reached="sdqa runner doctor")
        self.api, self._ask = self._client.api, self._client.ask

    @property
    def _runners(self) -> str:
        return f"/{'repos' if '/' in self.scope else 'orgs'}/{self.scope}/actions/runners"

    def configure(self, name: str, labels: tuple[str, ...], group: int = 1) -> Configured:
        """Register a runner for one job.

        Args:
            group: the runner group's number; 1 is the default group, and the only one a repository has.

        Raises:
            GitHubError: GitHub refuses, or cannot be reached.
        """
        body = {"name": name, "runner_group_id": group, "labels": list(labels), "work_folder": "_work"}
        data = self._ask("POST", f"{self._runners}/generate-jitconfig", body).data
        encoded = data.get("encoded_jit_config") if isinstance(data, dict) else None
        if not isinstance(encoded, str) or not re.fullmatch(r"[A-Za-z0-9+/=_-]{1,100000}", encoded):
            raise GitHubError("the answer has no just-in-time configuration", where=self.api)
        return Configured(_registered(data.get("runner")), encoded)

    def runners(self) -> Iterator[Registered]:
        """All runners of the scope, page by page; each once, also where the list moves while it is read."""
        seen: set[int] = set()
        for page in range(1, MAX_PAGES + 1):
            data = self._ask("GET", f"{self._runners}?per_page={PER_PAGE}&page={page}").data
            listed = data.get("runners") if isinstance(data, dict) else None
            if not isinstance(listed, list):
                raise GitHubError("the answer is no list of runners", where=self.api)
            for runner in map(_registered, listed):
                if runner.id not in seen:
                    seen.add(runner.id)
                    yield runner
            if len(listed) < PER_PAGE:
                return
        raise GitHubError(f"more than {MAX_PAGES * PER_PAGE} runners are listed", where=self.scope)

    def find(self, runner: int) -> Registered | None:
        """A runner by its number; None where it has done its job, or was removed."""
        reply = self._ask("GET", f"{self._runners}/{runner}", accepted=(404,))
        return None if reply.code == 404 else _registered(reply.data)

    def delete(self, runner: int) -> bool:
        """Take a runner off the list: whether it is off now. It is not while it runs a job.

        Raises:
            GitHubError: GitHub refuses for another reason.
        """
        reply = self._ask("DELETE", f"{self._runners}/{runner}", accepted=(404, 422))
        if reply.code == 422 and "job" not in reply.said.lower():
            raise self._client.refused("DELETE", reply)
        return reply.code != 422

    def download(self, os: str, architecture: str) -> Download:
        """The runner application that GitHub publishes for a kind of machine, with its digest.

        Raises:
            GitHubError: there is none, or it has no digest.
        """
        data = self._ask("GET", f"{self._runners}/downloads").data
        for one in data if isinstance(data, list) else ():
            if isinstance(one, dict) and (one.get("os"), one.get("architecture")) == (os, architecture):
                url, name, digest = (str(one.get(key, "")) for key in ("download_url", "filename", "sha256_checksum"))
                if not re.fullmatch(r"[0-9a-f]{64}", digest):
                    hint = "download it yourself, and give it with --archive FILE --sha256 DIGEST"
                    raise GitHubError("the runner is published without a digest", where=url[:200], hint=hint)
                return Download(os, architecture, url, name, digest)
        raise GitHubError(f"no runner is published for {os} {architecture}", where=self.api)


def check_scope(scope: str) -> str:
    """`OWNER/NAME` or `OWNER`.

    Raises:
        UsageError: it is neither.
    """
    if not _SCOPE.fullmatch(scope) or scope.rpartition("/")[2] in (".", ".."):
        raise UsageError(
            f"{scope[:100]!r} is no repository or organisation", hint="--scope OWNER/NAME, or --scope OWNER"
        )
    return scope


def _registered(data: Any) -> Registered:
    try:
        labels = tuple(str(label["name"]) for label in data.get("labels", ()))
        return Registered(int(data["id"]), str(data["name"]), str(data["status"]), bool(data["busy"]), labels)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise GitHubError("the answer describes no runner", hint="is this address GitHub's API?") from error
