"""Spans come at the rate asked for, by a clock that stands still unless somebody sleeps or works."""

from collections.abc import Callable

import pytest

from spanwire_bench import _steady


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(_steady, "time", made)
    return made


def working(clock: Clock, seconds_a_span: float, bursts: list[tuple[float, int]]) -> Callable[[int], None]:
    def burst(count: int) -> None:
        bursts.append((clock.now, count))
        clock.now += count * seconds_a_span

    return burst


def test_who_is_fast_makes_all_in_even_bursts(clock: Clock) -> None:
    bursts: list[tuple[float, int]] = []
    assert _steady.make(working(clock, 1e-6, bursts), rate=10_000, seconds=0.5) == 5_000
    assert [count for _, count in bursts] == [100] * 50
    for number, (at, _) in enumerate(bursts):
        assert at == pytest.approx(100 + number * 0.01, abs=1e-6)
    assert clock.now == pytest.approx(100.5)


def test_who_is_slow_makes_what_goes_into_the_time(clock: Clock) -> None:
    bursts: list[tuple[float, int]] = []
    made = _steady.make(working(clock, 0.001, bursts), rate=10_000, seconds=0.45)
    assert made == sum(count for _, count in bursts) == 500  # the last of them begin before the end
    assert clock.now == pytest.approx(100.5)


def test_who_was_held_up_catches_up(clock: Clock) -> None:
    held = [0.2]

    def burst(count: int) -> None:
        clock.now += held.pop() if held else count * 1e-6

    assert _steady.make(burst, rate=1_000, seconds=1) == 1_000
    assert clock.now == pytest.approx(101)


def test_nothing_is_made_while_there_is_no_room(clock: Clock) -> None:
    bursts: list[tuple[float, int]] = []
    made = _steady.make(
        working(clock, 0, bursts), rate=1_000, seconds=1, room=lambda made: made < 50 or clock.now > 100.5
    )
    assert made == 1_000
    assert not [at for at, _ in bursts if 100.05 < at < 100.5]
    never = _steady.make(working(clock, 0, bursts), rate=1_000, seconds=1, room=lambda made: False)
    assert never == 0


def test_a_number_that_bursts_do_not_divide_is_made_exactly(clock: Clock) -> None:
    seen: list[int] = []
    assert _steady.make(lambda count: None, rate=333, seconds=1, look=seen.append) == 333
    assert seen[-1] == 333 and seen == sorted(seen)
