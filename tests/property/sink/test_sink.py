"""Whatever is sent to a sink, in each form and encoding, is what it shows."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanwire import _native
from spanwire.sink import ReceivedSpan, Sink
from tests.official_json import json_of
from tests.post import ENCODINGS, JSON, PROTOBUF, post
from tests.property.requests import requests


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with Sink() as started:
        yield started


def python_value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    inner = getattr(value, kind)
    if kind == "array_value":
        return tuple(python_value(item) for item in inner.values)
    if kind == "kvlist_value":
        return python_attributes(inner.values)
    # NaN is equal to nothing, and 0.0 to -0.0 and False.
    return (type(inner), "NaN" if kind == "double_value" and math.isnan(inner) else repr(inner))


def python_attributes(entries: Any) -> dict[str, Any]:
    return {entry.key: python_value(entry.value) for entry in entries}


def tagged(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, tuple):
        return tuple(tagged(item) for item in value)
    if isinstance(value, dict):
        return {key: tagged(item) for key, item in value.items()}
    return (type(value), "NaN" if isinstance(value, float) and math.isnan(value) else repr(value))


def expected(resource: Any, scope: Any, span: Any) -> dict[str, Any]:
    return {
        "name": span.name,
        "ids": (span.trace_id.hex() or "0" * 32, span.span_id.hex() or "0" * 16, span.parent_span_id.hex() or None),
        "state": (span.trace_state, span.flags, span.kind, span.start_time_unix_nano, span.end_time_unix_nano),
        "attributes": python_attributes(span.attributes),
        "dropped": (span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count),
        "status": (span.status.code, span.status.message),
        "events": [
            (event.time_unix_nano, event.name, python_attributes(event.attributes), event.dropped_attributes_count)
            for event in span.events
        ],
        "links": [
            (
                link.trace_id.hex(),
                link.span_id.hex(),
                link.trace_state,
                python_attributes(link.attributes),
                link.dropped_attributes_count,
                link.flags,
            )
            for link in span.links
        ],
        "resource": (python_attributes(resource.resource.attributes), resource.resource.dropped_attributes_count),
        "scope": (scope.scope.name, scope.scope.version, scope.scope.dropped_attributes_count),
        "scope attributes": python_attributes(scope.scope.attributes),
        "schemas": (resource.schema_url, scope.schema_url),
    }


def number(member: Any, offset: int) -> int:
    return member if isinstance(member, int) else member.value + offset


def shown(span: ReceivedSpan) -> dict[str, Any]:
    return {
        "name": span.name,
        "ids": (span.trace_id, span.span_id, span.parent_span_id),
        # The API's SpanKind counts from 0, OTLP's from 1.
        "state": (span.trace_state, span.flags, number(span.kind, 1), span.start_time, span.end_time),
        "attributes": tagged(span.attributes),
        "dropped": (span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count),
        "status": (number(span.status.code, 0), span.status.message),
        "events": [
            (event.timestamp, event.name, tagged(event.attributes), event.dropped_attributes_count)
            for event in span.events
        ],
        "links": [
            (
                link.trace_id,
                link.span_id,
                link.trace_state,
                tagged(link.attributes),
                link.dropped_attributes_count,
                link.flags,
            )
            for link in span.links
        ],
        "resource": (tagged(span.resource_attributes), span.resource_dropped_attributes_count),
        "scope": (span.scope_name, span.scope_version, span.scope_dropped_attributes_count),
        "scope attributes": tagged(span.scope_attributes),
        "schemas": (span.resource_schema_url, span.scope_schema_url),
    }


@pytest.mark.law
@given(request=requests(), form=st.sampled_from([PROTOBUF, JSON]), encoding=st.sampled_from(sorted(ENCODINGS)))
def test_sink_shows_what_was_sent(sink: Sink, request: Any, form: str, encoding: str) -> None:
    name, encode = ENCODINGS[encoding]
    plain = request.SerializeToString() if form == PROTOBUF else json.dumps(json_of(request)).encode()
    sink.clear()
    assert post(sink, encode(plain), content_type=form, encoding=name).status == 200
    sent = [
        expected(resource, scope, span)
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert sink.span_count == len(sent)
    assert [shown(span) for span in sink.spans()] == sent


@pytest.mark.law
@given(request=requests())
def test_serialized_span_is_what_protobuf_wrote(request: Any) -> None:
    spans = [span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans]
    received = _native.decode_spans(request.SerializeToString())
    assert [span.serialized for span in received] == [span.SerializeToString() for span in spans]


@pytest.mark.law
@given(
    body=st.one_of(st.binary(max_size=60), requests().map(lambda request: request.SerializeToString())), data=st.data()
)
def test_any_bytes_are_decoded_or_refused(body: bytes, data: st.DataObject) -> None:
    changed = bytearray(body)
    for _ in range(data.draw(st.integers(0, 3)) if body else 0):
        changed[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        spans = _native.decode_spans(bytes(changed))
    except ValueError:
        return
    for span in spans:
        shown(span)
