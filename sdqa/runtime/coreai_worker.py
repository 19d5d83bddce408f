"""The process that `sdqa.runtime.coreai` starts: one asset, loaded once by Core AI, run for every frame that comes in.

Only this file and `sdqa.convert.coreai` import Core AI. Its executor writes to standard error; standard output carries
frames and nothing else.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from sdqa.runtime.served import ARRAYS, FACTS, FAILED, HEAD_BYTES, pack, unpack, write_frame

FUNCTION = "main"


async def serve(path: Path, source: IO[bytes], target: IO[bytes]) -> None:
    """Load, say what it takes and gives, and answer until the input ends."""
    from coreai.authoring import AIModelAsset

    async with AIModelAsset.load(path).executable() as model:
        function = model.load_function(FUNCTION)
        description = function.desc
        facts = {
            "inputs": _features(description.input_names, description.input_descriptor),
            "outputs": _features(description.output_names, description.output_descriptor),
        }
        write_frame(target, FACTS, json.dumps(facts).encode())
        while head := source.read(HEAD_BYTES):
            payload = source.read(int.from_bytes(head[1:], "little"))
            try:
                write_frame(target, ARRAYS, pack(await _run(function, unpack(payload))))
            except (RuntimeError, TypeError, ValueError, KeyError) as error:
                write_frame(target, FAILED, f"Core AI failed: {type(error).__name__}: {error}".encode())


async def _run(function: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    from coreai.runtime import NDArray

    outputs = await function({name: NDArray(value) for name, value in inputs.items()})
    return {name: np.array(value.numpy()) for name, value in outputs.items()}


def _features(names: list[str], describe: Any) -> list[dict[str, Any]]:
    described = ((name, describe(name)) for name in names)
    return [{"name": name, "shape": list(one.shape), "dtype": one.dtype} for name, one in described]


def main() -> None:
    """Serve the asset that the command line names."""
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints goes to standard error
    try:
        asyncio.run(serve(Path(sys.argv[1]), sys.stdin.buffer, target))
    except (RuntimeError, OSError, ValueError, TypeError, KeyError, ImportError) as error:
        write_frame(target, FAILED, f"Core AI cannot load the asset: {type(error).__name__}: {error}".encode())


if __name__ == "__main__":
    main()
