"""A stranger's repository: a small suite with goldens, and the files that `sdqa init --ci` writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdqa.cli import run as sdqa
from tests.ci.test_gate import git

SUITE = """
schema_version = 1
name = "stranger"
goldens = "goldens"
[models.mini]
source = "random:miniature"
[variants.fp16]
precision = "float16"
[[lanes]]
model = "mini"
variants = ["fp16"]
runtime = "torch"
[metrics]
names = ["finite", "shape", "psnr"]
[limits]
psnr = 10.0
parity_psnr = 10.0
[defaults]
scheduler = "ddim"
steps = 2
[cases.one]
prompt = "a man with red hair"
seed = 1
[cases.two]
prompt = "a house"
seed = 2
[cases.three]
prompt = "a lake"
seed = 3
"""


class Consumer:
    """The repository, and how to change it."""

    def __init__(self, root: Path, *options: str, suite: str = SUITE) -> None:
        self.root = root
        root.mkdir(parents=True)
        (root / "sdqa.toml").write_text(suite, encoding="utf-8")
        git(root, "init", "-q", "-b", "main")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(root)
            assert sdqa(["goldens", "--no-check-stability"]) == 0
            assert sdqa(["init", "--ci", "github", "--nox", *options]) == 0
        self.workflow = root / ".github" / "workflows" / "quality.yml"
        self.first = self.commit("first")

    def commit(self, message: str) -> str:
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "--allow-empty", "-m", message)
        return git(self.root, "rev-parse", "HEAD")

    def edit(self, before: str, after: str) -> str:
        path = self.root / "sdqa.toml"
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")
        return self.commit("edit")
