"""The site's own style and script, put together from their files, and the policy that lets only them run."""

from __future__ import annotations

import functools
from importlib import resources

from sdqa.report import assets

SCRIPTS = (
    "dom", "data", "words", "parts", "overview", "chart", "series", "changes", "flaky", "variants", "goldens", "runs",
    "compare", "start",
)  # fmt: skip
"""In this order: each uses what stands before it, and the last one starts the page. Figures are written as a run's page
writes them, by its own file."""


@functools.cache
def style() -> str:
    """The style sheet."""
    return resources.files("sdqa.dashboard.templates").joinpath("dashboard.css").read_text(encoding="utf-8")


@functools.cache
def script() -> str:
    """The script, in a scope of its own."""
    figures = assets.texts(assets.PLACE, ("figures",))
    return assets.scope(figures + assets.texts("sdqa.dashboard.script", SCRIPTS))


def content_security_policy() -> str:
    """Own style and script by digest, data files through that script, pictures from beside the page."""
    return (
        f"default-src 'none'; img-src 'self' data:; style-src 'sha256-{assets.digest(style())}'; "
        f"script-src 'sha256-{assets.digest(script())}' 'strict-dynamic'; base-uri 'none'; form-action 'none'"
    )
