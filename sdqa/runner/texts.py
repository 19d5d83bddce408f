"""The files that a runner consists of on its machine: one life, the hook before a job, the service."""

from __future__ import annotations

import plistlib
import re
import shlex
import sys
from pathlib import Path

from sdqa.errors import UsageError
from sdqa.runner import pre_job
from sdqa.runner.place import RunnerFolder, RunnerState

MAC_IMAGE = "ghcr.io/cirruslabs/macos-tahoe-base:latest"
GUEST_CPUS, GUEST_MEMORY_MB = 4, 8192
"""Two guests may run on a Mac at once: macOS's licence and its Virtualization framework allow no more."""
_IMAGE = re.compile(r"[a-z0-9][a-zA-Z0-9._/:@-]{0,250}")

_WAITING = """set -eu
umask 077
PATH=${{PATH:-/usr/bin:/bin:/usr/sbin:/sbin}}:/opt/homebrew/bin:/usr/local/bin # launchd's own has neither
export PATH
root={root}
cd "$root/work"
[ "$(wc -c < runner.log 2>/dev/null || echo 0)" -lt 1000000 ] || : > runner.log
[ ! -e "$root/drained" ] || exit 0
if [ -z "${{ACTIONS_RUNNER_INPUT_JITCONFIG:-}}" ]; then
    [ -f once ] || exit 0
    ACTIONS_RUNNER_INPUT_JITCONFIG=$(cat once)
    rm -f once
fi
"""
"""How both lives begin: quietly, in their folder, and not at all without a configuration."""

ONE_LIFE = (
    """#!/bin/sh
# One job, then nothing is left of it. Without a configuration there is nothing to do.
"""
    + _WAITING
    + """wipe() {{ chmod -R u+rwX life 2>/dev/null || :; rm -rf life; }}
wipe
trap wipe EXIT
mkdir -p life/home life/tmp
cp -R "$root/application" life/runner
HOME=$root/work/life/home
TMPDIR=$root/work/life/tmp
ACTIONS_RUNNER_HOOK_JOB_STARTED=$root/hooks/pre-job.sh
export HOME TMPDIR ACTIONS_RUNNER_HOOK_JOB_STARTED ACTIONS_RUNNER_INPUT_JITCONFIG
(cd life/runner && exec ./run.sh) &
running=$!
trap 'kill "$running" 2>/dev/null || :; wait "$running" || :; exit 143' TERM INT HUP
code=0
wait "$running" || code=$?
exit "$code"
"""
)

TART_LIFE = (
    """#!/bin/sh
# One job in a virtual Mac of its own: cloned, run, deleted. Without a configuration there is nothing to do.
"""
    + _WAITING
    + """jit=$ACTIONS_RUNNER_INPUT_JITCONFIG
unset ACTIONS_RUNNER_INPUT_JITCONFIG
guest={name}-$$
wipe() {{
    tart stop "$guest" >/dev/null 2>&1 || :
    tart delete "$guest" >/dev/null 2>&1 || :
    rm -rf "$root/work/life"
}}
trap wipe EXIT
trap 'exit 143' TERM INT HUP
mkdir -p life
tart clone {image} "$guest"
tart set "$guest" --cpu {cpus} --memory {memory_mb}
tart run --no-graphics --dir="runner:$root/application:ro" --dir="hooks:$root/hooks:ro" "$guest" &
tries=0
until tart exec "$guest" true 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] || {{ echo "the guest does not answer: does its image run the Tart guest agent?" >&2; exit 1; }}
    sleep 2
done
code=0
printf '%s' "$jit" | tart exec -i "$guest" /bin/sh -c '
    cp -R "/Volumes/My Shared Files/runner" "$HOME/runner" && cp -R "/Volumes/My Shared Files/hooks" "$HOME/hooks" &&
    ACTIONS_RUNNER_HOOK_JOB_STARTED=$HOME/hooks/pre-job.sh && ACTIONS_RUNNER_INPUT_JITCONFIG=$(cat) &&
    export ACTIONS_RUNNER_HOOK_JOB_STARTED ACTIONS_RUNNER_INPUT_JITCONFIG &&
    cd "$HOME/runner" && exec ./run.sh' || code=$?
exit "$code"
"""
)

HOOK = """#!/bin/sh
# Without this answer no job begins; where there is no Python every job is refused.
python=/usr/bin/python3
[ -x "$python" ] || python={python}
exec "$python" -I "$(dirname "$0")/pre_job.py"
"""

UNIT = """[Unit]
Description=One job of the CI runner {name}
After=network-online.target

[Service]
Type=exec
ExecStart=/bin/sh {script}
KillMode=control-group
TimeoutStopSec=60
NoNewPrivileges=yes
StandardOutput=append:{log}
StandardError=append:{log}

[Install]
WantedBy=default.target
"""


def one_life(place: RunnerFolder, state: RunnerState) -> str:
    """The script of one life: takes its configuration, wipes, copies or clones, runs, wipes.

    Raises:
        UsageError: the image cannot be one.
    """
    root = shlex.quote(str(place.root))
    if state.isolation != "tart":
        return ONE_LIFE.format(root=root)
    image = state.image or MAC_IMAGE
    if not _IMAGE.fullmatch(image):
        raise UsageError(f"{image[:80]!r} cannot be an image", where="--image", hint=MAC_IMAGE)
    name = shlex.quote(state.name)
    return TART_LIFE.format(root=root, name=name, image=image, cpus=GUEST_CPUS, memory_mb=GUEST_MEMORY_MB)


def hook() -> str:
    """What GitHub's runner executes before a job."""
    return HOOK.format(python=shlex.quote(sys.executable))


def hook_program() -> str:
    """The program that answers for the hook."""
    return Path(pre_job.__file__).read_text(encoding="utf-8")


def systemd_unit(place: RunnerFolder, name: str) -> str:
    """A user's unit; `%` means something to systemd."""
    script, log = (str(path).replace("%", "%%") for path in (place.script, place.log))
    return UNIT.format(name=name, script=f'"{script}"', log=log)


def launch_agent(place: RunnerFolder, label: str) -> bytes:
    """A LaunchAgent of a graphical session. After a restart it goes on where a configuration is left."""
    return plistlib.dumps(
        {
            "Label": label,
            "ProgramArguments": ["/bin/sh", str(place.script)],
            "RunAtLoad": True,
            "LimitLoadToSessionType": "Aqua",
            "ProcessType": "Interactive",  # otherwise macOS throttles it, and what is measured is that
            "StandardOutPath": str(place.log),
            "StandardErrorPath": str(place.log),
        }
    )
