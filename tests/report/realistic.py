"""A realistic bundle: four lanes, ten cases with drawn pictures, every status, NaN and infinities, hostile text."""

from __future__ import annotations

import math
import random
from typing import Any

from PIL import ImageChops

from sdqa.bundle import (
    Blob,
    Bundle,
    CaseInputs,
    Environment,
    Failure,
    Film,
    Fingerprint,
    Lane,
    Measurement,
    Package,
    PackageFacts,
    Run,
    Sample,
    SampleFacts,
    Status,
    Verdict,
)
from sdqa.bundle.film import FilmFrame
from tests.report.culprits import DIAGNOSIS, SENSITIVITY
from tests.report.pictures import HAIR, disturb, draw, png

HOSTILE = '<script>alert("prompt")</script><img src=x onerror=alert(1)> & "quotes" \x00\x1b[31m]]> 日本'
CASES = {
    f"portrait-{hair}-hair": CaseInputs(
        prompt=f"a portrait of a person with {hair} hair, smiling",
        source=f"scene:portrait/{100 + i}",
        strength=strength,
        steps=20,
        guidance_scale=7.5,
        scheduler="ddim",
        seed=11 + i,
    )
    for i, (hair, strength) in enumerate(zip(HAIR, (0.3, 0.4, 0.5, 0.6, 0.8), strict=True))
}
CASES |= {
    name: CaseInputs(prompt=prompt, strength=0.6, steps=20, guidance_scale=7.5, scheduler="ddim", seed=31)
    for name, prompt in {
        "landscape-sunset": "a landscape with hills at sunset",
        "landscape-snow": "a landscape with mountains in snow",
        "landscape-lake": HOSTILE,
    }.items()
}
CASES |= {
    name: CaseInputs(prompt=prompt, steps=20, guidance_scale=7.5, scheduler="ddim", seed=77)
    for name, prompt in {
        "text-portrait": "a portrait of a person with green hair",
        "text-landscape": "a landscape with a river",
    }.items()
}


def verdict(lane: str, case: str | None, metric: str, status: Status, **fields: Any) -> Verdict:
    """A verdict with the check's name made from its parts."""
    return Verdict(check=f"{lane}/{case or 'lane'}/{metric}", metric=metric, case=case, status=status, **fields)


def _images(bundle: Bundle, case: str, damage: float) -> dict[str, Blob]:
    source, golden = draw(case, 1), draw(case, 2)
    candidate = disturb(golden, damage, len(case))
    difference = ImageChops.difference(golden, candidate).point(lambda value: min(255, value * 4))
    images = {"golden": golden, "candidate": candidate, "difference": difference}
    if not case.startswith("text-"):
        images = {"source": source, **images}
    return {kind: bundle.add_blob(png(image), "image/png") for kind, image in images.items()}


def _film(bundle: Bundle) -> Film:
    """Three recorded steps of twenty; the teacher's picture of the last is missing."""

    def still(seed: int) -> Blob:
        return bundle.add_blob(png(draw("landscape", seed).resize((8, 8))), "image/png")

    frames = [FilmFrame(step=step, candidate=still(step), teacher=still(40), error=step / 25) for step in (1, 10)]
    frames.append(FilmFrame(step=20, candidate=still(20), error=math.nan))
    return Film(total=20, frames=tuple(frames), colours="a linear map of four channels")


