"""Mixed precision: named torch modules stay fp32, the rest is fp16."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sdqa.errors import ConversionError


def select_half_precision(paths: Mapping[str, str], kept: tuple[str, ...]) -> Callable[[Any], bool]:
    """A selector for coremltools' fp16 pass: True for operations that may be rounded to fp16.

    Args:
        paths: torch value name to module path, from `sdqa.convert.sidecar.value_paths`.
        kept: dotted module paths; they and what is inside them stay fp32.

    Raises:
        ConversionError: a path names no module.
    """
    from coremltools.converters.mil.mil.scope import ScopeSource

    known = set(paths.values())
    for path in kept:
        if not any(name == path or name.startswith(path + ".") for name in known):
            raise ConversionError(
                f"keep_float32 names {path!r}, which computes nothing",
                hint=f"modules: {', '.join(sorted(known)[:8])} …",
            )

    def rounds(operation: Any) -> bool:
        scopes = operation.scopes.get(ScopeSource.TORCHSCRIPT_MODULE_NAME) or [""]
        module = paths.get(scopes[-1], "")
        return not any(module == path or module.startswith(path + ".") for path in kept)

    return rounds
