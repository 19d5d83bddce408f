"""Goldens, tolerances, statistics and verdicts. Pure functions of records and files: nothing here imports torch."""
