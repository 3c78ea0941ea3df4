"""After the end nothing changes, and each call says so in the SDK's words."""

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.trace import Status, StatusCode

from tests.conformance.trace.sides import Side, described, same

CALLS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "set_attribute": (lambda span: span.set_attribute("a", 1), "Setting attribute on ended span."),
    "set_attributes": (lambda span: span.set_attributes({"a": 1}), "Setting attribute on ended span."),
    "add_event": (lambda span: span.add_event("e", {"a": 1}), "Tried calling _add_event on an ended span."),
    "add_link": (lambda span: span.add_link(span.context), "Tried calling _add_link on an ended span."),
    "update_name": (lambda span: span.update_name("new"), "Tried calling update_name on an ended span."),
    "set_status": (lambda span: span.set_status(StatusCode.ERROR), "Tried calling set_status on an ended span."),
    "set_status with a status": (
        lambda span: span.set_status(Status(StatusCode.ERROR, "x"), "y"),
        "Tried calling set_status on an ended span.",
    ),
    "record_exception": (
        lambda span: span.record_exception(ValueError("x")),
        "Tried calling _add_event on an ended span.",
    ),
    "end": (lambda span: span.end(), "Calling end() on an ended span."),
    "end with a time": (lambda span: span.end(5), "Calling end() on an ended span."),
    "start": (lambda span: span.start(), "Calling start() on a started span."),
}


@pytest.mark.parametrize("call, text", CALLS.values(), ids=CALLS)
def test_a_call_after_the_end_warns_and_changes_nothing(call: Callable[[Any], Any], text: str) -> None:
    def scenario(side: Side) -> Any:
        span = side.tracer().start_span("name", attributes={"kept": 1})
        span.add_event("kept")
        span.end(1_000)
        before = described(span), span.end_time
        returned = call(span)
        return returned, before == (described(span), span.end_time)

    seen = same(scenario)
    assert seen.result == (None, True)
    assert seen.logged == [("opentelemetry.sdk.trace", "WARNING", text)]
    assert len(seen.spans) == 1


def test_every_call_warns_not_only_the_first() -> None:
    def scenario(side: Side) -> None:
        span = side.span()
        for _ in range(3):
            span.end()
            span.set_attribute("a", 1)

    assert len(same(scenario).texts) == 5


def test_a_link_that_is_none_is_ignored_silently_after_the_end_too() -> None:
    from opentelemetry.trace import INVALID_SPAN_CONTEXT

    def scenario(side: Side) -> None:
        span = side.span()
        span.end()
        span.add_link(INVALID_SPAN_CONTEXT)

    assert same(scenario).texts == []


def test_leaving_a_block_after_the_end_warns() -> None:
    def scenario(side: Side) -> None:
        with side.span() as span:
            span.end()
        with side.tracer().start_as_current_span("current") as span:
            span.end()

    assert same(scenario).texts == ["Calling end() on an ended span."] * 2


def test_is_recording_tells_until_the_end() -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        before = span.is_recording()
        span.end()
        return before, span.is_recording()

    assert same(scenario).result == (True, False)


def test_setting_attributes_says_what_is_wrong_with_a_value_before_or_after_the_end_as_the_sdk() -> None:
    def scenario(side: Side) -> None:
        span = side.span()
        span.end()
        span.set_attribute(None, object())
        span.set_attributes({None: object()})
        span.add_event("event", {"": object()})
        span.add_link(span.get_span_context(), {"": object()})

    seen = same(scenario)
    assert seen.texts[:2] == ["Setting attribute on ended span."] * 2
