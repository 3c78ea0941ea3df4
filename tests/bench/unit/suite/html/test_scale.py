"""Ticks are round, few and within; places are in the order of values."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spanwire_bench.suite._html._scale import LOG_FROM, scale

values = st.floats(-1e12, 1e12, allow_nan=False).filter(lambda value: value == 0 or abs(value) > 1e-9)
positive = st.floats(1e-6, 1e15)
most = st.integers(2, 12)


def is_round(value: float, step: float) -> bool:
    return math.isclose(value / step, round(value / step), abs_tol=1e-6)


@given(st.lists(values, min_size=1, max_size=5), most)
def test_linear_ticks(known: list[float], most: int) -> None:
    made = scale(known, 10, 300, log=False)
    ticks = made.ticks(most)
    assert made.low <= 0 <= made.high
    assert 1 <= len(ticks) <= most
    assert ticks == sorted(set(ticks)) and made.low <= ticks[0] and ticks[-1] <= made.high
    if len(ticks) > 2:
        step = ticks[1] - ticks[0]
        exponent = math.floor(math.log10(step) + 1e-9)
        assert round(step / 10**exponent, 6) in {1, 2, 5}
        # A tick of zero may be at either end; every other is a multiple of the step.
        assert all(is_round(tick, step) for tick in ticks)


@given(st.lists(positive, min_size=1, max_size=5), most)
def test_logarithmic_ticks(known: list[float], most: int) -> None:
    made = scale(known, 10, 300, log=True, below=True)
    ticks = made.ticks(most)
    assert made.log and made.low < min(known) and made.high >= max(known)
    assert 1 <= len(ticks) <= most
    assert ticks == sorted(set(ticks)) and made.low <= ticks[0] and ticks[-1] <= made.high
    for tick in ticks:
        assert round(tick / 10 ** math.floor(math.log10(tick) + 1e-9), 6) in {1, 2, 3, 4, 5, 6, 7, 8, 9}


@given(st.lists(positive, min_size=2, max_size=6), st.sampled_from([None, True, False]), st.booleans(), st.booleans())
def test_places_are_within_and_in_order(known: list[float], log: bool | None, zero: bool, below: bool) -> None:
    made = scale(known, 250, 20, log=log, zero=zero, below=below)  # upwards, as values are drawn
    places = [made.place(value) for value in sorted(known)]
    assert places == sorted(places, reverse=True)
    assert all(20 - 1e-6 <= place <= 250 + 1e-6 for place in places)
    assert made.place(made.low) == pytest.approx(250)
    assert made.place(made.high) == pytest.approx(20)


@given(positive, st.floats(1, 1e4))
def test_logarithmic_from_a_ratio_on(least: float, times: float) -> None:
    assume(abs(times - LOG_FROM) > 0.01 and least * times < 1e18)
    assert scale([least, least * times], 0, 1).log == (times > LOG_FROM)


@pytest.mark.parametrize("known", [[], [0.0], [5.0], [-3.0], [7.0, 7.0], [0.0, 1e9], [-1.0, 1e6]])
def test_what_has_no_logarithm_is_linear_and_has_a_length(known: list[float]) -> None:
    for log in (None, True):
        made = scale(known, 0, 100, log=log)
        assert made.low < made.high
        assert made.log == (log is True and min(known, default=0) > 0)


def test_ticks_that_people_expect() -> None:
    assert scale([0, 100], 0, 1, log=False).ticks(6) == [0, 20, 40, 60, 80, 100]
    assert scale([0, 236e6], 0, 1, log=False).ticks(5) == [0, 50e6, 100e6, 150e6, 200e6]
    assert scale([604, 52_000], 0, 1, below=True).ticks(6) == pytest.approx([100, 300, 1_000, 3_000, 10_000, 30_000])
    assert scale([604, 52_000], 0, 1, below=True).ticks(3) == pytest.approx([100, 1_000, 10_000])
