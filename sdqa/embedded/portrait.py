"""Portraits: who is drawn (identity), what a caption can say of them (attributes), and how each part is drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from random import Random

from sdqa.embedded.canvas import BLACK, NEUTRAL, SIDE, WHITE, Canvas, Colour, Point, Tone, mix, shift, tone
from sdqa.embedded.vocabulary import BACKGROUND, CLOTH, HAIR, check

IRISES: tuple[Colour, ...] = ((60, 40, 25), (40, 90, 160), (50, 120, 60))
SPECTACLES: Colour = (20, 20, 24)


@dataclass(frozen=True)
class PortraitAttributes:
    """What a caption can say; the allowed values are in `vocabulary.PORTRAIT`."""

    gender: str
    hair: str
    expression: str
    glasses: bool
    hat: str | None
    background: str
    shirt: str

    def __post_init__(self) -> None:
        check("portrait", {field.name: getattr(self, field.name) for field in fields(self)})

    @property
    def kind(self) -> str:
        return "portrait"

    @property
    def feminine(self) -> bool:
        return self.gender in ("woman", "girl")

    @property
    def young(self) -> bool:
        return self.gender in ("girl", "boy")


@dataclass(frozen=True)
class PortraitIdentity:
    """What makes a face this one face; no caption mentions it. Lengths are fractions of the picture's side."""

    x: float
    """Centre of the face."""
    y: float
    face_width: float
    """Half of it."""
    face_height: float
    eye_distance: float
    """Half of it."""
    eye_y: float
    """Below the centre of the face."""
    eye_radius: float
    nose_length: float
    mouth_width: float
    """Half of it."""
    mouth_y: float
    jaw: float
    """0 pointed, 1 square."""
    brow_tilt: float
    skin: float
    """0 light, 1 dark."""
    hair_style: float
    """0 to 1: length, parting, hairline."""
    shoulders: float
    """Half of their width."""
    iris: Colour
    background_tone: Tone = NEUTRAL
    hair_tone: Tone = NEUTRAL
    hat_tone: Tone = NEUTRAL


def sample_attributes(random: Random) -> PortraitAttributes:
    return PortraitAttributes(
        gender=random.choice(("woman", "girl", "man", "boy")),
        hair=random.choice(tuple(HAIR)),
        expression=random.choice(("neutral", "smiling", "sad", "surprised")),
        glasses=random.random() < 0.35,
        hat=random.choice(tuple(CLOTH)) if random.random() < 0.3 else None,
        background=random.choice(tuple(BACKGROUND)),
        shirt=random.choice(tuple(CLOTH)),
    )


def sample_identity(random: Random, attributes: PortraitAttributes) -> PortraitIdentity:
    between = random.uniform
    return PortraitIdentity(
        x=between(0.44, 0.56),
        y=between(0.46, 0.55),
        face_width=between(0.19, 0.26),
        face_height=between(0.25, 0.32),
        eye_distance=between(0.075, 0.115),
        eye_y=between(-0.06, 0.0),
        eye_radius=between(0.024, 0.036),
        nose_length=between(0.05, 0.1),
        mouth_width=between(0.06, 0.11),
        mouth_y=between(0.13, 0.165),
        jaw=between(0.0, 1.0),
        brow_tilt=between(-0.02, 0.02),
        skin=between(0, 1),
        hair_style=between(0, 1),
        shoulders=between(0.3, 0.42),
        iris=random.choice(IRISES),
        background_tone=tone(random, 8),
        hair_tone=tone(random, 8),
        hat_tone=tone(random, 6) if attributes.hat else NEUTRAL,
    )


def hidden(attributes: PortraitAttributes) -> frozenset[str]:
    """The parts of an identity that a drawing with these attributes does not show."""
    return frozenset() if attributes.hat else frozenset({"hat_tone"})


def draw(attributes: PortraitAttributes, identity: PortraitIdentity) -> Canvas:
    """A head and shoulders before a plain background, back to front."""
    face = Face.of(attributes, identity)
    canvas = _background(attributes, identity)
    if attributes.feminine:
        _long_hair(canvas, face)
    _shoulders(canvas, face)
    if not attributes.feminine:
        _ears(canvas, face)
    _head(canvas, face)
    if attributes.feminine or attributes.young:
        _cheeks(canvas, face)
    _hair(canvas, face)
    _eyes(canvas, face)
    _nose(canvas, face)
    _mouth(canvas, face)
    if attributes.glasses:
        _glasses(canvas, face)
    if attributes.hat:
        _hat(canvas, face, shift(CLOTH[attributes.hat], identity.hat_tone))
    return canvas


