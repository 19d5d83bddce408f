"""A store that machines share: any place that fsspec reaches, without a lock and without trust in what lies there.

`<url>/<prefix>/objects/<sha256>` holds the bytes of a file, written once; `<url>/<prefix>/entries/<kind>/<digest>.json`
is written last and says which files an entry has. Two machines that build the same entry write two manifests, one after
the other, and either is whole. What is read is held to its digests, and to the key that was asked for; what does not
match is a miss, and so is a store that cannot be reached, said once. A shared store saves work, never changes a result.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from sdqa.errors import SharedStoreMiss, StoreError, UsageError
from sdqa.store.digests import canonical_json, digest_of, file_digest
from sdqa.store.place import StorePlace

SCHEMA = 1
MAX_MANIFEST_BYTES = 8 * 2**20
MAX_FILES = 20_000
MAX_ENTRY_BYTES = 64 * 2**30
MAX_FAILURES = 3
"""Failures in a row after which a store that cannot be reached is left alone for the rest of the run."""
NEEDS = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}
"""What to install for a kind of place."""
_CHUNK = 2**20


class SharedStoreWarning(UserWarning):
    """A shared store did not help: what it would have saved is made again, or is not kept for others."""


class Shared:
    """The shared part of a store.

    Raises:
        UsageError: there is no such kind of place.
        StoreError: what reaches that kind of place is not installed, or refuses the address.
    """

    def __init__(self, place: StorePlace) -> None:
        self.place = place
        self._failures = 0
        self._spoilt: set[str] = set()  # objects that are not what their name says
        try:
            import fsspec

            self._files, self._root = fsspec.core.url_to_fs(place.url)
        except ImportError as error:
            scheme = place.url.partition("://")[0]
            hint = f"pip install {NEEDS.get(scheme, f'what fsspec needs for {scheme}://')}"
            raise StoreError(
                f"a store at {scheme}:// cannot be reached from here", where=place.url, hint=hint
            ) from error
        except ValueError as error:
            hint = "a folder, s3://BUCKET/FOLDER, gs://BUCKET/FOLDER, file:///FOLDER"
            raise UsageError(f"no store can be there: {error}", where=place.url, hint=hint) from error
        except Exception as error:  # every kind of place has errors of its own
            raise StoreError(f"the store's address is refused: {error}", where=place.url) from error

    def fetch(self, kind: str, key: Mapping[str, Any], into: Path) -> Mapping[str, Mapping[str, Any]] | None:
        """Copy an entry's files into an empty folder: its manifest; None where no prefix that is read has it.

        Whatever goes wrong is a miss that is said, and the folder is empty again.
        """
        for prefix in self.place.reads:
            if self._failures >= MAX_FAILURES:
                return None
            try:
                files = self._manifest(prefix, kind, key)
                if files is None:
                    continue
                for name, facts in files.items():
                    self._copy(prefix, facts, into / name)
                self._failures = 0
                return files
            except SharedStoreMiss as miss:
                self._say(miss.what)
            except Exception as error:  # every kind of place has errors of its own, and none of them is ours
                self._fail("read", error)
            _empty(into)
        return None

    def keep(self, kind: str, key: Mapping[str, Any], files: Mapping[str, Mapping[str, Any]], folder: Path) -> bool:
        """Write an entry's files, and its manifest last: whether others can have it now."""
        if self.place.read_only or self._failures >= MAX_FAILURES:
            return False
        try:
            for name, facts in files.items():
                self._put(folder / name, str(facts["sha256"]), int(facts["bytes"]))
            manifest = {"schema": SCHEMA, "key": key, "files": files}
            data = json.dumps(manifest, sort_keys=True).encode()
            if len(data) > MAX_MANIFEST_BYTES:
                self._say(f"an entry of {kind} has too many files to be shared")
                return False
            self._write(self._entry(self.place.prefix, kind, key), data)
        except Exception as error:  # as above; the entry lies here, and the run goes on
            self._fail("written", error)
            return False
        self._failures = 0
        return True

    def _entry(self, prefix: str, kind: str, key: Mapping[str, Any]) -> str:
        return f"{self._root}/{prefix}/entries/{kind}/{digest_of(key)[:40]}.json"

    def _object(self, prefix: str, digest: str) -> str:
        return f"{self._root}/{prefix}/objects/{digest}"

    def _manifest(self, prefix: str, kind: str, key: Mapping[str, Any]) -> dict[str, dict[str, Any]] | None:
        where = self._entry(prefix, kind, key)
        try:
            with self._files.open(where, "rb") as stream:
                data = stream.read(MAX_MANIFEST_BYTES + 1)
        except FileNotFoundError:
            return None
        try:
            return _checked(data, key)
        except (ValueError, KeyError, TypeError) as error:
            raise SharedStoreMiss(f"a manifest in the shared store is not used: {error}", where=where) from error

    def _copy(self, prefix: str, facts: Mapping[str, Any], target: Path) -> None:
        digest, size = str(facts["sha256"]), int(facts["bytes"])
        target.parent.mkdir(parents=True, exist_ok=True)
        seen, hashed = 0, hashlib.sha256()
        try:
            with self._files.open(self._object(prefix, digest), "rb") as source, target.open("wb") as file:
                while (chunk := source.read(_CHUNK)) and seen <= size:
                    seen += len(chunk)
                    hashed.update(chunk)
                    file.write(chunk)
        except FileNotFoundError as error:
            raise SharedStoreMiss(f"the shared store has lost object {digest[:12]}: it is made again") from error
        if seen != size or hashed.hexdigest() != digest:
            self._spoilt.add(digest)
            raise SharedStoreMiss(f"object {digest[:12]} in the shared store is damaged: it is made again")

    def _put(self, source: Path, digest: str, size: int) -> None:
        where = self._object(self.place.prefix, digest)
        if digest not in self._spoilt and self._files.exists(where) and self._files.size(where) == size:
            return
        if file_digest(source) != digest:
            raise ValueError(f"{source.name} changed while it was kept")
        self._write(where, source)
        self._spoilt.discard(digest)

    def _write(self, where: str, data: bytes | Path) -> None:
        """Put one object. A folder's files appear whole by renaming; buckets do that by themselves."""
        protocol = self._files.protocol
        kinds = {protocol} if isinstance(protocol, str) else set(protocol)
        is_folder = "file" in kinds
        if not kinds & NEEDS.keys():  # a bucket has no folders, and one that is misspelt is not to be made
            self._files.makedirs(where.rpartition("/")[0], exist_ok=True)
        target = f"{where}.{secrets.token_hex(8)}" if is_folder else where
        with self._files.open(target, "wb") as stream:
            if isinstance(data, bytes):
                stream.write(data)
            else:
                with data.open("rb") as source:
                    shutil.copyfileobj(source, stream, _CHUNK)
        if is_folder:
            self._files.mv(target, where)

    def _fail(self, done: str, error: Exception) -> None:
        self._failures += 1
        more = "; it is left alone for the rest of this run" if self._failures >= MAX_FAILURES else ""
        self._say(f"the shared store {self.place} cannot be {done}: {type(error).__name__}: {str(error)[:300]}{more}")

    def _say(self, what: str) -> None:
        warnings.warn(what, SharedStoreWarning, stacklevel=4)


