"""Histograms hold every sample in few buckets."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanwire_bench.suite._histogram import MOST_BUCKETS, histogram

samples = st.lists(st.integers(0, 10**11) | st.floats(0, 1e11), min_size=1, max_size=60)


@given(samples)
def test_every_sample_is_in_one_of_few_buckets(values: list[float]) -> None:
    found = histogram(values)
    assert len(found.edges) == len(found.counts) + 1 <= MOST_BUCKETS + 1
    assert all(before < after for before, after in pairwise(found.edges))
    assert sum(found.counts) == len(values)
    assert found.counts[0] > 0 and found.counts[-1] > 0


@given(samples)
def test_counts_are_of_what_lies_between_the_edges(values: list[float]) -> None:
    within = [value for value in values if 1 <= value < 1e10]
    if not within:
        return
    found = histogram(within)
    for count, (low, high) in zip(found.counts, pairwise(found.edges), strict=True):
        assert count == sum(low <= value < high for value in within)


def test_what_no_bucket_holds_is_in_the_first_or_the_last_of_all() -> None:
    assert histogram([0, 0.5]).edges[0] == 1
    assert histogram([0, 0.5]).counts == (2,)
    assert histogram([2e12]).edges[-1] == 1e10


def test_buckets_grow_evenly_on_a_logarithmic_axis() -> None:
    edges = histogram([1, 9.9e9]).edges
    assert len(edges) == MOST_BUCKETS + 1
    growths = [math.log10(after / before) for before, after in pairwise(edges)]
    assert min(growths) == pytest.approx(0.05, abs=0.001) and max(growths) == pytest.approx(0.05, abs=0.001)


def test_no_sample_is_no_histogram() -> None:
    with pytest.raises(ValueError):
        histogram([])
