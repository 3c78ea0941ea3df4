"""Histograms of latencies."""

import math
import random

import pytest

from spanwire.cli._latencies import Latencies


def test_percentiles_are_right_to_about_a_percent() -> None:
    choose = random.Random(7)
    times = sorted(choose.lognormvariate(-6, 1.5) for _ in range(5_000))
    halves = [Latencies(), Latencies()]
    for at, seconds in enumerate(times):
        halves[at % 2].add(seconds)
    halves[0].add_all(halves[1])
    assert len(halves[0]) == len(times)
    for percent in (1, 50, 90, 99, 100):
        exact = times[math.ceil(len(times) * percent / 100) - 1]
        assert halves[0].percentile(percent) == pytest.approx(exact, rel=0.012)


def test_nothing_has_no_percentile_and_nothing_is_too_short() -> None:
    none = Latencies()
    assert math.isnan(none.percentile(50))
    none.add(0.0)
    assert none.percentile(100) == pytest.approx(1e-9, rel=0.012)