def _lane(bundle: Bundle, variant: str, damage: float, seed: int) -> Lane:
    """A lane whose figures follow from how damaged its candidates are."""
    dice = random.Random(seed)
    lane = f"tiny/{variant}/reference/cpu"
    samples, measurements, verdicts = [], [], []
    for number, case in enumerate(CASES):
        here = damage * (1.5 if "portrait" in case else 0.7)
        samples.append(
            Sample(
                case=case,
                images=_images(bundle, case, here),
                latents_digest=f"{seed:064x}",
                seconds=2.0 + dice.random(),
                facts=SampleFacts(timesteps=(451.0, 201.0, 1.0), nonfinite={"unet": int(dice.random() * 3)}),
            )
        )
        lpips = 0.004 + here * 0.8 + dice.random() * 0.004
        psnr = 44 - here * 60 + dice.random()
        clip = 27.5 - here * 9 + dice.random() * 0.4
        nan = damage > 0.2 and number == 7
        for metric, value, golden, unit, better, tolerance in (
            ("lpips", math.nan if nan else lpips, 0.0, "", "lower", 0.03),
            ("psnr", -math.inf if nan else psnr, None, "dB", "higher", 30.0),
            ("clip_score", math.nan if nan else clip, 27.6, "", "higher", -0.8),
        ):
            measurements.append(
                Measurement(metric=metric, case=case, value=value, golden=golden, unit=unit, better=better)
            )
            difference = None if golden is None else value - golden
            bad = (value < tolerance) if golden is None else abs(value - golden) > abs(tolerance)
            near = golden is not None and 0.6 * abs(tolerance) < abs(value - golden) <= abs(tolerance)
            status: Status = "fail" if bad or not math.isfinite(value) else "suspicious" if near else "pass"
            reason = {
                "fail": "not finite: fatal before any comparison" if nan else "the interval lies beyond the tolerance",
                "suspicious": "the interval straddles the tolerance",
                "pass": "the interval's bad end lies within the tolerance",
            }[status]
            half = abs(tolerance) * 0.45
            interval = None if difference is None else (difference - half, difference + half)
            verdicts.append(
                verdict(
                    lane, case, metric, status, value=value, golden=golden, difference=difference, interval=interval,
                    tolerance=tolerance, unit=unit, n=10, reason=reason, fingerprint="ab" * 32,
                )
            )  # fmt: skip
    latencies = tuple(900 + dice.gauss(0, 30) for _ in range(40))
    for metric, value, unit, limit, samples_ in (
        ("latency_ms", sum(latencies) / 40, "ms", 1500.0, latencies),
        ("peak_memory_bytes", 4.1e8 + damage * 1e9, "bytes", 5e8, ()),
        ("package_bytes", 7.3e6, "bytes", 2e7, ()),
    ):
        spread = 30.0 if samples_ else None
        measurements.append(
            Measurement(metric=metric, value=value, unit=unit, spread=spread, n=len(samples_) or 1, samples=samples_)
        )
        status = "pass" if value <= limit else "fail"
        reason = f"the budget of sdqa.toml is {'kept' if status == 'pass' else 'exceeded'}"
        verdicts.append(verdict(lane, None, metric, status, value=value, tolerance=limit, unit=unit, reason=reason))
    for component, megabytes, millis in (("text_encoder", 0.4, 3.1), ("vae_encoder", 1.3, 9.0), ("unet", 4.7, 41.7)):
        figures = (("package_bytes", megabytes * 1e6, "B"), ("latency_ms", millis, "ms"))
        for metric, value, unit in (*figures, ("parity_psnr", 60 - damage * 90, "dB")):
            better: Any = "higher" if unit == "dB" else "lower"
            measurements.append(
                Measurement(metric=metric, component=component, value=value, unit=unit, better=better, n=20)
            )
        verdicts.append(
            Verdict(
                check=f"{lane}/{component}/parity_psnr", metric="parity_psnr", component=component, unit="dB",
                status="pass" if damage < 0.2 else "fail", value=60 - damage * 90, tolerance=40.0, n=20,
                reason="the worst of all teacher-forced readings against the floor",
            )
        )  # fmt: skip
    measurements.append(Measurement(metric="face_cosine", value=None, reason="sdqa[identity] is not installed"))
    if damage > 0.2:
        reason = "sdqa[identity] is not installed: pip install 'sdqa[identity]'"
        verdicts.append(verdict(lane, None, "face_cosine", "not measured", reason=reason))
    components = {"text_encoder": 400_000, "vae_encoder": 1_300_000, "unet": 4_700_000, "vae_decoder": 1_900_000}
    packages = tuple(
        Package(
            component=name,
            name=f"{name}.mlpackage",
            digest=f"{size * 7919:064x}",
            bytes=size // (2 if variant == "palette6" else 1),
            operations=size // 4000,
            facts=PackageFacts(
                bit_widths={"6": 31, "16": 12} if variant == "palette6" else {"16": 43}, conversion_seconds=3.2
            ),
        )
        for name, size in components.items()
    )
    return Lane(
        id=lane, model="tiny", variant=variant, runtime="reference", compute_unit="cpu",
        fingerprint=Fingerprint(teacher="5f" * 32, metrics="6a" * 32, versions={"torch": "2.13.0"}),
        packages=packages, samples=tuple(samples), measurements=tuple(measurements), verdicts=tuple(verdicts),
    )  # fmt: skip


ENVIRONMENT = Environment(
    system="Linux", machine="x86_64", cores=2, python="3.11.7", versions={"torch": "2.13.0"}
)  # fmt: skip


def make_run(bundle: Bundle) -> Run:
    """Write the realistic run's blobs into a bundle and return its records."""
    skipped = Lane(
        id="tiny/fp16/coreml/cpu_and_ne", model="tiny", variant="fp16", runtime="coreml", compute_unit="cpu_and_ne",
        status="skipped", reason="Core ML predicts on macOS only",
    )  # fmt: skip
    damaged = _lane(bundle, "palette2", 0.25, 3)
    failure = Failure(
        stage="score", where="landscape-lake", code="SDQA-500", message=f"LPIPS is not finite {HOSTILE}", exit_code=4
    )
    samples = list(damaged.samples)
    samples[7] = samples[7].model_copy(
        update={"images": {**samples[7].images, "candidate": bundle.add_blob(b"<svg onload=alert(1)>", "image/png")}}
    )
    samples[3] = samples[3].model_copy(update={"facts": samples[3].facts.model_copy(update={"film": _film(bundle)})})
    damaged = damaged.model_copy(update={"failures": (failure,), "status": "incomplete", "samples": tuple(samples)})
    return Run(
        sdqa_version="0.1.0",
        suite="embedded",
        suite_digest="c0ffee" * 10 + "abcd",
        created="2026-01-02T03:04:05Z",
        status="incomplete",
        exit_code=1,
        fault="unet-2bit",
        environment=ENVIRONMENT,
        cases=CASES,
        lanes=(_lane(bundle, "fp16", 0.0, 1), _lane(bundle, "palette6", 0.015, 2), damaged, skipped),
        diagnosis=DIAGNOSIS,
        sensitivity=SENSITIVITY,
    )
