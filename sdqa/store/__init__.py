"""Content-addressed store: everything expensive is made once, under the digest of what it was made from.

An entry is a folder `<root>/<kind>/<key digest>/` holding `key.json` (what it was made from), `manifest.json` (size and
sha256 of every file) and the files. It is built in a temporary folder beside its place and renamed into it, so a reader
sees either nothing or all of it; a lock per entry keeps two processes from building the same thing. An entry whose
files do not match its manifest is built again. Behind the folder there may be a store that machines share.

A key holds everything that the build reads: inputs by digest, code by the digest of what the building module can import
(`code_digest`), and where something is executed, what executes it (`sdqa.runtime.identity`).
"""

from __future__ import annotations

from sdqa.store.code import code_digest
from sdqa.store.digests import canonical_json, digest_of, file_digest, tree_digest, write_atomically
from sdqa.store.entries import KEY_FILE, MANIFEST_FILE, Entry, Store
from sdqa.store.place import DEFAULT_ROOT, StorePlace

__all__ = [
    "DEFAULT_ROOT",
    "KEY_FILE",
    "MANIFEST_FILE",
    "Entry",
    "Store",
    "StorePlace",
    "canonical_json",
    "code_digest",
    "digest_of",
    "file_digest",
    "tree_digest",
    "write_atomically",
]
