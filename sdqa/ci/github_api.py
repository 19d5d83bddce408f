"""The few calls of GitHub's API that a comment needs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sdqa.errors import GitHubError, UsageError
from sdqa.github import API, Client, Token

MAX_PAGES = 20
BOT = "github-actions[bot]"
HINTS = {
    401: "the job's token is not accepted",
    403: "the job needs `permissions: {pull-requests: write}`",
    404: "either there is no such repository, or the job's token may not see it",
}
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True)
class Comment:
    """A comment of ours on a pull request."""

    id: int
    body: str


class Repository:
    """A repository as its API shows it.

    Args:
        api: address of the API.
        name: OWNER/NAME.
        pause: waits so many seconds before something is tried again.
    """

    def __init__(self, api: str, name: str, token: Token, pause: Callable[[float], None] = time.sleep) -> None:
        self.name = name
        self._client = Client(name, token, api, pause, hints=HINTS)

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Repository:
        """The repository that a workflow runs in.

        Raises:
            UsageError: a variable that GitHub sets is missing.
        """
        for name in ("GITHUB_REPOSITORY", "GITHUB_TOKEN"):
            if not environment.get(name):
                raise UsageError(f"{name} is not set", hint="this verb runs in a workflow of GitHub, with a token")
        api = environment.get("GITHUB_API_URL") or API
        return cls(api, environment["GITHUB_REPOSITORY"], Token(environment["GITHUB_TOKEN"]))

    def pull_request_of(self, commit: str) -> int | None:
        """The open pull request whose head is the commit.

        Raises:
            UsageError: this is no commit.
        """
        if not _COMMIT.fullmatch(commit):
            raise UsageError(f"{commit[:80]!r} is no commit", hint="--commit takes the full digest")
        for one in self._pages(f"commits/{commit}/pulls"):
            head = one.get("head")
            if one.get("state") == "open" and isinstance(head, dict) and head.get("sha") == commit:
                return int(one["number"])
        return None

    def comments(self, number: int) -> Iterator[Comment]:
        """The workflow's own comments on a pull request, oldest first: somebody else's could pretend to be one."""
        for one in self._pages(f"issues/{number}/comments"):
            user = one.get("user")
            if isinstance(user, dict) and user.get("login") == BOT:
                yield Comment(int(one["id"]), str(one.get("body", "")))

    def add_comment(self, number: int, text: str) -> None:
        """A further comment."""
        self._client.ask("POST", self._path(f"issues/{number}/comments"), {"body": text})

    def change_comment(self, comment: int, text: str) -> None:
        """Another text for a comment."""
        self._client.ask("PATCH", self._path(f"issues/comments/{comment}"), {"body": text})

    def _path(self, path: str) -> str:
        return f"/repos/{self.name}/{path}"

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        following: str | None = f"{self._path(path)}?per_page=100"
        for _ in range(MAX_PAGES):
            if following is None:
                return
            reply = self._client.ask("GET", following)
            if not isinstance(reply.data, list):
                raise GitHubError("the answer is no list", where=path)
            yield from (one for one in reply.data if isinstance(one, dict))
            following = self._client.following(reply)
