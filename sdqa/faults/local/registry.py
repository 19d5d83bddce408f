"""The kinds of local damage by name, and where a face's parts are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sdqa.arrays import Pixels
from sdqa.errors import FaultError

Point = tuple[float, float]
"""Horizontal and vertical, in pixels."""


@dataclass(frozen=True)
class Landmarks:
    """Where a portrait's parts are, in pixels of the picture; lengths too."""

    centre: Point
    width: float  # half of the face's
    height: float
    left_eye: Point
    right_eye: Point
    eye: float  # radius
    mouth: Point
    mouth_width: float  # half
    brim: float  # row where hat or hair ends


Edit = Callable[[Pixels], Pixels]
FaceEdit = Callable[[Pixels, Landmarks], Pixels]


@dataclass(frozen=True)
class Damage:
    """One kind of damage: to any picture, or to a face."""

    name: str
    summary: str
    edit: Edit | None = None
    face_edit: FaceEdit | None = None

    def apply(self, picture: Pixels, places: Landmarks | None) -> Pixels:
        """The damaged picture; the one that is given stays as it is.

        Args:
            picture: (H, W, 3).

        Raises:
            FaultError: it needs a face, and nobody knows where one is.
        """
        if self.edit is not None:
            return np.ascontiguousarray(self.edit(picture.copy()), dtype=np.uint8)
        if self.face_edit is None or places is None:
            raise FaultError(f"{self.name} needs a portrait whose drawing is known", hint="use a scene:portrait case")
        return np.ascontiguousarray(self.face_edit(picture.copy(), places), dtype=np.uint8)


DAMAGES: dict[str, Damage] = {}


def damage(name: str) -> Callable[[Edit], Edit]:
    """Register the function that does the damage `name`; the first line of its docstring says what it is."""

    def register(edit: Edit) -> Edit:
        _register(Damage(name, _summary(edit.__doc__), edit=edit))
        return edit

    return register


def face_damage(name: str) -> Callable[[FaceEdit], FaceEdit]:
    """Register the function that does the damage `name` to a face."""

    def register(edit: FaceEdit) -> FaceEdit:
        _register(Damage(name, _summary(edit.__doc__), face_edit=edit))
        return edit

    return register


def _register(one: Damage) -> None:
    if one.name in DAMAGES:
        raise ValueError(f"the damage {one.name!r} is registered twice")
    DAMAGES[one.name] = one


def _summary(text: str | None) -> str:
    return (text or "").strip().split("\n", 1)[0]


def find_damage(name: str) -> Damage:
    """A kind of damage by name.

    Raises:
        FaultError: there is none of that name.
    """
    if name not in DAMAGES:
        import difflib

        close = difflib.get_close_matches(name, DAMAGES, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(DAMAGES)}"
        raise FaultError(f"there is no local damage {name!r}", hint=hint)
    return DAMAGES[name]


def damages_of(places: Landmarks | None) -> tuple[Damage, ...]:
    """What can be done to a picture, given what is known of it."""
    return tuple(one for one in DAMAGES.values() if places is not None or one.edit is not None)


def landmarks(source: str | None, size: int) -> Landmarks | None:
    """Where the parts of a case's face are: an edit keeps the person, and so the places of the source's drawing.

    Args:
        source: the case's, as the suite names it. None where it is no embedded portrait.
        size: pixels a side of the picture.
    """
    from sdqa.embedded.portrait import Face, PortraitAttributes, PortraitIdentity
    from sdqa.embedded.scenes import parse

    if source is None or not source.startswith("scene:portrait/"):
        return None
    scene = parse(source)
    if not (isinstance(scene.attributes, PortraitAttributes) and isinstance(scene.identity, PortraitIdentity)):
        return None
    face, person = Face.of(scene.attributes, scene.identity), scene.identity
    eyes = [((face.x + side * face.eye_distance) * size, face.eye_y * size) for side in (-1, 1)]
    return Landmarks(
        centre=(face.x * size, face.y * size),
        width=face.width * size,
        height=face.height * size,
        left_eye=eyes[0],
        right_eye=eyes[1],
        eye=face.eye_radius * size,
        mouth=(face.x * size, (face.y + person.mouth_y * face.height / 0.28) * size),
        mouth_width=person.mouth_width * size,
        brim=(face.y - face.height * 0.62) * size,
    )
