"""Keys that run Python code when they are looked up are never looked up on the fast path, which must not run any."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import Link, Status, StatusCode, TraceState

import spanwire
from tests.official import assert_same_bytes, official_bytes
from tests.spans import context, span


class Alike:
    """Hashes as ``text`` and remembers which Python function made it compare."""

    def __init__(self, text: str, callers: set[str]) -> None:
        self.text = text
        self.callers = callers

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        self.callers.add(sys._getframe(1).f_code.co_name)
        return False


def put_in_front(instance: Any, name: str, callers: set[str]) -> None:
    """Let whoever looks up ``name`` in the dict of ``instance`` meet an :class:`Alike` first."""
    values = vars(instance)
    value = values.pop(name)
    values[Alike(name, callers)] = 1
    values[name] = value


PLACES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "span": (lambda item: item, "_name"),
    "attributes": (lambda item: item._attributes, "_dict"),
    "events": (lambda item: item._events, "_dq"),
    "event": (lambda item: item._events[0], "_name"),
    "link": (lambda item: item._links[0], "_context"),
    "status": (lambda item: item._status, "_status_code"),
    "trace state": (lambda item: item._context.trace_state, "_dict"),
}


@pytest.mark.parametrize("place", PLACES)
def test_no_key_is_compared_on_the_fast_path(place: str) -> None:
    find, name = PLACES[place]
    here = context(trace_state=TraceState([("vendor", "1")]))
    hostile = span(
        context=here,
        attributes=BoundedAttributes(attributes={"a": 1}),
        events=BoundedList.from_seq(4, [Event("e", {"b": 2}, 1)]),
        links=BoundedList.from_seq(4, [Link(here, {"c": 3})]),
        status=Status(StatusCode.ERROR, "why"),
    )
    callers: set[str] = set()
    put_in_front(find(hostile), name, callers)
    batch = [span(), hostile, span()]
    expected = official_bytes(batch)
    callers.clear()

    def nobody_looks_up_here() -> bytes:
        return spanwire.encode_spans(batch)

    assert_same_bytes(nobody_looks_up_here(), expected)
    assert "nobody_looks_up_here" not in callers
