"""`sdqa qa --engine dask`: the jobs of a plan as tasks of dask.distributed, and the gate over what they send.

A task is a process of `sdqa ci unit` in the checkout that its worker has, so a job is the same wherever it runs. A
worker that dies costs the unit that it ran, which another one takes. What a cluster's machines are is said by
resources: `mac`, `ane`. Who may connect to a scheduler may run code on it: beyond this machine only TLS is spoken.
"""

from __future__ import annotations

import importlib.util
import io
import os
import subprocess
import sys
import tempfile
import urllib.parse
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdqa.ci.jobs import PlannedJob
from sdqa.ci.services import artifact_of
from sdqa.errors import ExtraMissing, SdqaError, UsageError
from sdqa.github import LOOPBACK

if TYPE_CHECKING:
    from distributed import Client

RESOURCES: Mapping[str, Mapping[str, float]] = {"any": {}, "mac": {"mac": 1}, "mac-ane": {"ane": 1}}
"""What a worker has to offer for a kind of machine: `dask worker --resources "mac=1 ane=1"` on a Mac with an engine."""
CHECKOUT = "SDQA_CHECKOUT"
"""A worker's variable: where its checkout lies, if elsewhere than here."""
RETRIES = 2
"""Times that a unit is tried again whose task failed; dying workers have a count of dask's own (three)."""
SECONDS_TO_CONNECT = 30
MAX_FILES, MAX_PACKED_BYTES = 20_000, 64 * 2**20
SHOWN = 2_000


class ClusterError(SdqaError):
    """A cluster cannot be reached, or sends what is no bundle."""

    code = "SDQA-734"


@dataclass(frozen=True)
class Sent:
    """What became of a job on a worker."""

    unit: str
    code: int
    said: str  # the end of what it wrote
    packed: bytes  # its bundle; empty where it left none


def run_unit(unit: str, suite: str, folder: str, store: Sequence[str]) -> Sent:
    """Run a unit in a process of its own; this is what a worker executes.

    Args:
        suite: its file, below the folder.
        folder: the checkout, unless the worker's own variable names another.
        store: options of the command line.
    """
    place = os.environ.get(CHECKOUT) or folder
    with tempfile.TemporaryDirectory(prefix="sdqa-unit-") as temporary:
        bundle = Path(temporary) / "bundle"
        command = [sys.executable, "-m", "sdqa", "ci", "unit", unit, "--suite", suite, "--output", str(bundle), *store]
        done = subprocess.run(
            command,
            cwd=place,
            env={"OMP_NUM_THREADS": "1", **os.environ},  # a worker is one thread; as many of them as there are cores
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        said = (done.stdout + done.stderr)[-SHOWN:]
        return Sent(unit, done.returncode, said, pack(bundle) if (bundle / "run.json").is_file() else b"")


def pack(folder: Path) -> bytes:
    """A bundle's files as one archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                archive.write(path, path.relative_to(folder).as_posix())
    return stream.getvalue()


def unpack(data: bytes, folder: Path) -> None:
    """Write an archive's files below a folder; the gate reads them as it reads any others.

    Raises:
        ClusterError: it is none, is too large, or names a place outside.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = archive.infolist()
            if len(files) > MAX_FILES or sum(one.file_size for one in files) > MAX_PACKED_BYTES:
                raise ClusterError("a worker's bundle is too large", hint=f"at most {MAX_PACKED_BYTES >> 20} MiB")
            for one in files:
                target = (folder / one.filename).resolve()
                if not target.is_relative_to(folder.resolve()):
                    raise ClusterError(f"a worker's bundle names a place outside of it: {one.filename[:80]!r}")
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(one) as stream:
                    target.write_bytes(stream.read(one.file_size))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, OSError, ValueError, EOFError) as error:
        raise ClusterError(f"a worker's bundle cannot be unpacked: {error}") from error


def check_scheduler(address: str) -> str:
    """A scheduler's address: `tls://HOST:PORT`, or `tcp://` on this machine.

    Raises:
        UsageError: commands would cross the network in the clear, or this is no address.
    """
    parts = urllib.parse.urlsplit(address)
    try:
        right = bool(parts.hostname) and parts.port is not None
    except ValueError:
        right = False
    if right and (parts.scheme == "tls" or (parts.scheme == "tcp" and parts.hostname in LOOPBACK)):
        return address
    hint = "--scheduler tls://HOST:8786; certificates are dask's own configuration, distributed.comm.tls"
    raise UsageError(f"{address[:100]!r} cannot be a scheduler's address", hint=hint)


def demand_dask() -> None:
    """Raise where dask.distributed is not installed.

    Raises:
        ExtraMissing: it is not.
    """
    if importlib.util.find_spec("distributed") is None:
        raise ExtraMissing("--engine dask needs dask.distributed", hint="pip install 'sdqa[dask]'")


def connected(scheduler: str, workers: int) -> Client:
    """A client of a cluster; without an address, of one that is started here and ends with the client.

    Raises:
        ClusterError: nobody answers.
    """
    from distributed import Client, LocalCluster
    from distributed.security import Security

    if not scheduler:
        cluster = LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
        )
        return Client(cluster, timeout=SECONDS_TO_CONNECT)
    safe = {"security": Security(require_encryption=True)} if scheduler.startswith("tls:") else {}
    try:
        return Client(scheduler, timeout=SECONDS_TO_CONNECT, **safe)
    except (OSError, TimeoutError, ValueError, TypeError, RuntimeError) as error:
        raise ClusterError(f"the scheduler cannot be reached: {error}", where=scheduler) from error


def offered(client: Client) -> list[Mapping[str, float]]:
    """The resources of each worker that is there."""
    return [one.get("resources") or {} for one in client.scheduler_info(n_workers=-1)["workers"].values()]


def able(job: PlannedJob, workers: Iterable[Mapping[str, float]]) -> bool:
    """Whether some worker has what a job needs; without one its task would wait for ever."""
    needed = RESOURCES[job.role]
    return any(all(worker.get(name, 0) >= count for name, count in needed.items()) for worker in workers)


def run_jobs(
    client: Client, jobs: Sequence[PlannedJob], order: Callable[[PlannedJob], tuple[Any, ...]]
) -> Iterator[Sent | str]:
    """What the jobs send, in the order in which they end; in words, those that nobody can run or that were lost.

    Args:
        order: the arguments of `run_unit`.
    """
    from distributed import as_completed

    workers = offered(client)
    futures = {}
    for job in sorted(jobs, key=lambda job: -job.unet_calls):  # the longest first: none is left over for the end
        if not able(job, workers):
            yield f"{job.unit}: no worker offers {dict(RESOURCES[job.role])}: it is not run"
            continue
        needs = {"resources": dict(RESOURCES[job.role])} if RESOURCES[job.role] else {}
        futures[client.submit(run_unit, *order(job), key=f"sdqa-{job.unit}", pure=False, retries=RETRIES, **needs)] = (
            job
        )
    for future in as_completed(list(futures)):
        error = future.exception()
        yield (
            future.result()
            if error is None
            else f"{futures[future].unit}: lost: {type(error).__name__}: {error}"[:SHOWN]
        )


def received(sent: Iterable[Sent | str], bundles: Path) -> Iterator[str]:
    """Write down what comes; a line of words for each."""
    for one in sent:
        if isinstance(one, str):
            yield one
            continue
        if one.packed:
            unpack(one.packed, bundles / artifact_of(one.unit))
        words = "" if one.code == 0 else f"\n{one.said.strip()}"
        yield f"{one.unit}: exit code {one.code}{'' if one.packed else ', and no bundle'}{words}"
