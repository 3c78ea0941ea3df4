"""Limits of number and length, by argument and by environment; what is evicted, counted and said."""

from typing import Any

import pytest
from opentelemetry.sdk.trace import SpanLimits

from tests.conformance.trace.sides import Side, same, typed

FULL = "Attributes dict is full. Dropping the oldest key-value pair"


def test_a_full_map_of_attributes_evicts_the_oldest_warns_and_counts_it() -> None:
    def scenario(side: Side) -> Any:
        span = side.span(span_limits=SpanLimits(max_span_attributes=2))
        for key in "abcd":
            span.set_attribute(key, 1)
        return list(span.attributes), span.dropped_attributes

    seen = same(scenario)

    assert seen.result == (["c", "d"], 2)
    assert [text[: len(FULL)] for text in seen.texts] == [FULL] * 2


def test_replacing_at_the_limit_evicts_nothing() -> None:
    def scenario(side: Side) -> Any:
        span = side.span(span_limits=SpanLimits(max_span_attributes=2))
        for key in "abab":
            span.set_attribute(key, 1)
        return list(span.attributes), span.dropped_attributes

    seen = same(scenario)
    assert seen.result == (["a", "b"], 0)
    assert seen.texts == []


@pytest.mark.parametrize("way", ["start", "set_attributes", "set_attribute"])
@pytest.mark.parametrize("most", [0, 1, 3, 128, None])
def test_every_way_to_set_attributes_counts_alike(way: str, most: int | None) -> None:
    given = {f"key {index}": index for index in range(5)}

    def scenario(side: Side) -> Any:
        limits = SpanLimits(max_span_attributes=SpanLimits.UNSET if most is None else most)
        tracer = side.tracer(span_limits=limits)
        span = tracer.start_span("name", attributes=given if way == "start" else None)
        if way == "set_attributes":
            span.set_attributes(given)
        elif way == "set_attribute":
            for key, value in given.items():
                span.set_attribute(key, value)
        span.end()
        return len(span.attributes), span.dropped_attributes

    kept = 5 if most is None else min(most, 5)
    assert same(scenario).result == (kept, 5 - kept)


def test_the_default_limit_is_128_attributes_events_and_links() -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        for index in range(130):
            span.set_attribute(f"key {index}", index)
            span.add_event(f"event {index}")
            span.add_link(span.get_span_context(), {"index": index})
        span.end()
        return span.dropped_attributes, span.dropped_events, span.dropped_links, span.events[0].name, len(span.links)

    assert same(scenario).result == (2, 2, 2, "event 2", 128)


def test_without_a_limit_everything_is_kept_in_order() -> None:
    def scenario(side: Side) -> Any:
        unset = SpanLimits.UNSET
        span = side.span(
            span_limits=SpanLimits(max_span_attributes=unset, max_attributes=unset, max_events=unset, max_links=unset)
        )
        for index in range(300):
            span.set_attribute(f"key {index % 290}", index)
            span.add_event(f"event {index}")
        return list(span.attributes.items()), len(span.events)

    assert same(scenario).result[1] == 300


@pytest.mark.parametrize("most", [0, 1, 2])
def test_the_oldest_event_and_link_is_evicted_when_full(most: int) -> None:
    def scenario(side: Side) -> Any:
        span = side.span(span_limits=SpanLimits(max_events=most, max_links=most))
        for index in range(3):
            span.add_event(f"event {index}")
            span.add_link(span.get_span_context(), {"index": index})
        span.end()
        return [event.name for event in span.events], [typed(link.attributes) for link in span.links]

    seen = same(scenario)
    assert seen.result[0] == [f"event {index}" for index in range(3 - most, 3)]
    assert seen.spans[0]["dropped"] == (0, 3 - most, 3 - most)


def test_links_at_the_start_are_limited_too() -> None:
    from opentelemetry.trace import Link

    def scenario(side: Side) -> Any:
        tracer = side.tracer(span_limits=SpanLimits(max_links=2))
        context = tracer.start_span("other").get_span_context()
        span = tracer.start_span("name", links=[Link(context, {"index": index}) for index in range(5)])
        span.end()
        return [link.attributes["index"] for link in span.links], span.dropped_links

    assert same(scenario).result == ([3, 4], 3)


