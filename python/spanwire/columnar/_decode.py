"""Requests to columns."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from spanwire import _native
from spanwire.columnar._columns import AnyValues, Array, Binary, Column, Strings
from spanwire.columnar._group import Group
from spanwire.columnar._items import Events, Links, RaggedAttributes
from spanwire.columnar._span_columns import SpanColumns

__all__ = ["decode_requests"]


def decode_requests(source: "bytes | Iterable[bytes]") -> SpanColumns:
    """As ``decode_columns``, without files."""
    data = _joined(source)
    columns = _native.decode_columns(data)
    text = (
        np.frombuffer(data + columns["extra"] if columns["extra"] else data, np.uint8)
        if data
        else np.empty(0, np.uint8)
    )
    return _Columns(text).spans(columns)


def _joined(source: Any) -> bytes:
    if isinstance(source, bytes):
        return source
    try:
        return bytes(memoryview(source))
    except TypeError:
        if isinstance(source, Iterable):
            return b"".join(source)
        raise TypeError(
            f"{type(source).__name__} is no source of requests: give bytes, the path of a file, or an iterable of bytes"
        ) from None


class _Columns:
    """Makes arrays of native buffers; ``text`` is what strings are views of."""

    def __init__(self, text: Array) -> None:
        self._text = text

    def spans(self, columns: dict[str, Any]) -> SpanColumns:
        attributes, ragged = self._attributes(columns["attributes"])
        events, links = columns["events"], columns["links"]
        return SpanColumns(
            trace_id=_ids(columns["trace_id"], 16),
            span_id=_ids(columns["span_id"], 8),
            parent_span_id=None if columns["parent_span_id"] is None else _ids(columns["parent_span_id"], 8),
            trace_state=self._strings(columns["trace_state"]),
            name=self._strings(columns["name"]),
            kind=_array(columns["kind"], np.int32),
            start=_array(columns["start"], np.uint64),
            end=_array(columns["end"], np.uint64),
            attributes=attributes,
            ragged_attributes=ragged,
            dropped_attributes_count=_array(columns["dropped_attributes_count"], np.uint32),
            events=None if events is None else self._events(events),
            dropped_events_count=_array(columns["dropped_events_count"], np.uint32),
            links=None if links is None else self._links(links),
            dropped_links_count=_array(columns["dropped_links_count"], np.uint32),
            status_code=_array(columns["status_code"], np.int32),
            status_message=self._strings(columns["status_message"]),
            flags=_array(columns["flags"], np.uint32),
            groups=[Group._encoded(heads) for heads in columns["groups"]],  # noqa: SLF001  # ours
            group=_array(columns["group"], np.uint32),
        )

    def _events(self, columns: dict[str, Any]) -> Events:
        attributes, ragged = self._attributes(columns["attributes"])
        return Events(
            _array(columns["offsets"], np.int64),
            _array(columns["time"], np.uint64),
            self._strings(columns["name"]),
            attributes=attributes,
            ragged_attributes=ragged,
            dropped_attributes_count=_array(columns["dropped_attributes_count"], np.uint32),
        )

    def _links(self, columns: dict[str, Any]) -> Links:
        attributes, ragged = self._attributes(columns["attributes"])
        return Links(
            _array(columns["offsets"], np.int64),
            _ids(columns["trace_id"], 16),
            _ids(columns["span_id"], 8),
            trace_state=self._strings(columns["trace_state"]),
            flags=_array(columns["flags"], np.uint32),
            attributes=attributes,
            ragged_attributes=ragged,
            dropped_attributes_count=_array(columns["dropped_attributes_count"], np.uint32),
        )

    def _attributes(self, table: Any) -> tuple[dict[str, Column], RaggedAttributes | None]:
        columns, ragged = table
        by_key = {key: self._column(kind, values, absent) for key, kind, values, absent in columns}
        if ragged is None:
            return by_key, None
        offsets, keys, values = ragged
        return by_key, RaggedAttributes(_array(offsets, np.int64), self._strings(keys), self._views(AnyValues, values))

    def _column(self, kind: str, values: Any, absent: Any) -> Column:
        mask = _array(absent, np.bool_)
        if kind == "text":
            return Column.plain(self._strings(values), mask)
        if kind == "bytes":
            return Column.plain(self._views(Binary, values), mask)
        if kind == "any":
            return Column.plain(self._views(AnyValues, values), mask)
        return Column.plain(_array(values, {"int": np.int64, "double": np.float64, "bool": np.bool_}[kind]), mask)

    def _strings(self, views: Any) -> Any:
        return None if views is None else self._views(Strings, views)

    def _views(self, kind: type[Strings | Binary | AnyValues], views: Any) -> Any:
        starts, lengths = views
        return kind.views(_array(starts, np.int64), self._text, _array(lengths, np.int32))


def _array(buffer: Any, dtype: Any) -> Any:
    if buffer is None:
        return None
    if not buffer:
        empty = np.empty(0, dtype)
        empty.flags.writeable = False
        return empty
    return np.frombuffer(buffer, dtype)


def _ids(buffer: Any, width: int) -> Array:
    return _array(buffer, np.uint8).reshape(-1, width)  # type: ignore[no-any-return]
