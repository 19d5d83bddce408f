"""Content-addressed store: everything expensive is made once, under the digest of what it was made from.

An entry is a folder `<root>/<kind>/<key digest>/` holding `key.json` (what it was made from), `manifest.json` (size and
sha256 of every file) and the files. It is built in a temporary folder beside its place and renamed into it, so a reader
sees either nothing or all of it; a lock per entry keeps two processes from building the same thing. An entry whose
files do not match its manifest is built again. Behind the folder there may be a store that machines share.

A key holds everything that the build reads: inputs by digest, code by the digest of what the building module can import
(`code_digest`), and where something is executed, what executes it (`sdqa.runtime.identity`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.lazy import offering

if TYPE_CHECKING:
    from sdqa.store.code import code_digest as code_digest
    from sdqa.store.digests import canonical_json as canonical_json
    from sdqa.store.digests import digest_of as digest_of
    from sdqa.store.digests import file_digest as file_digest
    from sdqa.store.digests import tree_digest as tree_digest
    from sdqa.store.digests import write_atomically as write_atomically
    from sdqa.store.entries import KEY_FILE as KEY_FILE
    from sdqa.store.entries import MANIFEST_FILE as MANIFEST_FILE
    from sdqa.store.entries import Entry as Entry
    from sdqa.store.entries import Store as Store
    from sdqa.store.place import DEFAULT_ROOT as DEFAULT_ROOT
    from sdqa.store.place import StorePlace as StorePlace

_LAZY = {
    "DEFAULT_ROOT": "sdqa.store.place",
    "Entry": "sdqa.store.entries",
    "KEY_FILE": "sdqa.store.entries",
    "MANIFEST_FILE": "sdqa.store.entries",
    "Store": "sdqa.store.entries",
    "StorePlace": "sdqa.store.place",
    "canonical_json": "sdqa.store.digests",
    "code_digest": "sdqa.store.code",
    "digest_of": "sdqa.store.digests",
    "file_digest": "sdqa.store.digests",
    "tree_digest": "sdqa.store.digests",
    "write_atomically": "sdqa.store.digests",
}

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

__getattr__ = offering(__name__, _LAZY)
