"""Signals that wait."""

from __future__ import annotations

import os
import signal

import pytest

from sdqa.signals import PATIENCE, held, later


def test_signals_wait_but_not_for_ever() -> None:
    before = signal.getsignal(signal.SIGINT)
    with held() as came:
        for _ in range(PATIENCE):
            os.kill(os.getpid(), signal.SIGINT)
    assert len(came) == PATIENCE
    assert signal.getsignal(signal.SIGINT) == before
    with held():
        for _ in range(PATIENCE):
            os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.usefixtures("interruptible")
def test_a_signal_comes_when_the_block_is_done_and_not_over_an_error() -> None:
    done = []

    def work() -> None:
        with later():
            os.kill(os.getpid(), signal.SIGINT)
            with later():
                os.kill(os.getpid(), signal.SIGINT)
                done.append("inner")
            done.append("outer")

    def fail() -> None:
        with later():
            os.kill(os.getpid(), signal.SIGINT)
            raise ValueError("of its own")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["inner", "outer"]
    with pytest.raises(ValueError, match="of its own"):
        fail()
