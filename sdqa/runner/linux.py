"""What a Linux machine says of itself: `/proc`, `/sys`, `systemctl`."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

from sdqa.runner import host
from sdqa.runner.finding import Vital

HOT_MILLIDEGREES = 85_000
ZONES = Path("/sys/class/thermal")
CPUINFO = Path("/proc/cpuinfo")
NEEDED = ("git", "tar", "sh")


def release() -> Vital:
    """The distribution."""
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        name = ""
    return Vital("system", "ok", f"{name or 'Linux'}, kernel {platform.release()}")


def chip() -> Vital:
    """The processor."""
    return Vital("chip", "ok", _cpu("model name") or platform.machine())


def virtual() -> Vital:
    """A virtual machine will do: nothing that is timed on Linux is a device's."""
    return Vital("virtual", "ok", "a virtual machine" if "hypervisor" in _cpu("flags").split() else "not that it says")


def _cpu(key: str) -> str:
    try:
        lines = CPUINFO.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == key), "")


def engine() -> Vital:
    """There is none."""
    return Vital("neural engine", "ok", "none on Linux: the reference runtime's lanes run")


def sleep() -> Vital:
    """A machine that sleeps takes no job; a server without systemd is taken not to."""
    state = host.ask("systemctl", "is-enabled", "sleep.target").output
    if state in ("static", "enabled"):
        mend = "sudo systemctl mask sleep.target suspend.target hibernate.target hybrid-sleep.target"
        return Vital("sleep", "warn", "allowed", mend)
    return Vital("sleep", "ok", "masked" if state == "masked" else "not by systemd")


def heat() -> Vital:
    """Whether a sensor says that it is too hot."""
    hottest = max((_degrees(path) for path in ZONES.glob("thermal_zone*/temp")), default=0)
    if hottest > HOT_MILLIDEGREES:
        return Vital("heat", "warn", f"{hottest / 1000:.0f} °C", "let it cool, clean its fans")
    return Vital("heat", "ok", f"{hottest / 1000:.0f} °C" if hottest else "no sensor says otherwise")


def _degrees(path: Path) -> int:
    try:
        return int(path.read_text().strip())
    except (OSError, ValueError):
        return 0


def tools() -> Vital:
    """What a job needs at least."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        return Vital("tools", "fail", f"no {', '.join(missing)}", f"sudo apt-get install {' '.join(missing)}")
    return Vital("tools", "ok", ", ".join(NEEDED))
