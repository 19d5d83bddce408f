"""Packages that are missing, or belie a figure that passes."""

from __future__ import annotations

from sdqa.bundle import Lane
from sdqa.bundle.facts import PlacementLint, WeightCoverage
from tests.ci.forged.altered import honest_lane, lane, machine_digest, with_facts, with_figure, with_more
from tests.ci.honest import PACKAGE_BYTES, figure_of, package_of


@lane("packages of nothing, planned were text_encoder, unet, vae_decoder")
def no_packages_at_all() -> Lane:
    return honest_lane(packages=())


@lane("packages of text_encoder, text_encoder, unet")
def a_package_twice() -> Lane:
    return honest_lane(packages=(package_of("text_encoder"), *honest_lane().packages))


@lane(f"unet: a package of {PACKAGE_BYTES} bytes, measured were 7")
def a_package_of_another_size() -> Lane:
    return with_figure("package_bytes", "unet", value=7.0)


@lane("unet/coverage: it does not tell what was found")
def no_coverage() -> Lane:
    return with_facts(coverage=None)


@lane("unet/coverage: is 1, and a.weight are missing, changed or invented")
def a_weight_is_missing_and_the_coverage_is_whole() -> Lane:
    return with_facts(coverage=WeightCoverage(parameters=3, found=2, exact=2, equal=2, missing=("a.weight",)))


@lane("unet/coverage: tells of 2 parameters, and has 3")
def a_weight_of_which_nothing_is_told() -> Lane:
    return with_facts(coverage=WeightCoverage(parameters=3, found=2, exact=2, equal=2))


@lane("unet/coverage: a component of 0 parameters")
def a_component_of_nothing() -> Lane:
    return with_facts(coverage=WeightCoverage(parameters=0, found=0))


@lane("unet/coverage: 3 found are not those of which it tells how")
def weights_that_were_found_nobody_says_how() -> Lane:
    return with_facts(coverage=WeightCoverage(parameters=3, found=3, exact=2, equal=1, rounded=1))


@lane("unet/coverage: 3 found are not those of which it tells how")
def weights_that_are_exact_and_were_found_otherwise() -> Lane:
    return with_facts(coverage=WeightCoverage(parameters=3, found=3, exact=3, equal=1, rounded=1, compressed=1))


@lane("only 2 of 3 packages tell what they ask for")
def a_package_that_does_not_tell_what_it_costs() -> Lane:
    return with_facts(cost=None)


@lane("all/model_memory_bytes: is 50, the packages ask for 100")
def less_memory_than_the_packages_ask_for() -> Lane:
    return with_figure("model_memory_bytes", value=50.0)


@lane("all/one_at_a_time_memory_bytes: is 50, the packages ask for 60")
def less_memory_for_one_than_the_hungriest_asks_for() -> Lane:
    return with_more(figure_of("one_at_a_time_memory_bytes", 50.0, fingerprint=machine_digest()))


@lane("all/off_neural_engine_percent: is 0, the packages ask for 16.6667")
def less_off_the_neural_engine_than_the_packages_have() -> Lane:
    found = with_facts(neural_engine=PlacementLint(leaving_share=0.5))
    figure = figure_of("off_neural_engine_percent", 0.0, fingerprint=machine_digest())
    return found.model_copy(update={"measurements": (*found.measurements, figure)})
