"""A real Chromium, driven over its debugging pipe: real keys, a real mouse, and what is seen afterwards."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next((found for found in map(shutil.which, NAMES) if found), None)
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--mute-audio",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip
# The browser reads commands from descriptor 3 and writes answers to descriptor 4.
START = (
    "import os, sys; r, w = (os.dup(os.dup(int(n))) for n in sys.argv[1:3])\n"
    "os.dup2(r, 3); os.dup2(w, 4); os.execv(sys.argv[3], sys.argv[3:])"
)
KEYS = {
    "Escape": 27, "Enter": 13, "Tab": 9, " ": 32, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40,
}  # fmt: skip
SECONDS = 20


class Browser:
    """One browser with one tab."""

    def __init__(self, profile: Path, *flags: str) -> None:
        down, up = os.pipe(), os.pipe()
        command = [sys.executable, "-c", START, str(down[0]), str(up[1]), str(BROWSER), *FLAGS, *flags]
        self._process = subprocess.Popen(
            [*command, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(down[0], up[1]),
            env={**os.environ, "HOME": str(profile)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(down[0])
        os.close(up[1])
        self._write, self._read = os.fdopen(down[1], "wb", 0), os.fdopen(up[0], "rb")
        self._buffer, self._number, self._session = b"", 0, ""
        self.events: list[dict[str, Any]] = []
        pages = [one for one in self.call("Target.getTargets")["targetInfos"] if one["type"] == "page"]
        attached = self.call("Target.attachToTarget", targetId=pages[0]["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Performance.enable", timeDomain="threadTicks")
        self.call("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol; its answer."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self._session
        self._write.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            part = os.read(self._read.fileno(), 1 << 20)
            assert part, "the browser is gone"
            self._buffer += part
        text, self._buffer = self._buffer.split(b"\0", 1)
        message: dict[str, Any] = json.loads(text)
        return message

    def open(
        self, address: str, *, width: int = 1280, height: int = 900, dark: bool = False, script: bool = True
    ) -> float:
        """Load an address; the seconds until it was loaded."""
        self.view(width, height, dark)
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self._go("about:blank")
        start = time.perf_counter()
        self._go(address)
        return time.perf_counter() - start

    def thread_seconds(self) -> float:
        """The processor's time that the page's main thread has taken, whatever else the machine runs."""
        found = {one["name"]: one["value"] for one in self.call("Performance.getMetrics")["metrics"]}
        seconds: float = found["TaskDuration"]
        return seconds

    def _go(self, address: str) -> None:
        self.events.clear()
        self.call("Page.navigate", url=address)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._receive())

    def view(self, width: int, height: int = 900, dark: bool = False) -> None:
        """Another window, another theme."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        motion = {"name": "prefers-reduced-motion", "value": "no-preference"}
        self.call("Emulation.setEmulatedMedia", media="", features=[scheme, motion])

    def run(self, expression: str) -> Any:
        """What an expression gives; a promise is waited for."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"].get("exception", answer)
        return answer["result"].get("value")

    def until(self, expression: str) -> Any:
        """Wait until an expression is true."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            # An element as such comes back as an empty object.
            if value := self.run(f"((it) => it instanceof Node || it)({expression})"):
                return value
            self.run("new Promise((done) => setTimeout(done, 20))")
        raise AssertionError(f"never true: {expression}")

    def press(self, *keys: str) -> None:
        """Keys as a person presses them, one after another."""
        for key in keys:
            code = KEYS.get(key, ord(key.upper()) if key.isalnum() and len(key) == 1 else 0)
            text = key if len(key) == 1 else "\r" if key == "Enter" else ""
            common = {"key": key, "windowsVirtualKeyCode": code}
            self.call("Input.dispatchKeyEvent", type="keyDown", **common, **({"text": text} if text else {}))
            self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """The mouse down at one place, moved, and up at another."""
        steps = ("mousePressed", start), ("mouseMoved", end), ("mouseReleased", end)
        for kind, (x, y) in steps:
            buttons = {"button": "left", "buttons": 1, "clickCount": 1}
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **buttons)

    def clipboard(self) -> str:
        """What was copied."""
        text: str = self.run("navigator.clipboard.readText()")
        return text

    def pdf(self) -> bytes:
        """The page as it prints."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        """What is seen, as a PNG."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def requests(self) -> list[str]:
        """Everything that was asked for since the page was opened, besides itself and what it holds."""
        asked = [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        return [url for url in asked if not url.startswith(("data:", "about:")) and not url.endswith(".html")]

    def complaints(self) -> list[str]:
        """Errors of the page's script, and what its policy refused."""
        thrown = [e["params"] for e in self.events if e.get("method") == "Runtime.exceptionThrown"]
        logged = [e["params"]["entry"] for e in self.events if e.get("method") == "Log.entryAdded"]
        return [json.dumps(one)[:500] for one in thrown] + [one["text"] for one in logged if one["level"] == "error"]

    def close(self) -> None:
        """End it."""
        self._write.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._read.close()
