"""Captions: what people might write under a scene, from terse to complete."""

from __future__ import annotations

from random import Random

from sdqa.embedded.landscape import LandscapeAttributes
from sdqa.embedded.portrait import PortraitAttributes

Attributes = PortraitAttributes | LandscapeAttributes

LIGHT_PHRASES = {
    "golden": ("golden hour lighting", "at golden hour", "golden hour light"),
    "sunset": ("at sunset", "sunset lighting"),
    "night": ("at night", "night sky with stars"),
    "day": ("on a sunny day", "bright daylight"),
    "misty": ("in the mist", "misty weather"),
}


def caption(attributes: Attributes, random: Random, full: bool = False) -> str:
    """A caption in one of many wordings.

    Args:
        attributes: what the scene shows.
        random: chooses the wording, and what goes unsaid.
        full: say everything that the vocabulary has words for.
    """
    if isinstance(attributes, PortraitAttributes):
        return _portrait(attributes, random, full)
    return _landscape(attributes, random, full)


def describe(attributes: Attributes) -> str:
    """The plain, complete caption: always the same words for the same attributes."""
    if isinstance(attributes, PortraitAttributes):
        mood = "" if attributes.expression == "neutral" else attributes.expression
        worn = [article(f"{attributes.hat} hat")] if attributes.hat else []
        return (
            f"a portrait of {article(f'{mood} {attributes.gender}'.strip())} with {attributes.hair} hair"
            f"{' and glasses' if attributes.glasses else ''}"
            f" wearing {' and '.join([*worn, article(f'{attributes.shirt} shirt')])}"
            f" on {article(f'{attributes.background} background')}"
        )
    nouns = [attributes.land]
    nouns += [noun for noun, there in _features(attributes, "a lake", "trees", "a house") if there]
    adjective = "snowy landscape" if attributes.snow else "landscape"
    return f"{article(adjective)} with {enumerate_nouns(nouns)}, {LIGHT_PHRASES[attributes.light][0]}"


def article(words: str) -> str:
    return ("an " if words[0] in "aeiou" else "a ") + words


def enumerate_nouns(nouns: list[str]) -> str:
    """`a and b`, `a, b and c`."""
    return " and ".join(nouns) if len(nouns) < 3 else ", ".join(nouns[:-1]) + " and " + nouns[-1]


def _features(attributes: LandscapeAttributes, lake: str, trees: str, house: str) -> list[tuple[str, bool]]:
    return [(lake, attributes.lake), (trees, attributes.trees), (house, attributes.house)]


def _said(random: Random, full: bool, probability: float) -> bool:
    return full or random.random() < probability


def _portrait(a: PortraitAttributes, random: Random, full: bool) -> str:
    adjectives = []
    if a.feminine and random.random() < 0.4:
        adjectives.append(random.choice(("pretty", "beautiful")))
    elif random.random() < 0.15:
        adjectives.append("lovely" if a.feminine else "handsome")
    if a.expression != "neutral" and _said(random, full, 0.92):
        adjectives.append(a.expression)
    opening = random.choice(("portrait of", "a portrait of", "a picture of", "a drawing of", "photo of", ""))
    sentence = f"{opening} {article(' '.join([*adjectives, a.gender]))}".strip()

    phrases: list[tuple[str, str]] = []
    if _said(random, full, 0.85):
        phrases.append(("with", f"{a.hair} hair"))
    if a.glasses and _said(random, full, 0.95):
        phrases.append(("with", "glasses"))
    if a.hat and _said(random, full, 0.95):
        phrases.append(("wearing", article(f"{a.hat} hat")))
    if _said(random, full, 0.5):
        phrases.append(("wearing", article(f"{a.shirt} shirt")))
    if _said(random, full, 0.85):
        background = f"{a.background} background"
        phrases.append(("", random.choice((f"on {article(background)}", background))))
    if random.random() < 0.5:
        random.shuffle(phrases)
    return sentence + (_listed(phrases, random) if random.random() < 0.5 else _joined(phrases))


def _listed(phrases: list[tuple[str, str]], random: Random) -> str:
    """`, red hair, with glasses`: commas, prepositions now and then."""
    return "".join(
        ", " + (words if random.random() < 0.5 or not preposition else f"{preposition} {words}")
        for preposition, words in phrases
    )


def _joined(phrases: list[tuple[str, str]]) -> str:
    """`with red hair and glasses wearing a hat`: a preposition that follows itself becomes `and`."""
    text, previous = "", ""
    for preposition, words in phrases:
        if not preposition:
            text += f" {words}" if words.startswith("on ") else f", {words}"
        else:
            text += (" and " if preposition == previous else f" {preposition} ") + words
        previous = preposition
    return text


def _landscape(a: LandscapeAttributes, random: Random, full: bool) -> str:
    nouns = [a.land]
    if a.lake and _said(random, full, 0.95):
        nouns.append("a lake")
    if a.trees and _said(random, full, 0.95):
        nouns.append(random.choice(("trees", "a forest", "pine trees")))
    if a.house and _said(random, full, 0.95):
        nouns.append(random.choice(("a house", "a cabin")))
    if random.random() < 0.3:
        random.shuffle(nouns)
    adjective, noun = random.choice(("", "", "beautiful", "scenic")), "landscape"
    if a.snow and _said(random, full, 0.92):
        noun = random.choice(("snowy landscape", "winter landscape"))
    opening = article(f"{adjective} {noun}".strip())
    opening = random.choice((opening, opening, f"a picture of {opening}", f"a drawing of {opening}"))
    sentence = f"{opening} with {enumerate_nouns(nouns)}"
    if _said(random, full, 0.92):
        light = random.choice(LIGHT_PHRASES[a.light])
        comma = not light.startswith(("at", "on", "in")) or random.random() < 0.5
        sentence += (", " if comma else " ") + light
    return sentence
