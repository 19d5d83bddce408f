"""The token for GitHub's API: from standard input or the environment, never from the command line, never shown."""

from __future__ import annotations

import os
import re
import sys

from sdqa.errors import UsageError
from sdqa.github import Token
from sdqa.runner.host import TOKEN_NAMES

_FORM = re.compile(r"[\x21-\x7e]{8,1024}")


def read_token(*, from_stdin: bool) -> Token:
    """The token.

    Raises:
        UsageError: there is none, or it cannot be one.
    """
    found = find_token(from_stdin=from_stdin)
    if found is None:
        raise UsageError(
            "there is no token for GitHub's API",
            where=", ".join(TOKEN_NAMES),
            hint="pipe it in with --token-stdin (gh auth token | sdqa runner … --token-stdin), or set "
            f"{TOKEN_NAMES[0]}; it needs “Administration: write” on the repository",
        )
    return found


def find_token(*, from_stdin: bool) -> Token | None:
    """The token, where one is given.

    Raises:
        UsageError: what is given cannot be a token.
    """
    if from_stdin:
        return _checked(sys.stdin.readline().strip(), "standard input")
    for name in TOKEN_NAMES:
        value = os.environ.get(name, "").strip()
        if value:
            return _checked(value, name)
    return None


def _checked(value: str, where: str) -> Token:
    if not _FORM.fullmatch(value):  # the value is not repeated: it may be half a secret
        raise UsageError("what is given is no token", where=where, hint="one line, without spaces")
    return Token(value)
