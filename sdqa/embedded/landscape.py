"""Landscapes: the place (identity), what a caption can say of it (attributes), and how each part is drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from random import Random

from sdqa.embedded.canvas import BLACK, NEUTRAL, WHITE, Canvas, Colour, Point, Tone, mix, shift, tone
from sdqa.embedded.vocabulary import check


@dataclass(frozen=True)
class Light:
    """A time of day or a weather: it colours the sky, and tints everything under it."""

    sky_top: Colour
    sky_bottom: Colour
    tint: Colour
    strength: float
    """Of the tint, 0 to 1."""
    sun: Colour | None
    """Or moon; None when it is hidden."""

    def on(self, colour: Colour, share: float = 1.0) -> Colour:
        return mix(colour, self.tint, self.strength * share)


LIGHTS = {
    "golden": Light((250, 190, 90), (255, 226, 150), (235, 150, 60), 0.38, (255, 244, 200)),
    "sunset": Light((88, 54, 130), (250, 110, 70), (120, 40, 70), 0.42, (255, 120, 60)),
    "night": Light((8, 12, 40), (36, 48, 96), (10, 16, 50), 0.66, (240, 240, 225)),
    "day": Light((70, 150, 235), (190, 225, 250), (190, 215, 245), 0.1, (255, 250, 220)),
    "misty": Light((190, 196, 202), (222, 226, 228), (205, 210, 214), 0.62, None),
}
RELIEF: dict[str, Colour] = {"mountains": (110, 112, 128), "hills": (84, 150, 70), "desert": (220, 176, 108)}
GROUND: dict[str, Colour] = {"mountains": (86, 138, 66), "hills": (104, 172, 76), "desert": (232, 194, 126)}
SNOW: Colour = (236, 240, 246)
SNOWY_RELIEF: Colour = (224, 230, 240)


@dataclass(frozen=True)
class LandscapeAttributes:
    """What a caption can say; the allowed values are in `vocabulary.LANDSCAPE`."""

    land: str
    light: str
    lake: bool
    trees: bool
    house: bool
    snow: bool

    def __post_init__(self) -> None:
        check("landscape", {field.name: getattr(self, field.name) for field in fields(self)})

    @property
    def kind(self) -> str:
        return "landscape"


@dataclass(frozen=True)
class Peak:
    x: float
    height: float
    half_width: float
    tone: Tone = NEUTRAL


@dataclass(frozen=True)
class Tree:
    x: float
    nearness: float
    """0 at the horizon, 1 in front."""


@dataclass(frozen=True)
class LandscapeIdentity:
    """What makes a place this one place; no caption mentions it. Lengths are fractions of the picture's side."""

    horizon: float
    sun: Point
    peaks: tuple[Peak, ...]
    """Highest first: it stands behind the others."""
    crests: tuple[float, ...]
    """Phases of the two waves of hills or dunes, in radians."""
    ground: float
    """Phase of the wave of the ground's edge, in radians."""
    trees: tuple[Tree, ...]
    """Farthest first."""
    house_x: float
    lake_x: float
    lake_size: Point
    """Half axes."""
    stars: tuple[Point, ...]
    sky_top_tone: Tone = NEUTRAL
    sky_bottom_tone: Tone = NEUTRAL


def sample_attributes(random: Random) -> LandscapeAttributes:
    return LandscapeAttributes(
        land=random.choice(("mountains", "hills", "desert")),
        light=random.choice(tuple(LIGHTS)),
        lake=random.random() < 0.5,
        trees=random.random() < 0.4,
        house=random.random() < 0.3,
        snow=random.random() < 0.3,
    )


