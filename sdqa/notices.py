"""What libraries say while they work: what is known to mean nothing for a result is left out, the rest is shown."""

from __future__ import annotations

import importlib
import logging
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sdqa import compat


@dataclass(frozen=True)
class KnownWarning:
    """A warning of a library's that says nothing of a result, and why it does not."""

    category: type[Warning]
    message: str  # regular expression, from the beginning
    module: str  # regular expression of the module that is warned, from the beginning
    why: str


KNOWN_WARNINGS = (
    KnownWarning(
        DeprecationWarning,
        "",
        r"(?!sdqa)",
        "a name will change some day; versions are recorded",
    ),
    KnownWarning(PendingDeprecationWarning, "", r"(?!sdqa)", "as above"),
    KnownWarning(FutureWarning, "", r"(?!sdqa)", "as above"),
    KnownWarning(
        UserWarning,  # torch.jit.TracerWarning, which has no name before torch is imported
        r"Converting a tensor to a Python (boolean|integer|float|number|index)",
        r"torch|transformers|diffusers",
        "conversion traces for one declared shape, and parity compares the outcome with the teacher",
    ),
    KnownWarning(
        ResourceWarning,
        "Implicitly cleaning up <TemporaryDirectory",
        "tempfile|coremltools",
        "coremltools leaves its temporary folders to the collector",
    ),
)
KNOWN_LOGS = (
    ("transformers.modeling_utils", r"`loss_type=None` was set in the config", "nothing is trained"),
    (
        "diffusers.models.modeling_utils",
        r"There are modules in \w+ that should be kept in float32: \[\]",
        "the list of such modules is empty",
    ),
)
"""Logger, regular expression of the message from its beginning, and why it is left out."""
SHOWN_LETTERS = 500


@contextmanager
def quiet_warnings(tell: Callable[[str], None]) -> Iterator[list[str]]:
    """Leave out what is known of warnings and of the model libraries' logs; everything else is told, each text once.

    An overflow or a prompt that was cut is a fact about the result, whoever says it and by which way.

    Args:
        tell: is given every text when it is first heard.

    Yields:
        The texts that were told so far.
    """
    heard: list[str] = []

    def hear(text: str) -> None:
        short = " ".join(text.split())[:SHOWN_LETTERS]
        if short not in heard:
            heard.append(short)
            tell(f"warning: {short}")

    def show(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        hear(f"{category.__name__}: {message}")

    with warnings.catch_warnings(), _heard_loggers(hear):
        warnings.simplefilter("always")
        for known in KNOWN_WARNINGS:
            warnings.filterwarnings("ignore", known.message, known.category, known.module)
        warnings.showwarning = show
        yield heard


@contextmanager
def _heard_loggers(hear: Callable[[str], None]) -> Iterator[None]:
    """Have the model libraries log their warnings to a function instead of to standard error."""
    compat.prepare_hub()
    handler = _Hearing(hear)
    loggers = []
    for name in ("transformers", "diffusers"):
        with compat.uncollected():
            importlib.import_module(f"{name}.utils.logging").get_logger()  # sets up the library's logger, once
        loggers.append(logging.getLogger(name))
    before = [(logger.level, logger.handlers[:]) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
        logger.handlers[:] = [handler]
    direct = _Hearing(hear, only="root")  # open_clip logs to no logger of its own
    logging.getLogger().addHandler(direct)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(direct)
        for logger, (level, handlers) in zip(loggers, before, strict=True):
            logger.setLevel(level)
            logger.handlers[:] = handlers


class _Hearing(logging.Handler):
    """Passes on what is not known."""

    def __init__(self, hear: Callable[[str], None], *, only: str = "") -> None:
        """
        Args:
            only: the one logger whose own records are heard; all that reach the handler where it is empty.
        """
        super().__init__(logging.WARNING)
        self._hear, self._only = hear, only

    def emit(self, record: logging.LogRecord) -> None:
        """Pass on one message."""
        if self._only and record.name != self._only:
            return
        text = record.getMessage()
        if not any(record.name == name and re.match(known, text) for name, known, _ in KNOWN_LOGS):
            self._hear(f"{record.name}: {text}")
