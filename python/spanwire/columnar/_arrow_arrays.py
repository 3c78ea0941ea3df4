"""Single columns as Arrow arrays and back."""

from typing import Any

import numpy as np

from spanwire import _native
from spanwire.columnar._columns import AnyValues, Array, Binary, Column, Dictionary, Strings
from spanwire.columnar._pyarrow import pa

__all__ = [
    "array_of",
    "column_of",
    "fields_of",
    "ids_of",
    "list_items",
    "list_of",
    "numbers_of",
    "one_chunk",
    "rows_of",
    "texts_of",
    "time_array",
    "times_of",
]

ANY_VALUE = "any_value"
"""The field of the struct in which encoded ``AnyValue`` messages are told from other bytes, in every library and file format."""


def array_of(column: Column) -> Any:
    """The array of a column; null where it is absent."""
    values, mask = column.values, column.mask
    if isinstance(values, Dictionary):
        codes = pa.array(values.codes.astype(np.int64), mask=_either(values.codes < 0, mask)).cast(pa.int32())
        return pa.DictionaryArray.from_arrays(codes, array_of(Column(values.values)))
    if isinstance(values, Strings):
        array = _gathered(pa.large_string(), values, mask)
        array.validate(full=True)
        return array
    if isinstance(values, Binary):
        return _gathered(pa.large_binary(), values, mask)
    if isinstance(values, AnyValues):
        inside = _gathered(pa.large_binary(), values, None)
        nulls = None if mask is None else pa.array(mask)
        return pa.StructArray.from_arrays([inside], [ANY_VALUE], mask=nulls)
    if values.dtype.kind == "S":
        return pa.array([value.decode() for value in values.tolist()], pa.large_string(), mask=mask)
    if values.dtype.kind == "U":
        return pa.array(values.tolist(), pa.large_string(), mask=mask)
    if values.dtype.kind == "O":
        return _array_of_objects(values, mask)
    return pa.array(values, mask=mask)


def _array_of_objects(values: Array, mask: Array | None) -> Any:
    objects = values.tolist()
    if mask is not None:
        objects = [None if absent else value for value, absent in zip(objects, mask, strict=True)]
    kinds = {type(value) for value in objects if value is not None}
    if len(kinds) == 1 and (kinds <= {str, bytes, bool, float} or (kinds == {int} and _fit(objects))):
        kind = {
            str: pa.large_string(),
            bytes: pa.large_binary(),
            bool: pa.bool_(),
            float: pa.float64(),
            int: pa.int64(),
        }
        return pa.array(objects, kind[kinds.pop()], from_pandas=False)
    absent = np.array([value is None for value in objects], np.bool_)
    return array_of(Column(AnyValues.of(objects), absent if absent.any() else None))


def _fit(numbers: list[Any]) -> bool:
    return all(number is None or -(2**63) <= number < 2**63 for number in numbers)


def _gathered(kind: Any, values: "Strings | Binary | AnyValues", mask: Array | None) -> Any:
    starts = values.offsets if values.lengths is not None else values.offsets[:-1]
    lengths = values.lengths if values.lengths is not None else np.diff(values.offsets.astype(np.int64))
    offsets, data = _native.gather_strings(_view(values.data), starts.astype(np.int64), lengths.astype(np.int64))
    valid = None if mask is None else pa.py_buffer(np.packbits(~mask, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(offsets), pa.py_buffer(data)])


def _view(data: Array) -> Array:
    return data if len(data) else np.zeros(1, np.uint8)[:0]


def _either(first: Array, second: Array | None) -> Array:
    return first if second is None else first | second


def time_array(times: Array) -> Any:
    """Times, bit for bit: those behind the year 2262 read as negative ones."""
    return pa.Array.from_buffers(pa.timestamp("ns", "UTC"), len(times), [None, pa.py_buffer(times)])


def list_of(offsets: Array, items: dict[str, Any]) -> Any:
    """Lists of structs with these fields."""
    first, last = int(offsets[0]), int(offsets[-1])
    struct = pa.StructArray.from_arrays(list(items.values()), list(items)).slice(first, last - first)
    lists = pa.LargeListArray.from_arrays(pa.array(offsets - first, pa.int64()), struct)
    lists.validate(full=True)
    return lists


