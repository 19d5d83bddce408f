"""Names that a room offers and imports when somebody first asks for them: most verbs need few of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def offering(room: str, table: Mapping[str, str]) -> Callable[[str], Any]:
    """A room's `__getattr__`.

    Args:
        room: its dotted name.
        table: name → the module that has it; called `_LAZY`, which is how a key finds the code behind a name.
    """

    def offered(name: str) -> Any:
        if name in table:
            return getattr(importlib.import_module(table[name]), name)
        raise AttributeError(f"module {room!r} has no attribute {name!r}")

    return offered
