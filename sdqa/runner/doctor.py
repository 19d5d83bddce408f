"""Look a machine over before it becomes a runner, and whenever it behaves oddly: what was found, and what mends it."""

from __future__ import annotations

import email.utils
import os
import platform
import shutil
import sys
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path

from sdqa.errors import RunnerError
from sdqa.github import check_address
from sdqa.runner import host, linux, mac, users
from sdqa.runner.finding import Examination, Vital, graded
from sdqa.runner.place import RunnerFolder

GIB = 2**30
OLDEST_RUNNER = (2, 336)
"""Older ones do not resolve workflows that are named by their own repository's commit."""
CLOCK_S = 30.0
"""A clock that is off by more has signatures and tokens refused."""
REACH_S = 15


def examine(place: RunnerFolder, *, user: str = "", api: str) -> Examination:
    """Everything the doctor looks at.

    Raises:
        UsageError: the API's address cannot be one.
        RunnerError: neither a Mac nor Linux.
    """
    reach, clock = _reach(check_address(api))
    if host.system() == "macos":
        engine = mac.engine()
        own = [mac.release(), mac.chip(), engine, mac.virtual()]
        power = [mac.sleep(), mac.power_mode(), mac.supply(), mac.heat(), mac.tools(), mac.session(user)]
        labels = _labels(has_engine=engine.grade == "ok")
    else:
        own = [linux.release(), linux.chip(), linux.engine(), linux.virtual()]
        power = [linux.sleep(), linux.heat(), linux.tools()]
        labels = _labels(has_engine=False)
    gib = _memory_gib()
    found = [
        *own,
        graded("memory", gib, good=16, poor=8, found=f"{gib} GiB", mend="16 GiB convert a model of full size"),
        _disk(place),
        *power,
        _python(),
        clock,
        _runner(place),
        reach,
        _rights(user),
    ]
    return Examination(tuple(found), labels)


def own_labels() -> tuple[str, ...]:
    """The labels that this machine may carry: `sdqa-ane`, `m4`, `macos-26`, `mem-24`."""
    return _labels(has_engine=host.system() == "macos" and bool(mac.engine_cores()))


def _labels(*, has_engine: bool) -> tuple[str, ...]:
    if host.system() == "linux":
        return (f"mem-{_memory_gib()}",)
    version = host.ask("sw_vers", "-productVersion").output
    return (*mac.labels(version, mac.chip_name(), has_engine=has_engine), f"mem-{_memory_gib()}")


def _memory_gib() -> int:
    return round(_memory() / GIB)


def _memory() -> int:
    if host.system() == "macos":
        said = mac.sysctl("hw.memsize")
        return int(said) if said.isdigit() else 0
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _disk(place: RunnerFolder) -> Vital:
    folder = place.root
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / GIB
    mend = f"make room in {folder}: sdqa store prune --max 8GB"
    return graded("disk", free, good=40, poor=15, found=f"{free:.0f} GiB free in {folder}", mend=mend)


def _python() -> Vital:
    version = platform.python_version()
    if not Path("/usr/bin/python3").is_file():
        mend = "the hook before a job uses this one: every user that runs jobs must be able to read it"
        return Vital("python", "warn", f"{version} in {sys.prefix}, none in /usr/bin", mend)
    return Vital("python", "ok", f"{version} in {sys.prefix}")


def _reach(api: str) -> tuple[Vital, Vital]:
    """Network and clock, by one answer of GitHub's; no token goes along."""
    began = time.time()
    request = urllib.request.Request(api + "/", method="HEAD", headers={"User-Agent": "sdqa-runner"})
    try:
        with urllib.request.urlopen(request, timeout=REACH_S) as stream:
            date = stream.headers.get("Date", "")
    except urllib.error.HTTPError as error:  # an answer is an answer
        with error:
            date = error.headers.get("Date", "")
    except (OSError, HTTPException) as error:
        mend = "let this machine reach GitHub: https to github.com, api.github.com, *.actions.githubusercontent.com"
        unknown = Vital("clock", "warn", "unknown: nobody was reached who has another", "date")
        return Vital("network", "fail", f"{api} cannot be reached: {error}", mend), unknown
    took = time.time() - began
    reached = Vital("network", "ok", f"{api} answers after {took * 1000:.0f} ms")
    theirs = email.utils.parsedate_tz(date)
    if theirs is None:
        return reached, Vital("clock", "warn", "unknown: the answer has no date", "date")
    off = began + took / 2 - email.utils.mktime_tz(theirs)
    if abs(off) <= CLOCK_S:
        return reached, Vital("clock", "ok", f"within {max(1, abs(round(off)))} s of GitHub's")
    mend = "sudo sntp -sS time.apple.com" if host.system() == "macos" else "sudo timedatectl set-ntp true"
    return reached, Vital("clock", "fail", f"{abs(off):.0f} s {'ahead' if off > 0 else 'behind'}", mend)


def _runner(place: RunnerFolder) -> Vital:
    try:
        state = place.read()
    except RunnerError as error:
        return Vital("runner", "fail", error.what, error.hint)
    if state is None:
        return Vital("runner", "warn", "none is set up", "sdqa runner setup --scope OWNER/NAME --download")
    if not state.version:
        return Vital("runner", "warn", "of unknown version", "sdqa runner setup --scope OWNER/NAME --download")
    if tuple(map(int, state.version.split("."))) < OLDEST_RUNNER:
        return Vital("runner", "fail", f"{state.version} is too old", "sdqa runner setup --scope OWNER/NAME --download")
    return Vital("runner", "ok", f"{state.version}, {state.name} of {state.scope}")


def _rights(user: str) -> Vital:
    if users.is_administrator(user):
        mend = "jobs of a user of their own: sudo sdqa runner setup --scope OWNER/NAME --download --user sdqa-runner"
        return Vital("rights", "warn", f"{user or 'this user'} is an administrator", mend)
    return Vital("rights", "ok", f"{user or 'this user'} has no rights over the machine")
