"""The corruptions that conversions suffer, injectable: proof that the gate sees them, and stays silent without them."""

from sdqa.faults.injection import Culprit, Effect, Injection
from sdqa.faults.registry import Fault, all_faults, fault, injection

__all__ = ["Culprit", "Effect", "Fault", "Injection", "all_faults", "fault", "injection"]
