"""`sdqa init --model`: a suite that fits a model, as far as its index and configurations say what fits."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from sdqa.errors import ModelError
from sdqa.families.index import INDEX_FILE
from sdqa.foreign import packages_inside, recognise
from sdqa.generate.schedule import SCHEDULERS
from sdqa.models.beside import what_is_here
from sdqa.models.opening import OpenedFolder, Opening
from sdqa.models.packages import SUFFIXES as PACKAGES
from sdqa.models.single_file import FOLDER, refuse_file
from sdqa.models.sources import SOURCES, look_at

HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")
LARGE = 256
"""Pixels a side above which one U-Net call takes seconds: fewer cases and steps, to begin with."""
FALLBACK = "ddim"
LIMITS = {"latent_psnr": 40, "psnr": 30, "parity_psnr": 45}
"""dB: half precision keeps all of these with a margin on the embedded model and on what `random:` draws."""


@dataclass(frozen=True)
class StartingModel:
    """What a new suite is written for."""

    name: str
    """Its key in `[models]`."""
    source: str
    reference: str
    """The teacher's source where `source` is a folder of packages; empty otherwise."""
    opening: Opening | None
    """None where nothing of it is on this machine yet."""

    @property
    def own_scheduler(self) -> str:
        """The class that its folder names; empty where nothing is known."""
        entry = self.opening.index.parts.get("scheduler") if isinstance(self.opening, OpenedFolder) else None
        return entry.class_name if entry is not None else ""

    @property
    def side(self) -> int | None:
        """Pixels a side of its pictures."""
        return None if self.opening is None or self.opening.facts is None else self.opening.facts.image_size


def starting_model(given: str, reference: str = "") -> StartingModel:
    """What `--model` names: a source (`hub:…`), a diffusers folder, a folder of packages, or a name on a hub.

    Args:
        reference: the teacher's source, for packages.

    Raises:
        ModelError: it is none of these; what it is instead is said.
        UnsupportedModel: it cannot be drawn.
    """
    source = _source(given)
    own = source.partition(":")[2]
    opening = look_at(reference if source.startswith("packages:") and reference else source)
    last = Path(own.partition("@")[0]).name if source.startswith(("folder:", "hub:", "packages:")) else own
    name = re.sub(r"[^a-z0-9._-]+", "-", last.lower()).strip("-._")[:64] or "mine"
    return StartingModel(name, source, reference, opening)


def _source(given: str) -> str:
    prefix, _, rest = given.partition(":")
    if prefix in SOURCES and rest:
        return given
    if "://" in given:
        raise ModelError("this is an address, not a model", where=given, hint=_instead_of_address(given))
    place = Path(given).expanduser()
    if place.is_file():
        raise _refused_file(place, given)
    if place.is_dir():
        shown = _shown(place)
        if (place / INDEX_FILE).is_file():
            return f"folder:{shown}"
        if place.suffix in PACKAGES:
            hint = f"give the folder that holds it, {_shown(place.resolve().parent)}"
            raise ModelError("this is a package itself, not a folder of packages", where=given, hint=hint)
        if any("/" not in name for name in packages_inside(place)):
            return f"packages:{shown}"
        hint = what_is_here(place)
        if hint:
            raise ModelError(f"the folder has no {INDEX_FILE}", where=given, hint=hint)
    if place.exists():
        what = "neither a diffusers folder nor a folder of .mlpackages"
        raise ModelError(f"this is {what}", where=given, hint=FOLDER)
    if HUB_NAME.fullmatch(given) and ".." not in given:
        return f"hub:{given}"
    raise ModelError("there is no such folder, and no hub has such a name", where=given, hint="PATH or OWNER/NAME")


def _refused_file(place: Path, given: str) -> ModelError:
    """The error for a file: an index, a checkpoint, or anything else."""
    if place.name == INDEX_FILE:
        hint = f"give its folder, {_shown(place.resolve().parent)}"
        return ModelError(f"this is the {INDEX_FILE} of a model, not its folder", where=given, hint=hint)
    if recognise(place) is None:
        what = "neither a diffusers folder nor a folder of .mlpackages"
        return ModelError(f"this is a file, {what}", where=given, hint=FOLDER)
    return refuse_file(place, given)


def _instead_of_address(given: str) -> str:
    """What to write instead of an address: the name on the hub that it seems to lead to."""
    parts = [part for part in given.partition("://")[2].split("/") if part][1:3]
    name = "/".join(parts)
    known = len(parts) == 2 and HUB_NAME.fullmatch(name) is not None
    return f"a model of a hub is named OWNER/NAME: {name}" if known else "PATH or OWNER/NAME"


def _shown(place: Path) -> str:
    """A path as a suite in this folder names it."""
    whole = place.resolve()
    return whole.relative_to(Path.cwd()).as_posix() if whole.is_relative_to(Path.cwd()) else whole.as_posix()


def suite_text(model: StartingModel, *, platform: str = sys.platform) -> str:
    """A commented suite that runs as it is written, once the references are recorded."""
    return "\n".join([*_head(model), *_lanes(model, platform), *_metrics(), *_cases(model), *_budgets()]) + "\n"


