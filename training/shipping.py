"""From a run's results to the folders that ship: diffusers and open_clip formats in fp16, and their provenance."""

from __future__ import annotations

import datetime
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from sdqa import compat
from sdqa.embedded import variants
from training import unet
from training.checkpoint import STATE
from training.studio import STAGE_BUILDERS, Studio

PROVENANCE = "provenance.json"
RECIPE_TABLES = {
    "vae": "vae",
    "vae-decoder": "vae",
    "unet": "unet",
    "no-mid": "no_mid",
    "v-prediction": "v_prediction",
    "clip": "clip",
    "attributes": "attributes",
}
"""The part of a recipe that each stage follows."""
VARIANTS = ("no-mid", "v-prediction")
LIBRARIES = ("torch", "diffusers", "transformers", "tokenizers", "open_clip_torch", "numpy", "pillow")


def ship(studio: Studio, folder: Path) -> None:
    """Write pipeline, open_clip, judge and provenance into a folder that does not exist yet.

    Parts that the run did not train are those of the folder that it started from.

    Raises:
        UsageError: a part was neither trained nor given.
        FileExistsError: the folder is there already: weights are never overwritten in place.
    """
    partial = folder.with_name(folder.name + ".partial")
    if folder.exists():
        raise FileExistsError(f"{folder} exists; weights are never overwritten in place")
    shutil.rmtree(partial, ignore_errors=True)
    _pipeline(studio, partial / "pipeline")
    _copied(studio, "clip", "open_clip", partial)
    _copied(studio, "attributes", "attributes", partial)
    for stage in VARIANTS:
        name = RECIPE_TABLES[stage]
        if studio.done(stage):
            _variant(studio.folder(stage), partial / "pipeline" / "unet", partial / name)
        elif studio.start is not None and (studio.start / name).is_dir():
            shutil.copytree(studio.start / name, partial / name)
    _write(partial / PROVENANCE, _provenance(studio, partial))
    for path in partial.rglob("config.json"):
        _forget_path(path)
    for path in partial.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    partial.rename(folder)


def _pipeline(studio: Studio, folder: Path) -> None:
    compat.prepare_hub()
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline(
        vae=studio.trained_vae(),
        text_encoder=studio.text(),
        tokenizer=studio.tokenizer,
        unet=studio.main_unet(),
        scheduler=unet.scheduler(studio.recipe.unet.prediction),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.to(torch.float16)
    pipe.save_pretrained(folder)
    # transformers loads in the dtype that a configuration names; the rest of the pipeline then is fp32.
    config = folder / "text_encoder" / "config.json"
    _write(config, {**json.loads(config.read_text(encoding="utf-8")), "dtype": "float32"})


def _variant(trained: Path, main: Path, folder: Path) -> None:
    """A variant's configurations, and the tensors in which it differs from the main U-Net as shipped."""
    source = trained / "unet"
    folder.mkdir(parents=True)
    shutil.copyfile(source / variants.CONFIG, folder / variants.CONFIG)
    if (trained / variants.SCHEDULER).is_file():
        shutil.copyfile(trained / variants.SCHEDULER, folder / variants.SCHEDULER)
    shared = load_file(main / variants.UNET_WEIGHTS)
    own = {name: tensor.half() for name, tensor in load_file(source / variants.UNET_WEIGHTS).items()}
    changed = {name: t for name, t in own.items() if name not in shared or not torch.equal(t, shared[name])}
    save_file(dict(sorted(changed.items())), folder / variants.CHANGED, metadata={"format": "pt"})


def _forget_path(config: Path) -> None:
    """diffusers notes where a model was loaded from; that is nobody's business."""
    content = json.loads(config.read_text(encoding="utf-8"))
    if content.pop("_name_or_path", None) is not None:
        _write(config, content)


def _copied(studio: Studio, stage: str, part: str, into: Path) -> None:
    """A trained part, or the one that the run started from, with its tensors in fp16."""
    source = studio.folder(stage) if studio.done(stage) or studio.start is None else studio.start / part
    shutil.copytree(source, into / part, ignore=shutil.ignore_patterns("figures.json"))
    for path in (into / part).glob("*.safetensors"):
        halved = {
            name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in load_file(path).items()
        }
        save_file(dict(sorted(halved.items())), path, metadata={"format": "pt"})


def _provenance(studio: Studio, shipped: Path) -> dict[str, Any]:
    history = []
    if studio.start is not None and (studio.start / PROVENANCE).is_file():
        history = json.loads((studio.start / PROVENANCE).read_text(encoding="utf-8"))["history"]
    return {
        "schema_version": 1,
        "history": [*history, _this_run(studio)],
        "sha256": {
            str(path.relative_to(shipped)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(shipped.rglob("*.safetensors"))
        },
    }


def _this_run(studio: Studio) -> dict[str, Any]:
    """What was trained, how long, on what."""
    stages = {}
    for name in STAGE_BUILDERS:
        if studio.done(name):
            state = json.loads((studio.run.work / "checkpoints" / name / STATE).read_text(encoding="utf-8"))
            figures = json.loads((studio.folder(name) / "figures.json").read_text(encoding="utf-8"))
            stages[name] = {"steps": state["step"], "seconds": round(state["seconds"]), "figures": figures}
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "started_from": "untrained" if studio.start is None else "the weights before",
        "stages": stages,
        "recipe": {
            "name": studio.recipe.name,
            "digest": studio.recipe.digest,
            **studio.recipe.model_dump(
                mode="json", include={"seed", "data", *(RECIPE_TABLES[name] for name in stages)}
            ),
        },
        "machine": machine(),
        "versions": {name: importlib.metadata.version(name) for name in LIBRARIES},
    }


def machine() -> str:
    """The kind of machine, without its name."""
    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()}, {platform.system()}"
    return f"{os.cpu_count()}-core {platform.machine()} {platform.system()}, {torch.get_num_threads()} thread(s)"


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=False) + "\n", encoding="utf-8")
