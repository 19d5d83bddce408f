"""The films of a lane: its latents after a few steps beside the teacher's, for the cases that somebody will look at.

They are evidence for people and never gate: whatever goes wrong here is said in the film, and costs no verdict.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sdqa.bundle import Bundle, Film, FilmFrame, Lane, Sample
from sdqa.endings import in_words
from sdqa.errors import Unforeseen
from sdqa.plan import PlannedLane
from sdqa.workflow.job import Job
from sdqa.workflow.lane import Collected
from sdqa.workflow.record import as_png
from sdqa.workflow.stages import load_teacher

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from sdqa.gate.goldens import Golden
    from sdqa.generate.film import LatentSteps
    from sdqa.generate.latent_colours import LatentColours
    from sdqa.generate.sample import StoredSample
    from sdqa.models import Teacher

MAX_FAILING = 40
"""Films of a lane's failing cases: more than anybody looks through, and a bound for the bundle."""
MAX_DRAWN = 4
"""Cases of a lane that the teacher draws only for their films; what the store has of it is always used."""
COLOURS = "linear, fitted to the golden's picture from its final latents"


def filmed(job: Job, planned: PlannedLane, found: Collected, lane: Lane) -> Lane:
    """The lane with the films that `[evidence] latents` asks for; as it was where it asks for none."""
    wanted = _wanted(job, lane)
    if not wanted:
        return lane
    studio = _Studio(job, planned, found)
    samples = tuple(_filmed(studio, one, number) for one, number in _numbered(lane, wanted))
    return lane.model_copy(update={"samples": samples})


def _wanted(job: Job, lane: Lane) -> list[str]:
    """The cases whose films are kept, those with the most failed checks first."""
    asked = job.plan.suite.evidence.latents
    if asked == "off":
        return []
    failed: dict[str, int] = {}
    for verdict in lane.verdicts:
        if verdict.case is not None and verdict.status == "fail":
            failed[verdict.case] = failed.get(verdict.case, 0) + 1
    drawn = [sample.case for sample in lane.samples if asked == "all" or sample.case in failed]
    return sorted(drawn, key=lambda case: -failed.get(case, 0))


def _numbered(lane: Lane, wanted: list[str]) -> list[tuple[Sample, int | None]]:
    """The lane's samples, each with its place among the wanted; None where it is not."""
    place = {case: number for number, case in enumerate(wanted)}
    return [(sample, place.get(sample.case)) for sample in lane.samples]


def _filmed(studio: _Studio, sample: Sample, number: int | None) -> Sample:
    if number is None:
        return sample
    full = studio.job.plan.suite.evidence.latents == "failing" and number >= MAX_FAILING
    film = Film(total=0, reason=f"{MAX_FAILING} failing cases of this lane have one") if full else studio.film(sample)
    return (
        sample if film is None else sample.model_copy(update={"facts": sample.facts.model_copy(update={"film": film})})
    )


@dataclass
class _Studio:
    """Makes films, and remembers how often it had the teacher draw."""

    job: Job
    planned: PlannedLane
    found: Collected
    drawn: int = 0
    teachers: list[Teacher] = field(default_factory=list)  # none before it is needed

    def film(self, sample: Sample) -> Film | None:
        """A case's film; None where nobody kept the latents on their way."""
        from sdqa.generate.latent_colours import fit_colours

        golden, stored = self.found.references.goldens[sample.case], self.found.samples.by_case[sample.case]
        if stored.film is None:
            return None
        teacher, reason = self._teacher(sample.case, golden)
        if teacher is not None and teacher.steps != stored.film.steps:
            reason, teacher = f"the teacher runs {teacher.total} steps, the lane {stored.film.total}", None
        return make_film(self.job.bundle, stored, teacher, fit_colours(golden.latents, golden.image), reason)

    def _teacher(self, case: str, golden: Golden) -> tuple[LatentSteps | None, str]:
        """The teacher's latents on their way, from the store or drawn now; or why there are none."""
        try:
            return self._looked_up(case, golden)
        except Exception as error:
            known = in_words(error)
            if isinstance(known, Unforeseen):
                raise
            return None, f"the teacher could not draw it: {known.what}"

    def _looked_up(self, case: str, golden: Golden) -> tuple[LatentSteps | None, str]:
        from sdqa.generate import stage

        if not self.teachers:
            self.teachers.append(load_teacher(self.job, self.planned))
        [teacher] = self.teachers
        components, request = stage.teacher_components(teacher), stage.golden_request(self.planned.cases[case], golden)
        known = stage.drawn_earlier(teacher, components, request, self.job.store)
        if known is None and self.drawn >= MAX_DRAWN:
            return None, f"the teacher drew {MAX_DRAWN} cases of this lane for their films, another run draws more"
        if known is None:
            self.drawn += 1
            say = self.job.sayer(self.planned)
            drawing = stage.generate(
                teacher, components, {case: request}, self.job.store, say=lambda _: say(f"film {case}")
            )
            [(_, known)] = drawing
        return known.film, ""


def make_film(
    target: Bundle, stored: StoredSample, teacher: LatentSteps | None, colours: LatentColours, reason: str = ""
) -> Film:
    """A film as a bundle records it; its latents and pictures are put into the bundle."""
    import safetensors.numpy

    from sdqa.generate.film import relative_error

    film = stored.film
    assert film is not None
    frames = []
    for number, step in enumerate(film.steps):
        own, theirs = film.latents[number], None if teacher is None else teacher.latents[number]
        told: dict[str, object] = {"step": step, "candidate": target.add_blob(as_png(colours.draw(own)), "image/png")}
        if step <= len(stored.record.timesteps):
            told["timestep"] = stored.record.timesteps[step - 1]
        if theirs is not None:
            told["teacher"] = target.add_blob(as_png(colours.draw(theirs)), "image/png")
            told["error"] = relative_error(own, theirs)
        frames.append(FilmFrame.model_validate(told))
    tensors: dict[str, npt.NDArray[np.float16]] = {"candidate": _half(film.latents)}
    if teacher is not None:
        tensors["teacher"] = _half(teacher.latents)
    latents = target.add_blob(safetensors.numpy.save(tensors), "application/octet-stream")
    made = Film(total=film.total, frames=tuple(frames), latents=latents, colours=COLOURS)
    return made.model_copy(update={"reason": reason}) if reason else made


def _half(latents: npt.NDArray[np.float32]) -> npt.NDArray[np.float16]:
    """Half precision; what it cannot hold becomes infinite, which is what it was to anybody who looks."""
    import numpy as np

    with np.errstate(over="ignore"):
        return latents.astype(np.float16)
