"""What needs Core AI says so: `pip install 'sdqa[coreai]'`, on a platform that it is published for."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from sdqa.runtime.coreai import reason_without

needs_coreai = pytest.mark.skipif(
    bool(reason_without(sys.platform)), reason=reason_without(sys.platform) or "it is there"
)


def write_asset(folder: Path, program: bytes = b"not MLIR", metadata: str = '{"producer": "somebody 1"}') -> Path:
    """A folder that is an asset by its files; its program is whatever was given."""
    folder.mkdir(parents=True)
    (folder / "main.mlirb").write_bytes(program)
    (folder / "main.hash").write_bytes(hashlib.sha256(program).digest())
    (folder / "metadata.json").write_text(metadata, encoding="utf-8")
    return folder