def sample_identity(random: Random, attributes: LandscapeAttributes) -> LandscapeIdentity:
    between = random.uniform
    horizon = between(0.48, 0.6)
    sun = (between(0.15, 0.85), between(0.12, 0.3))
    peaks = [(between(-0.1, 1.1), between(0.14, 0.34), between(0.18, 0.34)) for _ in range(random.randint(3, 5))]
    phases = tuple(between(0, 6.28) for _ in range(6))
    trees = [Tree(between(0.02, 0.98), between(0.0, 1.0)) for _ in range(random.randint(6, 12))]
    house_x = between(0.12, 0.82)
    lake_x, lake_size = between(0.35, 0.65), (between(0.28, 0.44), between(0.07, 0.11))
    stars = tuple((between(0, 1), between(0, 0.5)) for _ in range(24))
    sky_tones = tone(random, 6), tone(random, 6)
    mountains = attributes.land == "mountains"
    return LandscapeIdentity(
        horizon=horizon,
        sun=sun,
        peaks=tuple(
            Peak(x, height, half_width, tone(random, 8) if mountains else NEUTRAL)
            for x, height, half_width in sorted(peaks, key=lambda peak: -peak[1])
        ),
        crests=phases[:2],
        ground=phases[2],
        trees=tuple(sorted(trees, key=lambda tree: tree.nearness)),
        house_x=house_x,
        lake_x=lake_x,
        lake_size=lake_size,
        stars=stars,
        sky_top_tone=sky_tones[0],
        sky_bottom_tone=sky_tones[1],
    )


def hidden(attributes: LandscapeAttributes) -> frozenset[str]:
    """The parts of an identity that a drawing with these attributes does not show."""
    mountains, night, misty = attributes.land == "mountains", attributes.light == "night", attributes.light == "misty"
    shown = {
        ("peaks",): mountains,
        ("crests",): not mountains,
        ("stars",): night,
        ("sun",): not misty,
        ("trees",): attributes.trees,
        ("house_x",): attributes.house,
        ("lake_x", "lake_size"): attributes.lake,
    }
    return frozenset(name for names, visible in shown.items() if not visible for name in names)


def draw(attributes: LandscapeAttributes, identity: LandscapeIdentity) -> Canvas:
    """Sky, relief and ground, and what stands on it, back to front."""
    light = LIGHTS[attributes.light]
    canvas = Canvas(shift(light.sky_top, identity.sky_top_tone), shift(light.sky_bottom, identity.sky_bottom_tone))
    if attributes.light == "night":
        for star in identity.stars:
            canvas.ellipse(star, 0.006, 0.006, (240, 240, 255))
    if light.sun:
        _sun(canvas, identity, light, light.sun, low=attributes.light in ("sunset", "golden"))
    if attributes.land == "mountains":
        _mountains(canvas, attributes, identity, light)
    else:
        _hills(canvas, attributes, identity, light)
    _ground(canvas, identity, light.on(SNOW if attributes.snow else GROUND[attributes.land], 0.7))
    if attributes.lake:
        _lake(canvas, identity, light)
    if attributes.house:
        _house(canvas, identity, light, lamp=attributes.light == "night")
    if attributes.trees:
        _trees(canvas, identity, light, snow=attributes.snow)
    return canvas


def _sun(canvas: Canvas, identity: LandscapeIdentity, light: Light, colour: Colour, low: bool) -> None:
    x, y = identity.sun
    centre = (x, y + (0.2 if low else 0))
    canvas.ellipse(centre, 0.062, 0.062, mix(colour, light.sky_bottom, 0.5))
    canvas.ellipse(centre, 0.048, 0.048, colour)