@dataclass(frozen=True)
class Face:
    """Measures and colours that several parts share."""

    attributes: PortraitAttributes
    identity: PortraitIdentity
    x: float
    y: float
    width: float
    height: float
    eye_distance: float
    eye_y: float
    eye_radius: float
    skin: Colour
    shade: Colour
    hair: Colour
    hair_shade: Colour

    @classmethod
    def of(cls, attributes: PortraitAttributes, identity: PortraitIdentity) -> Face:
        skin = mix((250, 216, 190), (140, 88, 58), identity.skin)
        hair = shift(HAIR[attributes.hair], identity.hair_tone)
        return cls(
            attributes,
            identity,
            x=identity.x,
            y=identity.y,
            width=identity.face_width,
            height=identity.face_height * (0.88 if attributes.young else 1),
            eye_distance=min(identity.eye_distance, identity.face_width * 0.55),
            eye_y=identity.y + identity.eye_y,
            eye_radius=identity.eye_radius * (1.2 if attributes.young else 1),
            skin=skin,
            shade=mix(skin, (90, 40, 30), 0.25),
            hair=hair,
            hair_shade=mix(hair, BLACK, 0.22),
        )


def _background(attributes: PortraitAttributes, identity: PortraitIdentity) -> Canvas:
    colour = shift(BACKGROUND[attributes.background], identity.background_tone)
    return Canvas(mix(colour, WHITE, 0.22), mix(colour, BLACK, 0.18))


def _long_hair(canvas: Canvas, face: Face) -> None:
    """The hair behind the face, down to the shoulders."""
    length, width = 0.20 + 0.16 * face.identity.hair_style, face.width * 1.28
    top, bottom = face.y - face.height * 1.05, face.y + face.height * 0.35 + length
    canvas.rectangle(face.x - width, top, face.x + width, bottom, face.hair_shade, radius=int(width * SIDE * 0.85))


def _shoulders(canvas: Canvas, face: Face) -> None:
    shirt = CLOTH[face.attributes.shirt]
    canvas.ellipse((face.x, 1.06), face.identity.shoulders, 0.24 + 0.02 * (not face.attributes.feminine), shirt)
    neck, chin = face.width * 0.38, face.y + face.height + 0.1
    canvas.rectangle(face.x - neck, face.y + face.height * 0.5, face.x + neck, chin, face.shade)
    canvas.ellipse((face.x, chin), neck, 0.035, face.shade)


def _ears(canvas: Canvas, face: Face) -> None:
    for side in (-1, 1):
        canvas.ellipse((face.x + side * face.width * 0.98, face.y + 0.01), 0.03, 0.045, face.skin)


def _head(canvas: Canvas, face: Face) -> None:
    """An ellipse whose lower half is narrowed or squared by the jaw."""
    import numpy as np

    jaw, outline = face.identity.jaw, []
    for angle in np.linspace(0, 2 * math.pi, 72):
        x, y = math.cos(angle), math.sin(angle)
        narrowed = 1 - 0.22 * (1 - jaw) * max(0, y) ** 1.5
        squared = 1 + 0.12 * jaw * max(0, y) * abs(math.sin(2 * angle))
        outline.append((face.x + face.width * x * narrowed * squared, face.y + face.height * y * squared))
    canvas.polygon(outline, face.skin)


def _cheeks(canvas: Canvas, face: Face) -> None:
    for side in (-1, 1):
        centre = (face.x + side * face.width * 0.6, face.y + 0.075)
        canvas.ellipse(centre, 0.04, 0.026, mix(face.skin, (240, 90, 90), 0.28))


