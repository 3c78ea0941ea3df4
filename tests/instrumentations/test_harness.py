"""The comparison finds what differs: one difference planted for each field of a span, of a tree and of a text."""

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from spanwire._native import decode_spans
from tests.instrumentations.compare import Text, differences, text_differences
from tests.instrumentations.observed import TOLERANCE, Sent

BEGAN = 1_764_000_000_000_000_000
TRACES = [bytes([number]) * 16 for number in (1, 2)]


def identifier(number: int) -> bytes:
    return number.to_bytes(8, "big")


def request() -> ExportTraceServiceRequest:
    """Two traces of three spans: a root and two below it; the second's last one links to the first's root."""
    message = ExportTraceServiceRequest()
    group = message.resource_spans.add(schema_url="https://schemas/1")
    group.resource.attributes.append(attribute("service.name", "program"))
    scope = group.scope_spans.add(schema_url="https://schemas/2")
    scope.scope.name, scope.scope.version = "scope", "1.0"
    scope.scope.attributes.append(attribute("of", "scope"))
    for trace, trace_id in enumerate(TRACES):
        for place, name in enumerate(("root", "left", "right")):
            span = scope.spans.add(
                trace_id=trace_id,
                span_id=identifier(10 * trace + place + 1),
                name=name,
                kind=Span.SPAN_KIND_SERVER,
                start_time_unix_nano=BEGAN + place,
                end_time_unix_nano=BEGAN + 100,
                attributes=[attribute("a", 1), attribute("b", "text"), attribute("trace", trace)],
                flags=0x100,
            )
            if place:
                span.parent_span_id = identifier(10 * trace + 1)
    event = last(message).events.add(name="exception", time_unix_nano=BEGAN + 50)
    event.attributes.append(attribute("exception.message", "bad"))
    link = last(message).links.add(trace_id=TRACES[0], span_id=identifier(1), flags=0x100)
    link.attributes.append(attribute("why", "caused by"))
    return message


def attribute(key: str, value: Any) -> KeyValue:
    if isinstance(value, str):
        return KeyValue(key=key, value=AnyValue(string_value=value))
    if isinstance(value, bool):
        return KeyValue(key=key, value=AnyValue(bool_value=value))
    if isinstance(value, float):
        return KeyValue(key=key, value=AnyValue(double_value=value))
    if isinstance(value, list):
        return KeyValue(
            key=key, value=AnyValue(array_value=ArrayValue(values=[attribute("", one).value for one in value]))
        )
    return KeyValue(key=key, value=AnyValue(int_value=value))


def last(message: ExportTraceServiceRequest) -> Span:
    return message.resource_spans[0].scope_spans[0].spans[-1]


def received(message: ExportTraceServiceRequest, *, native: bool = False) -> Sent:
    return Sent(decode_spans(message.SerializeToString()), began=BEGAN, ended=BEGAN + 100, native=native)


def with_attribute(value: Any, key: str = "a") -> Callable[[ExportTraceServiceRequest], Any]:
    def plant(message: ExportTraceServiceRequest) -> None:
        last(message).attributes[0].CopyFrom(attribute(key, value))

    return plant


def set_field(name: str, value: Any) -> Callable[[ExportTraceServiceRequest], Any]:
    return lambda message: setattr(last(message), name, value)


def swap_attributes(message: ExportTraceServiceRequest) -> None:
    found = list(last(message).attributes)
    del last(message).attributes[:]
    last(message).attributes.extend(reversed(found))


def scope_of(message: ExportTraceServiceRequest) -> Any:
    return message.resource_spans[0].scope_spans[0]


def set_parent(number: int) -> Callable[[ExportTraceServiceRequest], Any]:
    return set_field("parent_span_id", identifier(number))


def other_epoch(message: ExportTraceServiceRequest) -> None:
    for time in (last(message), *last(message).events):
        for name in ("start_time_unix_nano", "end_time_unix_nano", "time_unix_nano"):
            if hasattr(time, name):
                setattr(time, name, getattr(time, name) - BEGAN + 1)


Plant = Callable[[ExportTraceServiceRequest], Any]

