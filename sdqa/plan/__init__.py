"""`sdqa.toml` → typed suite → plan: what will run, what it will cost, what is skipped and why."""

from sdqa.plan.lanes import Plan, PlannedLane, make_plan, reseeded
from sdqa.plan.load import find_suite, load_suite, shipped_suites
from sdqa.plan.parts import only_unit
from sdqa.plan.suite import Budgets, Case, Model, Suite
from sdqa.plan.variant import Variant

__all__ = [
    "Budgets",
    "Case",
    "Model",
    "Plan",
    "PlannedLane",
    "Suite",
    "Variant",
    "find_suite",
    "load_suite",
    "make_plan",
    "only_unit",
    "reseeded",
    "shipped_suites",
]
