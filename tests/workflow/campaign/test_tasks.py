"""What a campaign tries."""

from __future__ import annotations

import pytest

from sdqa.errors import FaultError
from sdqa.faults import all_faults
from sdqa.faults.controls import all_controls
from sdqa.workflow.campaign import Task, tasks


def test_the_full_campaign_tries_every_severity_and_every_seed() -> None:
    found = tasks(quick=False)
    assert len(found) == len(set(found))
    assert sum(bool(task.severity) for task in found) == sum(len(fault.severities) for fault in all_faults())
    assert sum(task.seed >= 0 for task in found) == 5 * len(all_controls()) >= 100
    assert sum(bool(task.second) for task in found) == 40, "every two of five places, four times"


def test_the_quick_campaign_tries_everything_once() -> None:
    found = tasks(quick=True)
    assert sum(bool(task.second) for task in found) == 10
    assert sorted(task.name for task in found if not task.second) == sorted(
        [fault.name for fault in all_faults()] + [change.name for change in all_controls()]
    )


def test_names_select_faults_severities_and_harmless_changes() -> None:
    assert tasks(quick=True, only=["nan@severe", "metadata"], seeds=1) == [
        Task("nan", "severe"),
        Task("metadata", seed=0),
    ]
    assert tasks(quick=True, only=["unet-noise+vae-kernel-transposed"]) == [
        Task("unet-noise", second="vae-kernel-transposed")
    ]
    assert [task.id for task in tasks(quick=True, only=["nan+vae-kernel-transposed+scaling-factor"])] == [
        "nan+vae-kernel-transposed+scaling-factor"
    ]
    assert [task.severity for task in tasks(quick=False, only=["nan"])] == ["mild", "marked", "severe"]
    with pytest.raises(FaultError, match="did you mean"):
        tasks(quick=True, only=["nann"])


def test_the_catalogue_is_as_large_as_it_says() -> None:
    faults = all_faults()
    assert sum(len(fault.severities) >= 3 for fault in faults) >= 40
    assert {row for fault in faults for row in fault.rows} == set(range(1, 30)), "rows of the catalogue"
    assert len(all_controls()) >= 20
