"""open_clip: its tables without its networks."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
import types
from typing import Any

from sdqa.compat.hub import prepare_hub_environment

_TABLES = "sdqa_open_clip_tables"
"""The name under which open_clip's tables are loaded a second time, apart from the package."""


@functools.cache
def open_clip_tables() -> Any:
    """open_clip's table of pretrained tags without its networks (open_clip 3: importing the package loads torch).

    Its module is executed under a parent of its own, without `safetensors.torch`, which it can do without.

    Returns:
        A module with `list_pretrained_tags_by_model` and `get_pretrained_cfg`; its folder is `folder`.

    Raises:
        ImportError: open_clip is not installed, or is another version that cannot be taken apart so.
    """
    from pathlib import Path

    prepare_hub_environment()
    spec = importlib.util.find_spec("open_clip")
    if spec is None or spec.origin is None:
        raise ImportError("open_clip is not installed")
    folder = Path(spec.origin).parent
    parent = types.ModuleType(_TABLES)
    parent.__path__ = [str(folder)]
    sys.modules[_TABLES] = parent
    absent = "safetensors.torch" not in sys.modules
    if absent:
        sys.modules["safetensors.torch"] = None  # type: ignore[assignment] # as if it were not installed
    try:
        tables: Any = importlib.import_module(f"{_TABLES}.pretrained")
    finally:
        if absent:
            del sys.modules["safetensors.torch"]
    tables.folder = folder
    return tables
