"""GitHub's API: the one way in, for the comment on a pull request and for machines of one's own.

The token goes to the API's own address and nowhere else: redirects are refused, and so is a next page elsewhere. What
can be waited out (429, a used-up rate limit, 5xx) is tried again.
"""

from __future__ import annotations

import email.utils
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPException
from typing import Any

from sdqa.errors import GitHubError, UsageError

API = "https://api.github.com"
VERSION = "2022-11-28"
TIMEOUT_S = 30
MAX_ANSWER_BYTES = 16 * 2**20
TRIES = 4
LONGEST_WAIT_S = 120.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_NEXT = re.compile(r'<([^>]+)>;\s*rel="next"')


@dataclass(frozen=True)
class Token:
    """A secret that neither `repr` nor a traceback's locals spell out."""

    _value: str = field(repr=False)

    def header(self) -> str:
        """What the API is told."""
        return f"Bearer {self._value}"

    def hidden(self, text: str) -> str:
        """A text without it."""
        return text.replace(self._value, "…")


@dataclass(frozen=True)
class Reply:
    """What the API answered."""

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


class Client:
    """Asks GitHub's API.

    Args:
        about: what is asked for, as errors name it.
        api: the API's address.
        pause: waits so many seconds before something is tried again.
        hints: what to do about a refusal, by its code.
        reached: what to do where the API cannot be reached.

    Raises:
        UsageError: the API's address cannot be one.
    """

    def __init__(
        self,
        about: str,
        token: Token,
        api: str = API,
        pause: Callable[[float], None] = time.sleep,
        *,
        hints: Mapping[int, str],
        reached: str = "",
    ) -> None:
        self.about, self.api = about, check_address(api)
        self._token, self._pause, self._hints, self._reached = token, pause, hints, reached
        self._opener = urllib.request.build_opener(_Stay)

    def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, accepted: tuple[int, ...] = ()
    ) -> Reply:
        """The answer to a request, after as many tries as it takes.

        Args:
            path: below the API's address, with a slash at its beginning.
            accepted: codes of refusals that are answers too.

        Raises:
            GitHubError: GitHub refuses, cannot be reached, or answers with something else.
        """
        for attempt in range(TRIES):
            reply = self._once(method, path, body)
            if reply.code < 300 or reply.code in accepted:
                return reply
            wait = _wait(reply, attempt)
            if wait is None or attempt == TRIES - 1 or wait > LONGEST_WAIT_S:
                raise self.refused(method, reply, wait)
            self._pause(wait)
        raise AssertionError("unreachable")

    def following(self, reply: Reply) -> str | None:
        """The path of the next page; None where there is none, or it is said to be elsewhere."""
        found = _NEXT.search(reply.headers.get("Link") or "")
        inside = found is not None and found[1].startswith(f"{self.api}/")
        return found[1].removeprefix(self.api) if found is not None and inside else None

    def refused(self, method: str, reply: Reply, wait: float | None = None) -> GitHubError:
        """What an answer means, and what to do about it."""
        hint = self._hints.get(reply.code, "")
        if wait is not None:
            hint = "try again later" + (f", in {wait:.0f} s" if wait else "")
        elif reply.code in (301, 302, 307, 308):
            hint = "the repository was renamed: give its present name"
        said = f": {self._token.hidden(reply.said)}" if reply.said else ""
        return GitHubError(f"GitHub answers {reply.code}{said}", where=f"{method} {self.about}", hint=hint)

    def _once(self, method: str, path: str, body: Mapping[str, Any] | None) -> Reply:
        request = urllib.request.Request(
            self.api + path, method=method, data=None if body is None else json.dumps(body).encode()
        )
        for name, value in {
            "Accept": "application/vnd.github+json",
            "Content-Type": "application/json",
            "User-Agent": "sdqa",
            "X-GitHub-Api-Version": VERSION,
        }.items():
            request.add_header(name, value)
        request.add_unredirected_header("Authorization", self._token.header())
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as stream:
                return Reply(stream.status, stream.headers, _data(stream.read(MAX_ANSWER_BYTES + 1)))
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, error.headers, _data(error.read(MAX_ANSWER_BYTES + 1), strict=False))
        except (OSError, HTTPException) as error:
            raise GitHubError(f"GitHub's API cannot be reached: {error}", where=self.api, hint=self._reached) from error


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


def _wait(reply: Reply, attempt: int) -> float | None:
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
    except (ValueError, RecursionError) as error:
        if strict:
            hint = "is this address GitHub's API?"
            raise GitHubError("the answer is not JSON", hint=hint) from error
        return None
