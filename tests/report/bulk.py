"""Large synthetic bundles: many cases in two lanes, with pictures that differ only in what no decoder looks at."""

from __future__ import annotations

import random
from io import BytesIO
from pathlib import Path

from PIL import Image

from sdqa.bundle import Bundle, CaseInputs, Measurement, Run, Sample, Status, Verdict
from tests.builders import lane_record, run_record
from tests.report.pictures import draw

LANES = ("big/fp16", "big/palettized-6bit")
METRICS = ("lpips", "ssim", "psnr", "latent_cosine", "clip_score", "noise")


def picture(side: int, grain: float) -> bytes:
    """A drawn picture of some side; grain makes it as hard to compress as a photograph."""
    image = draw("portrait", 1).resize((side, side))
    noise = Image.frombytes("RGB", image.size, random.Random(1).randbytes(side * side * 3))
    buffer = BytesIO()
    Image.blend(image, noise, grain).save(buffer, "PNG")
    return buffer.getvalue()


def bulk_run(folder: Path, cases: int, *, side: int = 64, grain: float = 0.1, failing: int = 3) -> tuple[Bundle, Run]:
    """`cases` cases in two lanes, of which the last `failing` fail in the first lane."""
    bundle = Bundle(folder)
    drawn = picture(side, grain)
    names = [f"case-{number:03}" for number in range(cases)]
    lanes = []
    for lane in LANES:
        samples, verdicts, measurements = [], [], []
        for number, name in enumerate(names):
            bad = lane == LANES[0] and number >= cases - failing
            images = {
                kind: bundle.add_blob(
                    drawn + f"{kind} {name} {lane if kind == 'candidate' else ''}".encode(), "image/png"
                )
                for kind in ("golden", "candidate")
            }
            samples.append(Sample(case=name, images=images))
            for place, metric in enumerate(METRICS):
                value = 0.01 + (number % 97) / 10_000 + place / 1000 + (0.2 + number / 1000 if bad else 0)
                status: Status = "fail" if bad else "pass"
                measurements.append(Measurement(metric=metric, case=name, value=value))
                verdicts.append(
                    Verdict(
                        check=f"{lane}/{name}/{metric}", metric=metric, case=name, status=status, value=value,
                        golden=0.0, difference=value, tolerance=0.1, reason="over the limit" if bad else "within it",
                    )
                )  # fmt: skip
        lanes.append(lane_record(lane, *verdicts, samples=tuple(samples), measurements=tuple(measurements)))
    inputs = {name: CaseInputs(prompt=f"a portrait, number {name}") for name in names}
    return bundle, run_record(*lanes, cases=inputs, exit_code=1 if failing else 0)
