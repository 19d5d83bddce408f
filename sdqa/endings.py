"""What ended something early, as one of sdqa's errors: this is the one place where the system's refusals get words."""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence

from sdqa.errors import Interrupted, SdqaError, SystemFault, Unforeseen

_RUST = re.compile(r"\(os error ([0-9]+)\)")
_REFUSALS = {
    errno.ENOSPC: ("the disk is full", "free some space, or name another place with --store and --output"),
    errno.EDQUOT: ("the disk quota is used up", "free some space, or name another place with --store and --output"),
    errno.EFBIG: ("a file would grow beyond what the system allows", "raise the limit (`ulimit -f`)"),
    errno.EROFS: ("the file system is read-only", "name a place that can be written with --store and --output"),
    errno.EACCES: ("no permission", "give this user the permission, or name another place"),
    errno.EPERM: ("the system does not permit this", "give this user the permission, or name another place"),
    errno.ENOENT: ("there is no such file or folder", "check the path; a folder has to be there before it is used"),
    errno.ENOTDIR: ("a file lies where a folder is needed", "name another place, or move the file away"),
    errno.EEXIST: ("something lies there already", "name another place, or move it away"),
    errno.EISDIR: ("a folder lies where a file is needed", "name the file"),
    errno.ENAMETOOLONG: ("the path is too long", "use a shorter path"),
    errno.ELOOP: ("links lead in a circle", "name the file itself"),
    errno.EMFILE: ("too many files are open", "raise the limit (`ulimit -n`)"),
    errno.ENOMEM: ("there is not enough memory", "use a machine with more memory, or fewer workers"),
    errno.EIO: ("the disk cannot be read or written", "look into the system's log: the device may be failing"),
}


def in_words(error: BaseException) -> SdqaError:
    """An error as one of sdqa's: its own as it is, the system's by what was refused, others by their type and text."""
    match error:
        case SdqaError():
            return error
        case KeyboardInterrupt():
            return Interrupted("interrupted", hint="run it again: it goes on from what the store has")
        case MemoryError():
            what, hint = _REFUSALS[errno.ENOMEM]
            return SystemFault(what, hint=hint)
        case OSError():
            places = [str(place) for place in (error.filename, error.filename2) if place is not None]
            return _refused(error.errno or 0, error.strerror or str(error) or type(error).__name__, places)
    text = " ".join(str(error).split())
    told = _RUST.search(text)
    if told:  # safetensors and tokenizers: an error of the system's, in a class of their own
        return _refused(int(told[1]), text, [])
    name = type(error).__name__
    hint = "this is a defect: please report it with the traceback"
    return Unforeseen(f"an error that sdqa does not know: {name}{f': {text}' if text else ''}", hint=hint)


def _refused(number: int, text: str, places: Sequence[str]) -> SystemFault:
    what, hint = _REFUSALS.get(number, (text, "see to it that the path can be used"))
    return SystemFault(what, where=" → ".join(places), hint=hint)
