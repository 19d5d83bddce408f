"""A model's JSON files: untrusted, of modest size, named for what they are when they are something else."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from sdqa.errors import ModelError
from sdqa.foreign import recognise

MAX_CONFIGURATION_BYTES = 16 * 2**20


class KeyTwice(ValueError):
    """An object of a JSON text has a key twice: readers do not agree on which of them counts."""


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, as `json.loads` makes it of its pairs.

    Raises:
        KeyTwice: with the first such key.
    """
    made = dict(pairs)
    if len(made) < len(pairs):
        counted = Counter(name for name, _ in pairs)
        raise KeyTwice(next(name for name, count in counted.items() if count > 1))
    return made


def read_json(path: Path, source: str) -> dict[str, Any]:
    """A JSON object of modest size.

    Raises:
        ModelError: missing, too big, not a JSON object, or one with a key twice.
    """
    try:
        if path.stat().st_size > MAX_CONFIGURATION_BYTES:
            what = f"{path.name} is too big to be a configuration ({path.stat().st_size} bytes)"
            raise ModelError(what, where=str(path), hint="save the pipeline again")
        if not path.is_file():
            kind = "a folder" if path.is_dir() else "a device or pipe"
            what = f"{path.parent.name}/{path.name} is {kind}, not a file"
            raise ModelError(what, where=source, hint="save the pipeline again")
        content = json.loads(path.read_text("utf-8"), object_pairs_hook=once)
    except FileNotFoundError as error:
        raise ModelError(
            f"{path.parent.name}/{path.name} is missing", where=source, hint="expected a folder in diffusers format"
        ) from error
    except OSError as error:
        what = f"{path.parent.name}/{path.name} cannot be read: {error.strerror}"
        raise ModelError(what, where=source, hint="change its rights") from error
    except KeyTwice as error:
        what = f"{path.parent.name}/{path.name} has the key {error.args[0]!r} twice"
        raise ModelError(what, where=source, hint="leave the one that is meant, or save the pipeline again") from error
    except (ValueError, RecursionError) as error:
        foreign = recognise(path)
        if foreign is not None:
            raise ModelError(f"{path.name} is {foreign.what}", where=str(path), hint=foreign.hint) from error
        hint = "save it as plain UTF-8, without a mark" if "BOM" in str(error) else "save the pipeline again"
        raise ModelError(f"{path.name} is not JSON: {error}", where=str(path), hint=hint) from error
    if not isinstance(content, dict):
        raise ModelError(f"{path.name} is not a JSON object", where=str(path))
    return content
