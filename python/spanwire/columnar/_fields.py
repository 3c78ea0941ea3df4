"""Fields of spans, events and links: whatever a caller has, in the one layout that each has here."""

from collections.abc import Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Any

import numpy as np

from spanwire.columnar._columns import Array, Column, Dictionary, Strings, Values, as_column, contiguous, numbers

__all__ = ["attribute_columns", "counts", "enum_numbers", "ids", "offsets_of", "text", "times"]


def ids(name: str, values: Any, width: int, rows: int | None = None) -> Array:
    """Ids as uint8 of shape (n, width), from that, from bytes of fixed width, or (span ids) from numbers."""
    array = np.asarray(values)
    if array.dtype.kind == "u" and array.dtype.itemsize == width:
        array = array.astype(">u8").view("V8")  # as W3C and OTLP have it: the high byte first
    if array.dtype.kind in "SV" and array.dtype.itemsize == width and array.ndim == 1:
        array = contiguous(array).view(np.uint8).reshape(len(array), width)
    if array.dtype != np.uint8 or array.ndim != 2 or array.shape[1] != width:
        raise ValueError(
            f"{name} has dtype {array.dtype} and shape {array.shape}: uint8 of shape (n, {width}) is needed"
        )
    if rows is not None and len(array) != rows:
        raise ValueError(f"{name} has {len(array)} rows, but there are {rows} spans or items")
    return contiguous(array)


def times(name: str, values: Any, rows: int | None = None) -> Array:
    """Times as uint64 nanoseconds since the epoch."""
    array = np.asarray(values)
    if array.dtype.kind == "M":
        array = _nanoseconds(name, array)
    array = numbers(name, array, "iu")
    if rows is not None and len(array) != rows:
        raise ValueError(f"{name} has {len(array)} values for {rows} spans")
    if array.dtype.kind == "i" and array.size and int(array.min()) < 0:
        row = int(np.argmax(array < 0))
        raise ValueError(f"{name} is {array[row]} in row {row}: times are nanoseconds since the epoch, 0 or more")
    return contiguous(array.astype(np.uint64, copy=False))


def _nanoseconds(name: str, times: Array) -> Array:
    """Of datetime64 of any unit. numpy lets what is too large wrap around."""
    absent = np.isnat(times)
    if absent.any():
        raise ValueError(f"{name} is NaT in row {int(np.argmax(absent))}: a time is needed")
    nanoseconds = times.astype("datetime64[ns]")
    unit = np.datetime_data(times.dtype)[0]
    if unit not in ("ns", "ps", "fs", "as", "generic") and (wrong := nanoseconds.astype(times.dtype) != times).any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"{name} is {times[row]} in row {row}: outside of what datetime64[ns] can hold, which ends in the year 2262"
        )
    return nanoseconds.view(np.int64)


def text(name: str, values: Any, rows: int | None = None) -> Column:
    """A column of text; one str stands for all rows."""
    if isinstance(values, str):
        if rows is None:
            raise TypeError(f"{name} must be a column, a value for each row, and is one str")
        return Column(Dictionary(np.zeros(rows, np.uint8), Strings.of([_encodable(name, values)])))
    column = as_column(name, values)
    if not _is_text(column.values):
        raise TypeError(f"{name} must be text: a column of S, U, str objects, Strings or a Dictionary of them")
    if rows is not None and len(column) != rows:
        raise ValueError(f"{name} has {len(column)} values for {rows} rows")
    return column


def _encodable(name: str, value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{name}: {error}") from error
    return value


def _is_text(values: Values) -> bool:
    if isinstance(values, Dictionary):
        return _is_text(values.values)
    return isinstance(values, Strings) or (isinstance(values, np.ndarray) and values.dtype.kind in "SUO")


def attribute_columns(owner: str, attributes: Any, rows: int) -> Mapping[str, Column]:
    """Columns by key, each of ``rows`` values; a str, bool, int or float stands for all rows."""
    if attributes is not None and not isinstance(attributes, Mapping):
        of = f" of {owner}" if owner else ""
        raise TypeError(f"attributes{of} must be a mapping of keys to columns, not {type(attributes).__name__}")
    columns: dict[str, Column] = {}
    for key, values in (attributes or {}).items():
        if isinstance(values, Column) and type(key) is str and key.isascii() and len(values) == rows:
            columns[key] = values
            continue
        name = f"attribute {key!r}" + (f" of {owner}" if owner else "")
        if not isinstance(key, str):
            raise TypeError(f"{name}: keys must be str")
        _encodable(name, key)
        if isinstance(values, (str, bool, int, float)):
            one = Strings.of([_encodable(name, values)]) if isinstance(values, str) else [values]
            values = Dictionary(np.zeros(rows, np.uint8), one)  # noqa: PLW2901  # one value for all rows
        column = as_column(name, values)
        if len(column) != rows:
            raise ValueError(f"{name} has {len(column)} values for {rows} rows")
        columns[key] = column
    return MappingProxyType(columns)


def offsets_of(name: str, values: Any) -> Array:
    array = numbers(name, values, "iu")
    if len(array) == 0:
        raise ValueError(f"{name} must be one more than there are rows, so at least one; there is none")
    return contiguous(array.astype(np.int64, copy=False))


def counts(name: str, values: Any, rows: int) -> Array | None:
    if values is None:
        return None
    array = numbers(name, values)
    if len(array) != rows:
        raise ValueError(f"{name} has {len(array)} values for {rows} rows")
    return array


def enum_numbers(name: str, value: Any, rows: int, shift: int) -> Array | None:
    """Numbers as OTLP has them; of the API's enumeration, whose numbers are less by ``shift``, too. One stands for all rows."""
    if value is None or (isinstance(value, np.ndarray) and value.dtype.kind != "O"):
        return counts(name, value, rows)
    if isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str):
        return counts(name, [_number(one, shift) for one in value], rows)
    number = _number(value, shift)
    if np.ndim(number):
        return counts(name, number, rows)
    if not isinstance(number, (int, np.integer)) or not 0 <= number < 1 << 31:
        raise ValueError(f"{name} is {value!r}: a number as OTLP has it is needed, or one of the API's enumeration")
    return np.full(rows, number, np.uint8 if number < 1 << 8 else np.uint32)


def _number(value: Any, shift: int) -> Any:
    return value.value + shift if isinstance(value, Enum) else value
