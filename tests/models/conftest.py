"""A copy of the saved miniature, and a hub on loopback that serves it."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = "somebody/miniature"


@pytest.fixture(scope="session")
def saved_sdxl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`random:miniature-sdxl` as diffusers saves it."""
    from sdqa import compat

    compat.prepare_hub()
    from diffusers import StableDiffusionXLPipeline

    from sdqa.models import load_teacher

    folder = tmp_path_factory.mktemp("saved") / "miniature-sdxl"
    parts = load_teacher("random:miniature-sdxl").pipeline_parts()
    StableDiffusionXLPipeline(**parts, add_watermarker=False).save_pretrained(folder, safe_serialization=True)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(saved, tmp_path / "model"))


@dataclass
class Hub:
    """What a hub answers for one repository."""

    folder: Path
    commit: str = "0123456789abcdef0123456789abcdef01234567"
    requests: list[str] = field(default_factory=list)
    endpoint: str = ""
    others: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """Files of further repositories, at the head of their main branch."""

    def files(self) -> dict[str, bytes]:
        paths = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture
def hub(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A hub on loopback, with a cache of its own."""
    served = Hub(folder)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None:
            """Quiet."""

        def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            served.requests.append(f"{self.command} {path}")
            files = served.files()
            if path == f"/api/models/{REPOSITORY}/revision/main":
                siblings = [{"rfilename": name} for name in files]
                body = json.dumps({"id": REPOSITORY, "sha": served.commit, "siblings": siblings}).encode()
                return self.answer(200, body, {"Content-Type": "application/json"})
            if path == f"/api/models/{REPOSITORY}/tree/{served.commit}":
                tree = [
                    {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                    for name, data in files.items()
                ]
                return self.answer(200, json.dumps(tree).encode(), {"Content-Type": "application/json"})
            prefix = f"/{REPOSITORY}/resolve/{served.commit}/"
            if path.startswith(prefix) and path.removeprefix(prefix) in files:
                data = files[path.removeprefix(prefix)]
                etag = f'"{hashlib.sha1(data).hexdigest()}"'
                return self.answer(200, data, {"ETag": etag, "X-Repo-Commit": served.commit})
            for repository, kept in served.others.items():
                name = path.removeprefix(f"/{repository}/resolve/main/")
                if name in kept:
                    etag = f'"{hashlib.sha1(kept[name]).hexdigest()}"'
                    return self.answer(200, kept[name], {"ETag": etag, "X-Repo-Commit": served.commit})
                if path.startswith(f"/{repository}/"):
                    return self.answer(404, b"{}", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": served.commit})
            return self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})

        do_HEAD = do_GET

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.endpoint = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HF_ENDPOINT", served.endpoint)
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield served
    server.shutdown()
    server.server_close()
    thread.join()
