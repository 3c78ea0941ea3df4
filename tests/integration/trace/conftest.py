"""Each side in turn; and threads that are interrupted everywhere."""

import sys
from collections.abc import Iterator

import pytest

from tests.integration.trace.concurrent import SIDES, Side, side


@pytest.fixture(name="side", params=SIDES)
def _side(request: pytest.FixtureRequest) -> Iterator[Side]:
    with side(request.param) as made:
        yield made


@pytest.fixture
def switch_often() -> Iterator[None]:
    """Threads take turns as often as the interpreter can, not every 5 ms."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)
