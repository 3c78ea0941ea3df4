"""Generators of ids that give both sides the same, odd ones too."""

from collections.abc import Callable
from typing import Any

from tests.property.trace.made import Boom

__all__ = ["ODD", "build_ids"]


def _raise() -> Any:
    raise Boom("ids")


# By name: the trace id and the span id that are given every time.
ODD: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "zeros": (lambda: 0, lambda: 0),
    "no span id": (lambda: 7, lambda: 0),
    "no trace id": (lambda: 0, lambda: 7),
    "too large": (lambda: 1 << 128, lambda: 1 << 64),
    "a span id too large": (lambda: 7, lambda: 1 << 70),
    "negative": (lambda: -1, lambda: -7),
    "floats": (lambda: 7.0, lambda: 9.0),
    "texts": (lambda: "7", lambda: "9"),
    "a text for a span": (lambda: 7, lambda: "9"),
    "None": (lambda: None, lambda: None),
    "bools": (lambda: True, lambda: True),
    "raises": (_raise, _raise),
    "a span raises": (lambda: 7, _raise),
}


def build_ids(name: str, base: type) -> Any:
    """An IdGenerator of the side; ``name``: "counting", "counting, random", or one of :data:`ODD`."""
    trace, span = ODD.get(name) or _counting()

    class Ids(base):  # type: ignore[misc]
        def generate_trace_id(self) -> Any:
            return trace()

        def generate_span_id(self) -> Any:
            return span()

        def is_trace_id_random(self) -> bool:
            return name == "counting, random"

    return Ids()


def _counting() -> tuple[Callable[[], int], Callable[[], int]]:
    """The low halves of trace ids are spread over their range."""
    count = 0

    def span() -> int:
        nonlocal count
        count += 1
        return count

    def trace() -> int:
        number = span()
        return number << 64 | number * 0x9E3779B97F4A7C15 & (2**64 - 1)

    return trace, span
