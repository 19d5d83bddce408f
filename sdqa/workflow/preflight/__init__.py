"""What can be known of a run before it starts: without torch, from the suite and the files that it names."""

from sdqa.workflow.preflight.pictures import look_at_pictures
from sdqa.workflow.preflight.record import Lack, Look, Note

__all__ = ["Lack", "Look", "Note", "look_at_pictures"]
