"""Columns: the values that many spans have under one name, side by side.

Whatever a caller has becomes one of few layouts here: contiguous memory in the machine's byte order. What is already so is used
where it lies; anything else (strided, big-endian, misaligned) is copied once.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from typing_extensions import Self

Array = npt.NDArray[Any]
"""A numpy array of any dtype."""

_OFFSETS = ("i4", "i8", "u4", "u8")


_put = object.__setattr__


class _Fixed:
    """What is checked once and then stays: fields are set by the constructor only."""

    __slots__ = ("_is_made",)

    _is_made: bool

    def __new__(cls, *_arguments: Any, **_keywords: Any) -> Self:
        fixed = object.__new__(cls)
        _put(fixed, "_is_made", False)
        return fixed

    def _made(self) -> None:
        _put(self, "_is_made", True)

    def __setattr__(self, name: str, value: object) -> None:
        if self._is_made:
            raise AttributeError(
                f"{name} of {type(self).__name__} is checked when it is made and stays: make another one"
            )
        _put(self, name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled and copied as what it was made of: the constructors' parameters are the fields."""
        slots = [name for kind in type(self).__mro__ for name in getattr(kind, "__slots__", ()) if name[0] != "_"]
        fields = {name: getattr(self, name) for name in slots}
        # A view of a mapping cannot be pickled.
        return _made_again, (
            type(self),
            {name: dict(value) if isinstance(value, Mapping) else value for name, value in fields.items()},
        )


def _made_again(kind: type, fields: dict[str, Any]) -> object:
    return kind(**fields)


class _Texts(_Fixed):
    """n byte strings in one buffer.

    :param offsets: integers of 4 or 8 bytes. Without ``lengths`` n + 1 of them, as in Arrow: string i is
        ``data[offsets[i]:offsets[i + 1]]``. With ``lengths`` n of them: string i is ``lengths[i]`` bytes from ``offsets[i]`` on.
    :param data: the bytes: uint8 array or anything with the buffer protocol.
    :param lengths: see ``offsets``.
    :raises TypeError: for a dtype that is none of these.
    :raises ValueError: for a wrong shape.
    """

    __slots__ = ("data", "lengths", "offsets")

    offsets: Array
    data: Array
    lengths: Array | None

    def __init__(self, offsets: Any, data: Any, lengths: Any = None) -> None:
        self.offsets = _integers("offsets", offsets)
        self.data = as_bytes("data", data)
        self.lengths = None if lengths is None else _integers("lengths", lengths)
        if self.lengths is None and len(self.offsets) == 0:
            raise ValueError(f"offsets of {type(self).__name__} must be n + 1 numbers, so at least one; there is none")
        if self.lengths is not None and len(self.lengths) != len(self.offsets):
            raise ValueError(
                f"{type(self).__name__} has {len(self.offsets)} offsets and {len(self.lengths)} lengths: with lengths, there "
                "must be one of each for a value"
            )
        self._made()

    @classmethod
    def views(cls, starts: Array, data: Array, lengths: Array) -> Self:
        """Of native code's own arrays, which need no look."""
        texts = cls.__new__(cls)
        _put(texts, "offsets", starts)
        _put(texts, "data", data)
        _put(texts, "lengths", lengths)
        _put(texts, "_is_made", True)
        return texts

    def __len__(self) -> int:
        """How many values."""
        return len(self.offsets) - (self.lengths is None)

    def _bytes(self, index: int) -> bytes:
        size = len(self)
        at = index + size if index < 0 else index
        if not 0 <= at < size:
            raise IndexError(f"{index} is outside a column of {size} values")
        start = int(self.offsets[at])
        end = int(self.offsets[at + 1]) if self.lengths is None else start + int(self.lengths[at])
        if not 0 <= start <= end <= len(self.data):
            raise ValueError(f"value {at} lies at {start}:{end}, outside of data, which has {len(self.data)} bytes")
        return self.data[start:end].tobytes()

    @classmethod
    def _of(cls, values: Iterable[bytes]) -> Self:
        pieces = list(values)
        offsets = np.zeros(len(pieces) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, pieces), np.int64, len(pieces)), out=offsets[1:])
        if offsets[-1] < 1 << 31:
            offsets = offsets.astype(np.int32)  # half the memory to read
        return cls(offsets, b"".join(pieces))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)} values>"


class Strings(_Texts):
    """n strings of UTF-8 text in one buffer; see the parameters of the base."""

    __slots__ = ()

    def __getitem__(self, index: int) -> str:
        return self._bytes(index).decode()

    @classmethod
    def of(cls, values: Iterable[str]) -> Self:
        """From Python's str."""
        return cls._of(value.encode() for value in values)

    def to_list(self) -> list[str]:
        """As Python's str."""
        return [self[index] for index in range(len(self))]


