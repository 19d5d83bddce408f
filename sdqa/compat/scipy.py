"""scipy: parts of it that hardly anybody needs are loaded later."""

from __future__ import annotations

import functools
import importlib
import importlib.machinery
import importlib.util
import sys
import types
from typing import Any

_LATER = {"scipy.stats": (), "scipy.integrate": (), "scipy.optimize": ("linear_sum_assignment",)}
"""Module → functions of it that libraries take out while they are imported."""


@functools.cache
def prepare_scipy() -> None:
    """Load parts of scipy when something of them is first used (scipy 1, diffusers 0.3x, transformers 5).

    Six schedulers import scipy.stats for beta sigmas, for which hardly a suite asks; it takes a second. Another asks
    for integrals, and the losses of transformers, with which nobody trains here, for an assignment: half a second. The
    standard library's lazy modules do not help: `inspect`, which torch calls, asks every module for its file, and that
    loads them.
    """
    for name, taken in _LATER.items():
        spec = importlib.util.find_spec(name) if importlib.util.find_spec("scipy") else None
        if name not in sys.modules and spec is not None:
            _load_later(name, taken, spec)


def _load_later(name: str, taken: tuple[str, ...], spec: importlib.machinery.ModuleSpec) -> None:
    """Put a module in place that becomes the one of its name when something of it is used."""

    def real(attribute: str) -> Any:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        return getattr(importlib.import_module(name), attribute)

    def first_use(attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        if attribute in taken and sys.modules.get(name) is stand_in:
            return lambda *given, **named: real(attribute)(*given, **named)
        return real(attribute)

    stand_in: Any = types.ModuleType(name)
    stand_in.__spec__, stand_in.__file__, stand_in.__path__ = spec, spec.origin, spec.submodule_search_locations
    stand_in.__getattr__ = first_use
    sys.modules[name] = stand_in
    package, _, part = name.rpartition(".")
    setattr(importlib.import_module(package), part, stand_in)
