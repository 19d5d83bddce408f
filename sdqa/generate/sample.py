"""A generation on disk: `image.png`, `tensors.safetensors` and `record.json` in one folder of the store."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from sdqa.bundle import Record
from sdqa.generate.film import LatentSteps
from sdqa.generate.pipeline import Generation

IMAGE_FILE, TENSORS_FILE, RECORD_FILE = "image.png", "tensors.safetensors", "record.json"


class SampleRecord(Record):
    """What is known of a generation besides its pixels."""

    timesteps: tuple[float, ...]
    seconds: dict[str, tuple[float, ...]]  # per component, one entry a call
    between_halves: dict[str, tuple[float, ...]] = Field(
        default_factory=dict
    )  # per component, of each call with two rows
    end_to_end_s: float
    nonfinite: dict[str, int]  # per component: NaN and infinite elements put out
    peak_bytes: int  # largest resident set of the process meanwhile
    machine: str = ""  # that measured the times and the memory, in words
    film_steps: tuple[int, ...] = ()  # after which the latents were kept, counted from 1
    film_total: int = 0  # steps of the generation


@dataclass(frozen=True)
class StoredSample:
    """A generation, read back."""

    folder: Path
    record: SampleRecord
    image: npt.NDArray[np.uint8]  # (H, W, 3)
    decoded: npt.NDArray[np.float32]  # (3, H, W)
    latents: npt.NDArray[np.float32]  # (C, h, w)
    fresh: bool = False  # its times and memory were measured by this process, not read back
    film: LatentSteps | None = None  # None: nobody kept the latents on their way
    repeated: bool | None = None  # whether drawing it again gave the same pixels; None where it was not drawn again


def sample_record(generation: Generation, end_to_end_s: float, peak_bytes: int, machine: str) -> SampleRecord:
    """What is known of a generation besides its pixels."""
    return SampleRecord(
        timesteps=generation.timesteps,
        seconds={
            name: tuple(call.seconds for call in recorder.calls) for name, recorder in generation.recorders.items()
        },
        between_halves=guided_calls(generation),
        end_to_end_s=end_to_end_s,
        nonfinite=generation.nonfinite,
        peak_bytes=peak_bytes,
        machine=machine,
        film_steps=generation.film.steps,
        film_total=generation.film.total,
    )


def guided_calls(generation: Generation) -> dict[str, tuple[float, ...]]:
    """How far the two halves of a component's batch are apart, call by call; only of components that run with two."""
    found = {
        name: tuple(call.between_halves for call in recorder.calls if call.between_halves is not None)
        for name, recorder in generation.recorders.items()
    }
    return {name: spreads for name, spreads in found.items() if spreads}


def write_sample(folder: Path, generation: Generation, record: SampleRecord) -> None:
    """Write a generation into an empty folder."""
    import safetensors.numpy
    from PIL import Image

    Image.fromarray(generation.image).save(folder / IMAGE_FILE)
    tensors: dict[str, npt.NDArray[Any]] = {
        "decoded": np.ascontiguousarray(generation.decoded, dtype=np.float32),
        "latents": np.ascontiguousarray(generation.latents, dtype=np.float32),
        "film": np.ascontiguousarray(generation.film.latents, dtype=np.float32),
    }
    safetensors.numpy.save_file(tensors, folder / TENSORS_FILE)
    (folder / RECORD_FILE).write_text(json.dumps(record.model_dump(mode="json"), sort_keys=True), encoding="utf-8")


def read_sample(folder: Path, *, fresh: bool = False) -> StoredSample:
    """Read what `write_sample` wrote; the store has checked the digests."""
    import safetensors.numpy
    from PIL import Image

    with Image.open(folder / IMAGE_FILE, formats=["PNG"]) as picture:
        image = np.asarray(picture.convert("RGB"), dtype=np.uint8)
    tensors = safetensors.numpy.load_file(folder / TENSORS_FILE)
    record = SampleRecord.model_validate_json((folder / RECORD_FILE).read_bytes())
    film = LatentSteps(record.film_steps, record.film_total, tensors["film"]) if "film" in tensors else None
    return StoredSample(folder, record, image, tensors["decoded"], tensors["latents"], fresh, film)
