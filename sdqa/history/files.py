"""A record as a file: `runs/2026/11/20261125T231500Z-<key>.json.gz`, the same bytes for the same record.

The key is the digest of the record, so two places can only ever hold the same under one name, and merging is copying.
Reading trusts nothing: the compressed and the unpacked size are bounded, the name has to be what the content says.
(Another build of zlib may pack the same record into other bytes; the key is of what is packed, so the name stays.)
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib

from pydantic import ValidationError

from sdqa.bundle.files import Refused
from sdqa.history.records import RecordedRun, utc

MAX_FILE_BYTES = 2 * 2**20
MAX_RECORD_BYTES = 32 * 2**20
KEY_DIGITS = 16
NAME = re.compile(r"runs/[0-9]{4}/[0-9]{2}/[0-9]{8}T[0-9]{6}Z-[0-9a-f]{16}\.json\.gz")
_GZIP = 16 + zlib.MAX_WBITS


def encode(record: RecordedRun) -> tuple[str, bytes]:
    """A record's name and bytes.

    Raises:
        Refused: it is larger than a record may be.
    """
    content = record.model_dump_json().encode()
    packed = gzip.compress(content, 9, mtime=0)
    if len(content) > MAX_RECORD_BYTES or len(packed) > MAX_FILE_BYTES:
        raise Refused(f"is larger than a record may be ({len(content):,} bytes, {len(packed):,} packed)")
    return _name(record, content), packed


def decode(name: str, data: bytes) -> RecordedRun:
    """A record from its file.

    Raises:
        Refused: it is too large, damaged, no record, of another version, or lies under another's name.
    """
    if len(data) > MAX_FILE_BYTES:
        raise Refused(f"is larger than {MAX_FILE_BYTES} bytes")
    content = _unpacked(data)
    try:
        record = RecordedRun.model_validate_json(content)
    except (ValidationError, RecursionError) as problem:
        raise Refused("is not a record of a run, or one of a later version") from problem
    if _name(record, content) != name:
        raise Refused("lies under another record's name")
    return record


def _unpacked(data: bytes) -> bytes:
    unpacking = zlib.decompressobj(_GZIP)
    try:
        content = unpacking.decompress(data, MAX_RECORD_BYTES)
    except zlib.error as problem:
        raise Refused(f"is damaged: {problem}") from problem
    if not unpacking.eof:
        raise Refused(f"is cut off, or unpacks to more than {MAX_RECORD_BYTES} bytes")
    if unpacking.unused_data:
        raise Refused("goes on after its end")
    return content


def _name(record: RecordedRun, content: bytes) -> str:
    moment = utc(record.created)
    return f"runs/{moment:%Y/%m/%Y%m%dT%H%M%SZ}-{hashlib.sha256(content).hexdigest()[:KEY_DIGITS]}.json.gz"
