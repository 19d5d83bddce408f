"""Drawn scenes: what the embedded model was trained on, and where the source images of its cases come from.

A scene is data: attributes (what a caption can say), an identity (what makes it this face or this place) and captions.
The same seed gives the same scene on every platform; the drawing uses no font and no file.

    scene = sample(17, "portrait")                # or parse("scene:portrait/17")
    draw(scene).save("portrait.png")              # 64 px
    draw(edit(scene, hair="red", glasses=True))   # the same person

Edges may differ with another version of Pillow: the tests allow two grey levels in the mean of a picture's difference.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any

from sdqa.embedded import landscape, portrait
from sdqa.embedded.canvas import SIDE
from sdqa.embedded.captions import Attributes, caption, describe
from sdqa.embedded.landscape import LandscapeAttributes, LandscapeIdentity
from sdqa.embedded.portrait import PortraitAttributes, PortraitIdentity
from sdqa.embedded.vocabulary import KINDS, check, read
from sdqa.errors import UsageError

if TYPE_CHECKING:
    from PIL import Image


SIZE = 64
"""Pixels a side that the shipped weights expect."""

Identity = PortraitIdentity | LandscapeIdentity


@dataclass(frozen=True)
class Scene:
    """One portrait or landscape."""

    attributes: Attributes
    identity: Identity
    captions: tuple[str, ...]
    """Four wordings, from terse to complete, as in training."""

    @property
    def kind(self) -> str:
        return self.attributes.kind

    @property
    def caption(self) -> str:
        """The plain, complete caption."""
        return describe(self.attributes)


def sample(seed: int, kind: str | None = None) -> Scene:
    """The scene of a seed; three in five are portraits unless `kind` says which.

    Raises:
        UsageError: there is no such kind.
    """
    if kind is not None and kind not in KINDS:
        raise UsageError(f"there is no scene of kind {kind!r}", hint=f"one of {', '.join(KINDS)}")
    random = Random(seed)
    if (kind or ("portrait" if random.random() < 0.6 else "landscape")) == "portrait":
        person = portrait.sample_attributes(random)
        return _captioned(person, portrait.sample_identity(random, person), random)
    place = landscape.sample_attributes(random)
    return _captioned(place, landscape.sample_identity(random, place), random)


def draw(scene: Scene, size: int = SIZE) -> Image.Image:
    """The scene as an RGB image of `size` pixels a side, box-reduced from a larger drawing.

    Raises:
        UsageError: a size that is not between 1 and 256.
    """
    from PIL import Image

    if not 1 <= size <= SIDE:
        raise UsageError(f"a scene cannot be drawn at {size} px", hint=f"1 to {SIDE}")
    match scene:
        case Scene(PortraitAttributes() as person, PortraitIdentity() as face):
            canvas = portrait.draw(person, face)
        case Scene(LandscapeAttributes() as view, LandscapeIdentity() as place):
            canvas = landscape.draw(view, place)
        case _:
            raise UsageError("a scene's attributes and identity are of two kinds", where=scene.kind)
    return canvas.image.resize((size, size), Image.Resampling.BOX)


def edit(scene: Scene, **attributes: Any) -> Scene:
    """The same person or place with other attributes: `edit(scene, hair="red", glasses=True)`.

    Raises:
        UsageError: an attribute that the scene does not have, or a value that it cannot take.
    """
    check(scene.kind, attributes)
    changed = replace(scene.attributes, **attributes)
    return _captioned(changed, scene.identity, Random(repr(changed)))


def hidden(scene: Scene) -> frozenset[str]:
    """The parts of its identity that the scene's drawing does not show: where the trees of a bare place would stand."""
    match scene.attributes:
        case PortraitAttributes() as person:
            return portrait.hidden(person)
        case LandscapeAttributes() as view:
            return landscape.hidden(view)


def parse(name: str) -> Scene:
    """The scene that a suite names: `portrait/17`, `scene:landscape/3`, `scene:portrait/17?hair=red&glasses=yes`.

    Raises:
        UsageError: the name has another form, or names what does not exist.
    """
    match = re.fullmatch(r"(?:scene:)?(?P<kind>\w+)/(?P<seed>\d{1,9})(?:\?(?P<edits>[\w=&]+))?", name, re.ASCII)
    if match is None:
        raise UsageError("this is not the name of a scene", where=name, hint="write scene:portrait/17")
    scene = sample(int(match["seed"]), match["kind"])
    if not match["edits"]:
        return scene
    words = [pair.partition("=") for pair in match["edits"].split("&")]
    names = [attribute for attribute, _, _ in words]
    twice = next((one for one in names if names.count(one) > 1), None)
    if twice is not None:
        raise UsageError(f"the scene has {twice} twice", where=name, hint="leave the one that is meant")
    return edit(scene, **{attribute: read(attribute, word) for attribute, _, word in words})


def _captioned(attributes: Attributes, identity: Identity, random: Random) -> Scene:
    return Scene(attributes, identity, tuple(caption(attributes, random) for _ in range(4)))


__all__ = ["SIZE", "Scene", "caption", "describe", "draw", "edit", "hidden", "parse", "sample"]
