"""Columns as official messages, row by row, and the same of requests: what the two have in common can be compared."""

from collections.abc import Iterator
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from spanwire.columnar import AnyValues, Column, SpanColumns

__all__ = ["rows_of_columns", "rows_of_request"]

Row = tuple[Any, ...]
"""Resource attributes and schema, scope name, version, attributes and schema, and the span."""

LOCAL = 0x100


def rows_of_request(request: ExportTraceServiceRequest) -> list[Row]:
    """Each span of a request, with what columns do not tell apart made equal: no value and an empty one, no status and one of
    zeros, no id and one of zeros."""
    rows: list[Row] = []
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for original in scope.spans:
                span = Span()
                span.CopyFrom(original)
                span.status.SetInParent()
                span.parent_span_id = span.parent_span_id.strip(b"\0") and span.parent_span_id
                span.trace_id, span.span_id = span.trace_id or bytes(16), span.span_id or bytes(8)
                for link in span.links:
                    link.trace_id, link.span_id = link.trace_id or bytes(16), link.span_id or bytes(8)
                holders: list[Any] = [span, *span.events, *span.links]
                for attributes in (holder.attributes for holder in holders):
                    for attribute in attributes:
                        attribute.value.SetInParent()
                group = (
                    _dict(resource.resource.attributes),
                    resource.schema_url,
                    scope.scope.name,
                    scope.scope.version,
                    _dict(scope.scope.attributes),
                    scope.schema_url,
                )
                rows.append((*group, _comparable(span)))
    return rows


def _dict(attributes: Any) -> dict[str, bytes]:
    return {attribute.key: attribute.value.SerializeToString() for attribute in attributes}


def _comparable(message: Any) -> bytes:
    # Bytes, as NaN equals NaN so.
    return message.SerializeToString(deterministic=True)  # type: ignore[no-any-return]


def rows_of_columns(columns: SpanColumns) -> list[Row]:
    """Each row of columns."""
    return [(*_group(columns, row), _comparable(_span(columns, row))) for row in range(len(columns))]


def _group(columns: SpanColumns, row: int) -> Row:
    group = columns.groups[0 if columns.group is None else int(columns.group[row])]
    resource, resource_schema, scope, scope_schema = group.heads
    request = ExportTraceServiceRequest()
    request.resource_spans.add().MergeFromString(resource)
    request.resource_spans[0].scope_spans.add().MergeFromString(scope)
    parsed = request.resource_spans[0]
    assert set(group.resource_attributes) == {attribute.key for attribute in parsed.resource.attributes}
    assert group.scope_name == parsed.scope_spans[0].scope.name
    return (
        _dict(parsed.resource.attributes),
        resource_schema.decode(),
        group.scope_name,
        group.scope_version,
        _dict(parsed.scope_spans[0].scope.attributes),
        scope_schema.decode(),
    )


def _span(columns: SpanColumns, row: int) -> Span:
    parent = b"" if columns.parent_span_id is None else columns.parent_span_id[row].tobytes()
    span = Span(
        trace_id=columns.trace_id[row].tobytes(),
        span_id=columns.span_id[row].tobytes(),
        parent_span_id=parent if parent.strip(b"\0") else b"",
        trace_state=_text(columns.trace_state, row),
        name=_text(columns.name, row),
        kind=_number(columns.kind, row, 1),  # type: ignore[arg-type]
        start_time_unix_nano=int(columns.start[row]),
        end_time_unix_nano=int(columns.end[row]),
        attributes=_attributes(columns, row),
        dropped_attributes_count=_number(columns.dropped_attributes_count, row),
        dropped_events_count=_number(columns.dropped_events_count, row),
        dropped_links_count=_number(columns.dropped_links_count, row),
        flags=_number(columns.flags, row, LOCAL),
        status=Status(
            code=_number(columns.status_code, row),  # type: ignore[arg-type]
            message=_text(columns.status_message, row),
        ),
    )
    if (events := columns.events) is not None:
        for at in range(int(events.offsets[row]), int(events.offsets[row + 1])):
            span.events.add(
                time_unix_nano=int(events.time[at]),
                name=_text(events.name, at),
                attributes=_attributes(events, at),
                dropped_attributes_count=_number(events.dropped_attributes_count, at),
            )
    if (links := columns.links) is not None:
        for at in range(int(links.offsets[row]), int(links.offsets[row + 1])):
            span.links.add(
                trace_id=links.trace_id[at].tobytes(),
                span_id=links.span_id[at].tobytes(),
                trace_state=_text(links.trace_state, at),
                attributes=_attributes(links, at),
                dropped_attributes_count=_number(links.dropped_attributes_count, at),
                flags=_number(links.flags, at, LOCAL),
            )
    return span


def _text(column: Column | None, row: int) -> str:
    text = "" if column is None else column[row]
    assert isinstance(text, str)
    return text


def _number(values: Any, row: int, default: int = 0) -> int:
    return default if values is None else int(values[row])


def _attributes(of: Any, row: int) -> Iterator[KeyValue]:
    for key, column in of.attributes.items():
        if column.mask is None or not column.mask[row]:
            yield KeyValue(key=key, value=_value(column, row))
    if (ragged := of.ragged_attributes) is not None:
        for at in range(int(ragged.offsets[row]), int(ragged.offsets[row + 1])):
            yield KeyValue(key=_text(ragged.keys, at), value=_value(ragged.values, at))


def _value(column: Column, row: int) -> AnyValue:
    if isinstance(column.values, AnyValues):
        return AnyValue.FromString(column.values._bytes(row))
    value = column[row]
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, str):
        return AnyValue(string_value=value)
    assert isinstance(value, bytes)
    return AnyValue(bytes_value=value)
