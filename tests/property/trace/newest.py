"""The suite compares with the newest SDK, whose behaviour is the one to match."""

import pytest
from opentelemetry.sdk.version import __version__

__all__ = ["pytestmark"]

pytestmark = pytest.mark.skipif(
    tuple(int(part) for part in __version__.split(".")[:2]) < (1, 45),
    reason="not applicable: what is matched is the newest SDK",
)