class Binary(_Texts):
    """n byte strings in one buffer."""

    __slots__ = ()

    def __getitem__(self, index: int) -> bytes:
        return self._bytes(index)

    @classmethod
    def of(cls, values: Iterable[bytes]) -> Self:
        """From Python's bytes."""
        return cls._of(values)

    def to_list(self) -> list[bytes]:
        """As Python's bytes."""
        return [self[index] for index in range(len(self))]


class AnyValues(_Texts):
    """n values of any type, each an encoded ``opentelemetry.proto.common.v1.AnyValue`` message, in one buffer."""

    __slots__ = ()

    def __getitem__(self, index: int) -> object:
        from spanwire import _native

        return _native.decode_any_value(self._bytes(index))

    @classmethod
    def of(cls, values: Iterable[object]) -> Self:
        """From attribute values as spans take them: str, bool, int, float, bytes, None, sequences and mappings of them.

        :raises ValueError: for a value that OTLP cannot hold; it names which.
        """
        from spanwire import _native

        offsets, data = _native.encode_any_values(list(values), "values")
        return cls(np.frombuffer(memoryview(offsets), np.int64), data)

    def to_list(self) -> list[object]:
        """As Python objects."""
        return [self[index] for index in range(len(self))]


class Dictionary(_Fixed):
    """n values that are few different ones.

    :param codes: n integers of any width: which of ``values``; a negative one means absent.
    :param values: the different values, a column without absent ones.
    """

    __slots__ = ("codes", "values")

    codes: Array
    values: "Values"

    def __init__(self, codes: Any, values: Any) -> None:
        self.codes = _integers("codes", codes, widths="any")
        column = as_column("values of a Dictionary", values)
        if column.mask is not None or isinstance(column.values, Dictionary):
            raise TypeError("values of a Dictionary must be a plain column: use negative codes for what is absent")
        self.values = column.values
        self._made()

    def __len__(self) -> int:
        """How many values."""
        return len(self.codes)

    def __getitem__(self, index: int) -> object:
        code = int(self.codes[index])
        return None if code < 0 else python_value(self.values[code])

    def to_list(self) -> list[object]:
        """As Python objects; None where absent."""
        return [self[index] for index in range(len(self))]

    def __repr__(self) -> str:
        return f"<Dictionary of {len(self)} values, {len(self.values)} different>"


Values: TypeAlias = Array | Strings | Binary | AnyValues | Dictionary
"""What a column can hold its values in."""


class Column(_Fixed):
    """Values and which of them are absent.

    :param values: a numpy array, :class:`Strings`, :class:`Binary`, :class:`AnyValues` or :class:`Dictionary`.
    :param mask: n bools, True where the value is absent (as in ``numpy.ma``); None: all are there.
    """

    __slots__ = ("mask", "values")

    values: Values
    mask: Array | None

    def __init__(self, values: Any, mask: Any = None) -> None:
        column = as_column("values", values)
        self.values = column.values
        self.mask = column.mask if mask is None else _mask(mask, len(column))
        self._made()

    @classmethod
    def plain(cls, values: Values, mask: Array | None) -> Self:
        """Of values and a mask that need no look."""
        column = cls.__new__(cls)
        _put(column, "values", values)
        _put(column, "mask", mask)
        _put(column, "_is_made", True)
        return column

    def __len__(self) -> int:
        """How many values, absent ones counted."""
        return len(self.values)

    def __getitem__(self, index: int) -> object:
        if self.mask is not None and self.mask[index]:
            return None
        return python_value(self.values[index])

    def to_list(self) -> list[object]:
        """As Python objects; None where absent."""
        return [self[index] for index in range(len(self))]

    def __repr__(self) -> str:
        absent = "" if self.mask is None else f", {int(self.mask.sum())} absent"
        return f"<Column of {len(self)} values{absent}>"


def as_column(name: str, values: Any) -> Column:
    """``values`` as a :class:`Column` of plain layouts; ``name`` is for errors.

    Taken: what :class:`Column` takes, a Column, numpy masked arrays, sequences, and anything with the Arrow PyCapsule interface
    (``__arrow_c_array__`` or ``__arrow_c_stream__``).

    :raises TypeError: for what is none of them; the text says what can be done.
    """
    if isinstance(values, Column):
        return values
    if isinstance(values, (Strings, Binary, AnyValues, Dictionary)):
        return Column.plain(values, None)
    if isinstance(values, np.ma.MaskedArray):
        is_masked = np.ma.is_masked(values)
        mask = _mask(np.ma.getmaskarray(values), len(values)) if is_masked else None
        return Column.plain(_array(name, values.data), mask)
    if isinstance(values, np.ndarray):
        return Column.plain(_array(name, values), None)
    if hasattr(values, "__arrow_c_array__") or hasattr(values, "__arrow_c_stream__"):
        from spanwire.columnar import _arrow

        return _arrow.from_arrow_array(values, name)
    if isinstance(values, Sequence) and not isinstance(values, (str, bytes, bytearray, memoryview)):
        return Column.plain(_array(name, _of_sequence(values)), None)
    if hasattr(values, "__array__"):
        return as_column(name, np.asarray(values))
    raise TypeError(
        f"{name}: {type(values).__name__} is no column; give a numpy array, a sequence, Strings, Binary, AnyValues, "
        "Dictionary or an Arrow array"
    )


