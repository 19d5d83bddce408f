"""What the embedded model must be able to do, one measurement a function; all on scenes that nothing was trained on."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from sdqa.embedded import scenes, variants
from sdqa.embedded.attributes import agreement
from sdqa.embedded.scenes import Scene
from sdqa.embedded.variants import VARIANTS
from sdqa.embedded.vocabulary import LANDSCAPE, PORTRAIT
from training.edits import change
from training.subject import Distance, SubjectModel, SubjectSettings, pixels, unseen
from training.unet import load as load_unet
from training.vae import decode, encode, psnr, squared_by

Figures = dict[str, float]
MEGABYTE = 1_000_000


def size_mb(subject: SubjectModel) -> Figures:
    def total(*parts: str) -> float:
        files = [path for part in parts for path in (subject.folder / part).rglob("*") if path.is_file()]
        return sum(path.stat().st_size for path in files) / MEGABYTE

    return {
        "pipeline and open_clip": total("pipeline", "open_clip"),
        "with the variants": total("pipeline", "open_clip", *(path.name for path in VARIANTS.values())),
        "everything": total("."),
    }


@torch.no_grad()
def reconstruction(subject: SubjectModel) -> Figures:
    images = pixels(unseen(256), subject.size)
    found = psnr(decode(subject.pipe.vae, encode(subject.pipe.vae, images)), images)
    return {"mean": found.mean().item(), "worst": found.min().item()}


@torch.no_grad()
def retrieval(subject: SubjectModel) -> Figures:
    """The share of pictures whose best caption of 64 is their own, or one with the same words."""
    groups = [unseen(64, offset=64 * i) for i in range(12)]
    return {
        "complete captions": _mean([_retrieved(subject, group, [s.caption for s in group]) for group in groups]),
        "terse captions": _mean([_retrieved(subject, group, [s.captions[0] for s in group]) for group in groups]),
    }


def _retrieved(subject: SubjectModel, group: Sequence[Scene], captions: Sequence[str]) -> float:
    clip = subject.open_clip
    seen = F.normalize(clip.model.encode_image(pixels(group, subject.size)), dim=-1)
    read = F.normalize(clip.model.encode_text(clip.tokenizer(captions)), dim=-1)
    best = (seen @ read.T).argmax(1).tolist()
    return _mean([float(captions[i] == own) for i, own in zip(best, captions, strict=True)])


def prompt_following(subject: SubjectModel, guidance: float, count: int = 64) -> Figures:
    """Text-to-image, 20 steps: how often the judge finds each attribute that the prompt names."""
    wanted = unseen(count, offset=5_000)
    images = subject.imagine([scene.caption for scene in wanted], SubjectSettings(guidance=guidance))
    return agreement(subject.judge.read(images), [scene.attributes for scene in wanted])


def variant_following(subject: SubjectModel, variant: str, guidance: float) -> Figures:
    """`prompt_following` of a variant of the embedded pipeline, where the weights have it."""
    folder = subject.folder / VARIANTS[variant].name
    if not folder.is_dir():
        return {}
    with tempfile.TemporaryDirectory() as name:
        whole = Path(name) / variant
        variants.assemble(whole, folder, subject.folder / "pipeline")
        unet = load_unet(whole / "unet").eval()
        scheduler = type(subject.pipe.scheduler).from_pretrained(whole / "scheduler", local_files_only=True)
    return prompt_following(subject.replacing(unet=unet, scheduler=scheduler), guidance)


def edits(count: int) -> tuple[list[Scene], list[Scene]]:
    """Source scenes, and each with two of its attributes changed."""
    random, sources = Random(7), unseen(count, offset=7_000)
    return sources, [scenes.edit(scene, **change(scene, random, 2)) for scene in sources]


def editing(subject: SubjectModel, strength: float, guidance: float, count: int = 256) -> Figures:
    """Image-to-image towards a caption with two attributes changed.

    changed: changed attributes that the judge finds; kept: unchanged ones that it still finds; identity: how often,
    of 16 faces or places drawn with the wanted attributes, the right one is nearest to the result. These differ only in
    what the source shows, because no editor can know where the trees of a bare place would stand; those of "identity,
    hidden parts too" differ in everything.
    """
    sources, wanted = edits(count)
    settings = SubjectSettings(strength=strength, guidance=guidance)
    images = subject.repaint(pixels(sources, subject.size), [scene.caption for scene in wanted], settings)
    changed: list[float] = []
    kept: list[float] = []
    for source, target, read in zip(sources, wanted, subject.judge.read(images), strict=True):
        for name in PORTRAIT if target.kind == "portrait" else LANDSCAPE:
            value = getattr(target.attributes, name)
            hits = kept if value == getattr(source.attributes, name) else changed
            hits.append(float(read[name] == value))
    return {
        "changed": _mean(changed),
        "kept": _mean(kept),
        "identity": _identified(images, wanted, [scenes.hidden(source) for source in sources], subject.size),
        "identity, hidden parts too": _identified(images, wanted, [frozenset()] * count, subject.size),
    }


def _identified(images: Tensor, wanted: Sequence[Scene], alike: Sequence[frozenset[str]], size: int) -> float:
    """Nearest by mean squared error, among 16 identities of the kind, all with the wanted attributes.

    Args:
        alike: for each picture, the parts of the identity that are the right one's in all 16.
    """
    hits = []
    for i, scene in enumerate(wanted):
        others = [other for other in wanted if other.kind == scene.kind and other is not scene][:15]
        shared = {name: getattr(scene.identity, name) for name in alike[i]}
        line_up = [scene, *(replace(scene, identity=replace(other.identity, **shared)) for other in others)]
        errors = (pixels(line_up, size) - images[i]).square().mean((1, 2, 3))
        hits.append(float(errors.argmin() == 0))
    return _mean(hits)


def strengths(subject: SubjectModel, distance: Distance, guidance: float, count: int = 32) -> Figures:
    """Perceptual distance to the source, for every strength."""
    sources, wanted = edits(count)
    images, prompts = pixels(sources, subject.size), [scene.caption for scene in wanted]
    return {
        f"{strength}": _apart(
            distance, subject.repaint(images, prompts, SubjectSettings(strength=strength, guidance=guidance)), images
        )
        for strength in (0.1, 0.3, 0.5, 0.7, 0.9)
    }


def steps(subject: SubjectModel, distance: Distance, guidance: float, count: int = 24) -> Figures:
    """Perceptual distance of few steps' pictures to those of 50."""
    prompts = [scene.caption for scene in unseen(count, offset=9_000)]
    best = subject.imagine(prompts, SubjectSettings(steps=50, guidance=guidance))
    return {
        f"{n}": _apart(distance, subject.imagine(prompts, SubjectSettings(steps=n, guidance=guidance)), best)
        for n in (3, 10, 20, 30)
    }


