"""Mixed precision: named torch modules stay fp32, the rest is fp16."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sdqa.errors import ModulesUnmatched

NEAR = 3
"""Modules that are named for one that is not there."""


def select_half_precision(paths: Mapping[str, str], kept: tuple[str, ...]) -> Callable[[Any], bool]:
    """A selector for coremltools' fp16 pass: True for operations that may be rounded to fp16.

    Args:
        paths: torch value name to module path, from `sdqa.convert.sidecar.value_paths`.
        kept: dotted module paths; they and what is inside them stay fp32.

    Raises:
        ModulesUnmatched: a path names no module that computes anything.
    """
    from coremltools.converters.mil.mil.scope import ScopeSource

    demand_matches(kept, paths.values())

    def rounds(operation: Any) -> bool:
        scopes = operation.scopes.get(ScopeSource.TORCHSCRIPT_MODULE_NAME) or [""]
        module = paths.get(scopes[-1], "")
        return not any(module == path or module.startswith(path + ".") for path in kept)

    return rounds


def demand_matches(kept: tuple[str, ...], modules: Iterable[str]) -> None:
    """Refuse paths that name nothing: what they were to keep in fp32 would be rounded without a word.

    Args:
        kept: dotted module paths.
        modules: dotted paths of the modules that compute something.

    Raises:
        ModulesUnmatched: naming each such path, and the modules that are nearly called so.
    """
    known = {
        ".".join(parts[:end]) for parts in (path.split(".") for path in modules) for end in range(1, len(parts) + 1)
    }
    wrong = [path for path in kept if path not in known]
    if not wrong:
        return
    near = list(dict.fromkeys(one for path in wrong for one in difflib.get_close_matches(path, known, n=NEAR)))
    listed = ", ".join(repr(path) for path in wrong)
    hint = f"nearly so called: {', '.join(near)}" if near else f"modules: {', '.join(sorted(known)[:8])} …"
    raise ModulesUnmatched(f"keep_float32 names {listed}, which computes nothing here", where="keep_float32", hint=hint)
