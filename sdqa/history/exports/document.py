"""JSON for other tools: strict, and written in one step."""

from __future__ import annotations

import json
from pathlib import Path

from sdqa.store import write_atomically


def write_json(path: Path, content: object) -> None:
    """Strict JSON, in one step; a figure that is not finite becomes none."""
    write_atomically(path, json.dumps(finite(content), sort_keys=True, allow_nan=False).encode())


def finite(content: object) -> object:
    """The same without what JSON does not have."""
    if isinstance(content, dict):
        return {key: finite(value) for key, value in content.items()}
    if isinstance(content, list):
        return [finite(value) for value in content]
    return None if isinstance(content, float) and content - content != 0 else content
