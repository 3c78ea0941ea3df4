"""Spans as an Arrow table and back; docs/columns.md has the schema. pyarrow is loaded with this module."""

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from spanwire import _native
from spanwire.columnar._arrow_arrays import (
    array_of,
    column_of,
    fields_of,
    ids_of,
    list_items,
    list_of,
    numbers_of,
    one_chunk,
    rows_of,
    texts_of,
    time_array,
    times_of,
)
from spanwire.columnar._columns import AnyValues, Array, Column, Strings
from spanwire.columnar._group import Group
from spanwire.columnar._items import Events, Links, RaggedAttributes
from spanwire.columnar._pyarrow import pa
from spanwire.columnar._span_columns import LOCAL_PARENT, SpanColumns

__all__ = ["from_arrow", "from_arrow_array", "read_parquet", "to_arrow"]

_INTERNAL = 1
_PREFIX = "attributes."
_SPANS = {
    "attributes",
    "dropped_attributes_count",
    "dropped_events_count",
    "dropped_links_count",
    "end",
    "events",
    "flags",
    "group",
    "kind",
    "links",
    "name",
    "parent_span_id",
    "ragged_attributes",
    "scope_name",
    "service_name",
    "span_id",
    "start",
    "status_code",
    "status_message",
    "trace_id",
    "trace_state",
}


def from_arrow_array(values: object, name: str) -> Column:
    """An Arrow array, or a chunked one, as a column; ``name`` is for errors."""
    return column_of(one_chunk(values), name)


def to_arrow(columns: SpanColumns) -> Any:
    """The spans as a ``pyarrow.Table``."""
    rows = len(columns)
    kind = np.full(rows, _INTERNAL, np.int32) if columns.kind is None else columns.kind
    flags = np.full(rows, LOCAL_PARENT, np.uint32) if columns.flags is None else columns.flags
    status_code = np.zeros(rows, np.int32) if columns.status_code is None else columns.status_code
    table: dict[str, Any] = {
        "trace_id": _ids(columns.trace_id),
        "span_id": _ids(columns.span_id),
        "parent_span_id": _parents(columns.parent_span_id, rows),
        "trace_state": _text(columns.trace_state, rows),
        "name": array_of(columns.name),
        "kind": pa.array(kind).cast(pa.int32()),
        "start": time_array(columns.start),
        "end": time_array(columns.end),
        "status_code": pa.array(status_code).cast(pa.int32()),
        "status_message": _text(columns.status_message, rows),
        "flags": pa.array(flags).cast(pa.uint32()),
    }
    _put_counts(
        table,
        dropped_attributes_count=columns.dropped_attributes_count,
        dropped_events_count=columns.dropped_events_count,
        dropped_links_count=columns.dropped_links_count,
    )
    _put_attributes(table, columns.attributes, columns.ragged_attributes)
    if columns.events is not None:
        table["events"] = _events(columns.events)
    if columns.links is not None:
        table["links"] = _links(columns.links)
    if columns.groups:
        table.update(_groups(columns.groups, columns.group, rows))
    return pa.table(table)


def _ids(ids: Array) -> Any:
    width = ids.shape[1]
    return pa.Array.from_buffers(pa.binary(width), len(ids), [None, pa.py_buffer(np.ascontiguousarray(ids))])


def _parents(ids: Array | None, rows: int) -> Any:
    if ids is None:
        return pa.nulls(rows, pa.binary(8))
    valid = pa.py_buffer(np.packbits(ids.any(axis=1), bitorder="little"))
    return pa.Array.from_buffers(pa.binary(8), rows, [valid, pa.py_buffer(np.ascontiguousarray(ids))])


def _text(column: Column | None, rows: int) -> Any:
    return pa.nulls(rows, pa.large_string()) if column is None else array_of(column)


def _put_counts(table: dict[str, Any], **counts: Array | None) -> None:
    for name, values in counts.items():
        if values is not None:
            table[name] = pa.array(values).cast(pa.uint32())


def _put_attributes(table: dict[str, Any], columns: Mapping[str, Column], ragged: RaggedAttributes | None) -> None:
    if columns:
        arrays = [array_of(column) for column in columns.values()]
        fields = [pa.field(key, array.type) for key, array in zip(columns, arrays, strict=True)]
        table["attributes"] = pa.StructArray.from_arrays(arrays, fields=fields)
    if ragged is not None:
        values = ragged.values.values
        any_values = isinstance(values, AnyValues) or ragged.values.mask is not None
        column = ragged.values if any_values else Column(AnyValues.of(ragged.values.to_list()))
        items = {"key": array_of(ragged.keys), "value": array_of(column)}
        table["ragged_attributes"] = list_of(ragged.offsets, items)


