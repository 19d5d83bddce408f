"""Text that keeps its direction to itself: characters that reorder what stands beside them are taken out everywhere."""

from __future__ import annotations

_BIDI = dict.fromkeys((0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def undirected(text: str) -> str:
    """The text without bidirectional controls: `a\\u202eb` would show what follows it backwards."""
    return text.translate(_BIDI)
