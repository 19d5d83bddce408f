"""Samples that are missing, or belie a figure that passes."""

from __future__ import annotations

from sdqa.bundle import Lane, Sample, SampleFacts
from tests.ci.forged.altered import honest_lane, lane, with_figure, with_more, with_sample
from tests.ci.honest import FLOW, figure_of, identity_of, sample_of
from tests.ci.honest_pictures import LARGER, picture


@lane("figures of cases that it has no sample of: cat, dog, fox")
def no_samples_at_all() -> Lane:
    return honest_lane(samples=())


@lane("figures of cases that it has no sample of: fox")
def a_sample_is_missing() -> Lane:
    return honest_lane(samples=honest_lane().samples[:2])


@lane("samples of cases that it has no figures of: fox")
def figures_of_a_case_are_missing() -> Lane:
    return honest_lane(measurements=tuple(m for m in honest_lane().measurements if m.case != "fox"))


@lane("a case has two samples")
def two_samples_of_one_case() -> Lane:
    return honest_lane(samples=(*honest_lane().samples, sample_of("cat")))


@lane("cat/finite: is 1, and values of unet were not finite")
def values_that_were_not_finite() -> Lane:
    return with_sample(facts=sample_of("cat").facts.model_copy(update={"nonfinite": finite(unet=3)}))


@lane("cat: it does not tell whether everything was finite")
def nobody_counted_what_was_not_finite() -> Lane:
    return with_sample(facts=SampleFacts(timesteps=sample_of("cat").facts.timesteps))


def finite(**counts: int) -> dict[str, int]:
    return dict.fromkeys(FLOW, 0) | counts


def counted(counts: dict[str, int]) -> Lane:
    return with_sample(facts=sample_of("cat").facts.model_copy(update={"nonfinite": counts}))


@lane("cat: it does not tell whether everything of vae_decoder was finite")
def nobody_counted_what_a_component_put_out() -> Lane:
    return counted({"text_encoder": 0, "unet": 0})


@lane("cat: it tells of nothing_at_all, which the lane does not run")
def counts_of_something_that_is_not_there() -> Lane:
    return counted(finite(nothing_at_all=0))


@lane("cat: it tells of fewer values than none")
def fewer_values_than_none() -> Lane:
    return counted(finite(unet=-1))


@lane("cat: it took nan seconds")
def a_case_that_took_nobody_knows_how_long() -> Lane:
    return with_sample(seconds=float("nan"))


@lane("cat: it took -2.0 seconds")
def a_case_that_took_less_than_no_time() -> Lane:
    return with_sample(seconds=-2.0)


@lane("unet: it has no contract")
def a_contract_that_nobody_looked_at() -> Lane:
    return without("contract")


@lane("unet/parity_psnr: it has none of cat, dog, fox")
def a_parity_that_nobody_measured() -> Lane:
    return without("parity_psnr")


@lane("unet/parity_psnr: it has none of cat: ")
def a_parity_of_some_cases() -> Lane:
    return with_figure("parity_psnr", "unet", by_case={"dog": (60.0,), "fox": (60.0,)}, n=2)


def without(metric: str) -> Lane:
    kept = tuple(m for m in honest_lane().measurements if (m.metric, m.component) != (metric, "unet"))
    return honest_lane(measurements=kept)


@lane("cat: another schedule than the golden's")
def another_schedule() -> Lane:
    return with_sample(facts=sample_of("cat").facts.model_copy(update={"timesteps": (1.0,)}))


@lane("cat/psnr: is 50, its pictures say 7.")
def two_cases_with_each_others_candidates_and_their_digests() -> Lane:
    cat, dog, fox = honest_lane().samples
    return honest_lane(samples=(shown_as(cat, dog), shown_as(dog, cat), fox))


def shown_as(sample: Sample, other: Sample) -> Sample:
    """A sample with another's candidate, and with all that is recorded of it."""
    images = {**sample.images, "candidate": other.images["candidate"]}
    return sample.model_copy(update={"images": images, "image_digest": other.image_digest})


@lane("cat/psnr: is 60, its pictures say 50")
def less_noise_than_the_pictures_have() -> Lane:
    return with_figure("psnr", "cat", value=60.0)


@lane("cat/psnr: is nan, its pictures say 50")
def noise_that_is_no_number_though_the_pictures_are_there() -> Lane:
    return with_figure("psnr", "cat", value=float("nan"))


@lane("cat/psnr: is 50, its pictures say nan")
def a_candidate_of_another_size() -> Lane:
    return with_sample(**larger())


@lane("cat/shape: is 1, and its pictures are of two sizes")
def a_shape_that_the_candidate_does_not_have() -> Lane:
    return with_sample(**larger())


def larger() -> dict[str, object]:
    blob, _, digest = picture(*LARGER)
    return {"images": {**sample_of("cat").images, "candidate": blob}, "image_digest": digest}


@lane("cat/latent_psnr: is 90, its latents say 60")
def less_noise_than_the_latents_have() -> Lane:
    return with_more(figure_of("latent_psnr", 90.0, case="cat", golden=None, fingerprint=identity_of("latent_psnr")))