def _events(events: Events) -> Any:
    items = {"time": time_array(events.time), "name": array_of(events.name)}
    _put_attributes(items, events.attributes, events.ragged_attributes)
    _put_counts(items, dropped_attributes_count=events.dropped_attributes_count)
    return list_of(events.offsets, items)


def _links(links: Links) -> Any:
    rows = len(links)
    flags = np.full(rows, LOCAL_PARENT, np.uint32) if links.flags is None else links.flags
    items = {
        "trace_id": _ids(links.trace_id),
        "span_id": _ids(links.span_id),
        "trace_state": _text(links.trace_state, rows),
        "flags": pa.array(flags).cast(pa.uint32()),
    }
    _put_attributes(items, links.attributes, links.ragged_attributes)
    _put_counts(items, dropped_attributes_count=links.dropped_attributes_count)
    return list_of(links.offsets, items)


def _groups(groups: tuple[Group, ...], group: Array | None, rows: int) -> dict[str, Any]:
    if group is not None and (outside := (group < 0) | (group >= len(groups))).any():
        row = int(np.argmax(outside))
        raise ValueError(f"group, row {row}: {group[row]}, but there are {len(groups)} groups")
    codes = np.zeros(rows, np.int32) if group is None else group.astype(np.int32)
    services = [str(one.resource_attributes.get("service.name", "")) for one in groups]
    return {
        "service_name": _few(codes, services, pa.string()),
        "scope_name": _few(codes, [one.scope_name for one in groups], pa.string()),
        "group": _few(codes, [_request(one) for one in groups], pa.binary()),
    }


def _few(codes: Array, values: list[Any], kind: Any) -> Any:
    """A dictionary array, whose values must differ."""
    different = {value: at for at, value in enumerate(dict.fromkeys(values))}
    places = np.array([different[value] for value in values], np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(places[codes]), pa.array(list(different), kind))


def _request(group: Group) -> bytes:
    """A request with one empty span of the group."""
    resource, resource_schema, scope, scope_schema = group.heads
    scope_spans = scope + b"\x12\x00" + _field(3, scope_schema)
    return _field(1, resource + _field(2, scope_spans, always=True) + _field(3, resource_schema), always=True)


def _field(number: int, content: bytes, *, always: bool = False) -> bytes:
    if not content and not always:
        return b""
    header, length = bytearray([number << 3 | 2]), len(content)
    while length >= 0x80:  # seven bits a byte
        header.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([*header, length]) + content


def read_parquet(path: str) -> SpanColumns:
    """Spans from a Parquet file with that schema."""
    return from_arrow(importlib.import_module("pyarrow.parquet").read_table(path))


def from_arrow(data: object) -> SpanColumns:
    """Spans from a table with that schema: anything with ``__arrow_c_stream__`` or ``__arrow_c_array__``."""
    fields = rows_of(data)
    attributes = {name: fields.pop(name) for name in list(fields) if name.startswith(_PREFIX)}
    if unknown := sorted(fields.keys() - _SPANS):
        raise ValueError(
            f"columns {unknown} are none of spans: drop them, or call them 'attributes.…' to make them attributes"
        )
    if missing := [name for name in ("trace_id", "span_id", "name", "start", "end") if name not in fields]:
        raise ValueError(f"columns {missing} are missing: spans cannot be without them")
    rows = len(fields["trace_id"])
    columns, ragged = _attributes(fields, "")
    for name, array in attributes.items():
        key = name.removeprefix(_PREFIX)
        if key in columns:
            raise ValueError(f"attribute {key!r} is there twice: as {name} and in attributes")
        columns[key] = column_of(array, name)
    groups, group = _groups_of(fields, rows)
    events, links = fields.get("events"), fields.get("links")
    return SpanColumns(
        trace_id=ids_of(fields["trace_id"], "trace_id", 16),
        span_id=ids_of(fields["span_id"], "span_id", 8),
        parent_span_id=(
            ids_of(fields["parent_span_id"], "parent_span_id", 8, optional=True) if "parent_span_id" in fields else None
        ),
        trace_state=texts_of(fields.get("trace_state"), "trace_state"),
        name=texts_of(fields["name"], "name") or "",
        kind=numbers_of(fields.get("kind"), "kind", _INTERNAL),
        start=times_of(fields["start"], "start"),
        end=times_of(fields["end"], "end"),
        attributes=columns,
        ragged_attributes=ragged,
        events=None if events is None else _events_of(events),
        links=None if links is None else _links_of(links),
        status_code=numbers_of(fields.get("status_code"), "status_code"),
        status_message=texts_of(fields.get("status_message"), "status_message"),
        flags=numbers_of(fields.get("flags"), "flags", LOCAL_PARENT),
        groups=groups,
        group=group,
        **{
            name: numbers_of(fields.get(name), name)
            for name in ("dropped_attributes_count", "dropped_events_count", "dropped_links_count")
        },
    )