def one_chunk(data: Any) -> Any:
    """Any Arrow array as one ``pyarrow.Array``, of no view type: few functions take those."""
    if isinstance(data, pa.Array):
        return _without_views(data)
    if not isinstance(data, pa.ChunkedArray):
        data = pa.chunked_array(data) if hasattr(data, "__arrow_c_stream__") else pa.array(data)
    if isinstance(data, pa.ChunkedArray):
        data = data.unify_dictionaries().combine_chunks()
        if isinstance(data, pa.ChunkedArray):  # of more than fits one array
            raise ValueError("more than 2 GiB of strings with 32-bit offsets: make them large ones first")  # noqa: TRY004
    return _without_views(data)


def _without_views(array: Any) -> Any:
    if pa.types.is_string_view(array.type):
        return array.cast(pa.large_string())
    return array.cast(pa.large_binary()) if pa.types.is_binary_view(array.type) else array


def rows_of(data: Any) -> dict[str, Any]:
    """The columns of a table or record batch by name, each as one array."""
    if not isinstance(data, (pa.Table, pa.RecordBatch)):
        if not hasattr(data, "__arrow_c_stream__") and not hasattr(data, "__arrow_c_array__"):
            raise TypeError(
                f"{type(data).__name__} is no Arrow data: it has neither __arrow_c_stream__ nor __arrow_c_array__"
            )
        data = pa.table(data) if hasattr(data, "__arrow_c_stream__") else pa.record_batch(data)
    _refuse_twice("the table", data.schema.names)
    return {name: one_chunk(data.column(index)) for index, name in enumerate(data.schema.names)}


def fields_of(struct: Any, name: str) -> dict[str, Any]:
    """The fields of structs by name, each as one array."""
    if not pa.types.is_struct(struct.type):
        raise TypeError(f"{name} has type {struct.type}: a struct is needed, with a field for each column")
    names = [field.name for field in struct.type]
    _refuse_twice(name, names)
    return dict(zip(names, map(one_chunk, struct.flatten()), strict=True))


def list_items(lists: Any, name: str, *needed: str) -> tuple[Array, dict[str, Any]]:
    """Offsets, and the fields of the structs that are in the lists; those that are needed must be there."""
    types, kind = pa.types, lists.type
    if not types.is_nested(kind) or types.is_struct(kind) or types.is_union(kind) or types.is_map(kind):
        raise TypeError(f"{name} has type {kind}: lists of structs are needed")
    lengths = pa.compute.list_value_length(lists).fill_null(0).to_numpy(zero_copy_only=False)
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    fields = fields_of(lists.flatten(), f"items of {name}")
    if missing := [field for field in needed if field not in fields]:
        raise ValueError(f"{name} has items without {missing}: they cannot be without")
    return offsets, fields


def _refuse_twice(owner: str, names: list[str]) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{owner} has several columns of one name: {twice}")


def column_of(array: Any, name: str) -> Column:
    """The column of an array: strings and numbers where they lie, if they lie in Arrow's own layouts."""
    kind = array.type
    types = pa.types
    if types.is_dictionary(kind):
        codes = array.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
        values = column_of(array.dictionary, name)
        if values.mask is not None or isinstance(values.values, Dictionary):
            return column_of(array.dictionary_decode(), name)
        return Column(Dictionary(codes, values))
    mask = array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None
    if types.is_string(kind) or types.is_large_string(kind):
        return Column(_views(Strings, array), mask)
    if types.is_binary(kind) or types.is_large_binary(kind):
        return Column(_views(Binary, array), mask)
    if types.is_fixed_size_binary(kind):
        return column_of(array.cast(pa.large_binary()), name)
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
        zero = pa.scalar(0).cast(kind) if not types.is_float16(kind) else pa.scalar(np.float16(0), kind)
        return Column((array if mask is None else array.fill_null(zero)).to_numpy(zero_copy_only=False), mask)
    if types.is_null(kind):
        return Column(np.zeros(len(array), np.int8), np.ones(len(array), np.bool_))
    if types.is_struct(kind) and [field.name for field in kind] == [ANY_VALUE]:
        inside = one_chunk(array.flatten()[0])
        encoded = column_of(inside, name).values
        if not isinstance(encoded, Binary):
            raise TypeError(f"{name} has type {kind}: {ANY_VALUE} must be bytes")
        return Column(AnyValues(encoded.offsets, encoded.data, encoded.lengths), mask)
    if types.is_nested(kind):
        offsets, data = _native.encode_any_values(array.to_pylist(), name)
        return Column(AnyValues(np.frombuffer(memoryview(offsets), np.int64), data), mask)
    raise TypeError(f"{name} has type {kind}, which attributes cannot hold: cast it to numbers or strings first")


