"""Where in a TOML file a key stands, so that a problem is shown with its line: the parser itself does not tell."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sdqa.errors import Problem

Location = tuple[int | str, ...]

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_KEY = rf"{_PART}(?:\s*\.\s*{_PART})*"
_TABLE = re.compile(rf"\s*(\[\[?)\s*({_KEY})\s*\]\]?")
_ASSIGNED = re.compile(rf"\s*({_KEY})\s*=")
_LONG = re.compile(r'"""|' + "'''")
SHOWN_LETTERS = 100


def key_lines(text: str) -> dict[Location, int]:
    """The line, from 1, of every table and key by its path; what stands inside a value is found at its key's."""
    found: dict[Location, int] = {}
    tables: dict[Location, int] = {}  # how many `[[tables]]` of a name there were
    base: Location = ()
    until = ""  # the quotes that end a text of several lines
    for number, line in enumerate(text.splitlines(), start=1):
        if until:
            until = "" if until in line else until
            continue
        if table := _TABLE.match(line):
            name = _parts(table[2])
            if table[1] == "[[":
                tables[name] = tables.get(name, -1) + 1
                base = (*name, tables[name])
            else:
                base = _below(name, tables)
            for length in range(1, len(base) + 1):
                found.setdefault(base[:length], number)
        elif key := _ASSIGNED.match(line):
            path = (*base, *_parts(key[1]))
            for length in range(len(base) + 1, len(path) + 1):
                found.setdefault(path[:length], number)
        quotes = _LONG.findall(line)
        until = quotes[-1] if len(quotes) % 2 else ""
    return found


def located(problems: Iterable[tuple[Location, str]], text: str, name: str) -> list[Problem]:
    """Problems with the place in the file that each is about, and that line itself."""
    lines, places = text.splitlines(), key_lines(text)
    found = []
    for location, message in problems:
        at = next((places[location[:end]] for end in range(len(location), 0, -1) if location[:end] in places), 0)
        source = lines[at - 1].strip()[:SHOWN_LETTERS] if at else ""
        found.append(Problem(json_path(location), message, f"{name}:{at}" if at else name, source))
    return found


def json_path(location: Location) -> str:
    """`$.lanes[0].model`."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)


def _parts(key: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in re.findall(_PART, key))


def _below(name: tuple[str, ...], tables: dict[Location, int]) -> Location:
    """A table's path; below a `[[table]]` it belongs to the last one."""
    for length in range(len(name), 0, -1):
        if name[:length] in tables:
            return (*name[:length], tables[name[:length]], *name[length:])
    return name
