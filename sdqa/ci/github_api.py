"""The few calls of GitHub's API that a comment needs."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sdqa.errors import SdqaError, UsageError

SECONDS = 30
MAX_ANSWER = 16 * 2**20
MAX_PAGES = 20
BOT = "github-actions[bot]"
_NEXT = re.compile(r'<([^>]+)>;\s*rel="next"')
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


class ApiError(SdqaError):
    """GitHub's API refuses, or cannot be reached."""

    code = "SDQA-732"


@dataclass(frozen=True)
class Comment:
    """A comment of ours on a pull request."""

    id: int
    body: str


@dataclass(frozen=True)
class Repository:
    """A repository as its API shows it.

    Args:
        api: address of the API, without a slash at the end.
        name: OWNER/NAME.
        token: sent as a header, written nowhere.
    """

    api: str
    name: str
    token: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Repository:
        """The repository that a workflow runs in.

        Raises:
            UsageError: a variable that GitHub sets is missing.
        """
        for name in ("GITHUB_REPOSITORY", "GITHUB_TOKEN"):
            if not environment.get(name):
                raise UsageError(f"{name} is not set", hint="this verb runs in a workflow of GitHub, with a token")
        api = environment.get("GITHUB_API_URL") or "https://api.github.com"
        return cls(api.rstrip("/"), environment["GITHUB_REPOSITORY"], environment["GITHUB_TOKEN"])

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
        self._ask("POST", self._address(f"issues/{number}/comments"), {"body": text})

    def change_comment(self, comment: int, text: str) -> None:
        """Another text for a comment."""
        self._ask("PATCH", self._address(f"issues/comments/{comment}"), {"body": text})

    def _address(self, path: str) -> str:
        return f"{self.api}/repos/{self.name}/{path}"

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        address: str | None = f"{self._address(path)}?per_page=100"
        for _ in range(MAX_PAGES):
            if address is None:
                return
            data, following = self._ask("GET", address)
            if not isinstance(data, list):
                raise ApiError("the answer is no list", where=path)
            yield from (one for one in data if isinstance(one, dict))
            address = following if following is not None and following.startswith(f"{self.api}/") else None

    def _ask(self, method: str, address: str, body: object = None) -> tuple[Any, str | None]:
        """The answer's JSON, and the address of the next page."""
        request = urllib.request.Request(
            address,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
                "Content-Type": "application/json",
                "User-Agent": "sdqa",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                data = answer.read(MAX_ANSWER + 1)
                following = _NEXT.search(answer.headers.get("Link") or "")
        except urllib.error.HTTPError as error:
            said = error.read(500).decode("utf-8", errors="replace")
            raise ApiError(
                f"{method} was answered with {error.code}", where=address, hint=said or str(error)
            ) from error
        except (urllib.error.URLError, OSError) as error:
            raise ApiError(f"GitHub's API cannot be reached: {error}", where=address) from error
        if len(data) > MAX_ANSWER:
            raise ApiError("the answer is too large", where=address)
        try:
            return json.loads(data), following[1] if following else None
        except (ValueError, RecursionError) as error:
            raise ApiError("the answer is no JSON", where=address) from error
