"""The fault-injection campaign: plant every fault in a lane, judge it like any other, and see what the gate says.

Each fault at each severity, and each harmless change at each seed, is one task: measured like any lane (conversion,
generation, scoring, parity, verdicts by the committed tolerances), in worker processes, through the store, so that an
interrupted campaign goes on where it stopped. The result is the sensitivity table (`sdqa.faults.sensitivity`).
"""

from sdqa.workflow.campaign.run import run_campaign
from sdqa.workflow.campaign.stage import CampaignSettings
from sdqa.workflow.campaign.tasks import Task, tasks

__all__ = ["CampaignSettings", "Task", "run_campaign", "tasks"]
