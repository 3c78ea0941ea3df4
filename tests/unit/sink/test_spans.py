"""Received spans, and traces as trees."""

from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.trace import SpanKind, StatusCode

from spanwire import _native
from spanwire.sink._trees import build_traces

# id, parent, name, start, end
Row = tuple[int, int, str, int, int]


def decode(rows: list[Row], trace: int = 1) -> list[_native.ReceivedSpan]:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for span, parent, name, start, end in rows:
        scope.spans.add(
            trace_id=trace.to_bytes(16, "big"),
            span_id=span.to_bytes(8, "big"),
            parent_span_id=parent.to_bytes(8, "big") if parent else b"",
            name=name,
            start_time_unix_nano=start,
            end_time_unix_nano=end,
        )
    return _native.decode_spans(request.SerializeToString())


def test_span_has_everything_that_was_sent() -> None:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add(schema_url="https://resource")
    resource.resource.attributes.add(key="service.name").value.string_value = "shop"
    scope = resource.scope_spans.add(schema_url="https://scope")
    scope.scope.name, scope.scope.version = "lib", "2"
    scope.scope.attributes.add(key="s").value.int_value = 1
    span: Any = scope.spans.add(
        trace_id=b"\xab" * 16, span_id=b"\xcd" * 8, parent_span_id=b"\xef" * 8, name="GET /", kind=2, flags=0x301,
        trace_state="a=b", start_time_unix_nano=5, end_time_unix_nano=2**64 - 1,
        dropped_attributes_count=1, dropped_events_count=2, dropped_links_count=3,
    )  # fmt: skip
    span.status.code, span.status.message = 2, "no"
    for key, value in (("b", True), ("i", -(2**63)), ("f", 0.5), ("s", "é")):
        kind = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value"}[type(value)]
        setattr(span.attributes.add(key=key).value, kind, value)
    span.attributes.add(key="y").value.bytes_value = b"\0"
    span.attributes.add(key="none")
    span.attributes.add(key="a").value.array_value.values.add().int_value = 7
    inner = span.attributes.add(key="m").value.kvlist_value.values.add(key="k")
    inner.value.array_value.SetInParent()
    span.events.add(name="e", time_unix_nano=6, dropped_attributes_count=4).attributes.add(key="x").value.int_value = 1
    span.links.add(trace_id=b"\x01" * 16, span_id=b"\x02" * 8, trace_state="c=d", flags=1).attributes.add(key="l")

    [received] = _native.decode_spans(request.SerializeToString())

    assert (received.name, received.kind, received.flags, received.trace_state) == (
        "GET /",
        SpanKind.SERVER,
        0x301,
        "a=b",
    )
    assert (received.trace_id, received.span_id, received.parent_span_id) == ("ab" * 16, "cd" * 8, "ef" * 8)
    assert (received.start_time, received.end_time) == (5, 2**64 - 1)
    assert (received.status.code, received.status.message) == (StatusCode.ERROR, "no")
    dropped = (received.dropped_attributes_count, received.dropped_events_count, received.dropped_links_count)
    assert dropped == (1, 2, 3)
    assert received.attributes == {
        "b": True, "i": -(2**63), "f": 0.5, "s": "é", "y": b"\0", "none": None, "a": (7,), "m": {"k": ()},
    }  # fmt: skip
    assert list(received.attributes) == ["b", "i", "f", "s", "y", "none", "a", "m"]
    [event], [link] = received.events, received.links
    assert (event.name, event.timestamp, event.attributes, event.dropped_attributes_count) == ("e", 6, {"x": 1}, 4)
    assert (link.trace_id, link.span_id, link.trace_state, link.flags) == ("01" * 16, "02" * 8, "c=d", 1)
    assert link.attributes == {"l": None}
    assert received.resource_attributes == {"service.name": "shop"}
    assert (received.scope_name, received.scope_version, received.scope_attributes) == ("lib", "2", {"s": 1})
    assert (received.resource_schema_url, received.scope_schema_url) == ("https://resource", "https://scope")
    assert received.serialized == span.SerializeToString()
    assert repr(received) == f'<ReceivedSpan "GET /", trace {"ab" * 16}, span {"cd" * 8}>'


