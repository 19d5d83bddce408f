"""The collector of garbage, which large imports do without."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from sdqa.signals import later


@contextmanager
def uncollected() -> Iterator[None]:
    """Import large libraries without looking for garbage meanwhile (CPython before 3.14, torch 2, transformers 5).

    Some thousands of modules are made that all stay; looking through them again and again takes a fifth of the time.
    Nor are they interrupted: half of torch cannot be imported again, and may take the process with it.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        with later():
            yield
    finally:
        if was_on:
            gc.enable()