PLANTED: dict[str, tuple[str, Plant]] = {
    "name": ("span", set_field("name", "other")),
    "kind": ("kind", set_field("kind", Span.SPAN_KIND_CLIENT)),
    "status": ("status", lambda message: setattr(last(message).status, "code", 2)),
    "status message": ("status", lambda message: setattr(last(message).status, "message", "bad")),
    "value of an attribute": ("attributes", with_attribute(2)),
    "type of an attribute: bool": ("attributes", with_attribute(True)),
    "type of an attribute: float": ("attributes", with_attribute(1.0)),
    "type of an attribute: text": ("attributes", with_attribute("int 1")),
    "array": ("attributes", with_attribute([1])),
    "key of an attribute": ("attributes", with_attribute(1, "c")),
    "one attribute more": ("attributes", lambda message: last(message).attributes.append(attribute("c", 1))),
    "one attribute less": ("attributes", lambda message: last(message).attributes.pop()),
    "order of attributes": ("attributes", swap_attributes),
    "dropped attributes": ("dropped attributes", set_field("dropped_attributes_count", 1)),
    "name of an event": ("events", lambda message: setattr(last(message).events[0], "name", "other")),
    "attribute of an event": ("events", lambda message: last(message).events[0].attributes.pop()),
    "dropped attributes of an event": (
        "events",
        lambda message: setattr(last(message).events[0], "dropped_attributes_count", 1),
    ),
    "one event less": ("events", lambda message: last(message).events.pop()),
    "dropped events": ("dropped events", set_field("dropped_events_count", 1)),
    "target of a link": ("links", lambda message: setattr(last(message).links[0], "span_id", identifier(2))),
    "trace of a link": ("links", lambda message: setattr(last(message).links[0], "trace_id", TRACES[1])),
    "attribute of a link": ("links", lambda message: last(message).links[0].attributes.pop()),
    "dropped attributes of a link": (
        "links",
        lambda message: setattr(last(message).links[0], "dropped_attributes_count", 1),
    ),
    "remote flag of a link": ("links", lambda message: setattr(last(message).links[0], "flags", 0x300)),
    "one link less": ("links", lambda message: last(message).links.pop()),
    "dropped links": ("dropped links", set_field("dropped_links_count", 1)),
    "remote flag": ("flags", set_field("flags", 0x300)),
    "a flag of W3C's that is none": ("flags", set_field("flags", 0x102)),
    "trace state": ("trace state", set_field("trace_state", "a=b")),
    "end before start": ("times", set_field("end_time_unix_nano", 5)),
    "event after the end": (
        "times",
        lambda message: setattr(last(message).events[0], "time_unix_nano", BEGAN + 101),
    ),
    "another epoch": ("times", other_epoch),
    "an hour late": ("times", set_field("end_time_unix_nano", BEGAN + 3600 * 10**9)),
    "scope": ("scope", lambda message: setattr(scope_of(message).scope, "name", "other")),
    "scope's version": ("scope", lambda message: setattr(scope_of(message).scope, "version", "2.0")),
    "scope's schema": ("scope", lambda message: setattr(scope_of(message), "schema_url", "https://schemas/3")),
    "scope's attributes": ("scope", lambda message: scope_of(message).scope.attributes.pop()),
    "scope's dropped attributes": (
        "scope",
        lambda message: setattr(scope_of(message).scope, "dropped_attributes_count", 1),
    ),
    "resource": ("resource", lambda message: message.resource_spans[0].resource.attributes.pop()),
    "resource's schema": ("resource", lambda message: setattr(message.resource_spans[0], "schema_url", "")),
    "resource's dropped attributes": (
        "resource",
        lambda message: setattr(message.resource_spans[0].resource, "dropped_attributes_count", 1),
    ),
    "no parent": ("span", set_parent(0)),
    "a parent that did not come": ("span", set_parent(99)),
    "below its sibling": ("span", set_parent(12)),
    "in a trace of its own": ("span", set_field("trace_id", b"\3" * 16)),
    "in the other trace": ("span", set_field("trace_id", TRACES[0])),
    "a span less": ("span", lambda message: scope_of(message).spans.pop()),
    "a span twice as another": (
        "span",
        lambda message: scope_of(message).spans.add(trace_id=TRACES[1], span_id=identifier(77), name="right"),
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_difference_is_found_and_called_by_its_field(planted: str) -> None:
    field, plant = PLANTED[planted]
    other = request()
    plant(other)
    for sdk, ours in ((request(), other), (other, request())):
        found = differences(received(sdk), received(ours))
        assert field in {one.field for one in found}, found


def test_ids_times_and_the_order_of_siblings_and_traces_are_no_difference() -> None:
    other = request()
    spans = list(scope_of(other).spans)
    del scope_of(other).spans[:]
    for span in reversed(spans):
        span.trace_id = bytes(255 - byte for byte in span.trace_id)
        span.span_id = bytes(255 - byte for byte in span.span_id)
        span.start_time_unix_nano += 7
        if span.parent_span_id:
            span.parent_span_id = bytes(255 - byte for byte in span.parent_span_id)
        for link in span.links:
            link.trace_id = bytes(255 - byte for byte in link.trace_id)
            link.span_id = bytes(255 - byte for byte in link.span_id)
    scope_of(other).spans.extend(spans)
    assert differences(received(request()), received(other)) == []


def test_equal_spans_below_the_wrong_ones_of_two_equal_parents_are_a_difference() -> None:
    """Every span has a twin at its place by name; only whole trees tell."""

    def trees(below: tuple[int, int, int, int]) -> Sent:
        message = ExportTraceServiceRequest()
        spans = message.resource_spans.add().scope_spans.add().spans
        for number, parent, name in ((1, 0, "root"), (2, 1, "middle"), (3, 1, "middle")):
            spans.add(trace_id=TRACES[0], span_id=identifier(number), parent_span_id=identifier(parent), name=name)
        for number, (parent, name) in enumerate(zip(below, "aabb", strict=True)):
            spans.add(trace_id=TRACES[0], span_id=identifier(9 + number), parent_span_id=identifier(parent), name=name)
        return received(message)

    assert differences(trees((2, 2, 3, 3)), trees((3, 3, 2, 2))) == []
    assert [one.field for one in differences(trees((2, 2, 3, 3)), trees((2, 3, 2, 3)))] == ["structure"]


def test_native_spans_must_have_the_flags_of_w3c() -> None:
    other = request()
    assert {one.field for one in differences(received(request()), received(other, native=True))} == {"flags"}
    for span in scope_of(other).spans:
        span.flags = 0x101
    assert differences(received(request()), received(other, native=True)) == []


def test_a_clock_may_go_a_little_wrong() -> None:
    other = request()
    for span in scope_of(other).spans:
        span.start_time_unix_nano -= TOLERANCE
    assert differences(received(request()), received(other)) == []


def test_a_line_that_only_one_has_is_a_difference() -> None:
    same = "GET http://127.0.0.1:5000/ took 0x7f0012345678\n"
    other = same.replace("5000", "41234").replace("7f00", "7f01")
    assert text_differences("stderr", Text(same), Text(other)) == []
    (found,) = text_differences("stderr", Text(same), Text(same + "Warning: late\n"))
    assert (found.where, found.sdk, found.ours) == ("stderr", "has no such line", "Warning: late")


def test_lines_may_be_in_another_order_only_where_threads_write_them() -> None:
    one, other = Text("first\nsecond\n"), Text("second\nfirst\n")
    assert text_differences("stdout", one, other) == []
    (found,) = text_differences("stdout", one, other, ordered=True)
    assert (found.field, found.sdk, found.ours) == ("order", "first", "second")


def other_ids() -> Sent:
    """The same spans in another run."""
    message = request()
    for span in scope_of(message).spans:
        for name in ("trace_id", "span_id", "parent_span_id"):
            setattr(span, name, bytes(255 - byte for byte in getattr(span, name)))
    return received(message)


@pytest.mark.parametrize(
    ("sdk", "ours", "same"),
    [
        ((0, 1), (0, 1), True),
        ((0, 1), (0, 2), False),  # another span's id
        ((0, 1), (1, 1), True),  # another trace, of the same names: what its spans are compares the trees
    ],
)
def test_an_id_is_whose_it_is(sdk: tuple[int, int], ours: tuple[int, int], same: bool) -> None:
    def printed(sent: Sent, trace: int, span: int) -> Text:
        spans = sent.spans
        return Text(f"trace={spans[3 * trace].trace_id} span={spans[span].span_id}\n", sent.ids)

    found = text_differences("stdout", printed(received(request()), *sdk), printed(other_ids(), *ours))
    assert (found == []) is same


@pytest.mark.parametrize("length", [16, 32])
def test_unknown_ids_are_told_apart_and_zeros_are_none(length: int) -> None:
    one, two, three = ("0123456789abcdef" * 2)[:length], ("123456789abcdef0" * 2)[:length], "a" * length
    zeros = "0" * length
    for sdk, ours, same in (
        (one, two, True),
        (f"{one} {one}", f"{two} {two}", True),
        (f"{one} {one}", f"{one} {two}", False),
        (one, zeros, False),
        (three, three, True),
        (three, one, False),
    ):
        assert (text_differences("stdout", Text(sdk), Text(ours)) == []) is same, (sdk, ours)
    below = f"{one}\n{one}\n", f"{one}\n{two}\n"
    assert text_differences("stdout", *map(Text, below)) == []
    assert len(text_differences("stdout", *map(Text, below), ordered=True)) == 1


def test_a_span_that_came_twice_is_an_error() -> None:
    once = received(request())
    twice = Sent([*once.spans, *once.spans], once.began, once.ended)
    with pytest.raises(ValueError, match="6 spans came twice"):
        differences(twice, twice)
