"""A look into an asset that ends its process is an error here, and not the end."""

from __future__ import annotations

import numpy as np
import pytest

from sdqa.diagnose.coreai.process import look
from sdqa.errors import ExecutionError, PackageError

MODULE = "tests.diagnose.coreai.endings"


def test_arrays_go_in_and_plain_values_come_out() -> None:
    found = look(MODULE, {"component": "unet", "ending": ""}, {"a": np.ones((2, 3), np.float32)[:, ::2]})
    assert found == {"a": 4.0}


def test_an_aborted_process_is_an_error_with_its_last_words() -> None:
    with pytest.raises(ExecutionError, match=r"died with status -6: a line for the error") as caught:
        look(MODULE, {"component": "unet", "ending": "abort"}, {})
    assert "unet" in caught.value.where


def test_a_process_that_takes_too_long_is_ended() -> None:
    with pytest.raises(ExecutionError, match="no answer within 2 s"):
        look(MODULE, {"component": "unet", "ending": "hang"}, {}, timeout_s=2.0)


def test_its_own_errors_arrive_as_they_are() -> None:
    with pytest.raises(PackageError, match="not an asset") as caught:
        look(MODULE, {"component": "unet", "ending": "refuse"}, {})
    assert (caught.value.where, caught.value.hint) == ("here", "another one")
