"""What a Mac says of itself: `sw_vers`, `sysctl`, `system_profiler`, `pmset`, `xcode-select`, `launchctl`."""

from __future__ import annotations

import json
import re
import sys

from sdqa.runner import host, users
from sdqa.runner.finding import Vital

OLDEST = 14
"""Before macOS 14 Core ML has no compute plan, and names no compute devices."""
_ENGINE = (
    "from sdqa.runtime.machine import describe_machine as d; m = d(); print(m.neural_engine_cores, ','.join(m.devices))"
)
ENGINE_COMMAND = (sys.executable, "-c", _ENGINE)
"""Core ML itself is asked which devices it can use, in a process of its own: asking loads coremltools."""
ENGINE_WAIT_S = 120


def sysctl(name: str) -> str:
    """A value of the kernel's; empty where it has none."""
    return host.ask("sysctl", "-n", name).output


def release() -> Vital:
    """The system's version."""
    version, build = host.ask("sw_vers", "-productVersion").output, host.ask("sw_vers", "-buildVersion").output
    said = f"macOS {version or 'of unknown version'} ({build or 'unknown build'})"
    if major(version) >= OLDEST:
        return Vital("system", "ok", said)
    return Vital("system", "fail", said, f"softwareupdate --list: macOS {OLDEST} or newer is needed")


def major(version: str) -> int:
    """26 of 26.1; 0 of what is no version."""
    found = re.match(r"\d+", version)
    return int(found[0]) if found else 0


def chip() -> Vital:
    """The chip; `system_profiler` where the kernel does not name it."""
    name = chip_name()
    if name.startswith("Apple"):
        return Vital("chip", "ok", name)
    return Vital("chip", "fail", name or "unknown", "use a Mac with Apple silicon")


def chip_name() -> str:
    """`Apple M4 Pro`."""
    name = sysctl("machdep.cpu.brand_string")
    if name:
        return name
    said = host.ask("system_profiler", "-json", "SPHardwareDataType")
    try:
        return str(json.loads(said.output)["SPHardwareDataType"][0]["chip_type"])
    except (ValueError, LookupError, TypeError):
        return ""


def virtual() -> Vital:
    """A virtual Mac has no Neural Engine, and its times are nobody's device's."""
    if sysctl("kern.hv_vmm_present") == "1":
        return Vital("virtual", "warn", "a virtual machine", "lanes that need the Neural Engine want a Mac itself")
    return Vital("virtual", "ok", "a machine of its own")


def engine() -> Vital:
    """Whether Core ML can use a Neural Engine here."""
    cores = engine_cores()
    if cores is None:
        mend = f"{sys.executable} -m pip install sdqa: Core ML could not be asked"
        return Vital("neural engine", "warn", "unknown: Core ML was not reached", mend)
    if cores == 0:
        return Vital("neural engine", "warn", "none", "this machine gets no label sdqa-ane; CPU and GPU lanes run")
    return Vital("neural engine", "ok", f"{cores} cores")


def engine_cores() -> int | None:
    """Cores of the Neural Engine; None where Core ML cannot be asked."""
    said = host.ask(*ENGINE_COMMAND, wait_s=ENGINE_WAIT_S)
    first = said.output.split()[:1]
    return int(first[0]) if said.ok and first and first[0].isdigit() else None


def sleep() -> Vital:
    """A Mac that sleeps takes no job."""
    said = settings()
    if said.get("sleep") == "0":
        return Vital("sleep", "ok", "never")
    minutes = said.get("sleep")
    found = f"after {minutes} minutes" if minutes else "pmset does not say"
    return Vital("sleep", "fail", found, "sudo pmset -a sleep 0 disksleep 0")


def power_mode() -> Vital:
    """Low power mode makes times nobody's; a Mac that stays off after a power cut takes no job."""
    said = settings()
    if said.get("lowpowermode") == "1":
        return Vital("power mode", "fail", "low power mode", "sudo pmset -a lowpowermode 0")
    if said.get("autorestart") == "0":
        return Vital("power mode", "warn", "stays off after a power cut", "sudo pmset -a autorestart 1")
    return Vital("power mode", "ok", "full")


def settings() -> dict[str, str]:
    """`pmset -g`: name → value, of what is in use."""
    lines = (line.split() for line in host.ask("pmset", "-g").output.splitlines())
    return {words[0].lower(): words[1] for words in lines if len(words) >= 2}


def supply() -> Vital:
    """On battery a Mac is slower."""
    said = host.ask("pmset", "-g", "batt").output
    if "AC Power" in said:
        return Vital("power", "ok", "mains")
    if "Battery Power" in said:
        return Vital("power", "fail", "battery", "plug it in")
    return Vital("power", "warn", "pmset does not say", "pmset -g batt")


def heat() -> Vital:
    """Whether it is too hot to run at full speed."""
    said = host.ask("pmset", "-g", "therm").output
    limit = re.search(r"CPU_Speed_Limit\s*=\s*(\d+)", said)
    if limit and int(limit[1]) < 100:
        found = f"held to {limit[1]} % of its speed"
        return Vital("heat", "fail", found, "let it cool: what is measured now is not the machine")
    warned = re.search(r"thermal warning level\D*(\d+)", said, re.IGNORECASE)
    if warned and int(warned[1]) > 0:
        return Vital("heat", "warn", f"thermal warning level {warned[1]}", "let it cool")
    if not said:
        return Vital("heat", "warn", "pmset does not say", "pmset -g therm")
    return Vital("heat", "ok", "full speed")


def tools() -> Vital:
    """git and the compiler of Core ML models come with the command-line tools."""
    said = host.ask("xcode-select", "-p")
    if said.ok and said.output:
        return Vital("tools", "ok", said.output)
    return Vital("tools", "fail", "no command-line tools", "xcode-select --install")


def session(user: str) -> Vital:
    """A LaunchAgent lives in a graphical session."""
    number = users.number_of(user)
    if number is not None and host.ask("launchctl", "print", f"gui/{number}").ok:
        return Vital("session", "ok", "logged in at the screen")
    mend = "log in at the screen as that user, or turn automatic login on in System Settings"
    return Vital("session", "fail", "no graphical session", mend)


def labels(version: str, chip: str, *, has_engine: bool) -> list[str]:
    """`sdqa-ane`, `m4-pro`, `macos-26`."""
    found = ["sdqa-ane"] if has_engine else []
    if chip.startswith("Apple "):
        found.append("-".join(re.sub(r"\(.*?\)", "", chip.removeprefix("Apple ")).lower().split()))
    return [*found, *([f"macos-{major(version)}"] if major(version) else [])]