def _head(model: StartingModel) -> list[str]:
    lines = [
        f"# A suite for {model.source}. `sdqa plan` says what it amounts to and what is still missing;",
        "# docs/configuration.md has every key.",
        "",
        "schema_version = 1",
        f"name = {_quoted(model.name)}",
        'goldens = "goldens" # the references: `sdqa goldens` draws them with the PyTorch model; commit the folder',
        "",
        f"[models.{_key(model.name)}]",
        f"source = {_quoted(model.source)}",
    ]
    if model.source.startswith("packages:"):
        teacher = model.reference or "folder:path/to/the/diffusers/folder"
        lines.append(f"reference = {_quoted(teacher)} # the PyTorch model that they were converted from")
    return [*lines, *(f"# {fact}" for fact in _facts(model)), ""]


def _facts(model: StartingModel) -> list[str]:
    opening = model.opening
    if opening is None:
        return ["it is not on this machine yet, so sizes and scheduler below are only usual ones"]
    facts = [opening.family.title + (f", {model.side}×{model.side} pixels" if model.side else "")]
    if opening.ignored:
        facts.append(f"ignored: {', '.join(opening.ignored)}")
    if opening.folder is not None and any(opening.folder.glob("*/*.fp16.safetensors")):
        facts.append("its weights are there in fp16")
    return facts


def _lanes(model: StartingModel, platform: str) -> list[str]:
    key = _quoted(model.name)
    mac = ["[[lanes]]", f"model = {key}", 'variants = ["fp16"]', 'runtime = "coreml"', 'compute_units = ["CPU_AND_NE"]']
    on_mac = platform == "darwin"
    return [
        "[variants.fp16]",
        'precision = "float16" # float32, float16, mixed',
        'target = "iOS17"      # iOS16, iOS17, iOS18',
        "",
        "# [variants.palettized-6bit] # smaller; name it in a lane, and let `sdqa calibrate` place its limits",
        '# precision = "float16"',
        '# compression = "palettize-6bit" # linear-int8, palettize-4bit-grouped16, blockwise-int4, prune-50 …',
        "",
        "[[lanes]] # the packages, executed by the reference runtime on any machine",
        f"model = {key}",
        'variants = ["fp16"]',
        'runtime = "reference"',
        "",
        "# the packages, executed by Core ML" + ("" if on_mac else ": needs a Mac, elsewhere the lane is skipped"),
        *(mac if on_mac else [f"# {line}" for line in mac]),
        "",
    ]


def _metrics() -> list[str]:
    return [
        "[metrics]",
        'clip = "embedded:tiny"  # knows drawn scenes; for photographs "ViT-B-32/laion2b_s34b_b79k" and `sdqa fetch`',
        'lpips = "stlpips:alex"',
        'names = ["finite", "shape", "psnr", "latent_psnr"] # those that [limits] can limit, until you calibrate',
        "",
        "[limits] # dB, stated by hand; `sdqa calibrate` measures limits for all metrics: then remove names and these",
        *(f"{name} = {limit}" for name, limit in LIMITS.items()),
        "",
    ]


def _cases(model: StartingModel) -> list[str]:
    large = model.side is None or model.side > LARGE
    own = model.own_scheduler
    known = {class_name: name for name, (class_name, _) in SCHEDULERS.items()}
    scheduler = known.get(own, FALLBACK)
    said = f"the folder's own, {own}" if own in known else "pndm, ddim, dpmsolver++, euler: what your application runs"
    if own and own not in known:
        said = f"the folder's {own} draws noise of its own or is not known; pndm, ddim, dpmsolver++, euler are"
    lines = [
        "[defaults]",
        f"steps = {10 if large else 20}" + (" # more, once you know how long it takes" if large else ""),
        "guidance_scale = 7.5",
        f'scheduler = "{scheduler}" # {said}',
        "",
        '[cases.portrait] # a drawn scene, so that this runs at once; your own pictures: source = "file:PICTURE"',
        'source = "scene:portrait/115"',
        'prompt = "a portrait of a man with red hair wearing a black shirt on a purple background"',
        "strength = 0.5",
        "seed = 11",
        "",
    ]
    if not large:
        lines += [
            "[cases.winter]",
            'source = "scene:landscape/109"',
            'prompt = "a snowy landscape with hills, a lake and a house, at sunset"',
            "strength = 0.7",
            "seed = 22",
            "",
        ]
    return [
        *lines,
        "[cases.landscape] # without a source: text to image",
        'prompt = "A beautiful landscape with mountains and a lake, golden hour lighting"',
        "seed = 32",
        "",
    ]


def _budgets() -> list[str]:
    return [
        "[budgets] # an application's limits",
        'model_memory_bytes = "2 GB"',
        '# inference_s = "40 s"  # of the device: judged in every lane, so state it where only Core ML runs',
        '# end_to_end_s = "60 s"',
    ]


def _quoted(text: str) -> str:
    """A basic string of TOML."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return _quoted(name) if "." in name else name