def _checked(data: bytes, key: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The files of a manifest. Raises ValueError, KeyError or TypeError where it is none, or another entry's."""
    if len(data) > MAX_MANIFEST_BYTES:
        raise ValueError(f"it has more than {MAX_MANIFEST_BYTES} bytes")
    manifest = json.loads(data)
    if manifest["schema"] != SCHEMA:
        raise ValueError(f"it has schema {manifest['schema']!r}")
    if canonical_json(manifest["key"]) != canonical_json(key):
        raise ValueError("it is another entry's")
    files = manifest["files"]
    if not isinstance(files, dict) or len(files) > MAX_FILES:
        raise ValueError("its files cannot be listed")
    whole = 0
    for name, facts in files.items():
        path = PurePosixPath(name)
        if path.is_absolute() or not path.parts or ".." in path.parts or path.as_posix() != name or "\0" in name:
            raise ValueError(f"the name {name[:80]!r} leads out of its folder")
        digest, size = facts["sha256"], facts["bytes"]
        if not isinstance(digest, str) or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise ValueError(f"{name[:80]!r} has no digest")
        if type(size) is not int or size < 0:
            raise ValueError(f"{name[:80]!r} has no size")
        whole += size
    if whole > MAX_ENTRY_BYTES:
        raise ValueError(f"its files have {whole} bytes")
    return {name: {"bytes": facts["bytes"], "sha256": facts["sha256"]} for name, facts in files.items()}


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