@pytest.mark.parametrize("most", [0, 1, 2])
def test_attributes_of_events_and_links_have_limits_of_their_own(most: int) -> None:
    def scenario(side: Side) -> Any:
        span = side.span(span_limits=SpanLimits(max_event_attributes=most, max_link_attributes=most))
        span.add_event("event", {"a": 1, "b": 2, "c": 3})
        span.add_link(span.get_span_context(), {"a": 1, "b": 2, "c": 3})
        span.end()
        (event,), (link,) = span.events, span.links
        return list(event.attributes), event.dropped_attributes, list(link.attributes), link.dropped_attributes

    kept = list("abc")[3 - most :]
    assert same(scenario).result == (kept, 3 - most, kept, 3 - most)


def test_an_invalid_key_of_an_event_counts_as_dropped() -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        span.add_event("event", {"": 1, None: 2, 3: "three", "a": 4})
        span.end()
        return list(span.events[0].attributes), span.events[0].dropped_attributes

    assert same(scenario).result == (["3", "a"], 2)


LONG: dict[str, Any] = {
    "str": "abcdef",
    "beyond ASCII": "äöüß世界",
    "beyond the BMP": "🌍🌎🌏🌐",
    "just as long": "abc",
    "list": ["abcdef", "ab", ["abcdef"]],
    "mapping": {"a long key": "abcdef", "deeper": {"list": ["abcdef"]}},
    "bytes": b"abcdef",
    "int": 123456,
}


@pytest.mark.parametrize("value", LONG.values(), ids=LONG)
@pytest.mark.parametrize("length", [0, 1, 3])
def test_a_str_is_cut_to_the_limit_at_any_depth_with_a_warning(value: Any, length: int) -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer(span_limits=SpanLimits(max_span_attribute_length=length, max_attribute_length=length))
        span = tracer.start_span("a name is not cut", attributes={"start": value})
        span.set_attribute("one", value)
        span.set_attributes({"many": value})
        span.add_event("an event's name neither", {"event": value})
        span.add_link(span.get_span_context(), {"link": value})
        span.end()
        return typed(span.attributes["one"])

    seen = same(scenario)
    if isinstance(value, str):
        assert seen.result == typed(value[:length])
    if isinstance(value, (bytes, int)):
        assert seen.result == typed(value)
        assert seen.texts == []


def test_spans_and_their_events_can_have_different_lengths() -> None:
    def scenario(side: Side) -> Any:
        span = side.span(span_limits=SpanLimits(max_span_attribute_length=2, max_attribute_length=4))
        span.set_attribute("key", "abcdef")
        span.add_event("event", {"key": "abcdef"})
        span.end()
        return span.attributes["key"], span.events[0].attributes["key"]

    assert same(scenario).result == ("ab", "abcd")


ENVIRONMENT = {
    "OTEL_ATTRIBUTE_COUNT_LIMIT": "3",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "2",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "1",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "0",
    "OTEL_SPAN_EVENT_COUNT_LIMIT": "1",
    "OTEL_SPAN_LINK_COUNT_LIMIT": "2",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "4",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "2",
}


@pytest.mark.parametrize(
    "names", [[name] for name in ENVIRONMENT] + [list(ENVIRONMENT)], ids=lambda names: names[0][5:]
)
def test_limits_come_from_the_environment(names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in names:
        monkeypatch.setenv(name, ENVIRONMENT[name])

    def scenario(side: Side) -> None:
        many = dict.fromkeys("abcde", "abcdefgh")
        span = side.span()
        span.set_attributes(many)
        for index in range(4):
            span.add_event(f"event {index}", many)
            span.add_link(span.get_span_context(), many)
        span.end()

    def unlimited(seen: Any) -> bool:
        (span,) = seen.spans
        return not any(span["dropped"]) and "abcdefgh" in str(span["attributes"]) and "abcdefgh" in str(span["events"])

    seen = same(scenario)
    for name in names:
        monkeypatch.delenv(name)
    assert unlimited(same(scenario))
    assert seen.spans != same(scenario).spans


def test_a_limit_in_the_environment_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SPAN_EVENT_COUNT_LIMIT", "-1")
    seen = same(lambda side: side.provider())
    assert seen.raised == ("ValueError", "OTEL_SPAN_EVENT_COUNT_LIMIT must be a non-negative integer but got -1")
