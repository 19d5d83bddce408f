"""What is recorded with a plan's goldens: several looks ask for it, and each manifest is read once."""

from __future__ import annotations

from pathlib import Path

from sdqa.errors import SdqaError
from sdqa.gate.manifest import Manifest, read_manifest


class RecordedManifests:
    """The manifests below a folder of goldens.

    Args:
        goldens: the folder.
    """

    def __init__(self, goldens: Path) -> None:
        self._goldens = goldens
        self._known: dict[str, Manifest | SdqaError] = {}

    def manifest(self, name: str) -> Manifest:
        """The manifest of a golden.

        Args:
            name: model and case, `tiny/portrait-hat`.

        Raises:
            GoldenMissing: there is none, or it does not follow the schema.
        """
        if name not in self._known:
            try:
                self._known[name] = read_manifest(self._goldens / name)
            except SdqaError as error:
                self._known[name] = error
        found = self._known[name]
        if isinstance(found, SdqaError):
            raise found
        return found
