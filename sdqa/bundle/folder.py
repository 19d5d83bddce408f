"""A bundle's folder: `run.json` and `blobs/<sha256>`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from sdqa.bundle import documents, sensitivity
from sdqa.bundle.blob import Blob
from sdqa.bundle.files import Refused, read_regular
from sdqa.bundle.records import Run
from sdqa.bundle.sensitivity import Sensitivity
from sdqa.errors import BundleError
from sdqa.store import write_atomically

RUN_FILE = "run.json"
DERIVED = (
    "index.html",
    "junit.xml",
    "summary.md",
    "summary.json",
    "annotations.txt",
    "comparison.json",
    "diagnosis.json",
)
"""What is made of a run and lies beside it."""
MAX_RUN_BYTES = 32 * 2**20
MAX_VERDICTS = 20_000
MAX_MEASUREMENTS = 200_000
MAX_BLOB_BYTES = 256 * 2**20


class Bundle:
    """A bundle's folder, for reading and writing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add_blob(self, data: bytes, media_type: str) -> Blob:
        """Keep bytes under their digest."""
        blob = Blob(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), media_type=media_type)
        path = self.folder / blob.path
        if not path.exists():
            write_atomically(path, data)
        return blob

    def read_blob(self, blob: Blob) -> bytes:
        """A blob's bytes.

        Raises:
            BundleError: it is missing, no regular file in the bundle, or its size or digest is not the recorded one.
        """
        if len(blob.sha256) != 64 or not all(c in "0123456789abcdef" for c in blob.sha256):
            raise BundleError(f"{blob.sha256[:80]!r} is not a digest", where=str(self.folder))
        path = self.folder / blob.path
        if not 0 <= blob.bytes <= MAX_BLOB_BYTES:
            raise BundleError(
                f"a blob of {blob.bytes} bytes is refused, the limit is {MAX_BLOB_BYTES}", where=str(path)
            )
        try:
            data = read_regular(path, blob.bytes, within=self.folder)
        except OSError as error:
            raise BundleError("a blob is missing", where=str(path), hint="copy the whole bundle folder") from error
        except Refused as problem:
            raise BundleError(f"a blob {problem}", where=str(path)) from problem
        if len(data) != blob.bytes:
            raise BundleError(f"a blob has {len(data)} bytes, recorded were {blob.bytes}", where=str(path))
        if hashlib.sha256(data).hexdigest() != blob.sha256:
            raise BundleError("a blob is damaged: its digest does not match", where=str(path))
        return data

    def withdraw(self) -> None:
        """Take an earlier run's verdict away, in all its forms, before anything of a new one can go wrong.

        Raises:
            BundleError: it stays, and would be read as the new one's.
        """
        for name in (RUN_FILE, *DERIVED):
            try:
                (self.folder / name).unlink(missing_ok=True)
            except NotADirectoryError:
                return
            except OSError as error:
                raise BundleError("an earlier verdict cannot be removed", where=str(self.folder / name)) from error

    def write(self, run: Run) -> None:
        """Write `run.json` in one step, one record a line."""
        write_atomically(self.folder / RUN_FILE, documents.encode_records(run.to_json()))

    def sensitivity_of(self, run: Run) -> Sensitivity | None:
        """What the gate is known to catch, from its blob, or from the run itself as earlier releases wrote it.

        Raises:
            SdqaError: the blob is damaged, or is no such table.
        """
        blob = run.sensitivity_table
        return run.sensitivity if blob is None else self._table(blob)

    def further_sensitivities_of(self, run: Run) -> tuple[Sensitivity, ...]:
        """The same of further lanes.

        Raises:
            SdqaError: a blob is damaged, or is no such table.
        """
        return tuple(self._table(blob) for blob in run.sensitivity_tables)

    def _table(self, blob: Blob) -> Sensitivity:
        if blob.bytes > sensitivity.MAX_BYTES:
            raise BundleError(f"a sensitivity table of {blob.bytes} bytes is refused", where=str(self.folder))
        return sensitivity.parse(self.read_blob(blob), blob.path)

    def read(self) -> Run:
        """Read and check `run.json`.

        Raises:
            BundleError: it is missing, too large, not JSON, of another schema version, or holds more records than a
                suite can make.
        """
        run = documents.read(
            self.folder / RUN_FILE,
            Run,
            BundleError,
            name="run.json",
            limit=MAX_RUN_BYTES,
            missing="no bundle here",
            hint="run `sdqa qa` first, or name a bundle",
            within=self.folder,
        )
        for what, count, most in (
            ("verdicts", sum(len(lane.verdicts) for lane in run.lanes), MAX_VERDICTS),
            ("measurements", sum(len(lane.measurements) for lane in run.lanes), MAX_MEASUREMENTS),
        ):
            if count > most:
                raise BundleError(f"run.json holds {count} {what}, the limit is {most}", where=str(self.folder))
        return run


def blobs_of(run: Run) -> Iterator[Blob]:
    """Every blob that a run names: pictures, latents, films and the sensitivity tables."""
    if run.sensitivity_table is not None:
        yield run.sensitivity_table
    yield from run.sensitivity_tables
    for lane in run.lanes:
        for sample in lane.samples:
            yield from sample.images.values()
            if sample.facts.latents is not None:
                yield sample.facts.latents
            if sample.facts.film is not None:
                yield from sample.facts.film.blobs()