def _of_sequence(values: Sequence[object]) -> Array:
    kinds = set(map(type, values))
    if kinds in ({int}, {float}, {bool}):
        try:
            array = np.asarray(values)
        except OverflowError:
            pass  # the encoder will say which
        else:
            if kinds != {int} or array.dtype.kind != "f":  # numpy makes floats of integers around 2 ** 63
                return array
    array = np.empty(len(values), object)
    for row, value in enumerate(values):  # one by one: values may be sequences themselves
        array[row] = value
    return array


def _array(name: str, array: Array) -> Array:
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}: one dimension is needed, a value for each row")
    if array.dtype.kind not in "biufSUO" or (array.dtype.kind in "iuf" and array.dtype.itemsize > 8):
        raise TypeError(
            f"{name} has dtype {array.dtype}, which OTLP cannot hold: use integers, floats up to 64 bits, bool, S, U or object "
            "(times as integers of nanoseconds: .astype('datetime64[ns]').astype('int64'))"
        )
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    return contiguous(array)


def contiguous(array: Array) -> Array:
    """The array in contiguous, aligned memory and in the machine's byte order: itself if it is so, a copy of objects."""
    if array.dtype.kind == "O":
        # They are read when they are described for the encoder, once: what is changed later would be seen by some and not by all.
        array = np.array(array)
        array.flags.writeable = False
        return array
    flags = array.flags
    if flags.c_contiguous and flags.aligned and array.dtype.isnative:
        return array
    return np.require(array, array.dtype.newbyteorder("="), ["C", "A"])


def numbers(name: str, values: Any, kinds: str = "biu") -> Array:
    """One-dimensional integers (or what ``kinds`` of dtypes are allowed) in plain memory."""
    array = np.asarray(values)
    if array.dtype.kind == "O" and array.ndim == 1:
        array = _of_objects(name, array)
    if array.size == 0 and array.ndim == 1:
        array = array.astype(np.int64)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}: one dimension is needed, a value for each row")
    if array.dtype.kind not in kinds:
        raise TypeError(f"{name} has dtype {array.dtype}: integers are needed")
    return contiguous(array)


def _of_objects(name: str, objects: Array) -> Array:
    for row, value in enumerate(objects):
        if not isinstance(value, (int, np.integer)):
            raise TypeError(f"{name}, row {row}: {value!r} is no integer")
        if not -(1 << 63) <= value < 1 << 63:
            raise ValueError(f"{name}, row {row}: {value} is beyond 64 bits with a sign")
    return objects.astype(np.int64)


def _integers(name: str, values: Any, widths: str = "offsets") -> Array:
    array = numbers(name, values, "iu")
    if widths == "offsets" and array.dtype.str[1:] not in _OFFSETS:
        raise TypeError(f"{name} has dtype {array.dtype}: integers of 4 or 8 bytes are needed")
    return array


def _mask(mask: Any, rows: int) -> Array:
    array = np.asarray(mask)
    if array.dtype != np.bool_ or array.shape != (rows,):
        raise ValueError(
            f"a mask must be {rows} bools, one for each value; this is {array.dtype} of shape {array.shape}"
        )
    return contiguous(array)


def as_bytes(name: str, data: Any) -> Array:
    """A one-dimensional uint8 array over a buffer, without a copy where that can be."""
    if isinstance(data, np.ndarray):
        if data.dtype != np.uint8 or data.ndim != 1:
            raise TypeError(f"{name} has dtype {data.dtype} and shape {data.shape}: one dimension of uint8 is needed")
        return contiguous(data)
    try:
        return np.frombuffer(data, np.uint8)
    except (TypeError, ValueError, BufferError) as error:
        if isinstance(data, (bytes, bytearray)) and not data:
            return np.empty(0, np.uint8)
        raise TypeError(f"{name}: {type(data).__name__} is no contiguous buffer of bytes ({error})") from error


def python_value(value: object) -> object:
    """A numpy scalar as the Python object that an attribute would have."""
    if isinstance(value, np.bytes_):
        return value.decode()
    return value.item() if isinstance(value, np.generic) else value
