"""A Python that has the heavy libraries loaded already, and forks for every command that it is asked to run.

A job's step is a process of its own as before, with its own folder, variables, standard streams and exit code; only
what importing torch takes, several seconds a step, is paid once for all of them.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

SECONDS = 120
LOADED = (
    "sdqa.compat", "sdqa.workflow.stages", "sdqa.convert.stage", "sdqa.generate.stage", "sdqa.metrics.perceptual",
    "sdqa.embedded.scenes", "sdqa.pytest_plugin", "sdqa.report.terminal", "sdqa.cli.session", "scipy.stats",
    "open_clip",
)  # fmt: skip
"""What a lane loads, with all of its libraries; of it, what is sdqa's is forgotten again: each command takes that anew,
from the folder and with the variables that it is given."""
CLIENT = """#!{python} -ISu
import array, json, os, socket, sys
with socket.socket(socket.AF_UNIX) as line:
    line.connect({address!r})
    said = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode() + b"\\n"
    streams = array.array("i", [0, 1, 2])
    line.sendmsg([said[:1]], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
    line.sendall(said[1:])
    answer = line.makefile().readline()
sys.exit(int(answer or 70))
"""


class Warm:
    """The process, and a program that stands for `python` in a job."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "warm")
        self.client = CLIENT.format(python=sys.executable, address=self.address)
        root = str(Path(__file__).parents[2])
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": root}
        command = [sys.executable, "-m", "tests.service.warm", self.address]
        self._process = subprocess.Popen(command, env=environment, cwd=root, stdin=subprocess.DEVNULL)
        end = time.monotonic() + SECONDS
        while not Path(self.address).exists():
            assert self._process.poll() is None, "it did not start"
            assert time.monotonic() < end
            time.sleep(0.05)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


def serve(address: str) -> None:
    """Fork for each command, until terminated."""
    for name in LOADED:
        module = importlib.import_module(name)
        if name == "sdqa.compat":
            kept = module.prepare_torchvision()  # noqa: F841 - what it declares lasts as long as it does
    for name in [name for name in sys.modules if name.partition(".")[0] == "sdqa"]:
        del sys.modules[name]
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as line:
        line.bind(f"{address}.new")
        line.listen(8)
        os.rename(f"{address}.new", address)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever answers ends unwaited for
        while True:
            asked, _ = line.accept()
            if os.fork() == 0:
                line.close()
                _answer(asked)
            asked.close()


def _answer(asked: socket.socket) -> None:
    """Run one command in a child of this child, and say how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    first, streams, _, _ = socket.recv_fds(asked, 1, 3)
    with asked.makefile("rb") as stream:
        arguments, folder, environment = json.loads(first + stream.readline())
    child = os.fork()
    if child == 0:
        asked.close()
        for number, given in enumerate(streams):
            os.dup2(given, number)
        _become(arguments, folder, environment)
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(OSError):  # nobody waits any more
        asked.sendall(f"{os.waitstatus_to_exitcode(status) & 255}\n".encode())
    os._exit(0)


def _become(arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    """`python -m MODULE …` or `python FILE …`, as a process of its own does it."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    places = [place for place in environment.get("PYTHONPATH", "").split(os.pathsep) if place]
    sys.path[:] = [*([folder] if arguments[0] == "-m" else []), *places, *sys.path[1:]]
    code = 0
    try:
        sys.argv = arguments[1:] if arguments[0] == "-m" else arguments
        if arguments[0] == "-m":
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
