"""A process that refuses, dies, hangs or babbles is an error with its own words, and never the end of this one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sdqa.errors import ExecutionError
from sdqa.runtime.served import Served, pack

WORKER = """
import json, os, sys, time
from sdqa.runtime.served import ARRAYS, FACTS, FAILED, HEAD_BYTES, pack, unpack, write_frame
out, given = sys.stdout.buffer, sys.stdin.buffer
write_frame(out, FACTS, json.dumps(sys.argv[1:]).encode())
while head := given.read(HEAD_BYTES):
    arrays = unpack(given.read(int.from_bytes(head[1:], "little")))
    what = sys.argv[1]
    if what == "refuse":
        write_frame(out, FAILED, b"no")
    elif what == "die":
        print("last words", file=sys.stderr, flush=True)
        os.abort()
    elif what == "hang":
        time.sleep(60)
    elif what == "babble":
        out.write(b"Loading function main")
        out.flush()
    else:
        write_frame(out, ARRAYS, pack({name: value * 2 for name, value in arrays.items()}))
"""
INPUTS = pack({"x": np.arange(6, dtype=np.float16).reshape(2, 3), "n": np.array([7], np.int32)})


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "served_for_a_test.py").write_text(WORKER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "served_for_a_test"


def test_arrays_go_and_come_in_their_types(worker: str) -> None:
    served = Served(worker, "double", where="a test")
    assert served.facts(timeout_s=60) == ["double"]
    for _ in range(2):
        found = served.ask(INPUTS, timeout_s=60)
        assert found["x"].dtype == np.float16
        assert found["x"].tolist() == [[0, 2, 4], [6, 8, 10]]
        assert found["n"].tolist() == [14]


def test_large_arrays_do_not_block_either_side(worker: str) -> None:
    served = Served(worker, "double", where="a test")
    served.facts(timeout_s=60)
    assert served.ask(pack({"x": np.ones(2**20, np.float32)}), timeout_s=60)["x"].sum() == 2**21


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("refuse", "no"),
        ("die", "died with status -6: .*last words"),
        ("hang", "no answer within 0.2 s"),
        ("babble", "something else than was asked for"),
    ],
)
def test_what_goes_wrong_is_an_error(worker: str, what: str, said: str) -> None:
    served = Served(worker, what, where="a test")
    served.facts(timeout_s=60)
    with pytest.raises(ExecutionError, match=f"(?s){said}") as caught:
        served.ask(INPUTS, timeout_s=0.2 if what == "hang" else 60)
    assert caught.value.where == "a test"
    if what != "refuse":
        with pytest.raises(ExecutionError, match="ended before"):
            served.ask(INPUTS, timeout_s=1)


def test_the_process_ends_with_the_object(worker: str) -> None:
    served = Served(worker, "double", where="a test")
    process = served._process
    del served
    assert process.poll() is not None
