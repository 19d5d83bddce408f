"""Damage to single pictures, as people notice it: an eye painted over, a band of a hat gone, one white pixel.

Pictures of a sound lane are edited and judged again, so that no model runs. What needs a face is only done to portraits
of the embedded scenes, whose drawings tell where the eyes are.
"""

from sdqa.faults.local import codecs, features, marks, tones
from sdqa.faults.local.registry import (
    DAMAGES,
    Damage,
    Landmarks,
    damage,
    damages_of,
    face_damage,
    find_damage,
    landmarks,
)

REGISTERED = (codecs, features, marks, tones)
"""The modules whose import fills the registry."""

__all__ = ["DAMAGES", "Damage", "Landmarks", "damage", "damages_of", "face_damage", "find_damage", "landmarks"]