def _views(kind: type, array: Any) -> Any:
    _, offsets, data = array.buffers()
    wide = pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type)
    if len(array) == 0:
        return kind(np.zeros(1, np.int64), b"")
    positions = np.frombuffer(offsets, np.int64 if wide else np.int32)[array.offset : array.offset + len(array) + 1]
    return kind(positions, b"" if data is None or not data.size else np.frombuffer(data, np.uint8))


def texts_of(array: Any, name: str) -> Column | None:
    """Text, empty where it is null; none if it is so everywhere."""
    if array is None or array.null_count == len(array):
        return None
    if pa.types.is_dictionary(array.type) and array.null_count:
        array = array.dictionary_decode()
    if not array.null_count:
        return column_of(array, name)
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        raise TypeError(f"{name} has type {array.type}: text is needed")
    return column_of(array.fill_null(""), name)


def numbers_of(array: Any, name: str, default: int = 0) -> Array | None:
    """Integers; the default where they are null."""
    if array is None or array.null_count == len(array):
        return None
    if not pa.types.is_integer(array.type):
        raise TypeError(f"{name} has type {array.type}: integers are needed")
    if array.null_count:
        # The default may be more than a narrow integer can hold.
        array = (array.cast(pa.int64()) if array.type.bit_width < 32 else array).fill_null(default)
    return array.to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def times_of(array: Any, name: str) -> Array:
    """Nanoseconds since the epoch, from integers or timestamps (of another unit: datetime64); 0 where they are null."""
    if pa.types.is_timestamp(array.type):
        unit, array = array.type.unit, array.view(pa.int64())
        filled = array.fill_null(0) if array.null_count else array
        numbers = filled.to_numpy(zero_copy_only=False)
        return numbers.view(np.uint64 if unit == "ns" else f"datetime64[{unit}]")  # type: ignore[no-any-return]
    if not pa.types.is_integer(array.type):
        raise TypeError(f"{name} has type {array.type}: timestamps, or integers of nanoseconds, are needed")
    filled = array.fill_null(0) if array.null_count else array
    return filled.to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def ids_of(array: Any, name: str, width: int, *, optional: bool = False) -> Array:
    """Ids from bytes, or from text in hexadecimal; if they are optional, zeros where they are null or empty."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        array = pa.array([_id_of_text(text, name, row) for row, text in enumerate(array.to_pylist())], pa.binary())
    column = column_of(array, name)
    if not isinstance(column.values, Binary):
        raise TypeError(f"{name} has type {array.type}: bytes, or text in hexadecimal, are needed")
    offsets = column.values.offsets.astype(np.int64)
    lengths = np.diff(offsets)
    data, starts = column.values.data, offsets[:-1]
    if column.mask is None and (lengths == width).all():
        return data[offsets[0] : offsets[-1]].reshape(-1, width)
    if column.mask is not None:
        lengths[column.mask] = 0
    empty = lengths == 0
    if (wrong := (lengths != width) & ~(empty & optional)).any():
        row = int(np.argmax(wrong))
        or_none = ", or none" if optional else ""
        raise ValueError(f"{name} has {lengths[row]} bytes in row {row}: {width} are needed{or_none}")
    ids = np.zeros((len(array), width), np.uint8)
    present = np.flatnonzero(~empty)
    ids[present] = data[starts[present, None] + np.arange(width)]
    return ids


def _id_of_text(text: str | None, name: str, row: int) -> bytes | None:
    try:
        return None if text is None else bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"{name}, row {row}: {text!r} is no text in hexadecimal") from None
