"""hypothesis strategies for OTLP requests of any shape, built with official protobuf: what a sink may be sent."""

import functools
import math
from typing import Any

from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

__all__ = ["requests"]

_text = st.text(max_size=12)
_uint32 = st.one_of(st.just(0), st.integers(0, 2**32 - 1))
_uint64 = st.one_of(st.just(0), st.integers(0, 2**64 - 1))
_int32 = st.one_of(st.integers(0, 6), st.integers(-(2**31), 2**31 - 1))
# JSON knows one NaN only.
_floats = st.floats().map(lambda number: math.nan if math.isnan(number) else number)
_int64 = st.integers(-(2**63), 2**63 - 1)


def _id(size: int) -> st.SearchStrategy[bytes]:
    # All zero means none to every reader, but protobuf tells the two apart.
    return st.binary(min_size=size, max_size=size).filter(any)


@functools.cache
def _any_values() -> st.SearchStrategy[Any]:
    leaves = st.one_of(
        st.builds(AnyValue),
        st.builds(AnyValue, string_value=_text),
        st.builds(AnyValue, bool_value=st.booleans()),
        st.builds(AnyValue, int_value=_int64),
        st.builds(AnyValue, double_value=_floats),
        st.builds(AnyValue, bytes_value=st.binary(max_size=12)),
    )

    def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        entries = st.lists(st.builds(KeyValue, key=_text, value=inner), max_size=3)
        return st.one_of(
            st.builds(AnyValue, array_value=st.builds(ArrayValue, values=st.lists(inner, max_size=3))),
            st.builds(AnyValue, kvlist_value=st.builds(KeyValueList, values=entries)),
        )

    return st.recursive(leaves, containers, max_leaves=6)


@functools.cache
def _attributes() -> st.SearchStrategy[Any]:
    with_value = st.builds(KeyValue, key=_text, value=_any_values())
    return st.lists(st.one_of(with_value, with_value, with_value, st.builds(KeyValue, key=_text)), max_size=3)


@functools.cache
def _spans() -> st.SearchStrategy[Any]:
    none_or_id = st.one_of(st.just(b""), _id(8))
    event = st.builds(
        Span.Event,
        time_unix_nano=_uint64,
        name=_text,
        attributes=_attributes(),
        dropped_attributes_count=_uint32,
    )
    link = st.builds(
        Span.Link,
        trace_id=_id(16),
        span_id=_id(8),
        trace_state=_text,
        attributes=_attributes(),
        dropped_attributes_count=_uint32,
        flags=_uint32,
    )
    return st.builds(
        Span,
        trace_id=st.one_of(st.just(b""), _id(16)),
        span_id=none_or_id,
        trace_state=_text,
        parent_span_id=none_or_id,
        flags=_uint32,
        name=_text,
        kind=_int32,
        start_time_unix_nano=_uint64,
        end_time_unix_nano=_uint64,
        attributes=_attributes(),
        dropped_attributes_count=_uint32,
        events=st.lists(event, max_size=2),
        dropped_events_count=_uint32,
        links=st.lists(link, max_size=2),
        dropped_links_count=_uint32,
        status=st.builds(Status, message=_text, code=_int32),
    )


def requests() -> st.SearchStrategy[Any]:
    """Requests with up to a few spans; every field may have any value that protobuf and OTLP allow."""
    scope = st.builds(
        InstrumentationScope,
        name=_text,
        version=_text,
        attributes=_attributes(),
        dropped_attributes_count=_uint32,
    )
    scope_spans = st.builds(
        ScopeSpans, scope=st.one_of(st.none(), scope), spans=st.lists(_spans(), max_size=2), schema_url=_text
    )
    resource = st.builds(Resource, attributes=_attributes(), dropped_attributes_count=_uint32)
    resource_spans = st.builds(
        ResourceSpans,
        resource=st.one_of(st.none(), resource),
        scope_spans=st.lists(scope_spans, max_size=2),
        schema_url=_text,
    )
    return st.builds(ExportTraceServiceRequest, resource_spans=st.lists(resource_spans, max_size=2))
