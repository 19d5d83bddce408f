"""The bars of the embedded model: what was measured, what was asked for, and whether it is met."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from sdqa.embedded.variants import VARIANTS
from training import measures
from training.measures import Figures
from training.progress import StepLog
from training.subject import Distance, SubjectModel

GUIDANCE = 3.0
"""Where one guidance scale must do."""
HIGH_GUIDANCE = 5.0
"""The end of the range of use, where values are largest."""
RISE = 3.0
"""How much farther from the teacher each loss of precision must be than the one before."""


@dataclass(frozen=True)
class Requirement:
    """One requirement and its measurement."""

    name: str
    asked: str
    measured: str
    met: bool | None
    """None where nothing is asked."""
    figures: Figures


@dataclass(frozen=True)
class Evaluation:
    date: str
    machine: str
    bars: tuple[Requirement, ...]

    def table(self) -> str:
        """Markdown."""
        words = {True: "met", False: "**missed**", None: ""}
        rows = [f"| {bar.name} | {bar.asked} | {bar.measured} | {words[bar.met]} |" for bar in self.bars]
        return "\n".join(["| | bar | measured | |", "|---|---|---|---|", *rows])

    def json(self) -> str:
        return json.dumps(asdict(self), indent=2)


def run(weights: Path, distance: Distance, machine: str) -> Evaluation:
    """Measure every bar on a folder of weights; takes minutes on one core."""
    subject = SubjectModel.load(weights)
    todo: list[Callable[[], Sequence[Requirement]]] = [
        lambda: [_size(measures.size_mb(subject))],
        lambda: [_reconstruction(measures.reconstruction(subject))],
        lambda: [_retrieval(measures.retrieval(subject))],
        lambda: [_prompts({g: measures.prompt_following(subject, g) for g in (GUIDANCE, 4.0, HIGH_GUIDANCE)})],
        lambda: [
            bar for name in VARIANTS for bar in _variant(name, measures.variant_following(subject, name, GUIDANCE))
        ],
        lambda: _editing(measures.editing(subject, 0.5, GUIDANCE)),
        lambda: [_strengths(measures.strengths(subject, distance, GUIDANCE))],
        lambda: [_steps(measures.steps(subject, distance, GUIDANCE))],
        lambda: [_precision(measures.precision(subject, distance, GUIDANCE))],
        lambda: [_range(measures.half_range(subject, HIGH_GUIDANCE))],
        lambda: [_speed(measures.seconds_a_case(subject, GUIDANCE))],
        lambda: [_determinism(measures.determinism(subject, GUIDANCE))],
    ]
    bars: list[Requirement] = []
    with StepLog("evaluate", len(todo)) as progress:
        for i, measure in enumerate(todo, 1):
            bars += measure()
            progress.advance(i, bars[-1].name)
    return Evaluation(datetime.datetime.now(datetime.UTC).date().isoformat(), machine, tuple(bars))


def _size(found: Figures) -> Requirement:
    size = found["pipeline and open_clip"]
    variants, everything = found["with the variants"], found["everything"]
    measured = f"{size:.2f} MB ({variants:.2f} MB with the variants, {everything:.2f} MB with the judge)"
    return Requirement("weights as shipped: pipeline and open_clip", "≤ 10 MB", measured, size <= 10, found)


def _reconstruction(found: Figures) -> Requirement:
    measured = f"{found['mean']:.1f} dB (worst of 256: {found['worst']:.1f})"
    return Requirement("VAE reconstruction of unseen drawings, PSNR", "≥ 32 dB", measured, found["mean"] >= 32, found)


def _retrieval(found: Figures) -> Requirement:
    share = found["complete captions"]
    measured = f"{share:.1%} (terse captions, which may fit several: {found['terse captions']:.1%})"
    return Requirement("open_clip retrieval, right caption of 64", "≥ 95 %", measured, share >= 0.95, found)


def _prompts(found: dict[float, Figures]) -> Requirement:
    """Every guidance scale must do: a user may choose any of them."""
    means = {guidance: sum(shares.values()) / len(shares) for guidance, shares in found.items()}
    measured = ", ".join(f"{share:.1%} at guidance {guidance:g}" for guidance, share in means.items())
    name = "text-to-image, attributes of the prompt that the judge finds, 20 steps"
    figures = {f"guidance {g:g}: {name}": share for g, shares in found.items() for name, share in shares.items()}
    return Requirement(name, "≥ 90 % mean at guidance 3 to 5", measured, min(means.values()) >= 0.9, figures)


def _variant(name: str, found: Figures) -> list[Requirement]:
    if not found:
        return []
    measured = f"{sum(found.values()) / len(found):.1%} at guidance {GUIDANCE:g}"
    return [Requirement(f"the same of the variant `{name}`", "", measured, None, found)]


def _editing(found: Figures) -> list[Requirement]:
    at = f"image-to-image at strength 0.5, guidance {GUIDANCE:g}: "
    changed, kept, identity = found["changed"], found["kept"], found["identity"]
    kept_whole = f"{identity:.1%} ({found['identity, hidden parts too']:.1%} where parts count that the source hides)"
    return [
        Requirement(f"{at}changed attributes follow the prompt", "≥ 80 %", f"{changed:.1%}", changed >= 0.8, found),
        Requirement(f"{at}unchanged attributes kept", "≥ 90 %", f"{kept:.1%}", kept >= 0.9, found),
        Requirement(f"{at}geometry kept: right identity of 16", "≥ 90 %", kept_whole, identity >= 0.9, found),
    ]


def _strengths(found: Figures) -> Requirement:
    rises = all(a < b for a, b in pairwise(found.values()))
    return Requirement("ST-LPIPS to the source, by strength", "rises monotonically", _listed(found), rises, found)


def _steps(found: Figures) -> Requirement:
    falls = all(a > b for a, b in pairwise(found.values()))
    return Requirement("ST-LPIPS to 50 steps, by steps", "falls monotonically", _listed(found), falls, found)


def _precision(found: Figures) -> Requirement:
    rises = all(RISE * a <= b for a, b in pairwise(found.values()))
    return Requirement(
        "ST-LPIPS to the teacher, by precision", "each ≥ 3 × the one before", _listed(found), rises, found
    )


def _range(found: Figures) -> Requirement:
    measured = ", ".join(f"{part} {value:.0f}" for part, value in found.items())
    name = "largest value that a norm squares"
    return Requirement(name, "≤ 255: fp16 ends at 65,504", measured, max(found.values()) <= 255, found)


def _speed(found: Figures) -> Requirement:
    measured = f"{found['median']:.2f} s (median of 5; best {found['best']:.2f})"
    return Requirement("one image-to-image case, 20 steps, 1 core", "≤ 3 s", measured, found["median"] <= 3, found)


def _determinism(found: Figures) -> Requirement:
    same = found["same bytes twice"] == found["same bytes in a fresh process"] == 1
    noise = max(found["2 threads, grey levels"], found["batch of 1, grey levels"])
    measured = f"{'same bytes' if same else 'other bytes'}; other threads or batches within {noise:.2g} grey levels"
    return Requirement(
        "same seed, same thread count", "same bytes; noise elsewhere recorded", measured, same and noise <= 1, found
    )


def _listed(found: Figures) -> str:
    return ", ".join(f"{name}: {value:.3g}" for name, value in found.items())


def record(evaluation: Evaluation, docs: Path) -> None:
    """Write the table between the markers of `tiny.md` in a folder, and every figure to `tiny.json` beside it."""
    page = docs / "tiny.md"
    before, rest = page.read_text(encoding="utf-8").split("<!-- bars -->\n", 1)
    after = rest.split("<!-- /bars -->", 1)[1]
    caption = f"Measured {evaluation.date} on {evaluation.machine} with `nox -s train-tiny -- --evaluate`."
    page.write_text(
        f"{before}<!-- bars -->\n{caption}\n\n{evaluation.table()}\n<!-- /bars -->{after}", encoding="utf-8"
    )
    (docs / "tiny.json").write_text(evaluation.json() + "\n", encoding="utf-8")
