from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sdqa.convert import Variant, convert_component
from sdqa.convert.isolate import explain_death, isolated, should_isolate
from sdqa.errors import ConversionError, ModelError, UsageError
from sdqa.models import Teacher
from tests.builders import Convert

pytestmark = pytest.mark.slow


def test_a_process_of_its_own_makes_the_same_bytes_in_the_folder_as_it_was_given(
    packages: Convert, teacher: Teacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    record = convert_component(teacher, "vae_decoder", Variant(name="fp16"), Path("made"), isolate="always")
    assert record.digest == packages("vae_decoder").digest
    assert record.path.parent == record.modules.parent == Path("made"), "the store moves records by this folder's name"
    assert record.peak_bytes > 10**8
    assert record.coverage.complete, "described in a process of its own too"


def test_a_process_does_not_inherit_the_peak_of_the_one_that_starts_it() -> None:
    ballast = np.ones(10**8)  # 800 MB
    code = "from sdqa.convert.worker import peak_bytes; print(peak_bytes())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 10**7 < int(found.stdout) < ballast.nbytes / 2


def test_errors_of_the_process_arrive_as_what_they_are(teacher: Teacher, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*arguments: object, input: str, **options: object) -> subprocess.CompletedProcess[str]:
        import json

        fields = {"class": "ModelError", "what": "it is gone", "where": "here", "hint": "look"}
        Path(json.loads(input)["outcome"]).write_text(json.dumps({"error": fields}))
        return subprocess.CompletedProcess((), 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(ModelError, match="it is gone") as caught:
        isolated("sdqa.convert.build", teacher, "unet", {})
    assert (caught.value.where, caught.value.hint) == ("here", "look")


@pytest.mark.parametrize("status", [-signal.SIGKILL, 128 + signal.SIGKILL])
def test_a_kill_for_memory_is_reported_as_one(teacher: Teacher, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    dead = subprocess.CompletedProcess((), status, "", "")
    monkeypatch.setattr(subprocess, "run", lambda *arguments, **options: dead)
    with pytest.raises(ConversionError, match="ran out of memory"):
        isolated("sdqa.convert.build", teacher, "unet", {})


def test_other_deaths_show_their_last_words() -> None:
    error = explain_death(-signal.SIGSEGV, "warning\nFatal Python error: Segmentation fault\n", "unet")
    assert "Segmentation fault" in str(error)
    assert "ran out of memory" in str(explain_death(1, "MemoryError: cannot allocate", "unet"))


def test_only_large_components_get_a_process_of_their_own() -> None:
    assert not should_isolate("auto", 2_600_000)
    assert should_isolate("auto", 860_000_000)
    assert not should_isolate("never", 860_000_000)
    with pytest.raises(UsageError):
        should_isolate("perhaps", 1)
