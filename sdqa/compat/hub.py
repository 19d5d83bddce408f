"""huggingface_hub and the model libraries: quiet, and away from the network unless the user wants them there."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager

from sdqa.compat.collector import uncollected
from sdqa.compat.scipy import prepare_scipy
from sdqa.compat.torchvision import prepare_torchvision

_OFFLINE_BY_DEFAULT = "SDQA_HUB_OFFLINE_BY_DEFAULT"
"""Set in the environment beside what `prepare_hub` sets there, so that a child process knows that no user did."""
_OFFLINE_BY_USER = (
    os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"} and _OFFLINE_BY_DEFAULT not in os.environ
)
"""What the user's environment says, before `prepare_hub` gives it a default."""


@contextmanager
def hub_online() -> Iterator[None]:
    """Let huggingface_hub use the network, which `prepare_hub` keeps it from, unless the user did that.

    The library reads HF_HUB_OFFLINE once, when it is imported (huggingface_hub 1 and 2).
    """
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = _OFFLINE_BY_USER
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


@functools.cache
def prepare_hub() -> None:
    """Keep the model libraries quiet and away from the network unless the user has set it up otherwise."""
    prepare_hub_environment()
    with uncollected():
        prepare_scipy()
        prepare_torchvision()


@functools.cache
def prepare_hub_environment() -> None:
    """What `prepare_hub` does for huggingface_hub alone: nothing here loads torch."""
    if "HF_HUB_OFFLINE" not in os.environ:
        os.environ["HF_HUB_OFFLINE"] = os.environ[_OFFLINE_BY_DEFAULT] = "1"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
