"""What these tests have in common."""

from collections.abc import Iterator

import pytest

import spanwire


@pytest.fixture(autouse=True)
def accounts_balance() -> Iterator[None]:
    """A test leaves no span of this process waiting, which others would find."""
    yield
    for destination, counts in spanwire.stats()["traces"].items():
        assert counts["queued"] == 0, destination
