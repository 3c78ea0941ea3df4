"""Spans as plain tuples, from protobuf and from the Collector's JSON, so that the two can be compared field by field.

Everything is kept: an unknown JSON name is an error, an absent field is its protobuf default, attributes keep their order and
their type (1, 1.0 and True differ).
"""

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

Value = tuple[Any, ...]
Attributes = tuple[tuple[str, Value], ...]


class Group(NamedTuple):
    """A resource or a scope: what it is called and what it says of itself."""

    name: str
    version: str
    attributes: Attributes
    dropped_attributes: int
    schema_url: str


class Event(NamedTuple):
    time_ns: int
    name: str
    attributes: Attributes
    dropped_attributes: int


class Link(NamedTuple):
    trace_id: bytes
    span_id: bytes
    trace_state: str
    attributes: Attributes
    dropped_attributes: int
    flags: int


class Span(NamedTuple):
    resource: Group
    scope: Group
    trace_id: bytes
    span_id: bytes
    trace_state: str
    parent_span_id: bytes
    flags: int
    name: str
    kind: int
    start_ns: int
    end_ns: int
    attributes: Attributes
    dropped_attributes: int
    events: tuple[Event, ...]
    dropped_events: int
    links: tuple[Link, ...]
    dropped_links: int
    status: tuple[int, str]


def compare(sent: Iterable[Span], received: Iterable[Span]) -> str:
    """Empty if both are the same multiset; else what differs, one span in full."""
    left, right = Counter(sent), Counter(received)
    if left == right:
        return ""
    lost, extra = list((left - right).elements()), list((right - left).elements())
    text = [f"{len(lost)} spans sent were not received as they were, {len(extra)} received were not sent so"]
    if lost:
        first = lost[0]
        twin = next((span for span in extra if span.span_id == first.span_id), None)
        text.append(f"first: {first.name!r} {first.trace_id.hex()}/{first.span_id.hex()}")
        if twin is None:
            text.append("  no span of this id was received")
        else:
            text += _differences(first, twin)
    elif extra:
        text.append(f"first: {extra[0]!r}")
    return "\n".join(text)


def _differences(ours: Span, theirs: Span) -> Iterator[str]:
    for field, sent, received in zip(Span._fields, ours, theirs, strict=True):
        if sent == received:
            continue
        if field == "attributes" and len(ours.attributes) == len(theirs.attributes):
            for left, right in zip(ours.attributes, theirs.attributes, strict=True):
                if left != right:
                    yield f"  attributes: sent {left!r}, received {right!r}"
        else:
            yield f"  {field}: sent {sent!r}, received {received!r}"


# --- protobuf ---


