"""What became of a batch."""

from typing import NamedTuple

__all__ = ["Verdict"]


class Verdict(NamedTuple):
    """Of one export."""

    lost: str | None
    """Why the batch was lost, or None."""
    rejected: int
    """How many spans the destination took it without."""
