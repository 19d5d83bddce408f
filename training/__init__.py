"""Training of the embedded model, from drawings to the shipped folders: `python -m training`."""
