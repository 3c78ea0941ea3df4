"""Values and ratios as people read them."""

import pytest

from spanwire_bench.suite._model import Outcome
from spanwire_bench.suite._values import noun, number, place, ratio_text, value


@pytest.mark.parametrize(
    ("amount", "unit", "text"),
    [
        (604, "ns", "604 ns"),
        (52_040.0, "ns", "52.0 µs"),
        (0, "bytes", "0.00 B"),
        (999.4, "bytes", "999 B"),
        (999.7, "bytes", "1.00 KB"),
        (21_200_000, "bytes", "21.2 MB"),
        (-36_900, "bytes", "-36.9 KB"),
        (5e12, "bytes", "5,000 GB"),
        (12_345.6, "spans/s", "12,346 spans/s"),
        (3.25, "", "3.25"),
    ],
)
def test_values_have_three_digits_and_a_unit(amount: float, unit: str, text: str) -> None:
    assert value(amount, unit) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (0.0344, "0.034"),
        (0.0099, "0.0099"),
        (0.0999, "0.10"),
        (0.4111, "0.41"),
        (1.994, "1.99"),
        (1.996, "2.0"),
        (19.46, "19.5"),
        (77.4, "77"),
        (1234.0, "1,234"),
    ],
)
def test_ratios_have_as_many_digits_as_timings_bear(ratio: float, text: str) -> None:
    assert ratio_text(ratio) == text


def test_numbers_beyond_a_thousand_have_commas() -> None:
    assert [number(one) for one in (9.994, 9.996, 99.94, 99.96, 999.4, 999.6)] == [
        "9.99",
        "10.0",
        "99.9",
        "100",
        "999",
        "1,000",
    ]


def test_what_is_compared_has_a_name() -> None:
    names = [
        ("export/W5", "ns"),
        ("latency/steady", "ns"),
        ("create/set-attribute", "ns"),
        ("create/event", "ns"),
        ("create/W5", "ns"),
        ("memory/queued", "bytes"),
        ("otel/cpu", "%"),
        ("x/y", "spans/s"),
    ]
    assert [noun(Outcome(name, "", "", (), unit=unit)) for name, unit in names] == [
        "CPU",
        "time",
        "time",
        "time",
        "CPU",
        "memory",
        "CPU",
        "spans/s",
    ]


def test_places_are_named_by_the_axis() -> None:
    curve = Outcome("a/b", "", "", (), plot="curve", axis="threads")
    assert [place(curve, at) for at in (None, 1, 2, 100_000, 0.5)] == [
        "",
        "1 thread",
        "2 threads",
        "100,000 threads",
        "0.5 threads",
    ]
