"""``encode_columns``: columns to OTLP requests."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spanwire import _native
from spanwire.columnar._columns import (
    AnyValues,
    Array,
    Binary,
    Column,
    Dictionary,
    Strings,
    Values,
    _Texts,
)
from spanwire.columnar._group import Group, Heads
from spanwire.columnar._items import Events, Links, RaggedAttributes
from spanwire.columnar._span_columns import SpanColumns

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

_Spec = tuple[Any, ...]


def encode_columns(
    columns: SpanColumns,
    resource: "Resource | Mapping[str, Any] | None" = None,
    scope: "InstrumentationScope | str | None" = None,
    max_request_bytes: int | None = None,
    threads: int = 1,
) -> list[memoryview]:
    """Serialized ``ExportTraceServiceRequest`` messages of the spans: the bytes that ``spanwire.encode_spans`` gives for them.

    The GIL is released meanwhile. Other threads must leave the arrays alone; if they don't, this raises or what they write is sent.

    :param columns: the spans.
    :param resource: what they are of, if ``columns`` has no groups; a mapping stands for its attributes.
    :param scope: likewise; a str is its name.
    :param max_request_bytes: requests are cut at spans so that none is longer, and a few bytes shorter. None: one request.
    :param threads: how many work on it; the bytes are the same.
    :returns: read-only views of native memory, one for each request; none if there are no spans.
    :raises ValueError: for a value that cannot be encoded; the text names column, row and cause.
    :raises TypeError: for a column of a type that cannot be encoded.
    :raises MemoryError: if there is no memory for a request.
    """
    limit = positive("max_request_bytes", max_request_bytes)
    heads = group_heads(columns, resource, scope)
    return [
        memoryview(request) for request, _ in columns.encoder.encode(heads, limit, positive("threads", threads) or 1)
    ]


def group_heads(
    columns: SpanColumns,
    resource: "Resource | Mapping[str, Any] | None",
    scope: "InstrumentationScope | str | None",
) -> list["Heads"]:
    """The encoded heads of the columns' groups, or of the only one."""
    if not isinstance(columns, SpanColumns):
        raise TypeError(f"columns must be SpanColumns, not {type(columns).__name__}")
    if not columns.groups:
        return [Group(resource, scope).heads]
    if resource is not None or scope is not None:
        raise ValueError("the columns have groups, each with its resource and scope: leave out resource= and scope=")
    return [group.heads for group in columns.groups]


def column_encoder(columns: SpanColumns) -> _native.ColumnEncoder:
    """The columns as native code takes them."""
    return _native.ColumnEncoder(
        {
            "rows": len(columns),
            "trace_id": columns.trace_id,
            "span_id": columns.span_id,
            "parent_span_id": columns.parent_span_id,
            "trace_state": _optional("trace_state", columns.trace_state),
            "name": _column("name", columns.name),
            "kind": _counts("kind", columns.kind),
            "start": columns.start,
            "end": columns.end,
            **_attributes("", columns),
            "events": None if columns.events is None else _events(columns.events),
            "dropped_events_count": _counts("dropped_events_count", columns.dropped_events_count),
            "links": None if columns.links is None else _links(columns.links),
            "dropped_links_count": _counts("dropped_links_count", columns.dropped_links_count),
            "status_code": _counts("status_code", columns.status_code),
            "status_message": _optional("status_message", columns.status_message),
            "flags": _counts("flags", columns.flags),
            "group": _counts("group", columns.group),
        }
    )


def positive(name: str, number: Any) -> int | None:
    """``number`` if it can be a limit."""
    if number is None:
        return None
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ValueError(f"{name} is {number!r}: a whole number above 0 is needed")
    return min(number, sys.maxsize)


def _events(events: Events) -> dict[str, Any]:
    return {
        "offsets": events.offsets,
        "time": events.time,
        "name": _column("name of events", events.name),
        **_attributes(" of events", events),
    }


def _links(links: Links) -> dict[str, Any]:
    return {
        "offsets": links.offsets,
        "trace_id": links.trace_id,
        "span_id": links.span_id,
        "trace_state": _optional("trace_state of links", links.trace_state),
        "flags": _counts("flags of links", links.flags),
        **_attributes(" of links", links),
    }


def _attributes(of: str, owner: SpanColumns | Events | Links) -> dict[str, Any]:
    return {
        "attributes": [(key, _column(f"attribute {key!r}{of}", column)) for key, column in owner.attributes.items()],
        "ragged_attributes": None if owner.ragged_attributes is None else _ragged(of, owner.ragged_attributes),
        "dropped_attributes_count": _counts(f"dropped_attributes_count{of}", owner.dropped_attributes_count),
    }


def _ragged(of: str, ragged: RaggedAttributes) -> _Spec:
    return (
        ragged.offsets,
        _column(f"keys of ragged attributes{of}", ragged.keys),
        _column(f"values of ragged attributes{of}", ragged.values),
    )


def _optional(name: str, column: Column | None) -> _Spec | None:
    return None if column is None else _column(name, column)


def _column(name: str, column: Column) -> _Spec:
    values, mask = column.values, column.mask
    if isinstance(values, np.ndarray) and values.dtype.kind == "O":
        absent = np.fromiter((value is None for value in values), np.bool_, len(values))
        if absent.any():
            mask = absent if mask is None else mask | absent
    return name, _values(name, values, mask), None if mask is None else mask


def _values(name: str, values: Values, mask: Array | None = None) -> _Spec:
    if isinstance(values, Dictionary):
        return "dictionary", _ints(values.codes), _values(name, values.values)
    if isinstance(values, Strings):
        return "str", _texts(values)
    if isinstance(values, Binary):
        return "bytes", _texts(values)
    if isinstance(values, AnyValues):
        return "any", _texts(values)
    kind = values.dtype.kind
    if kind == "O":
        return _objects(name, values, mask)
    if kind in "SU":
        width = values.dtype.itemsize // (4 if kind == "U" else 1)
        if width == 0 or len(values) == 0:
            return "str", ("empty", len(values))
        return "str", ("ucs4" if kind == "U" else "fixed", values, width)
    if kind == "b":
        return "bool", values
    return values.dtype.str[1:], values


def _objects(name: str, values: Array, mask: Array | None) -> _Spec:
    """Python objects, as attributes take them."""
    objects = (
        list(values) if mask is None else [None if gone else value for value, gone in zip(values, mask, strict=True)]
    )
    if all(type(value) is str or value is None for value in objects):
        return "str", _texts(Strings.of(_text(name, row, value) for row, value in enumerate(objects)))
    offsets, data = _native.encode_any_values(objects, name)
    return "any", ("offsets", ("i8", offsets), data)


def _text(name: str, row: int, value: str | None) -> str:
    text = value or ""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{name}, row {row}: {error}") from error
    return text


def _texts(texts: _Texts) -> _Spec:
    data = texts.data
    if texts.lengths is None:
        return "offsets", _ints(texts.offsets), data
    return "views", _ints(texts.offsets), _ints(texts.lengths), data


def _counts(name: str, values: Array | None) -> _Spec | None:
    return None if values is None else (name, *_ints(values))


def _ints(values: Array) -> _Spec:
    return "u1" if values.dtype.kind == "b" else values.dtype.str[1:], values