def _hair(canvas: Canvas, face: Face) -> None:
    """A cap over the skull, closed by a fringe with a side parting or by a short hairline."""
    import numpy as np

    width, style = face.width, face.identity.hair_style
    cap: list[Point] = [
        (face.x + width * 1.12 * math.cos(angle), face.y - 0.02 + face.height * 1.16 * math.sin(angle))
        for angle in np.linspace(math.pi, 2 * math.pi, 40)
    ]
    for t in np.linspace(0, 1, 12):
        if face.attributes.feminine:
            x = face.x + width * 1.12 - (2 * width * 1.12) * t
            parting = (style - 0.5) * 0.16
            y = face.y - face.height * 0.45 - 0.07 * math.cos((x - face.x - parting) / width * 1.3) + 0.02
        else:
            x = face.x + width * 1.1 - (2 * width * 1.1) * t
            y = face.y - face.height * (0.62 + 0.1 * style) + 0.05 * ((x - face.x) / width) ** 2 * 2
            y = min(y, face.y - 0.02)
        cap.append((x, y))
    canvas.polygon(cap, face.hair)


def _eyes(canvas: Canvas, face: Face) -> None:
    expression, radius = face.attributes.expression, face.eye_radius
    wide = expression == "surprised"
    tilt = face.identity.brow_tilt + (-0.022 if expression == "sad" else 0)
    brow_y = face.eye_y - radius * 1.75 - (0.025 if wide else 0)
    brow_colour = mix(face.hair_shade, (40, 25, 20), 0.35)
    for side in (-1, 1):
        x, y = face.x + side * face.eye_distance, face.eye_y
        canvas.ellipse((x, y), radius * 1.25, radius * (1.25 if wide else 0.85), (250, 250, 250))
        canvas.ellipse((x, y), radius * 0.68, radius * 0.74, face.identity.iris)
        canvas.ellipse((x, y), radius * 0.36, radius * 0.4, (12, 10, 12))
        canvas.ellipse((x + radius * 0.2, y - radius * 0.25), radius * 0.16, radius * 0.16, WHITE)
        inner = (face.x + side * (face.eye_distance - radius * 1.2), brow_y + tilt * 0.6)
        outer = (face.x + side * (face.eye_distance + radius * 1.4), brow_y - tilt * 0.6)
        canvas.line((inner, outer), brow_colour, width=2 if face.attributes.feminine else 4)


def _nose(canvas: Canvas, face: Face) -> None:
    x, y, length = face.x, face.eye_y, face.identity.nose_length
    canvas.line(((x, y + 0.03), (x + 0.018, y + 0.03 + length), (x - 0.006, y + 0.034 + length)), face.shade, width=3)


def _mouth(canvas: Canvas, face: Face) -> None:
    x, y = face.x, face.y + face.identity.mouth_y * face.height / 0.28
    half = face.identity.mouth_width
    lips = (196, 50, 62) if face.attributes.feminine else mix(face.shade, (150, 50, 50), 0.6)
    match face.attributes.expression:
        case "smiling":
            canvas.chord(x - half, y - 0.055, x + half, y + 0.045, (10, 170), (250, 250, 250), lips, width=4)
        case "sad":
            canvas.arc(x - half * 0.8, y - 0.005, x + half * 0.8, y + 0.075, (200, 340), lips, width=5)
        case "surprised":
            canvas.ellipse((x, y + 0.012), 0.028, 0.04, (90, 20, 28), outline=lips, width=3)
        case _:
            canvas.line(((x - half * 0.8, y), (x + half * 0.8, y)), lips, width=5)


def _glasses(canvas: Canvas, face: Face) -> None:
    x, y, distance, lens = face.x, face.eye_y, face.eye_distance, face.eye_radius * 2.0
    for side in (-1, 1):
        canvas.ellipse((x + side * distance, y), lens, lens, outline=SPECTACLES, width=5)
    canvas.line(((x - distance + lens, y), (x + distance - lens, y)), SPECTACLES, width=5)
    for side in (-1, 1):
        canvas.line(((x + side * (distance + lens), y), (x + side * face.width, y - 0.01)), SPECTACLES, width=4)


def _hat(canvas: Canvas, face: Face, colour: Colour) -> None:
    x, width, brim = face.x, face.width * 1.02, face.y - face.height * 0.62
    canvas.rectangle(x - width, brim - 0.21, x + width, brim, colour, radius=22)
    canvas.rectangle(x - width, brim - 0.05, x + width, brim, mix(colour, BLACK, 0.35))
    canvas.ellipse((x, brim), face.width * 1.5, 0.03, mix(colour, BLACK, 0.12))
