"""Documents of our own, read back as what they are: untrusted JSON of a known schema version, one typed error a flaw.

Bundles, goldens, tolerances, sensitivity tables and locks travel as artifacts between machines and repositories.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from sdqa.bundle.files import Refused, read_regular
from sdqa.errors import SdqaError
from sdqa.store import write_atomically

Document = TypeVar("Document", bound=BaseModel)
MAX_DEPTH = 64
"""Of lists and objects in each other. Ours have a dozen; what reads or writes JSON gives up at a few hundred."""
MAX_WHOLE = 2**64
"""Beyond the bytes, seeds and counts that there are; Python's whole numbers have no end, floats do."""


def encode(content: object) -> bytes:
    """JSON as it is written: sorted keys, finite numbers, a line break at the end."""
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


RECORDS = 4
"""Levels of a run down to its records: run, lanes, lane, verdicts."""


def encode_records(content: object, level: int = 0) -> bytes:
    """The same, one record a line: what lies deeper than `RECORDS` levels is not broken."""
    return (_lines(content, level) + "\n").encode()


def _lines(content: object, level: int) -> str:
    margin = "\n" + " " * (level + 1)
    end = "\n" + " " * level
    if level < RECORDS and isinstance(content, dict) and content:
        parts = (f"{_text(key)}: {_lines(content[key], level + 1)}" for key in sorted(content))
        return f"{{{margin}{f',{margin}'.join(parts)}{end}}}"
    if level < RECORDS and isinstance(content, list) and content:
        return f"[{margin}{f',{margin}'.join(_lines(one, level + 1) for one in content)}{end}]"
    return _text(content)


def _text(content: object) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def write(path: Path, content: object) -> None:
    """Write a document in one step."""
    write_atomically(path, encode(content))


def read(
    path: Path,
    schema: type[Document],
    error: type[SdqaError],
    *,
    name: str,
    limit: int,
    missing: str,
    hint: str = "",
    within: Path | None = None,
) -> Document:
    """Read and check a document.

    Args:
        schema: its `schema_version` has the only version that is read as its default.
        error: what to raise.
        name: what to call the document, in the singular: "the golden's manifest".
        limit: of its size, in bytes.
        missing: what to say when there is none.
        hint: what to do about any flaw.
        within: a folder that it must lie in once links are followed.

    Raises:
        SdqaError: an `error`; the document is missing, no regular file, too large, not JSON, of another schema version,
            or against its schema.
    """

    try:
        found = read_regular(path, limit, within=within)
    except OSError as problem:
        raise error(missing, where=str(path), hint=hint) from problem
    except Refused as problem:
        raise error(f"{name} {problem}", where=str(path), hint=hint) from problem
    return parse(found, schema, error, name=name, where=str(path), hint=hint)


def parse(
    found: bytes, schema: type[Document], error: type[SdqaError], *, name: str, where: str, hint: str = ""
) -> Document:
    """Check a document that was read; see `read`."""

    def refuse(what: str) -> SdqaError:
        return error(what, where=where, hint=hint)

    try:
        text = found.decode(json.detect_encoding(found), "surrogatepass")
        data = json.loads(text, object_pairs_hook=_told_once, parse_int=_counted)
    except _TooLarge:
        raise refuse(f"{name} holds a whole number of more than 64 bits") from None
    except (ValueError, RecursionError) as problem:
        raise refuse(f"{name} is not JSON: {problem}") from problem
    flaw = _excess(data, text)
    if flaw:
        raise refuse(f"{name} {flaw}")
    version, known = _version(data), schema.model_fields["schema_version"].default
    if version != known:
        raise refuse(f"{name} has schema version {version!r}, this sdqa reads {known}")
    try:
        return schema.model_validate(data)
    except ValidationError as problem:
        first = problem.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise refuse(f"{name} does not follow its schema: $.{key}: {first['msg']}") from problem


def loads(text: str | bytes) -> object:
    """JSON of which no object says anything twice.

    Raises:
        ValueError: it is none, or one does.
        RecursionError: it is nested too deep.
    """
    return json.loads(text, object_pairs_hook=_told_once)


def _told_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object of which nothing is said twice: two readers could take two different things from it.

    Raises:
        ValueError: something is.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"{name[:60]!r} is there twice")
    return found


class _TooLarge(Exception):
    """A whole number of more than 64 bits."""


def _counted(digits: str) -> int:
    """A whole number.

    Raises:
        _TooLarge: it has more than 64 bits.
    """
    number = int(digits)
    if abs(number) > MAX_WHOLE:
        raise _TooLarge
    return number


_HALF = re.compile("[\ud800-\udfff]")
"""It can be escaped in JSON and encoded nowhere: nothing that we write has one."""


def _excess(data: object, text: str) -> str:
    """What is in it and in nothing that we write, in words; empty when nothing is.

    Args:
        text: what the data was read from.
    """
    level: list[object] = [data]
    halves = "\\u" in text or not _can_be_encoded(text)
    for _ in range(MAX_DEPTH):
        if halves and any(_HALF.search(one) for one in _texts(level)):
            return "holds half a character (a lone surrogate)"
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
            if halves or type(inner) is dict or type(inner) is list
        ]
        if not level:
            return ""
    return f"is nested deeper than {MAX_DEPTH} levels"


def _can_be_encoded(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _texts(level: list[object]) -> Iterator[str]:
    """The texts of a level, and the names in its objects."""
    for one in level:
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            yield from one


def _version(data: object) -> object:
    return data.get("schema_version") if isinstance(data, dict) else None
