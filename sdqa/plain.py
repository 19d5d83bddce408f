"""Text on a stream that knows nothing but ASCII: marks and signs become letters that can still be told apart."""

from __future__ import annotations

import codecs
import io

SPELT = {
    "✓": "+", "✕": "x", "×": "x", "−": "-", "–": "-", "—": "-", "·": "|", "…": "...", "→": "->", "∞": "inf",
    "≤": "<=", "≥": ">=", "“": '"', "”": '"', "’": "'", "─": "-",
}  # fmt: skip
HANDLER = "sdqa-spelt"


def _spell(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(SPELT.get(letter, "?") for letter in error.object[error.start : error.end]), error.end


codecs.register_error(HANDLER, _spell)


def speak_ascii(stream: object) -> None:
    """Have a stream spell what its encoding does not have; nothing it is given can then end the run."""
    if isinstance(stream, io.TextIOWrapper) and not (stream.encoding or "").lower().startswith("utf"):
        stream.reconfigure(errors=HANDLER)