def precision(subject: SubjectModel, distance: Distance, guidance: float, count: int = 24) -> Figures:
    """Perceptual distance to the fp32 pictures, of computing in fp16 and of rounding the U-Net's weights."""
    prompts = [scene.caption for scene in unseen(count, offset=11_000)]
    settings = SubjectSettings(guidance=guidance)
    teacher = subject.imagine(prompts, settings)
    variants = {
        "fp16": subject.in_half(),
        "4-bit": subject.with_unet(lambda unet: round_weights(unet, 4)),
        "2-bit": subject.with_unet(lambda unet: round_weights(unet, 2)),
    }
    return {name: _apart(distance, variant.imagine(prompts, settings), teacher) for name, variant in variants.items()}


@torch.no_grad()
def round_weights(module: nn.Module, bits: int) -> None:
    """Round matrices and kernels to 2**bits levels a channel, symmetric and linear."""
    levels = 2 ** (bits - 1)
    for weight in module.parameters():
        if weight.ndim >= 2:
            flat = weight.view(weight.shape[0], -1)
            scale = (flat.abs().amax(1, keepdim=True) / max(levels - 1, 0.5)).clamp(min=1e-12)
            flat.copy_((flat / scale).round().clamp(-levels, levels - 1) * scale)


def half_range(subject: SubjectModel, guidance: float, count: int = 16) -> Figures:
    """The largest value that a norm squares, by component, in reconstructions and text-to-image."""
    parts = {"text_encoder": subject.pipe.text_encoder, "unet": subject.pipe.unet, "vae": subject.pipe.vae}
    found: Figures = {}

    def watch(part: str, module: nn.Module) -> RemovableHandle:
        def look(norm: nn.Module, given: tuple[Tensor, ...]) -> None:
            found[part] = max(found.get(part, 0.0), squared_by(norm, given[0]))

        return module.register_forward_pre_hook(look)

    norms = (nn.GroupNorm, nn.LayerNorm)
    hooks = [watch(part, norm) for part, whole in parts.items() for norm in whole.modules() if isinstance(norm, norms)]
    try:
        reconstruction(subject)
        subject.imagine([scene.caption for scene in unseen(count, offset=15_000)], SubjectSettings(guidance=guidance))
    finally:
        for hook in hooks:
            hook.remove()
    return found


def seconds_a_case(subject: SubjectModel, guidance: float) -> Figures:
    """One image-to-image picture, 20 steps at strength 1.0 (so all 20 run), on one thread: median and best of 5.

    Counted in the thread's own time, which is the clock's on a free core, whatever else the machine is doing.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        source, prompt = pixels(unseen(1), subject.size), [unseen(1)[0].caption]
        times = []
        for _ in range(6):
            start = time.thread_time()
            subject.repaint(source, prompt, SubjectSettings(strength=1.0, guidance=guidance))
            times.append(time.thread_time() - start)
    finally:
        torch.set_num_threads(threads)
    ordered = sorted(times[1:])
    return {"median": ordered[2], "best": ordered[0]}


def determinism(subject: SubjectModel, guidance: float) -> Figures:
    """Same bytes here and in a fresh process; how far other thread counts and batches differ, in grey levels."""
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        first, second = probe(subject, guidance, 2), probe(subject, guidance, 2)
        alone = probe(subject, guidance, 1)
        torch.set_num_threads(2)
        threaded = probe(subject, guidance, 2)
    finally:
        torch.set_num_threads(threads)
    command = [sys.executable, "-c", _PROBE, str(subject.folder), str(guidance)]
    fresh = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1]
    return {
        "same bytes twice": float(torch.equal(first, second)),
        "same bytes in a fresh process": float(fresh == digest(first)),
        "2 threads, grey levels": (first - threaded).abs().max().item() * 127.5,
        "batch of 1, grey levels": (first - alone).abs().max().item() * 127.5,
    }


_PROBE = (
    "import sys, torch; torch.set_num_threads(1); from pathlib import Path; "
    "from training.measures import probe, digest; from training.subject import Subject; "
    "print(digest(probe(Subject.load(Path(sys.argv[1])), float(sys.argv[2]), 2)))"
)


def probe(subject: SubjectModel, guidance: float, batch: int) -> Tensor:
    prompts = [scene.caption for scene in unseen(2, offset=13_000)]
    return subject.imagine(prompts, SubjectSettings(guidance=guidance), batch)


def digest(images: Tensor) -> str:
    return hashlib.sha256(images.contiguous().numpy().tobytes()).hexdigest()


def _apart(distance: Distance, a: Tensor, b: Tensor) -> float:
    with torch.no_grad():
        return distance(a, b).mean().item()


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
