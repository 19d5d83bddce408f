"""Where each picture of the page lies: in the page while there is room, failing cases first; the rest beside it."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sdqa.bundle import Blob
from sdqa.report.cases import CaseCard
from sdqa.report.format import show_bytes
from sdqa.report.pictures import SUFFIXES, THUMBNAIL, Album, PictureFile, thumbnail

PAGE_BYTES = 14_500_000  # of pictures in a page that has a folder beside it; with all else it stays below 15 MB
SINGLE_BYTES = 256 * 2**20  # of pictures where everything has to be in one file: beyond, no browser opens it
FOLDER = "pictures"


@dataclass(frozen=True)
class Shown:
    """A picture of the page: an address and a size, or the words for its absence."""

    address: str  # `data:…`, or relative to the page; empty where there is none
    digest: str = ""
    width: int = 0
    height: int = 0
    note: str = ""
    lossy: bool = False
    thumbnail: str = ""  # a smaller one beside the page, where the picture lies there too


@dataclass(frozen=True)
class Gallery:
    """All pictures of a page by the digest of what was recorded, and the files that lie beside it."""

    shown: Mapping[str, Shown]
    beside: Mapping[str, bytes] = field(default_factory=dict)

    def of(self, blob: Blob | None) -> Shown | None:
        """A blob as it is shown."""
        return self.shown.get(blob.sha256) if blob else None


def gallery_of(cards: Iterable[CaseCard], album: Album, *, single_file: bool = True) -> Gallery:
    """Place the pictures of all cases, given with the worst case first.

    Failing cases keep their pictures as they were recorded; those of the others become WebP where that saves something.
    """
    whole_ones: dict[str, Blob] = {}
    rest: dict[str, Blob] = {}
    for card in cards:
        for lane in card.lanes:
            for kind, blob in lane.blobs:
                shared = card.status == "fail" and kind in ("source", "golden")
                kept = whole_ones if lane.status == "fail" or shared else rest
                kept[blob.sha256] = blob
    exact = {digest: album.picture(blob) for digest, blob in whole_ones.items()}
    others = {digest: album.picture(blob, light=True) for digest, blob in rest.items() if digest not in exact}
    whole = sum(_encoded(one) for one in (*exact.values(), *others.values()))
    room = SINGLE_BYTES if single_file else PAGE_BYTES
    inside = {**exact, **others} if single_file or whole <= room else exact
    shown: dict[str, Shown] = {}
    beside: dict[str, bytes] = {}
    for digest, one in {**exact, **others}.items():
        if not one.data:
            shown[digest] = Shown("", note=one.note)
        elif digest in inside and _encoded(one) <= room:
            room -= _encoded(one)
            address = f"data:{one.media_type};base64,{base64.b64encode(one.data).decode()}"
            shown[digest] = Shown(address, digest, one.width, one.height, one.note, one.lossy)
        elif single_file:
            shown[digest] = Shown("", note=f"not shown: a single file holds {show_bytes(SINGLE_BYTES)} of pictures")
        else:
            shown[digest] = _beside(one, beside)
    return Gallery(shown, beside)


def _beside(one: PictureFile, files: dict[str, bytes]) -> Shown:
    """Put a picture into the folder beside the page, with a small one for lists."""
    address = f"{FOLDER}/{one.digest}.{SUFFIXES[one.media_type]}"
    files[address] = one.data
    small = ""
    if max(one.width, one.height) > THUMBNAIL:
        small = f"{FOLDER}/{one.digest}-{THUMBNAIL}.webp"
        files[small] = thumbnail(one)
    return Shown(address, one.digest, one.width, one.height, one.note, one.lossy, small)


def _encoded(one: PictureFile) -> int:
    return 4 * -(-len(one.data) // 3)
