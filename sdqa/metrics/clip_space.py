"""CLIP's space: images and texts as unit vectors, through open_clip."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sdqa import compat
from sdqa.errors import MetricError
from sdqa.metrics.threads import one_thread
from sdqa.store import file_digest

if TYPE_CHECKING:
    import torch

    from sdqa.arrays import Floats, Pixels

EMBEDDED = "embedded:tiny"


@dataclass
class ClipSpace:
    """A CLIP model, `embedded:tiny` or open_clip's `MODEL/PRETRAINED`; loads on first use, keeps what it embedded."""

    spec: str
    _loaded: Any = field(default=None, repr=False)
    _images: dict[str, Floats] = field(default_factory=dict, repr=False)
    _texts: dict[str, Floats] = field(default_factory=dict, repr=False)
    _weights: str = field(default="", repr=False)

    def identity(self) -> dict[str, Any]:
        """What makes two figures comparable. Only a named model has to be loaded for it."""
        if self.spec == EMBEDDED:
            from sdqa import embedded

            self._weights = self._weights or file_digest(embedded.OPEN_CLIP / "open_clip_model.safetensors")
            return {"implementation": "open_clip", "model": self.spec, "weights": self._weights, **_embedded_facts()}
        from sdqa.metrics.clip_names import find_clip

        facts = {**_facts(self._load().preprocess), "activation": find_clip(self.spec).activation}
        return {"implementation": "open_clip", "model": self.spec, "weights": self._weights, **facts}

    def image(self, image: Pixels) -> Floats:
        """Unit vector (D,) float32 of a uint8 (H, W, 3) image."""
        import torch

        key = hashlib.sha256(image.tobytes()).hexdigest() + str(image.shape)
        if key not in self._images:
            clip = self._load()
            with one_thread(), torch.inference_mode():
                self._images[key] = _unit(clip.model.encode_image(self.prepare(image)))
        return self._images[key]

    def text(self, text: str) -> Floats:
        """Unit vector (D,) float32 of a text."""
        import torch

        if text not in self._texts:
            clip = self._load()
            with one_thread(), torch.inference_mode():
                self._texts[text] = _unit(clip.model.encode_text(clip.tokenizer([text])))
        return self._texts[text]

    def prepare(self, image: Pixels) -> torch.Tensor:
        """uint8 (H, W, 3) to the normalised float32 (1, 3, S, S) that the model was trained on."""
        import numpy as np
        import torch
        from PIL import Image

        facts = self._load().preprocess
        picture = Image.fromarray(image)
        if picture.size != (facts.size, facts.size):
            filters = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
            width, height = picture.size
            if facts.resize_mode == "squash":
                size = (facts.size, facts.size)
            else:
                scale = facts.size / min(width, height)
                size = (max(facts.size, round(width * scale)), max(facts.size, round(height * scale)))
            picture = picture.resize(size, filters[facts.interpolation])
            left, top = round((size[0] - facts.size) / 2), round((size[1] - facts.size) / 2)
            picture = picture.crop((left, top, left + facts.size, top + facts.size))
        x = np.asarray(picture, dtype=np.float32) / 255
        x = (x - np.asarray(facts.mean, np.float32)) / np.asarray(facts.std, np.float32)
        return torch.from_numpy(np.ascontiguousarray(x.transpose(2, 0, 1)[None]))

    def _load(self) -> Any:
        if self._loaded is None:
            self._loaded = self._load_embedded() if self.spec == EMBEDDED else self._load_named()
        return self._loaded

    def _load_embedded(self) -> Any:
        from sdqa import embedded

        return embedded.load_open_clip()

    def _load_named(self) -> Any:
        from pathlib import Path

        from sdqa.embedded.clip import OpenClip, Preprocess
        from sdqa.metrics.clip_names import find_clip

        named = find_clip(self.spec)
        compat.prepare_hub()
        import open_clip

        try:
            model = open_clip.create_model(named.model, pretrained=named.tag, precision="fp32", device="cpu").eval()
            tokenizer = open_clip.get_tokenizer(named.model)
        except (OSError, RuntimeError, ValueError) as error:
            hint = "fetch it once with network access: sdqa fetch; or use embedded:tiny"
            raise MetricError(f"the open_clip model {self.spec} cannot be loaded: {error}", hint=hint) from error
        cfg = model.visual.preprocess_cfg
        side = cfg["size"][0] if isinstance(cfg["size"], tuple | list) else cfg["size"]
        facts = Preprocess(int(side), tuple(cfg["mean"]), tuple(cfg["std"]), cfg["interpolation"], cfg["resize_mode"])
        digest = hashlib.sha256()
        for key, value in sorted(model.state_dict().items()):
            digest.update(key.encode())
            digest.update(value.cpu().contiguous().numpy().tobytes())
        self._weights = digest.hexdigest()
        return OpenClip(model, facts, tokenizer, Path(self.spec))


def _unit(vectors: torch.Tensor) -> Floats:
    vector = vectors[0].double()
    unit: Floats = (vector / vector.norm()).float().numpy()
    return unit


def _embedded_facts() -> dict[str, Any]:
    import json

    from sdqa import embedded

    config = json.loads((embedded.OPEN_CLIP / "open_clip_config.json").read_text(encoding="utf-8"))
    facts = config["preprocess_cfg"]
    side = config["model_cfg"]["vision_cfg"]["image_size"]
    return {
        "resolution": int(side),
        "mean": list(facts["mean"]),
        "std": list(facts["std"]),
        "resize": f"{facts['resize_mode']} {facts['interpolation']}",
    }


def _facts(facts: Any) -> dict[str, Any]:
    return {
        "resolution": facts.size,
        "mean": list(facts.mean),
        "std": list(facts.std),
        "resize": f"{facts.resize_mode} {facts.interpolation}",
    }
