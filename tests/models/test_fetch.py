"""`sdqa fetch`: what a suite needs comes from the hub once, is pinned, and is looked for where libraries look."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sdqa import cli
from sdqa.errors import EXIT_INFRASTRUCTURE, EXIT_PASS
from sdqa.metrics import perceptual
from sdqa.models.hub import cached_file
from tests.models.conftest import REPOSITORY, Hub

CLIP = "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"
SUITE = """
schema_version = 1
name = "remote"
[models.mine]
source = "{source}"
[variants.fp16]
precision = "float16"
[[lanes]]
model = "mine"
variants = ["fp16"]
[metrics]
clip = "{clip}"
lpips = "{lpips}"
names = [{names}]
[cases.landscape]
prompt = "a landscape"
"""


def suite(
    folder: Path,
    *,
    source: str = f"hub:{REPOSITORY}",
    clip: str = "ViT-B-32/laion2b_s34b_b79k",
    lpips: str = "stlpips:alex",
    names: str = '"clip_score", "lpips"',
) -> Path:
    path = folder / "sdqa.toml"
    path.write_text(SUITE.format(source=source, clip=clip, lpips=lpips, names=names), encoding="utf-8")
    return path


@pytest.fixture
def clip_hub(hub: Hub) -> Hub:
    hub.others[CLIP] = {"open_clip_model.safetensors": b"weights of a network"}
    return hub


def test_everything_is_fetched_once_and_pinned(
    clip_hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = suite(tmp_path)
    assert cli.run(("fetch", "--suite", str(path))) == EXIT_PASS
    assert any("unet/diffusion_pytorch_model.safetensors" in request for request in clip_hub.requests)
    assert any(f"/{CLIP}/resolve/main/open_clip_model.safetensors" in request for request in clip_hub.requests)
    locked = json.loads((tmp_path / "sdqa.lock").read_text(encoding="utf-8"))["models"]
    digest = hashlib.sha256(b"weights of a network").hexdigest()
    assert locked["clip:ViT-B-32/laion2b_s34b_b79k"]["files"] == {"open_clip_model.safetensors": digest}
    assert locked[f"hub:{REPOSITORY}"]["revision"] == clip_hub.commit
    assert "here  hub:somebody/miniature" in capsys.readouterr().out
    clip_hub.requests.clear()
    assert cli.run(("fetch", "--suite", str(path))) == EXIT_PASS
    assert clip_hub.requests == []


def test_open_clip_finds_it_in_its_place(clip_hub: Hub, tmp_path: Path) -> None:
    """By the very function that open_clip calls, away from the network."""
    cli.run(("fetch", "--suite", str(suite(tmp_path))))
    from huggingface_hub import constants, hf_hub_download

    found = hf_hub_download(
        CLIP, "open_clip_model.safetensors", cache_dir=constants.HF_HUB_CACHE, local_files_only=True
    )
    assert Path(found) == cached_file(CLIP, ("open_clip_model.safetensors",))


def test_other_weights_than_the_pinned_are_refused(
    clip_hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = suite(tmp_path)
    cli.run(("fetch", "--suite", str(path)))
    cached = cached_file(CLIP, ("open_clip_model.safetensors",))
    assert cached is not None
    cached.resolve().write_bytes(b"others")
    assert cli.run(("fetch", "--suite", str(path))) == EXIT_INFRASTRUCTURE
    assert "not as recorded: open_clip_model.safetensors" in capsys.readouterr().err


def test_older_names_are_taken_where_there_is_no_safetensors(clip_hub: Hub, tmp_path: Path) -> None:
    clip_hub.others[CLIP] = {"open_clip_pytorch_model.bin": b"older"}
    assert cli.run(("fetch", "--suite", str(suite(tmp_path)))) == EXIT_PASS
    assert cached_file(CLIP, ("open_clip_pytorch_model.bin",)) is not None


@pytest.mark.parametrize("kept", [None, {}])
def test_what_the_hub_does_not_have_is_one_message(
    hub: Hub, kept: dict[str, bytes] | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if kept is not None:
        hub.others[CLIP] = kept
    assert cli.run(("fetch", "--suite", str(suite(tmp_path)))) == EXIT_INFRASTRUCTURE
    said = capsys.readouterr().err
    assert "SDQA-201" in said
    assert "Traceback" not in said


def test_nothing_is_fetched_that_no_metric_needs(hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = suite(tmp_path, source="embedded:tiny", lpips="lpips:alex", names='"finite", "psnr"')
    assert cli.run(("fetch", "--suite", str(path))) == EXIT_PASS
    assert "nothing to fetch" in capsys.readouterr().out
    assert hub.requests == []


class Weights(BaseHTTPRequestHandler):
    data = b"a backbone"

    def log_message(self, *arguments: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.data)))
        self.end_headers()
        self.wfile.write(self.data)


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """Where a backbone can be fetched; torch's cache is the test's own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Weights)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    yield f"http://127.0.0.1:{server.server_port}/alex.pth"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_backbone_is_fetched_and_checked(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    promised = hashlib.sha256(Weights.data).hexdigest()[:8]
    monkeypatch.setitem(perceptual.IMAGENET, "alex", (f"alexnet-{promised}.pth", address))
    path = suite(tmp_path, source="embedded:tiny", clip="embedded:tiny", lpips="lpips:alex")
    assert cli.run(("fetch", "--suite", str(path))) == EXIT_PASS
    assert perceptual.backbone_path("alex").read_bytes() == Weights.data


def test_another_backbone_than_the_promised_is_not_kept(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(perceptual.IMAGENET, "alex", ("alexnet-00000000.pth", address))
    path = suite(tmp_path, source="embedded:tiny", clip="embedded:tiny", lpips="lpips:alex")
    assert cli.run(("fetch", "--suite", str(path))) == EXIT_INFRASTRUCTURE
    assert "not the one its name promises" in capsys.readouterr().err
    assert not perceptual.backbone_path("alex").exists()


def test_backbones_lie_where_torch_keeps_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import torch

    for variables in ({}, {"XDG_CACHE_HOME": str(tmp_path)}, {"TORCH_HOME": str(tmp_path / "t")}):
        for name in ("XDG_CACHE_HOME", "TORCH_HOME"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        expected = Path(torch.hub.get_dir()) / "checkpoints" / perceptual.IMAGENET["vgg"][0]
        assert perceptual.backbone_path("vgg") == expected
