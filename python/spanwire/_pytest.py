"""pytest plugin: the fixture ``otlp_sink``. Loaded by every pytest run of whoever installs spanwire, hence so light."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from spanwire.sink import Sink

__all__ = ["otlp_sink"]


@pytest.fixture
def otlp_sink() -> "Iterator[Sink]":
    """A started :class:`spanwire.sink.Sink` on a free port, closed after the test; it sets nothing globally."""
    from spanwire.sink import Sink

    with Sink() as sink:
        yield sink
