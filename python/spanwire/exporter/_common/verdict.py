"""What became of a batch."""

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["Verdict"]


class Verdict(NamedTuple):
    """Of one export."""

    lost: str | None
    """Why the batch or a part of it was lost, or None."""
    rejected: int
    """How many spans the destination took it without."""
    losses: Mapping[str, int]
    """How many were lost, by reason; of a request that was divided others may have arrived. Empty: with ``lost``, all the others."""
