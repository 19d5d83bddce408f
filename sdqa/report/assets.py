"""The page's own style and script, put together from their files, and the policy that lets only them run."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Iterable
from importlib import resources

PLACE = "sdqa.report.page"
STYLES = ("base", "summary", "review", "print")
SCRIPTS = (
    "dom", "figures", "data", "address", "filter", "glyphs", "commands", "rail", "difference", "heat", "stage", "case",
    "matrix", "checks", "operations", "screens", "keys",
)  # fmt: skip
"""In this order: each uses what stands before it, and the last ones start the page."""


@functools.cache
def style() -> str:
    """The style sheet."""
    return "".join(resources.files(PLACE).joinpath(f"{name}.css").read_text(encoding="utf-8") for name in STYLES)


@functools.cache
def script() -> str:
    """The script, in a scope of its own."""
    return scope(texts(PLACE, SCRIPTS))


def content_security_policy(css: str, js: str, *, beside: bool = False) -> str:
    """Own style and script by digest and pictures; nothing else: no network, no forms, no frames.

    Args:
        beside: pictures lie in the folder beside the page too, wherever that is: on a disk or a server.
    """
    pictures = "data: 'self' file:" if beside else "data:"
    return (
        f"default-src 'none'; img-src {pictures}; style-src 'sha256-{digest(css)}'; "
        f"script-src 'sha256-{digest(js)}'; base-uri 'none'; form-action 'none'"
    )


def texts(place: str, names: Iterable[str]) -> str:
    """Scripts of a package, one after another."""
    return "".join(resources.files(place).joinpath(f"{name}.js").read_text(encoding="utf-8") for name in names)


def scope(text: str) -> str:
    """A script in a scope of its own."""
    return f'"use strict";\n(() => {{\n{text}}})();\n'


def digest(text: str) -> str:
    """As a policy names it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