def test_what_was_not_sent_has_its_default() -> None:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add()
    [received] = _native.decode_spans(request.SerializeToString())
    assert (received.name, received.kind, received.parent_span_id, received.trace_state) == ("", 0, None, "")
    assert (received.attributes, received.events, received.links) == ({}, [], [])
    assert (received.status.code, received.status.message) == (StatusCode.UNSET, "")
    assert (received.resource_attributes, received.scope_name, received.scope_attributes) == ({}, "", {})


def test_numbers_without_a_name_stay_numbers() -> None:
    request = ExportTraceServiceRequest()
    span: Any = request.resource_spans.add().scope_spans.add().spans.add(kind=77)
    span.status.code = -1
    [received] = _native.decode_spans(request.SerializeToString())
    assert (received.kind, received.status.code) == (77, -1)


def test_malformed_request_is_a_value_error_with_the_offset() -> None:
    with pytest.raises(ValueError, match="malformed OTLP: a length of 9 with 0 bytes left at byte 1"):
        _native.decode_spans(b"\x0a\x09")


def test_trace_is_a_tree_in_order_of_start() -> None:
    rows: list[Row] = [
        (3, 1, "render", 50_000, 90_000),
        (1, 0, "GET /", 0, 100_000),
        (4, 2, "SELECT", 20_000, 20_900),
        (2, 1, "load", 10_000, 40_000),
    ]
    [trace] = build_traces(decode(rows))
    assert str(trace).splitlines()[1:] == [
        "GET /  100 µs",
        "├─ load  30 µs",
        "│  └─ SELECT  900 ns",
        "└─ render  40 µs",
    ]
    assert [span.name for span in trace.spans] == ["GET /", "load", "SELECT", "render"]


def test_traces_come_in_the_order_of_their_first_span() -> None:
    spans = decode([(1, 0, "a", 5, 6)], trace=7) + decode([(1, 0, "b", 1, 2)], trace=3)
    assert [trace.roots[0].span.name for trace in build_traces(spans)] == ["a", "b"]


def test_span_without_its_parent_is_a_root() -> None:
    [trace] = build_traces(decode([(2, 1, "orphan", 5, 6), (3, 2, "child", 5, 6)]))
    assert [root.span.name for root in trace.roots] == ["orphan"]
    assert [node.span.name for node in trace.roots[0].children] == ["child"]


@pytest.mark.parametrize(
    "rows, expected",
    [
        ([(1, 1, "own parent", 0, 1)], ["own parent"]),
        ([(1, 2, "a", 1, 2), (2, 1, "b", 0, 1)], ["b", "a"]),
        ([(1, 2, "a", 0, 1), (2, 3, "b", 1, 1), (3, 1, "c", 2, 1), (4, 2, "d", 3, 1)], ["a", "c", "b", "d"]),
    ],
)
def test_spans_in_a_ring_are_all_shown_once(rows: list[Row], expected: list[str]) -> None:
    [trace] = build_traces(decode(rows))
    assert [span.name for span in trace.spans] == expected
    assert len(trace.roots) == 1


def test_span_that_came_twice_is_there_twice() -> None:
    rows: list[Row] = [(1, 0, "root", 0, 9), (2, 1, "leaf", 1, 2)]
    [trace] = build_traces(decode(rows + rows))
    assert [len(root.children) for root in trace.roots] == [2, 0]


def test_deep_trace_needs_no_recursion() -> None:
    [trace] = build_traces(decode([(number, number - 1, "n", number, number) for number in range(1, 5000)]))
    assert len(trace.spans) == 4999
    assert str(trace).count("\n") == 4999


def test_received_names_cannot_steer_the_terminal() -> None:
    [trace] = build_traces(decode([(1, 0, "a\x1b[2J\nb", 0, 1)]))
    assert "\x1b" not in str(trace)
    assert str(trace).count("\n") == 1
