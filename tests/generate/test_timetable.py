"""The spacings of timesteps are written out without numpy: they are its own figures to the last bit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from sdqa.generate.timetable import plain_timesteps

NAMES = ("ddim", "pndm", "dpmsolver++", "euler")
TOTALS = (1, 2, 7, 999, 1000)


def by_numpy(name: str, spacing: str, total: int, steps: int, offset: int) -> npt.NDArray[np.float64]:
    """What the schedulers of diffusers compute, with the calls that they make."""
    count = steps + 1 if name == "dpmsolver++" and spacing != "trailing" else steps
    if spacing == "linspace":
        ladder = np.linspace(0, total - 1, count, dtype=np.float32 if name == "euler" else None)[::-1]
        ladder = ladder.astype(np.float64) if name == "euler" else ladder.round()
    elif spacing == "leading":
        ladder = np.arange(count, dtype=np.float64)[::-1] * (total // count) + offset
    else:
        ladder = np.round(np.arange(total, 0, -total / steps)) - 1
    ladder = ladder[:steps] if count > steps else ladder
    return np.concatenate([ladder[:1], ladder[1:2], ladder[1:]]) if name == "pndm" else ladder


@pytest.mark.parametrize("spacing", ["linspace", "leading", "trailing"])
@pytest.mark.parametrize("name", NAMES)
def test_the_timesteps_are_numpys_to_the_last_bit(name: str, spacing: str) -> None:
    for total in TOTALS:
        for offset in (0, 1):
            config = {"num_train_timesteps": total, "steps_offset": offset, "timestep_spacing": spacing}
            for steps in (*range(1, 60), 100, 333, 999, 1000):
                wanted = by_numpy(name, spacing, total, steps, offset)
                assert plain_timesteps(name, config, steps) == tuple(map(float, wanted)), (total, offset, steps)
