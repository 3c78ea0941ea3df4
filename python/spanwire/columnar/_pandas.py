"""Spans as a pandas frame: for reading, not for the way back."""

import binascii
import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from spanwire.columnar._arrow import to_arrow
from spanwire.columnar._arrow_arrays import array_of
from spanwire.columnar._columns import AnyValues, Array, Column
from spanwire.columnar._items import Events, Links, RaggedAttributes
from spanwire.columnar._pyarrow import pa
from spanwire.columnar._span_columns import SpanColumns

__all__ = ["to_pandas"]

_LISTS = ("attributes", "events", "group", "links", "ragged_attributes")


def to_pandas(columns: SpanColumns) -> Any:
    """The spans as a ``pandas.DataFrame``; see :meth:`SpanColumns.to_pandas`."""
    pd = _pandas()

    table = to_arrow(columns)
    plain = table.drop_columns([name for name in _LISTS if name in table.column_names])
    plain = plain.set_column(0, "trace_id", _hex(columns.trace_id)).set_column(1, "span_id", _hex(columns.span_id))
    if columns.parent_span_id is not None:
        roots = np.asarray(~columns.parent_span_id.any(axis=1))
        plain = plain.set_column(2, "parent_span_id", _hex(columns.parent_span_id, roots))
    frame = plain.to_pandas()
    parts = {f"attributes.{key}": _series(column) for key, column in columns.attributes.items()}
    if columns.ragged_attributes is not None:
        parts["ragged_attributes"] = _ragged(columns.ragged_attributes)
    if columns.events is not None:
        parts["events"] = _lists(columns.events, _event)
    if columns.links is not None:
        parts["links"] = _lists(columns.links, _link)
    return pd.concat([frame, pd.DataFrame(parts, index=frame.index)], axis=1)


def _pandas() -> Any:
    try:
        return importlib.import_module("pandas")  # it has no types of its own
    except ImportError as error:
        raise ImportError("frames need pandas: pip install pandas", name="pandas") from error


def _hex(ids: Array, absent: Array | None = None) -> Any:
    digits = binascii.hexlify(ids.tobytes())
    offsets = np.arange(len(ids) + 1, dtype=np.int64) * (2 * ids.shape[1])
    valid = None if absent is None else pa.py_buffer(np.packbits(~absent, bitorder="little"))
    return pa.Array.from_buffers(pa.large_string(), len(ids), [valid, pa.py_buffer(offsets), pa.py_buffer(digits)])


def _series(column: Column) -> Any:
    if isinstance(column.values, AnyValues):
        series = np.empty(len(column), object)
        series[:] = column.to_list()
        return series
    array = array_of(column)
    # An integer that is absent makes no floats of the others.
    if array.null_count and pa.types.is_integer(array.type):
        return _pandas().array(array.to_pylist(), dtype="Int64")
    return array.to_pandas()


def _ragged(ragged: RaggedAttributes) -> Any:
    series = np.empty(len(ragged), object)
    for row in range(len(ragged)):
        series[row] = ragged[row]
    return series


def _lists(items: "Events | Links", make: Any) -> Any:
    series = np.empty(len(items.offsets) - 1, object)
    columns = {key: column.to_list() for key, column in items.attributes.items()}
    for row in range(len(series)):
        between = range(int(items.offsets[row]), int(items.offsets[row + 1]))
        series[row] = [make(items, at, _attributes(columns, items.ragged_attributes, at)) for at in between]
    return series


def _attributes(columns: Mapping[str, list[object]], ragged: RaggedAttributes | None, at: int) -> dict[str, object]:
    attributes = {key: values[at] for key, values in columns.items() if values[at] is not None}
    attributes.update(ragged[at] if ragged is not None else ())
    return attributes


def _event(events: Events, at: int, attributes: dict[str, object]) -> dict[str, object]:
    return {"time": int(events.time[at]), "name": events.name[at], "attributes": attributes}


def _link(links: Links, at: int, attributes: dict[str, object]) -> dict[str, object]:
    return {
        "trace_id": links.trace_id[at].tobytes().hex(),
        "span_id": links.span_id[at].tobytes().hex(),
        "attributes": attributes,
    }
