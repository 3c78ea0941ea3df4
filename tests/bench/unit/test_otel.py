"""What is said of a process that traces at a given rate."""

import pytest

from spanwire_bench._otel import Created, Load


def load(spans: int, *looks: tuple[float, float], seconds: float = 2.0) -> Load:
    return Load(1_000.0, spans, seconds, spans, 0.01, looks)


def rounded(one: Load) -> list[tuple[float, float]]:
    return [(at, round(percent, 6)) for at, percent in one.percents]


def test_percent_is_of_all_cpu_from_the_first_span_to_the_last_arrival() -> None:
    one = load(2_000, (0.0, 1.0), (1.0, 1.5), (2.0, 1.9), (2.1, 2.0))
    assert one.kept_up
    assert one.percent == pytest.approx(50)
    assert rounded(one) == [(1.0, 50), (2.0, 40)]  # the flush's tenth of a second is no second


def test_who_cannot_keep_up_is_charged_for_all_that_was_asked_for() -> None:
    one = load(500, (0.0, 0.0), (2.0, 1.9))
    assert not one.kept_up
    assert one.reached == 250
    assert one.percent == pytest.approx(95 * 4)
    assert rounded(one) == [(2.0, 95)]


def test_a_span_in_a_hundred_may_be_late() -> None:
    assert load(1_980, (0.0, 0.0), (2.0, 1.0)).kept_up
    assert load(1_980, (0.0, 0.0), (2.0, 1.0)).percent == 50
    assert not load(1_979, (0.0, 0.0), (2.0, 1.0)).kept_up


def test_memory_is_counted_from_the_first_look() -> None:
    assert load(2_000, (0.0, 4096.0), (1.0, 8192.0), (2.0, 6144.0)).grown == ((0.0, 0.0), (1.0, 4096.0), (2.0, 2048.0))


def test_throughput_is_of_the_time_until_all_have_arrived() -> None:
    assert Created(9_000, 1.5, 9_100).a_second == 6_000
