"""Core ML's protobuf classes, without importing coremltools itself (which takes seconds and prints notices).

The message classes live in `coremltools/proto/*_pb2.py`, which need protobuf and each other, nothing else. They are
imported under a package name of our own; protobuf's descriptor pool makes them the very same classes that
`coremltools.proto` offers when somebody imports that as well.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

from sdqa.errors import PackageError

_ALIAS = "sdqa.mil._coremltools_proto"


@functools.cache
def _module(name: str) -> Any:
    loaded = sys.modules.get(f"coremltools.proto.{name}")
    if loaded is not None:
        return loaded
    if _ALIAS not in sys.modules:
        found = importlib.util.find_spec("coremltools")
        if found is None or found.origin is None:
            raise PackageError(
                "coremltools is not installed", hint="pip install coremltools: its protobuf classes are needed"
            )
        package = types.ModuleType(_ALIAS)
        package.__path__ = [str(Path(found.origin).parent / "proto")]
        sys.modules[_ALIAS] = package
    return importlib.import_module(f"{_ALIAS}.{name}")


def new_model() -> Any:
    """An empty `Model` message."""
    return _module("Model_pb2").Model()


def decode_error() -> type[Exception]:
    """The exception protobuf raises on bytes that are no message."""
    error: type[Exception] = importlib.import_module("google.protobuf.message").DecodeError
    return error
