"""GitHub's API for self-hosted runners of a repository or an organisation.

The four calls that a just-in-time runner needs: generate-jitconfig, list, delete, downloads. The token goes to the
API's own address and nowhere else: redirects are refused. What can be waited out (429, a used-up rate limit, 5xx) is
tried again.
"""

from __future__ import annotations

import email.utils
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from typing import Any

from sdqa.errors import GitHubError, UsageError
from sdqa.runner.token import Token

API = "https://api.github.com"
VERSION = "2022-11-28"
TIMEOUT_S = 30
MAX_ANSWER_BYTES = 4 * 2**20
PER_PAGE = 100
MAX_PAGES = 100
TRIES = 4
LONGEST_WAIT_S = 120.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")
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


@dataclass(frozen=True)
class _Reply:
    code: int
    headers: Message[str, str]
    data: Any

    @property
    def said(self) -> str:
        """GitHub's own words, on one line."""
        message = self.data.get("message", "") if isinstance(self.data, dict) else ""
        return " ".join(str(message).split())[:300]


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follow no redirect: the token would go along."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class GitHub:
    """The runners of one repository (`OWNER/NAME`) or organisation (`OWNER`).

    Raises:
        UsageError: the scope or the API's address cannot be one.
    """

    def __init__(self, scope: str, token: Token, api: str = API, pause: Callable[[float], None] = time.sleep) -> None:
        self.scope, self.api = check_scope(scope), check_address(api)
        self._token, self._pause = token, pause
        self._opener = urllib.request.build_opener(_Stay)

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
            raise self._refused("DELETE", reply)
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

    def _ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, accepted: tuple[int, ...] = ()
    ) -> _Reply:
        for attempt in range(TRIES):
            reply = self._once(method, path, body)
            if reply.code < 300 or reply.code in accepted:
                return reply
            wait = _wait(reply, attempt)
            if wait is None or attempt == TRIES - 1 or wait > LONGEST_WAIT_S:
                raise self._refused(method, reply, wait)
            self._pause(wait)
        raise AssertionError("unreachable")

    def _once(self, method: str, path: str, body: dict[str, Any] | None) -> _Reply:
        request = urllib.request.Request(
            self.api + path, method=method, data=None if body is None else json.dumps(body).encode()
        )
        for name, value in {
            "Accept": "application/vnd.github+json",
            "Content-Type": "application/json",
            "User-Agent": "sdqa-runner",
            "X-GitHub-Api-Version": VERSION,
        }.items():
            request.add_header(name, value)
        request.add_unredirected_header("Authorization", self._token.header())
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as stream:
                return _Reply(stream.status, stream.headers, _data(stream.read(MAX_ANSWER_BYTES + 1)))
        except urllib.error.HTTPError as error:
            with error:
                return _Reply(error.code, error.headers, _data(error.read(MAX_ANSWER_BYTES + 1), strict=False))
        except (OSError, HTTPException) as error:
            raise GitHubError(
                f"GitHub's API cannot be reached: {error}", where=self.api, hint="sdqa runner doctor"
            ) from error

    def _refused(self, method: str, reply: _Reply, wait: float | None = None) -> GitHubError:
        """What an answer means, and what to do about it."""
        hint = {
            401: "the token is not accepted: make a new one",
            403: "the token needs “Administration: write”; for an organisation “Self-hosted runners: write”",
            404: "either there is no such repository or organisation, or the token may not see it",
            409: "a runner of this name is there already: sdqa runner remove, or another --name",
            422: "GitHub does not accept what it was asked: look at --name, --label and --group",
        }.get(reply.code, "")
        if wait is not None:
            hint = "try again later" + (f", in {wait:.0f} s" if wait else "")
        elif reply.code in (301, 302, 307, 308):
            hint = "the repository was renamed: give its present name"
        said = f": {self._token.hidden(reply.said)}" if reply.said else ""
        return GitHubError(f"GitHub answers {reply.code}{said}", where=f"{method} {self.scope}", hint=hint)


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


def check_address(address: str) -> str:
    """An API's address, without a slash at its end: https, or anything on this machine.

    Raises:
        UsageError: a token would cross the network in the clear, or this is no address.
    """
    parts = urllib.parse.urlsplit(address)
    plain = parts.hostname and not (parts.username or parts.query or parts.fragment)
    if plain and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)):
        return address.rstrip("/")
    raise UsageError(f"{address[:100]!r} cannot be an API's address", hint=f"an https address, such as {API}")


def _wait(reply: _Reply, attempt: int) -> float | None:
    """Seconds after which to ask again; None where asking again does not help."""
    limited = reply.code == 429 or (
        reply.code == 403 and ("Retry-After" in reply.headers or reply.headers.get("X-RateLimit-Remaining") == "0")
    )
    if not limited:
        return float(2**attempt) if reply.code >= 500 else None
    after = reply.headers.get("Retry-After", "")
    if after.isdigit():
        return float(after)
    when = email.utils.parsedate_tz(after)
    if when is not None:
        return max(0.0, email.utils.mktime_tz(when) - time.time())
    reset = reply.headers.get("X-RateLimit-Reset", "")
    return max(1.0, int(reset) - time.time()) if reset.isdigit() else float(2**attempt)


def _data(text: bytes, *, strict: bool = True) -> Any:
    if len(text) > MAX_ANSWER_BYTES:
        raise GitHubError(f"an answer of more than {MAX_ANSWER_BYTES} bytes is refused")
    try:
        return json.loads(text) if text else None
    except ValueError as error:
        if strict:
            hint = "is this address GitHub's API?"
            raise GitHubError("the answer is not JSON", hint=hint) from error
        return None


def _registered(data: Any) -> Registered:
    try:
        labels = tuple(str(label["name"]) for label in data.get("labels", ()))
        return Registered(int(data["id"]), str(data["name"]), str(data["status"]), bool(data["busy"]), labels)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise GitHubError("the answer describes no runner", hint="is this address GitHub's API?") from error
