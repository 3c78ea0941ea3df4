"""Reading a span back makes Python objects, which may collect garbage, and finalizers may write to that very span."""

import gc
from collections.abc import Callable
from typing import Any

import pytest

import spanwire.trace


class Garbage:
    """A cycle whose finalizer, run by the collector, does something to a span."""

    def __init__(self, act: Callable[[], None]) -> None:
        self.act, self.itself = act, self

    def __del__(self) -> None:
        self.act()


@pytest.mark.slow
@pytest.mark.parametrize("what", ["attributes", "events", "links", "to_json"])
@pytest.mark.parametrize("ending", [False, True], ids=["writes", "writes and ends"])
def test_finalizers_that_write_to_the_span_that_is_read(what: str, ending: bool) -> None:
    span: Any = spanwire.trace.TracerProvider(shutdown_on_exit=False).get_tracer("scope").start_span("name")
    link = span.get_span_context()
    for number in range(40):
        span.set_attribute(f"key {number}", ["text", {"nested": [number, "x" * 50]}])
        span.add_event(f"event {number}", {"list": [[number], ["x" * 50]]})
        span.add_link(link, {"list": [[number], ["x" * 50]]})

    ran: list[int] = []

    def act() -> None:
        ran.append(1)
        for number in range(40):
            # Replaced by longer ones, so that the record's memory moves.
            span.set_attribute(f"key {number}", "y" * 5000)
            span.add_event("more", {"text": "y" * 5000})
            span.add_link(link, {"text": "y" * 5000})
        if ending:
            span.end()

    def read() -> Any:
        value = getattr(span, what)
        return (
            value()
            if callable(value)
            else [repr(item) for item in (value.items() if hasattr(value, "items") else value)]
        )

    thresholds = gc.get_threshold()
    try:
        for _ in range(20):
            Garbage(act)
            gc.set_threshold(1)
            seen = read()
            gc.set_threshold(*thresholds)
            assert seen
            gc.collect()
    finally:
        gc.set_threshold(*thresholds)
    assert len(ran) == 20
    assert len(span.attributes) == 40
