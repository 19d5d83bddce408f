"""The tutorial is executed, command by command, on a miniature; what it shows as output is what comes out."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

import pytest

from tests.first_hour import ROOT, Shell

PAGE = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(sh|text)\n(.+?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"\s+# exit code (\d+)$")
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[−-]?\d+)?")


@dataclass(frozen=True)
class Step:
    """A command, its exit code, and what is shown of its output."""

    command: str
    code: int
    shown: tuple[str, ...]


def steps(text: str) -> Iterator[Step]:
    """The commands of a page; a block of text belongs to the command above it."""
    blocks = BLOCK.findall(text)
    for index, (kind, body) in enumerate(blocks):
        if kind == "sh":
            [line] = body.strip().splitlines()
            code = CODE.search(line)
            follows = blocks[index + 1] if index + 1 < len(blocks) else ("sh", "")
            shown = tuple(follows[1].splitlines()) if follows[0] == "text" else ()
            yield Step(CODE.sub("", line), int(code[1]) if code else 0, shown)


def plain(line: str) -> str:
    """A line without its figures and its spacing."""
    return NUMBER.sub("#", " ".join(line.split()))


def test_a_page_is_taken_apart() -> None:
    text = "```sh\nsdqa qa   # exit code 1\n```\nwords\n```text\nred 5 dB\n```\n```sh\nsdqa plan\n```\n"
    assert list(steps(text)) == [Step("sdqa qa", 1, ("red 5 dB",)), Step("sdqa plan", 0, ())]
    assert plain("  psnr   60.08 dB ✓") == plain("psnr 7 dB ✓")


def test_the_tutorial_goes_from_a_folder_to_a_red_run() -> None:
    verbs = [step.command.split()[:2] for step in steps(PAGE.read_text(encoding="utf-8"))]
    wanted = [["sdqa", verb] for verb in ("init", "plan", "goldens", "qa", "diagnose", "approve")]
    assert [verb for verb in wanted if verb not in verbs] == []


@pytest.mark.slow
def test_every_command_does_what_the_page_shows(saved: Path, tmp_path: Path) -> None:
    copytree(saved, tmp_path / "models" / "mine")
    shell = Shell.at(tmp_path, tmp_path / "blocked")
    for step in steps(PAGE.read_text(encoding="utf-8")):
        words = shlex.split(step.command)
        if words[0] == "sdqa":
            said = shell(*words[1:], code=step.code)
        else:
            done = subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60)
            said = done.stdout
        lines = {plain(line) for line in said.splitlines()}
        assert [line for line in step.shown if plain(line) not in lines] == [], f"{step.command}\n{said}"