def _mountains(canvas: Canvas, attributes: LandscapeAttributes, identity: LandscapeIdentity, light: Light) -> None:
    """Each with a shaded flank and a white cap, which snow makes larger."""
    foot, cap = identity.horizon + 0.02, 0.55 if attributes.snow else 0.25
    for peak in identity.peaks:
        x, height, half = peak.x, peak.height, peak.half_width
        rock, top = light.on(shift(RELIEF["mountains"], peak.tone)), identity.horizon - height
        canvas.polygon(((x - half, foot), (x, top), (x + half, foot)), rock)
        canvas.polygon(((x, top), (x + half, foot), (x + half * 0.15, foot)), mix(rock, BLACK, 0.2))
        edge = top + (height + 0.02) * cap
        ragged = (
            (x, top),
            (x - half * cap, edge),
            (x - half * cap * 0.35, top + height * cap * 0.8),
            (x, top + height * cap * 1.1),
            (x + half * cap * 0.4, top + height * cap * 0.8),
            (x + half * cap, edge),
        )
        canvas.polygon(ragged, light.on((244, 246, 250), 0.8))


def _hills(canvas: Canvas, attributes: LandscapeAttributes, identity: LandscapeIdentity, light: Light) -> None:
    """Two waves: steep for hills, flat for dunes."""
    import numpy as np

    hills = attributes.land == "hills"
    colour = SNOWY_RELIEF if attributes.snow else RELIEF[attributes.land]
    for wave in range(2):
        amplitude, frequency = (0.09, 5 + 2 * wave) if hills else (0.05, 4 + wave)
        crest = [
            (x, identity.horizon - 0.08 + 0.06 * wave - amplitude * math.sin(frequency * x + identity.crests[wave]))
            for x in np.linspace(0, 1, 40)
        ]
        canvas.polygon([*crest, (1, 1), (0, 1)], light.on(mix(colour, BLACK, 0.12 - 0.08 * wave)))


def _ground(canvas: Canvas, identity: LandscapeIdentity, colour: Colour) -> None:
    import numpy as np

    edge = [(x, identity.horizon + 0.012 * math.sin(7 * x + identity.ground)) for x in np.linspace(0, 1, 30)]
    canvas.polygon([*edge, (1, 1), (0, 1)], colour)


def _lake(canvas: Canvas, identity: LandscapeIdentity, light: Light) -> None:
    """It mirrors the sky, and the sun."""
    water = light.on(mix((58, 120, 190), light.sky_bottom, 0.35), 0.6)
    x, y, (rx, ry) = identity.lake_x, identity.horizon + 0.2, identity.lake_size
    canvas.ellipse((x, y), rx, ry, water)
    if light.sun:
        canvas.ellipse((identity.sun[0] * 0.3 + x * 0.7, y), 0.03, ry * 0.6, mix(water, light.sun, 0.5))


def _house(canvas: Canvas, identity: LandscapeIdentity, light: Light, lamp: bool) -> None:
    x, y = identity.house_x, identity.horizon + 0.03
    canvas.rectangle(x - 0.06, y - 0.08, x + 0.06, y + 0.03, light.on((206, 160, 120), 0.6))
    canvas.polygon(((x - 0.08, y - 0.08), (x, y - 0.16), (x + 0.08, y - 0.08)), light.on((176, 50, 40), 0.6))
    door = (250, 220, 110) if lamp else light.on((80, 50, 36), 0.5)
    canvas.rectangle(x - 0.016, y - 0.03, x + 0.02, y + 0.03, door)


def _trees(canvas: Canvas, identity: LandscapeIdentity, light: Light, snow: bool) -> None:
    """Pines of three tiers, the nearer the taller."""
    needles = light.on((90, 130, 112) if snow else (28, 92, 50), 0.8)
    for tree in identity.trees:
        x, y, height = tree.x, identity.horizon + 0.03 + tree.nearness * 0.36, 0.1 + 0.1 * tree.nearness
        canvas.rectangle(x - 0.008, y - 0.02, x + 0.008, y + 0.02, light.on((80, 54, 34)))
        for tier in range(3):
            half, base = height * (0.36 - 0.07 * tier), y - 0.02 - height * 0.28 * tier
            tip = y - 0.02 - height * (0.5 + 0.25 * tier)
            canvas.polygon(((x - half, base), (x, tip), (x + half, base)), mix(needles, WHITE, 0.06 * tier))
