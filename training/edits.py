"""Edits: the same person or place with one or two attributes changed; trained on in pairs, and measured on.

Imports no torch, so that the worker processes that draw start fast.
"""

from __future__ import annotations

from random import Random

from sdqa.embedded import scenes
from sdqa.embedded.scenes import Scene
from sdqa.embedded.vocabulary import LANDSCAPE, PORTRAIT, Value

MOST = 2
"""Attributes that one edit changes at most."""


def change(scene: Scene, random: Random, count: int) -> dict[str, Value]:
    """Other values for `count` of the scene's attributes."""
    allowed = PORTRAIT if scene.kind == "portrait" else LANDSCAPE
    names = random.sample(sorted(allowed), count)
    others = {name: [value for value in allowed[name] if value != getattr(scene.attributes, name)] for name in names}
    return {name: random.choice(others[name]) for name in names}


def twin(seed: int) -> Scene:
    """`scenes.sample(seed)` after an edit of one or two attributes; the same one every time."""
    scene, random = scenes.sample(seed), Random(f"edit {seed}")
    return scenes.edit(scene, **change(scene, random, random.randint(1, MOST)))
