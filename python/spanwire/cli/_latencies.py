"""How long many things took: a histogram with buckets of equal ratio, which stays small and can be added to another."""

from __future__ import annotations

import math

__all__ = ["Latencies"]

_STEPS = 64  # buckets between a time and its double: 1.1 % each


class Latencies:
    """Times in seconds, each to about one percent.

    :param counts: how many there are in each bucket, as in :attr:`counts`.
    """

    __slots__ = ("counts",)

    def __init__(self, counts: dict[int, int] | None = None) -> None:
        self.counts = {} if counts is None else counts

    def add(self, seconds: float) -> None:
        """Count one."""
        bucket = math.ceil(math.log2(max(seconds, 1e-9)) * _STEPS)
        self.counts[bucket] = self.counts.get(bucket, 0) + 1

    def add_all(self, other: Latencies) -> None:
        """Count all of another's."""
        for bucket, count in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + count

    def __len__(self) -> int:
        """How many."""
        return sum(self.counts.values())

    def percentile(self, percent: float) -> float:
        """The time in seconds that so many percent do not exceed; NaN if there is none."""
        left = math.ceil(len(self) * percent / 100)
        for bucket in sorted(self.counts):
            left -= self.counts[bucket]
            if left <= 0:
                return math.pow(2.0, bucket / _STEPS)
        return math.nan
