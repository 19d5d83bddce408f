"""The film of a case: its latents after a few steps, the teacher's above the candidate's, with the error of each."""

from __future__ import annotations

from sdqa.bundle.blob import Blob
from sdqa.bundle.record import SparseRecord


class FilmFrame(SparseRecord):
    """The latents after one step. The pictures are the latents by a linear map, as small as the latents are."""

    step: int  # counted from 1
    timestep: float | None = None  # that the step began at
    candidate: Blob | None = None  # a picture
    teacher: Blob | None = None
    error: float | None = None  # |candidate - teacher| / |teacher|, of the latents in single precision


class Film(SparseRecord):
    """Recorded steps of one case, the first and the last among them."""

    total: int  # steps that the candidate ran
    frames: tuple[FilmFrame, ...] = ()
    latents: Blob | None = None  # safetensors, float16 (frames, C, h, w): `candidate` and, where it is there, `teacher`
    reason: str = ""  # why there is no teacher
    colours: str = ""  # where the pictures' colours come from, in words

    def blobs(self) -> tuple[Blob, ...]:
        """Everything that it names."""
        named = [self.latents, *(blob for frame in self.frames for blob in (frame.candidate, frame.teacher))]
        return tuple(blob for blob in named if blob is not None)
