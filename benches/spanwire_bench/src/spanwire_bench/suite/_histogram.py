"""Histograms of times: buckets that grow by a twentieth of ten, so that nanoseconds and seconds fit into one that is small."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable

from spanwire_bench.suite._model import Histogram

__all__ = ["MOST_BUCKETS", "histogram"]

_A_TENFOLD = 20
MOST_BUCKETS = 200  # from 1 to 10**10
# Rounded, for short files; what decides is the rounded edge.
_EDGES = tuple(float(f"{10 ** (place / _A_TENFOLD):.4g}") for place in range(MOST_BUCKETS + 1))


def histogram(samples: Iterable[float]) -> Histogram:
    """From the first bucket that has something to the last. What is below 1 is in the first of all, what is above 10**10 in the last.

    Raises ValueError when there is no sample.
    """
    counts: Counter[int] = Counter()
    for value, times in Counter(samples).items():
        counts[min(max(bisect_right(_EDGES, value) - 1, 0), MOST_BUCKETS - 1)] += times
    first, last = min(counts), max(counts)
    return Histogram(_EDGES[first : last + 2], tuple(counts[place] for place in range(first, last + 1)))
