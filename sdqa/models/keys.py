"""The keys of a part's configuration, each read with what is allowed there: file, key and value are named otherwise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sdqa.errors import ModelError, UnsupportedModel

SHOWN_LETTERS = 60


@dataclass(frozen=True)
class Keys:
    """One part's configuration."""

    file: str
    """For messages: `unet/config.json`."""
    content: Mapping[str, Any]
    source: str

    def whole(self, key: str, default: int | None = None, *, least: int = 1, most: int) -> int:
        """A whole number.

        Args:
            default: where the key is not there; without one it has to be.

        Raises:
            ModelError: it is something else.
        """
        value = self._value(key, default)
        if not _is_whole(value, least, most):
            raise self.wrong(key, value, f"a whole number from {least} to {most}")
        return int(value)

    def wholes(self, key: str, *, most: int) -> tuple[int, ...]:
        """A list of whole numbers from 1, at least one."""
        value = self._value(key)
        if not isinstance(value, list | tuple) or not value or not all(_is_whole(one, 1, most) for one in value):
            raise self.wrong(key, value, f"a list of whole numbers from 1 to {most}")
        return tuple(value)

    def whole_or_wholes(self, key: str, *, most: int, count: int | None = None) -> int | tuple[int, ...]:
        """A whole number from 1, or a list of so many of them."""
        value = self._value(key)
        if _is_whole(value, 1, most):
            return int(value)
        several = isinstance(value, list | tuple) and all(_is_whole(one, 1, most) for one in value)
        if not several or not value or (count is not None and len(value) != count):
            such = "a list of such numbers" if count is None else f"a list of {count} such numbers"
            raise self.wrong(key, value, f"a whole number from 1 to {most}, or {such}")
        return tuple(value)

    def each(self, key: str, count: int, *, most: int) -> tuple[int, ...]:
        """So many whole numbers from 1: a list of them, or one for all."""
        value = self.whole_or_wholes(key, most=most, count=count)
        return (value,) * count if isinstance(value, int) else value

    def whole_or_none(self, key: str, *, most: int) -> int | None:
        """A whole number from 1, or null."""
        return None if self.content.get(key) is None else self.whole(key, most=most)

    def number(self, key: str, default: float | None = None, *, above: float | None = None) -> float:
        """A finite number."""
        value = self._value(key, default)
        given = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not given or (above is not None and value <= above):
            raise self.wrong(key, value, "a finite number" + (f" above {above:g}" if above is not None else ""))
        return float(value)

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self._value(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, value, "true or false")
        return value

    def words(self, key: str) -> tuple[str, ...]:
        """A list of words; none where the key is not there, or null."""
        value = self.content.get(key) or ()
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            raise self.wrong(key, value, "a list of words")
        return tuple(value)

    def supported(self, key: str, names: tuple[str, ...], *, most: int) -> tuple[str, ...]:
        """A list of so many words at most, each one of those that are supported.

        Raises:
            UnsupportedModel: one is another.
        """
        value = self.words(key)
        other = [one for one in value if one not in names]
        if other:
            what = f"{self.file}: {key} has {other[0]!r}; supported is {' or '.join(names)}"
            raise UnsupportedModel(what, where=self.source)
        if not 1 <= len(value) <= most:
            raise self.wrong(key, list(value), f"1 to {most} words")
        return value

    def word(self, key: str, allowed: tuple[str, ...]) -> str:
        """One of a few words."""
        value = self._value(key)
        if value not in allowed:
            raise self.wrong(key, value, " or ".join(allowed))
        return str(value)

    def numbers_or_none(self, key: str) -> tuple[float, ...] | None:
        """A list of finite numbers; None where the key is not there, or null."""
        value = self.content.get(key)
        if value is None:
            return None
        if not isinstance(value, list | tuple) or not value or not all(_is_finite(one) for one in value):
            raise self.wrong(key, value, "a list of finite numbers, or null")
        return tuple(float(one) for one in value)

    def _value(self, key: str, default: object = None) -> Any:
        value = self.content.get(key, default)
        if value is None and key not in self.content:
            raise ModelError(
                f"{self.file} has no {key}", where=self.source, hint="give the file that was saved with the weights"
            )
        return value

    def wrong(self, key: str, value: object, allowed: str) -> ModelError:
        """The error that names a value and what is allowed instead."""
        shown = repr(value)
        shown = shown if len(shown) <= SHOWN_LETTERS else f"{shown[:SHOWN_LETTERS]}…"
        return ModelError(
            f"{self.file}: {key} is {shown}; allowed: {allowed}",
            where=self.source,
            hint="give the file that was saved with the weights",
        )


def _is_whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
