"""Conformance: coremltools' own tests, run against the reference runtime on any machine.

The tests ship in coremltools' wheel. They convert small programs, predict, and compare with numpy and torch; the
comparison happens on macOS only, unless `sdqa.mil.coremltools_backend` stands in for Core ML. `python -m
sdqa.mil.conformance` runs a seeded sample of them, or all.
"""
