"""Tests of the conformance runner and of the evidence for its exclusions."""