def _attributes(fields: dict[str, Any], owner: str) -> tuple[dict[str, Column], RaggedAttributes | None]:
    columns = {}
    if "attributes" in fields:
        for key, array in fields_of(fields["attributes"], f"attributes{owner}").items():
            columns[key] = column_of(array, f"attribute {key!r}{owner}")
    if "ragged_attributes" not in fields:
        return columns, None
    offsets, items = list_items(fields["ragged_attributes"], f"ragged_attributes{owner}", "key", "value")
    keys = texts_of(items["key"], f"keys of ragged attributes{owner}") or Strings.of([""] * len(items["key"]))
    return columns, RaggedAttributes(offsets, keys, column_of(items["value"], f"values of ragged attributes{owner}"))


def _events_of(lists: Any) -> Events:
    offsets, items = list_items(lists, "events", "time", "name")
    attributes, ragged = _attributes(items, " of events")
    return Events(
        offsets,
        times_of(items["time"], "time of events"),
        texts_of(items["name"], "name of events") or "",
        attributes=attributes,
        ragged_attributes=ragged,
        dropped_attributes_count=numbers_of(
            items.get("dropped_attributes_count"), "dropped_attributes_count of events"
        ),
    )


def _links_of(lists: Any) -> Links:
    offsets, items = list_items(lists, "links", "trace_id", "span_id")
    attributes, ragged = _attributes(items, " of links")
    return Links(
        offsets,
        ids_of(items["trace_id"], "trace_id of links", 16),
        ids_of(items["span_id"], "span_id of links", 8),
        trace_state=texts_of(items.get("trace_state"), "trace_state of links"),
        flags=numbers_of(items.get("flags"), "flags of links", LOCAL_PARENT),
        attributes=attributes,
        ragged_attributes=ragged,
        dropped_attributes_count=numbers_of(items.get("dropped_attributes_count"), "dropped_attributes_count of links"),
    )


def _groups_of(fields: dict[str, Any], rows: int) -> tuple[list[Group], Array | None]:
    """From encoded groups; without them, from the names of service and scope."""
    if "group" in fields:
        if pa.types.is_nested(fields["group"].type):
            raise TypeError(f"group has type {fields['group'].type}: bytes are needed")
        codes, values = _different(fields["group"])
        return [_group_of(value) for value in values], codes
    named = [fields.get(name, pa.nulls(rows, pa.string())) for name in ("service_name", "scope_name")]
    if all(array.null_count == rows for array in named):
        return [], None
    for name, array in zip(("service_name", "scope_name"), named, strict=True):
        kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)):
            raise TypeError(f"{name} has type {array.type}: text is needed")
    (services, service_names), (scopes, scope_names) = map(_different, named)
    pairs, codes = np.unique(services * len(scope_names) + scopes, return_inverse=True)
    groups = []
    for pair in pairs:
        service, scope = service_names[pair // len(scope_names)], scope_names[pair % len(scope_names)]
        groups.append(Group({} if service is None else {"service.name": service}, scope))
    return groups, codes.astype(np.int64)


def _group_of(value: object) -> Group:
    if value is None:
        return Group()
    if not isinstance(value, bytes):
        raise TypeError(
            f"group has values of type {type(value).__name__}: a request as bytes is needed, with one empty span"
        )
    heads = _native.decode_columns(value)["groups"]
    if len(heads) != 1:
        raise ValueError(f"group has a request of {len(heads)} groups: one is needed, with one empty span")
    return Group._encoded(heads[0])  # noqa: SLF001  # ours


def _different(array: Any) -> tuple[Array, list[Any]]:
    """Which of few values each row has, and the values; None among them if there is a null."""
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    values = array.dictionary.to_pylist()
    codes = array.indices.cast(pa.int64()).fill_null(len(values)).to_numpy(zero_copy_only=False)
    return codes, [*values, None] if array.null_count else values
