"""A machine that runs CI jobs: looked over, set up for one job a life, watched, drained and removed.

What is done to a machine is a list of actions (`actions.py`): `--dry-run` prints it, the same list is carried out, and
what is done already is left alone. Nothing here loads torch or Core ML; a token is read once, kept in memory, and shown
to nobody but GitHub's API.
"""

from __future__ import annotations
