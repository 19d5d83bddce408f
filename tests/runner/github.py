"""GitHub's API for self-hosted runners, on loopback: as much of it as a just-in-time runner meets."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SCOPE = "somebody/models"
RUNNERS = f"/repos/{SCOPE}/actions/runners"


@dataclass
class FakeGitHub:
    """What it knows, what it was asked, and what it is to answer before it answers properly."""

    token: str
    runners: dict[int, dict[str, Any]] = field(default_factory=dict)
    downloads: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    configurations: list[str] = field(default_factory=list)
    jobs: list[tuple[str, str]] = field(default_factory=list)
    scripted: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    authorised: list[bool] = field(default_factory=list)
    date: str | None = None
    url: str = ""

    def add(self, name: str, *, busy: bool = False, status: str = "online", number: int | None = None) -> int:
        """List a runner."""
        number = number if number is not None else max(self.runners, default=100) + 1
        labels = [{"id": 1, "name": "self-hosted", "type": "read-only"}]
        self.runners[number] = {"id": number, "name": name, "os": "x", "status": status, "busy": busy, "labels": labels}
        return number

    def writes(self) -> list[tuple[str, str]]:
        """What it was asked that changes something."""
        return [(method, path) for method, path in self.asked if method not in ("GET", "HEAD")]

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """The proper answer."""
        path, _, query = path.partition("?")
        if path.startswith("/_runner/"):  # what the fake runner tells: not a part of GitHub's API
            return self._told(path)
        if method == "POST" and path == f"{RUNNERS}/generate-jitconfig":
            if not isinstance(body, dict) or not {"name", "runner_group_id", "labels"} <= set(body):
                return 422, {"message": "Invalid input: object is missing required key"}
            if any(one["name"] == body["name"] for one in self.runners.values()):
                return 409, {"message": "Already exists"}
            number = self.add(body["name"], status="offline")
            inside = json.dumps({"id": number, "url": self.url, "labels": body["labels"]})
            encoded = base64.b64encode(inside.encode()).decode()
            self.configurations.append(encoded)
            return 201, {"runner": self.runners[number], "encoded_jit_config": encoded}
        if method == "GET" and path == RUNNERS:
            asked = dict(re.findall(r"(\w+)=(\d+)", query))
            size, page = int(asked.get("per_page", 30)), int(asked.get("page", 1))
            listed = [self.runners[number] for number in sorted(self.runners)]
            return 200, {"total_count": len(listed), "runners": listed[size * (page - 1) : size * page]}
        if method == "GET" and path == f"{RUNNERS}/downloads":
            return 200, self.downloads
        number = int(path.rpartition("/")[2]) if path.startswith(f"{RUNNERS}/") and path[-1].isdigit() else 0
        if number not in self.runners:
            return 404, {"message": "Not Found"}
        if method == "DELETE":
            if self.runners[number]["busy"]:
                return 422, {"message": "Runner is currently running a job and cannot be deleted."}
            del self.runners[number]
            return 204, None
        return 200, self.runners[number]

    def _told(self, path: str) -> tuple[int, Any]:
        _, _, what, number = path.split("/")
        runner = self.runners.get(int(number))
        if runner is None:
            return 404, None
        if what == "listens":
            runner["status"] = "online"
        elif what == "begins":
            runner["busy"] = True
        else:
            self.jobs.append((runner["name"], what))
            del self.runners[int(number)]
        return 200, None


def _handler(fake: FakeGitHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            name = self.path.rpartition("/")[2]
            told = self.path.startswith("/_runner/")
            if self.path.startswith("/files/"):
                fake.authorised.append("Authorization" in self.headers)
                data = fake.files.get(name)
                self._send(200 if data is not None else 404, {}, data or b"")
                return
            if not told:
                fake.asked.append((self.command, self.path))
            if fake.scripted and not told:
                self._send(*fake.scripted.pop(0))
                return
            if self.path == "/":
                self._send(200, {}, b"{}")
                return
            if not told and self.headers.get("Authorization") != f"Bearer {fake.token}":
                self._send(401, {}, b'{"message": "Bad credentials"}')
                return
            code, data = fake.answer(self.command, self.path, body)
            self._send(code, {}, b"" if data is None else json.dumps(data).encode())

        def _send(self, code: int, headers: dict[str, str], data: bytes) -> None:
            self.send_response_only(code)
            self.send_header("Date", fake.date or self.date_time_string())
            self.send_header("Content-Length", str(len(data)))
            for key, value in headers.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_POST = do_DELETE = do_HEAD = _serve

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def serving(token: str) -> Iterator[FakeGitHub]:
    """The API, as long as it is needed."""
    fake = FakeGitHub(token)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
