"""A recipe so small that a stage takes seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from training.config import TrainingRecipe
from training.loop import TrainingMachine, TrainingRun
from training.studio import Studio


def schedule(**changes: Any) -> dict[str, Any]:
    return {"steps": 6, "batch": 4, "rate": 1e-3, "warmup": 2, "ema": 0.9, **changes}


def miniature(**changes: Any) -> TrainingRecipe:
    recipe: dict[str, Any] = {
        "name": "miniature",
        "data": {"size": 32, "count": 96, "held_out": 32},
        "tokenizer": {"merges": 300, "captions": 400},
        "vae": {"channels": [8, 8, 16], "groups": 2, "schedule": schedule(), "decoder": schedule()},
        "text": {"width": 16, "layers": 1, "heads": 2, "hidden": 32},
        "unet": {"channels": [16, 16], "attention": [False, True], "groups": 4, "schedule": schedule()},
        "no_mid": {
            "channels": [16, 16],
            "attention": [False, True],
            "groups": 4,
            "mid_block": False,
            "train_text": False,
            "distil": 0.5,
            "schedule": schedule(),
        },
        "v_prediction": {
            "channels": [16, 16],
            "attention": [False, True],
            "groups": 4,
            "prediction": "v_prediction",
            "train_text": False,
            "distil": 0.5,
            "schedule": schedule(),
        },
        "clip": {
            "embedding": 16,
            "width": 16,
            "layers": 1,
            "head_width": 8,
            "text_width": 16,
            "text_layers": 1,
            "text_heads": 2,
            "schedule": schedule(batch=8),
        },
        "attributes": {"schedule": schedule()},
    }
    return TrainingRecipe.model_validate({**recipe, **changes})


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Bits are equal at one thread count only."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def recipe() -> TrainingRecipe:
    return miniature()


@pytest.fixture(name="miniature")
def miniature_maker() -> Callable[..., TrainingRecipe]:
    """Miniatures that differ: `miniature(seed=1)`."""
    return miniature


@pytest.fixture
def studio(tmp_path: Path) -> Callable[..., Studio]:
    """A studio in a folder of its own: `studio("a", recipe, stop_after=3)`."""

    def make(name: str, recipe: TrainingRecipe, stop_after: int | None = None, start: Path | None = None) -> Studio:
        work = tmp_path / name
        work.mkdir(exist_ok=True)
        machine = TrainingMachine(torch.device("cpu"), bf16=False, compiled=False)
        return Studio(recipe, TrainingRun(work, recipe.digest, machine, stop_after=stop_after, log_every=2), start)

    return make
