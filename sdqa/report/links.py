"""Where something stands in a report's page: the one place that makes and encodes its addresses.

An address means the same tomorrow: `index.html#/case/portrait-hat?lane=tiny/fp16`. Where a service publishes the page,
`SDQA_REPORT_URL` names it and words become links; otherwise they name the address relative to the report's folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

PAGE = "index.html"
VARIABLE = "SDQA_REPORT_URL"
MAX_LENGTH = 2000
"""Of a page's URL: longer ones are cut by what they pass through."""


def page_of(environment: Mapping[str, str] | None = None) -> str:
    """The page as the words of a run name it: its URL where the service says so, or the file beside them.

    Anything that is no plain HTTP address of this length is not one: the variable comes from outside.
    """
    variables = os.environ if environment is None else environment
    stated = variables.get(VARIABLE, "").strip()
    try:
        parts = urlsplit(stated)
        host = parts.hostname
    except ValueError:
        return PAGE
    plain = stated.isascii() and stated.isprintable() and not set(stated) & set(" \"'<>\\^`{|}()[]")
    if len(stated) > MAX_LENGTH or not plain or parts.scheme not in ("http", "https") or not host:
        return PAGE
    if parts.username is not None or parts.password is not None or parts.fragment or parts.query:
        return PAGE
    return stated if parts.path.endswith(".html") else f"{stated.rstrip('/')}/{PAGE}"


def case_address(case: str, lane: str = "", page: str = PAGE) -> str:
    """A case's address, in one of its lanes."""
    inside = f"?lane={_encoded(lane, '/')}" if lane else ""
    return f"{page}#/case/{_encoded(case)}{inside}"


def check_address(case: str, lane: str, check: str, page: str = PAGE) -> str:
    """Where a check is shown: at its case, or in the table of checks where it is about none."""
    return case_address(case, lane, page) if case else f"{page}#/checks?q={_encoded(check, '/')}"


def published(page: str) -> bool:
    """Whether an address can be followed from anywhere, and not only from the report's folder."""
    return page.startswith(("http://", "https://"))


def _encoded(text: str, kept: str = "") -> str:
    """Percent-encoded UTF-8; half a surrogate, which has none, as its replacement."""
    return quote(text.encode("utf-8", errors="replace"), safe=kept)
