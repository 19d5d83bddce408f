"""Every workaround for a third-party version, in one place: a module for each library.

Each function says which versions need it; `tests/test_compat.py` fails when one is no longer needed: then it may go.
Call them before the first import of the library they serve; they are idempotent and cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.lazy import offering

if TYPE_CHECKING:
    from sdqa.compat.collector import uncollected as uncollected
    from sdqa.compat.coreml import prepare_coremltools as prepare_coremltools
    from sdqa.compat.coreml import quiet_coremltools as quiet_coremltools
    from sdqa.compat.hub import hub_online as hub_online
    from sdqa.compat.hub import prepare_hub as prepare_hub
    from sdqa.compat.hub import prepare_hub_environment as prepare_hub_environment
    from sdqa.compat.open_clip import open_clip_tables as open_clip_tables
    from sdqa.compat.scipy import prepare_scipy as prepare_scipy
    from sdqa.compat.torchvision import prepare_torchvision as prepare_torchvision

_LAZY = {
    "hub_online": "sdqa.compat.hub",
    "open_clip_tables": "sdqa.compat.open_clip",
    "prepare_coremltools": "sdqa.compat.coreml",
    "prepare_hub": "sdqa.compat.hub",
    "prepare_hub_environment": "sdqa.compat.hub",
    "prepare_scipy": "sdqa.compat.scipy",
    "prepare_torchvision": "sdqa.compat.torchvision",
    "quiet_coremltools": "sdqa.compat.coreml",
    "uncollected": "sdqa.compat.collector",
}

__all__ = [
    "hub_online",
    "open_clip_tables",
    "prepare_coremltools",
    "prepare_hub",
    "prepare_hub_environment",
    "prepare_scipy",
    "prepare_torchvision",
    "quiet_coremltools",
    "uncollected",
]

__getattr__ = offering(__name__, _LAZY)
