"""The code that templates are compiled to, kept beside them as Python keeps its modules': compiling takes longer than
drawing the page."""

from __future__ import annotations

import marshal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import CodeType

import jinja2
from jinja2.bccache import Bucket, BytecodeCache

from sdqa.store import digest_of, file_digest, write_atomically

FOLDER = "__pycache__"


class TemplateCode(BytecodeCache):
    """Code in `__pycache__` beside the templates, where that can be written and Python may write its own.

    It is known by the template's source and by what else decides it; that of an earlier source is removed.

    Args:
        templates: their folder.
        sources: of what is asked while a template is compiled: the environment, and how values become text.
    """

    def __init__(self, templates: Path, sources: Sequence[Path]) -> None:
        self._folder = templates / FOLDER
        self._version = digest_of([jinja2.__version__, *map(file_digest, sources)])

    def load_bytecode(self, bucket: Bucket) -> None:
        """What was kept; where that is nothing, or is cut, jinja2 compiles."""
        with suppress(OSError, EOFError, ValueError, TypeError):
            kept = marshal.loads(self._place(bucket).read_bytes())
            bucket.code = kept if isinstance(kept, CodeType) else None

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it, or do without: a folder that cannot be written is no fault."""
        if sys.dont_write_bytecode:
            return
        place = self._place(bucket)
        with suppress(OSError):
            write_atomically(place, marshal.dumps(bucket.code))
            for other in self._folder.glob(f"{bucket.key}.{sys.implementation.cache_tag}-*"):
                if other != place:
                    other.unlink()

    def _place(self, bucket: Bucket) -> Path:
        known = digest_of([bucket.checksum, self._version])[:16]
        return self._folder / f"{bucket.key}.{sys.implementation.cache_tag}-{known}"
