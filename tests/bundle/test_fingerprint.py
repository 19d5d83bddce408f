"""Fingerprints say what makes figures comparable, and where two of them differ."""

from __future__ import annotations

from sdqa.bundle.fingerprint import Fingerprint, Mac, differences, fingerprint
from sdqa.store import digest_of

HERE = Fingerprint(mac=Mac(chip="A18"), versions={"torch": "2.13"}, metrics="one")


def test_differences_name_the_place() -> None:
    later = HERE.model_copy(update={"versions": {"torch": "2.14"}})
    assert differences(HERE, HERE) == []
    assert differences(HERE, later) == ["versions.torch: 2.13 → 2.14"]
    assert differences(HERE, later, ignore=["versions"]) == []
    other = HERE.model_copy(update={"mac": Mac(chip="A19")})
    assert differences(HERE, other) == ["mac.chip: A18 → A19"]
    gone = HERE.model_copy(update={"mac": f"not described: {'x' * 80}"})
    assert differences(HERE, gone)[0].endswith("x…")


def test_what_another_version_says_of_a_machine_makes_another_fingerprint() -> None:
    more = Fingerprint.model_validate({**HERE.to_json(), "firmware": "7"})
    assert differences(HERE, more) == ["firmware: nothing → 7"]
    assert HERE.digest() != more.digest()


def test_the_digest_is_that_of_what_is_written() -> None:
    found = fingerprint("12" * 32, {"lpips": {"unit": ""}}, "reference", "CPU_ONLY")
    assert found.digest() == digest_of(found.to_json())
    assert "mac" not in found.to_json(), "away from Core ML nothing is said of a Mac"
    assert found.metrics == digest_of({"lpips": {"unit": ""}})
    assert found.versions
    assert found.cores