def from_message(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for by_resource in request.resource_spans:
        resource = Group(
            "",
            "",
            _attributes(by_resource.resource.attributes),
            by_resource.resource.dropped_attributes_count,
            by_resource.schema_url,
        )
        for by_scope in by_resource.scope_spans:
            scope = Group(
                by_scope.scope.name,
                by_scope.scope.version,
                _attributes(by_scope.scope.attributes),
                by_scope.scope.dropped_attributes_count,
                by_scope.schema_url,
            )
            for span in by_scope.spans:
                yield _span(resource, scope, span)


def _span(resource: Group, scope: Group, span: trace_pb2.Span) -> Span:
    return Span(
        resource,
        scope,
        span.trace_id,
        span.span_id,
        span.trace_state,
        span.parent_span_id,
        span.flags,
        span.name,
        span.kind,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        _attributes(span.attributes),
        span.dropped_attributes_count,
        tuple(
            Event(one.time_unix_nano, one.name, _attributes(one.attributes), one.dropped_attributes_count)
            for one in span.events
        ),
        span.dropped_events_count,
        tuple(
            Link(
                one.trace_id,
                one.span_id,
                one.trace_state,
                _attributes(one.attributes),
                one.dropped_attributes_count,
                one.flags,
            )
            for one in span.links
        ),
        span.dropped_links_count,
        (span.status.code, span.status.message),
    )


def _attributes(pairs: Iterable[common_pb2.KeyValue]) -> Attributes:
    return tuple((pair.key, _value(pair.value)) for pair in pairs)


def _value(value: common_pb2.AnyValue) -> Value:
    kind = value.WhichOneof("value")
    if kind is None:
        return ()
    if kind == "array_value":
        return ("array", tuple(_value(one) for one in value.array_value.values))
    if kind == "kvlist_value":
        return ("map", _attributes(value.kvlist_value.values))
    if kind == "double_value":
        return ("double", repr(value.double_value))  # nan equals itself, -0.0 differs from 0.0
    return (kind.removesuffix("_value"), getattr(value, kind))


# --- the Collector's JSON ---


def from_json(lines: Iterable[bytes]) -> Iterator[Span]:
    for line in lines:
        request = json.loads(line)
        _only(request, {"resourceSpans"})
        for by_resource in request["resourceSpans"]:
            _only(by_resource, {"resource", "scopeSpans", "schemaUrl"})
            resource = _json_group(by_resource.get("resource", {}), by_resource)
            for by_scope in by_resource.get("scopeSpans", ()):
                _only(by_scope, {"scope", "spans", "schemaUrl"})
                scope = _json_group(by_scope.get("scope", {}), by_scope)
                for span in by_scope.get("spans", ()):
                    yield _json_span(resource, scope, span)


_GROUP = frozenset({"name", "version", "attributes", "droppedAttributesCount"})
_SPAN = frozenset(
    {"traceId", "spanId", "traceState", "parentSpanId", "flags", "name", "kind", "startTimeUnixNano", "endTimeUnixNano"}
    | {"attributes", "droppedAttributesCount", "events", "droppedEventsCount", "links", "droppedLinksCount", "status"}
)
_EVENT = frozenset({"timeUnixNano", "name", "attributes", "droppedAttributesCount"})
_LINK = frozenset({"traceId", "spanId", "traceState", "attributes", "droppedAttributesCount", "flags"})
_STATUS = frozenset({"code", "message"})
_PAIR = frozenset({"key", "value"})


def _only(found: dict[str, Any], known: frozenset[str] | set[str]) -> None:
    assert found.keys() <= known, f"unknown fields: {sorted(found.keys() - known)}"


def _json_group(group: dict[str, Any], around: dict[str, Any]) -> Group:
    _only(group, _GROUP)
    return Group(
        group.get("name", ""),
        group.get("version", ""),
        _json_attributes(group),
        group.get("droppedAttributesCount", 0),
        around.get("schemaUrl", ""),
    )


def _json_span(resource: Group, scope: Group, span: dict[str, Any]) -> Span:
    _only(span, _SPAN)
    status = span.get("status", {})
    _only(status, _STATUS)
    return Span(
        resource,
        scope,
        bytes.fromhex(span.get("traceId", "")),
        bytes.fromhex(span.get("spanId", "")),
        span.get("traceState", ""),
        bytes.fromhex(span.get("parentSpanId", "")),
        span.get("flags", 0),
        span.get("name", ""),
        span.get("kind", 0),
        int(span.get("startTimeUnixNano", 0)),
        int(span.get("endTimeUnixNano", 0)),
        _json_attributes(span),
        span.get("droppedAttributesCount", 0),
        tuple(_json_event(one) for one in span.get("events", ())),
        span.get("droppedEventsCount", 0),
        tuple(_json_link(one) for one in span.get("links", ())),
        span.get("droppedLinksCount", 0),
        (status.get("code", 0), status.get("message", "")),
    )


def _json_event(event: dict[str, Any]) -> Event:
    _only(event, _EVENT)
    return Event(
        int(event.get("timeUnixNano", 0)),
        event.get("name", ""),
        _json_attributes(event),
        event.get("droppedAttributesCount", 0),
    )


def _json_link(link: dict[str, Any]) -> Link:
    _only(link, _LINK)
    return Link(
        bytes.fromhex(link.get("traceId", "")),
        bytes.fromhex(link.get("spanId", "")),
        link.get("traceState", ""),
        _json_attributes(link),
        link.get("droppedAttributesCount", 0),
        link.get("flags", 0),
    )


def _json_attributes(holder: dict[str, Any], name: str = "attributes") -> Attributes:
    pairs = []
    for pair in holder.get(name, ()):
        _only(pair, _PAIR)
        pairs.append((pair.get("key", ""), _json_value(pair.get("value", {}))))
    return tuple(pairs)


def _json_value(value: dict[str, Any]) -> Value:
    if not value:
        return ()
    ((name, content),) = value.items()
    return _VALUES[name](content)


_VALUES: dict[str, Callable[[Any], Value]] = {
    "stringValue": lambda content: ("string", content),
    "boolValue": lambda content: ("bool", content),
    "intValue": lambda content: ("int", int(content)),
    "doubleValue": lambda content: ("double", repr(float(content))),
    "bytesValue": lambda content: ("bytes", base64.b64decode(content)),
    "arrayValue": lambda content: ("array", tuple(_json_value(one) for one in content.get("values", ()))),
    "kvlistValue": lambda content: ("map", _json_attributes(content, "values")),
}
