"""Markdown that strangers' text cannot shape: everything that is not `Markdown` already is escaped on its way in."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from sdqa.report.direction import undirected

MAX_TEXT = 800
"""Characters of one text as it is written; a cell of a table is no place for more."""
MAX_BYTES = 60_000
"""Of a whole text: GitHub refuses a comment of more than 65,536 characters."""
_SPECIAL = frozenset("\\`*_{}[]()#+!|<>~$@&")


class Markdown(str):
    """Text that is Markdown: made here, or escaped here."""

    __slots__ = ()


def escape(text: str) -> Markdown:
    """Text as text, on one line: nothing in it formats, links, mentions, breaks a table or turns the direction."""
    if isinstance(text, Markdown):
        return text
    plain = " ".join("".join(_visible(one) for one in undirected(text)).split())
    shown, size = [], 0
    for one in plain:
        part = f"&#{ord(one)};" if one in _SPECIAL else one
        size += len(part)
        if size > MAX_TEXT:
            shown.append("…")
            break
        shown.append(part)
    return Markdown("".join(shown).replace("://", "&#58;//").replace("www.", "www&#46;"))


def markdown(template: str, *parts: str | int) -> Markdown:
    """A template of our own with parts of anybody's, `{}` each."""
    return Markdown(template.format(*(escape(str(part)) if not isinstance(part, Markdown) else part for part in parts)))


def row(cells: Iterable[str]) -> Markdown:
    """One row of a table."""
    return Markdown(f"| {' | '.join(escape(cell) for cell in cells)} |")


def assemble(blocks: Sequence[Sequence[Markdown]], limit: int) -> str:
    """Blocks of lines as one text of at most `limit` bytes.

    From the first line that does not fit on, all are left out, and how many is said; HTML that opens and closes in one
    block is left out whole.
    """
    kept: list[str] = []
    size, left_out = 0, 0
    for block in blocks:
        whole = bool(block) and block[0].startswith("<")
        for lines in [block] if whole else [[line] for line in block]:
            text = "".join(f"{line}\n" for line in lines)
            size += len(text.encode("utf-8", errors="replace"))
            if left_out or size > limit:
                left_out += len(lines)
            else:
                kept.append(text)
    if left_out:
        kept.append(f"\n… and {left_out} more line{'s' if left_out != 1 else ''}: see the report.\n\n")
    return "".join(kept)


def _visible(one: str) -> str:
    return " " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one
