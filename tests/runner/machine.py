"""A machine to set up: commands on PATH that do what the real ones would, and a runner application in an archive."""

from __future__ import annotations

import hashlib
import io
import shutil
import sys
import tarfile
from pathlib import Path

LOGGED = """#!/bin/sh
echo "{name} $*" >> {log}
env >> {log}.environment
"""

SERVICE = """
state={state}
lives() {{ [ -f "$state/pid" ] && ps -o stat= -p "$(cat "$state/pid")" | grep -q '^[^Z]'; }}
begin() {{ lives || {{ env -i PATH="$PATH" /bin/sh "$1" >> "$state/said" 2>&1 & echo $! > "$state/pid"; }} }}
finish() {{ lives && {{ kill "$(cat "$state/pid")"; while lives; do sleep 0.02; done; }}; rm -f "$state/pid"; }}
"""

LAUNCHCTL = """
case "$1 $2" in
    "print gui/"*/*)
        [ -f "$state/loaded" ] || exit 113
        lives && echo "	state = running" || echo "	state = not running" ;;
    "print gui/"*) [ -f "$state/session" ] || exit 113 ;;
    "bootstrap gui/"*) [ ! -f "$state/loaded" ] || exit 5; cp "$3" "$state/loaded" ;;
    "bootout gui/"*) finish; rm "$state/loaded" ;;
    "kickstart gui/"*) begin "$(sed -n 's:.*<string>\\(.*life.sh\\)</string>.*:\\1:p' "$state/loaded")" ;;
    "kill SIGTERM") finish ;;
    *) exit 64 ;;
esac
"""

SYSTEMCTL = """
[ "$1" = --user ] || {{ [ "$*" = "is-enabled sleep.target" ] && echo masked; exit 0; }}
shift
unit=$HOME/.config/systemd/user/
for word; do case "$word" in *.service) unit=$HOME/.config/systemd/user/$word ;; esac; done
case "$1" in
    show-environment) [ -f "$state/session" ] ;;
    daemon-reload) : ;;
    enable) cp "$unit" "$state/loaded" ;;
    is-enabled) [ -f "$state/loaded" ] ;;
    start) begin "$(sed -n 's/^ExecStart=.bin.sh "\\(.*\\)"$/\\1/p' "$unit")" ;;
    is-active) lives && echo active || {{ echo inactive; exit 3; }} ;;
    stop) finish ;;
    disable) finish; rm "$state/loaded" ;;
    *) exit 64 ;;
esac
"""

RUN_SH = """#!/bin/sh
exec {python} -I "$(dirname "$0")/bin/listener.py" "$@"
"""

LISTENER = """
import base64, json, os, pathlib, subprocess, sys, time, urllib.request
assert len(sys.argv) == 1, sys.argv
given = json.loads(base64.b64decode(os.environ.pop("ACTIONS_RUNNER_INPUT_JITCONFIG")))
control = pathlib.Path({control!r})
(control / "home").write_text(os.environ["HOME"])
(control / "seen").write_text(repr(sorted(os.environ)))
def tell(what):
    urllib.request.urlopen(urllib.request.Request(f"{{given['url']}}/_runner/{{what}}/{{given['id']}}", method="POST"))
tell("listens")
until = time.monotonic() + 20
while not (control / "job").exists():
    if time.monotonic() > until: sys.exit(3)
    time.sleep(0.02)
tell("begins")
event = dict(line.split("=", 1) for line in (control / "job").read_text().splitlines())
hook, job = os.environ["ACTIONS_RUNNER_HOOK_JOB_STARTED"], {{**os.environ, **event}}
answer = subprocess.run([hook], env=job, stdout=subprocess.PIPE)
if answer.returncode == 0:
    pathlib.Path(os.environ["HOME"], "left-behind").write_text("by the job")
    pathlib.Path("_work").mkdir()
(control / "job").unlink()
tell("success" if answer.returncode == 0 else "refused")
"""


class Machine:
    """Fakes in `bin`, what they did in `log`, what the runner is told in `control`."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.log, self.state, self.control = (folder / name for name in ("bin", "log", "state", "control"))
        for made in (self.bin, self.state, self.control):
            made.mkdir(parents=True)
        self.log.touch()
        (self.state / "session").touch()
        self.command("launchctl", SERVICE + LAUNCHCTL)
        self.command("systemctl", SERVICE + SYSTEMCTL)
        self.command("loginctl", "")
        self.archive = folder / "actions-runner-linux-x64-2.340.1.tar.gz"
        self.archive.write_bytes(self.application())
        self.sha256 = hashlib.sha256(self.archive.read_bytes()).hexdigest()

    def command(self, name: str, text: str) -> None:
        """Put a command on PATH that logs how it was called."""
        path = self.bin / name
        path.write_text((LOGGED + text).format(name=name, log=self.log, state=self.state))
        path.chmod(0o755)

    def application(self) -> bytes:
        """GitHub's runner in small: it is told its job by a file, asks the hook, and leaves things behind."""
        files = {
            "run.sh": (RUN_SH.format(python=sys.executable), 0o755),
            "bin/listener.py": (LISTENER.format(control=str(self.control)), 0o644),
            "externals/node/lib/cli.js": ("// npm", 0o755),
        }
        return packed(
            *((name, text.encode(), mode) for name, (text, mode) in files.items()),
            links={"externals/node/bin/npm": "../lib/cli.js"},
        )

    def calls(self) -> list[str]:
        """What was called, in order."""
        return self.log.read_text().splitlines()

    def changes(self) -> list[str]:
        """The calls that change something."""
        asking = ("print", "show-environment", "is-active", "is-enabled")
        return [call for call in self.calls() if not any(word in call.split() for word in asking)]

    def job(self, event: str = "push", **more: str) -> None:
        """Give the runner that waits its job."""
        lines = [f"GITHUB_EVENT_NAME={event}", "GITHUB_REPOSITORY=somebody/models"]
        waiting = self.control / "job.new"
        waiting.write_text("\n".join([*lines, *(f"{name}={value}" for name, value in more.items())]))
        waiting.rename(self.control / "job")

    def clear(self) -> None:
        """End what still lives."""
        for name in ("launchctl", "systemctl"):
            (self.bin / name).unlink(missing_ok=True)
        shutil.rmtree(self.control, ignore_errors=True)


def packed(
    *files: tuple[str, bytes, int], links: dict[str, str] | None = None, extra: list[tarfile.TarInfo] | None = None
) -> bytes:
    """A tar.gz."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data, mode in files:
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), mode
            tar.addfile(member, io.BytesIO(data))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
        for member in extra or ():
            tar.addfile(member)
    return buffer.getvalue()
