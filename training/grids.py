"""Pictures for people: what the model draws, keeps and loses, in rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from sdqa.embedded import scenes
from training.measures import round_weights
from training.subject import SubjectModel, SubjectSettings, pixels
from training.vae import decode, encode

GAP = 4
ZOOM = 2
PROMPTS = (
    "Portrait of a pretty girl",
    "a portrait of a smiling woman with red hair, green background",
    "a portrait of a man with black hair and glasses, blue background",
    "a surprised boy with blond hair wearing a red hat, yellow background",
    "A beautiful landscape with mountains and a lake, golden hour lighting",
    "a landscape with hills and trees, on a sunny day",
    "a snowy landscape with mountains and a house at night",
    "a landscape with desert at sunset",
)
EDITS = (
    ("portrait/2", {"hair": "red", "expression": "smiling"}),
    ("portrait/5", {"glasses": True, "background": "yellow"}),
    ("portrait/11", {"hat": "blue", "shirt": "red"}),
    ("portrait/14", {"hair": "blond", "background": "green"}),
    ("landscape/46", {"light": "sunset"}),
    ("landscape/2", {"snow": True}),
    ("landscape/16", {"house": True, "light": "night"}),
    ("landscape/54", {"lake": True, "trees": True}),
)


def write(subject: SubjectModel, folder: Path, guidance: float) -> None:
    """The four pictures of `docs/embedded/tiny.md`."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = SubjectSettings(guidance=guidance)
    drawn = [scenes.parse(name) for name, _ in EDITS]
    wanted = [scenes.edit(scene, **changes) for scene, changes in zip(drawn, (c for _, c in EDITS), strict=True)]
    sources, captions = pixels(drawn, subject.size), [scene.caption for scene in wanted]
    with torch.no_grad():
        restored = decode(subject.pipe.vae, encode(subject.pipe.vae, sources))
    repainted = [
        subject.repaint(sources, captions, SubjectSettings(guidance=guidance, strength=strength))
        for strength in (0.3, 0.5, 0.7, 0.9)
    ]
    rounded = [subject.with_unet(lambda unet, bits=bits: round_weights(unet, bits)) for bits in (4, 2)]  # type: ignore[misc]
    few = SubjectSettings(guidance=guidance, steps=3)
    save([sources, restored], folder / "tiny-vae.webp")
    save([subject.imagine(PROMPTS, settings)], folder / "tiny-text-to-image.webp")
    save([sources, *repainted], folder / "tiny-image-to-image.webp")
    broken = [variant.imagine(PROMPTS, settings) for variant in rounded]
    save([subject.imagine(PROMPTS, settings), *broken, subject.imagine(PROMPTS, few)], folder / "tiny-broken.webp")


def save(rows: Sequence[Tensor], path: Path) -> None:
    """Rows of N×3×S×S images in [-1, 1], enlarged."""
    side = rows[0].shape[-1] * ZOOM
    sheet = Image.new("RGB", (len(rows[0]) * (side + GAP) - GAP, len(rows) * (side + GAP) - GAP), "white")
    for y, row in enumerate(rows):
        for x, image in enumerate(row):
            array = image.clamp(-1, 1).add(1).mul(127.5).round().byte().permute(1, 2, 0).numpy()
            enlarged = Image.fromarray(array).resize((side, side), Image.Resampling.LANCZOS)
            sheet.paste(enlarged, (x * (side + GAP), y * (side + GAP)))
    sheet.save(path, quality=80, method=6)
