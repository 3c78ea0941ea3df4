"""``SpanColumns``: many spans as columns, and what belongs to them: events, links, attributes of any shape, groups."""

from collections.abc import Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from typing_extensions import Self

from spanwire.columnar._columns import (
    Array,
    Column,
    Dictionary,
    Strings,
    Values,
    _Fixed,
    as_column,
    contiguous,
    numbers,
)

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    from spanwire import _native
    from spanwire._native import ReceivedSpan


Heads: TypeAlias = tuple[bytes, bytes, bytes, bytes]
"""The resource message, its schema URL, the scope message and its schema URL; messages with tag and length."""

LOCAL_PARENT = 0x100
"""``Span.flags`` of a span whose parent is known not to be remote: what the official encoder writes for such spans."""


class RaggedAttributes(_Fixed):
    """Attributes that fit no column: any number for each row.

    :param offsets: n + 1 integers: row i has the attributes ``offsets[i]`` to ``offsets[i + 1]``.
    :param keys: text, a value for each attribute.
    :param values: a column, a value for each attribute; :class:`AnyValues` where types differ.
    """

    __slots__ = ("keys", "offsets", "values")

    def __init__(self, offsets: Any, keys: Any, values: Any) -> None:
        self.offsets = _offsets("offsets of ragged attributes", offsets)
        self.keys = text("keys of ragged attributes", keys)
        self.values = as_column("values of ragged attributes", values)
        if len(self.keys) != len(self.values):
            raise ValueError(
                f"ragged attributes have {len(self.keys)} keys and {len(self.values)} values: one of each is needed"
            )
        self._made()

    def __len__(self) -> int:
        """How many rows."""
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> list[tuple[str, object]]:
        """Keys and values of one row."""
        start, end = int(self.offsets[row]), int(self.offsets[row + 1])
        return [(str(self.keys[at]), self.values[at]) for at in range(start, end)]


class Events(_Fixed):
    """The events of n spans.

    :param offsets: n + 1 integers: span i has the events ``offsets[i]`` to ``offsets[i + 1]``.
    :param time: m times, uint64 nanoseconds since the epoch.
    :param name: text, m values.
    :param attributes: columns of m values.
    :param ragged_attributes: for m rows.
    :param dropped_attributes_count: m integers.
    """

    __slots__ = ("attributes", "dropped_attributes_count", "name", "offsets", "ragged_attributes", "time")

    def __init__(
        self,
        offsets: Any,
        time: Any,
        name: Any,
        *,
        attributes: Mapping[str, Any] | None = None,
        ragged_attributes: RaggedAttributes | None = None,
        dropped_attributes_count: Any = None,
    ) -> None:
        self.offsets = _offsets("offsets of events", offsets)
        self.time = times("time of events", time)
        rows = len(self.time)
        self.name = text("name of events", name, rows)
        self.attributes = attribute_columns("events", attributes, rows)
        self.ragged_attributes = _ragged("events", ragged_attributes, rows)
        self.dropped_attributes_count = _counts("dropped_attributes_count of events", dropped_attributes_count, rows)
        self._made()

    def __len__(self) -> int:
        """How many events."""
        return len(self.time)


class Links(_Fixed):
    """The links of n spans.

    :param offsets: n + 1 integers: span i has the links ``offsets[i]`` to ``offsets[i + 1]``.
    :param trace_id: uint8 of shape (m, 16).
    :param span_id: uint8 of shape (m, 8).
    :param trace_state: text, m values; None: all empty.
    :param flags: m integers of 32 bits; None: 0x100, as the official encoder writes for a context that is not remote.
    :param attributes: columns of m values.
    :param ragged_attributes: for m rows.
    :param dropped_attributes_count: m integers.
    """

    __slots__ = (
        "attributes",
        "dropped_attributes_count",
        "flags",
        "offsets",
        "ragged_attributes",
        "span_id",
        "trace_id",
        "trace_state",
    )

    def __init__(
        self,
        offsets: Any,
        trace_id: Any,
        span_id: Any,
        *,
        trace_state: Any = None,
        flags: Any = None,
        attributes: Mapping[str, Any] | None = None,
        ragged_attributes: RaggedAttributes | None = None,
        dropped_attributes_count: Any = None,
    ) -> None:
        self.offsets = _offsets("offsets of links", offsets)
        self.trace_id = ids("trace_id of links", trace_id, 16)
        rows = len(self.trace_id)
        self.span_id = ids("span_id of links", span_id, 8, rows)
        self.trace_state = None if trace_state is None else text("trace_state of links", trace_state, rows)
        self.flags = _counts("flags of links", flags, rows)
        self.attributes = attribute_columns("links", attributes, rows)
        self.ragged_attributes = _ragged("links", ragged_attributes, rows)
        self.dropped_attributes_count = _counts("dropped_attributes_count of links", dropped_attributes_count, rows)
        self._made()

    def __len__(self) -> int:
        """How many links."""
        return len(self.trace_id)


class Group:
    """The resource and the scope that spans have in common.

    :param resource: an SDK ``Resource``, a mapping of its attributes, or None for an empty one.
    :param scope: an ``InstrumentationScope``, its name, or None.
    """

    __slots__ = ("_heads",)

    def __init__(
        self,
        resource: "Resource | Mapping[str, Any] | None" = None,
        scope: "InstrumentationScope | str | None" = None,
    ) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope

        from spanwire import _native

        if resource is None or isinstance(resource, Mapping):
            resource = Resource(resource or {})
        if isinstance(scope, str):
            scope = InstrumentationScope(scope)
        self._heads = _native.encode_heads(resource, scope)

    @classmethod
    def _encoded(cls, heads: "Heads") -> Self:
        """From the resource message, its schema URL, the scope message and its schema URL; messages with tag and length."""
        group = cls.__new__(cls)
        group._heads = heads  # noqa: SLF001  # its own
        return group

    @property
    def heads(self) -> "Heads":
        """The resource message, its schema URL, the scope message and its schema URL; messages with tag and length."""
        return self._heads

    @property
    def resource_attributes(self) -> dict[str, Any]:
        """The resource's attributes."""
        return self._decoded().resource_attributes

    @property
    def resource_schema_url(self) -> str:
        """The resource's schema URL, or nothing."""
        return self._heads[1].decode()

    @property
    def scope_name(self) -> str:
        """The scope's name."""
        return self._decoded().scope_name

    @property
    def scope_version(self) -> str:
        """The scope's version."""
        return self._decoded().scope_version

    @property
    def scope_attributes(self) -> dict[str, Any]:
        """The scope's attributes."""
        return self._decoded().scope_attributes

    @property
    def scope_schema_url(self) -> str:
        """The scope's schema URL, or nothing."""
        return self._heads[3].decode()

    def _decoded(self) -> "ReceivedSpan":
        from spanwire import _native

        return _native.decode_heads(*self._heads)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Group) and self._heads == other._heads

    def __hash__(self) -> int:
        return hash(self._heads)

    def __repr__(self) -> str:
        return f"<Group of {self.resource_attributes.get('service.name', 'no service')!r}, scope {self.scope_name!r}>"


class SpanColumns(_Fixed):
    """n spans as columns; column i of each belongs to span i.

    Text columns and attributes are anything that :func:`~spanwire.columnar.as_column` takes, or one value for all rows. Arrays
    are used where they lie if they are contiguous and in the machine's byte order, else copied. Nothing is checked but shapes
    and types until the columns are encoded.

    :param trace_id: uint8 of shape (n, 16); or S16, V16.
    :param span_id: uint8 of shape (n, 8); or S8, V8; or uint64, the numbers that ``SpanContext.span_id`` has.
    :param start: n times, uint64 nanoseconds since the epoch (or datetime64).
    :param end: n times likewise.
    :param name: text.
    :param parent_span_id: as ``span_id``, zeros for a root; None: all are roots.
    :param trace_state: text, as in the W3C header; None: empty.
    :param kind: integers as OTLP numbers them: 1 internal, 2 server, 3 client, 4 producer, 5 consumer (the API's
        ``SpanKind.value`` plus one); or one ``SpanKind`` for all. Default: internal.
    :param attributes: key → column; they are written in this order.
    :param ragged_attributes: attributes that fit no column, written behind the others.
    :param dropped_attributes_count: n integers.
    :param events: see :class:`Events`.
    :param dropped_events_count: n integers.
    :param links: see :class:`Links`.
    :param dropped_links_count: n integers.
    :param status_code: integers: 0 unset, 1 ok, 2 error; or one ``StatusCode`` for all. Default: unset.
    :param status_message: text.
    :param flags: integers of 32 bits, ``Span.flags``: 8 bits of W3C flags, 0x100 if it is known whether the parent is remote,
        0x200 if it is. Default: 0x100, as the official encoder writes for a parent that is not remote.
    :param groups: the resources and scopes that the spans are of.
    :param group: n integers: which of ``groups``. Default: the first.
    :raises TypeError: for a dtype that cannot be used; the text names the column.
    :raises ValueError: for a wrong shape or number; likewise.
    """

    __slots__ = (
        "_encoder",
        "attributes",
        "dropped_attributes_count",
        "dropped_events_count",
        "dropped_links_count",
        "end",
        "events",
        "flags",
        "group",
        "groups",
        "kind",
        "links",
        "name",
        "parent_span_id",
        "ragged_attributes",
        "span_id",
        "start",
        "status_code",
        "status_message",
        "trace_id",
        "trace_state",
    )

    def __init__(
        self,
        *,
        trace_id: Any,
        span_id: Any,
        start: Any,
        end: Any,
        name: Any,
        parent_span_id: Any = None,
        trace_state: Any = None,
        kind: Any = None,
        attributes: Mapping[str, Any] | None = None,
        ragged_attributes: RaggedAttributes | None = None,
        dropped_attributes_count: Any = None,
        events: Events | None = None,
        dropped_events_count: Any = None,
        links: Links | None = None,
        dropped_links_count: Any = None,
        status_code: Any = None,
        status_message: Any = None,
        flags: Any = None,
        groups: Sequence[Group] = (),
        group: Any = None,
    ) -> None:
        self.trace_id = ids("trace_id", trace_id, 16)
        rows = len(self.trace_id)
        self.span_id = ids("span_id", span_id, 8, rows)
        self.parent_span_id = None if parent_span_id is None else ids("parent_span_id", parent_span_id, 8, rows)
        self.start = times("start", start, rows)
        self.end = times("end", end, rows)
        self.name = text("name", name, rows)
        self.trace_state = None if trace_state is None else text("trace_state", trace_state, rows)
        self.kind = _enum("kind", kind, rows, 1)
        self.attributes = attribute_columns("", attributes, rows)
        self.ragged_attributes = _ragged("", ragged_attributes, rows)
        self.dropped_attributes_count = _counts("dropped_attributes_count", dropped_attributes_count, rows)
        self.events = _items("events", events, rows)
        self.dropped_events_count = _counts("dropped_events_count", dropped_events_count, rows)
        self.links = _items("links", links, rows)
        self.dropped_links_count = _counts("dropped_links_count", dropped_links_count, rows)
        self.status_code = _enum("status_code", status_code, rows, 0)
        self.status_message = None if status_message is None else text("status_message", status_message, rows)
        self.flags = _counts("flags", flags, rows)
        self.groups = tuple(groups)
        self.group = None if group is None else numbers("group", group, "iu")
        if self.group is not None and len(self.group) != rows:
            raise ValueError(f"group has {len(self.group)} values for {rows} spans")
        if self.group is not None and not self.groups:
            raise ValueError("group says which of groups each span is of, but groups is empty")
        self._encoder: _native.ColumnEncoder | None = None
        self._made()

    @property
    def encoder(self) -> "_native.ColumnEncoder":
        """The columns as native code takes them: described once."""
        encoder = self._encoder
        if encoder is None:
            from spanwire.columnar._encode import column_encoder

            encoder = column_encoder(self)
            object.__setattr__(self, "_encoder", encoder)
        return encoder

    def __len__(self) -> int:
        """How many spans."""
        return len(self.trace_id)

    def attribute(self, key: str) -> list[object]:
        """All values of one attribute, from its column and from the ragged attributes; None where a span has none."""
        column = self.attributes.get(key)
        values: list[object] = [None] * len(self) if column is None else column.to_list()
        if self.ragged_attributes is not None:
            ragged = self.ragged_attributes
            for row in range(len(self)):
                for at in range(int(ragged.offsets[row]), int(ragged.offsets[row + 1])):
                    if ragged.keys[at] == key:
                        values[row] = ragged.values[at]
        return values

    def to_arrow(self) -> Any:
        """The spans as a ``pyarrow.Table``, whose schema docs/columns.md tells.

        :raises ImportError: without pyarrow.
        """
        from spanwire.columnar import _arrow

        return _arrow.to_arrow(self)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The same for other libraries: ``polars.DataFrame(columns)``."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    @classmethod
    def from_arrow(cls, data: object) -> "SpanColumns":
        """Spans from such a table: a pyarrow Table or RecordBatch, a polars DataFrame, anything with the PyCapsule interface.

        :raises ImportError: without pyarrow.
        :raises TypeError: for what is no table, or has columns of types that cannot be used; the text names the column.
        :raises ValueError: for missing, unknown or malformed columns; likewise.
        """
        from spanwire.columnar import _arrow

        return _arrow.from_arrow(data)

    def to_pandas(self) -> Any:
        """The spans as a ``pandas.DataFrame`` to look at: ids in hexadecimal, a column ``attributes.KEY`` for each key.

        Events, links and ragged attributes are lists of Python objects, in columns that are there only if some span has any.

        :raises ImportError: without pyarrow or pandas.
        """
        from spanwire.columnar import _pandas

        return _pandas.to_pandas(self)

    def __repr__(self) -> str:
        return f"<SpanColumns of {len(self)} spans, attributes {list(self.attributes)}>"


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
        array = array.astype("datetime64[ns]").view(np.int64)
    array = numbers(name, array, "iu")
    if rows is not None and len(array) != rows:
        raise ValueError(f"{name} has {len(array)} values for {rows} spans")
    if array.dtype.kind == "i" and array.size and int(array.min()) < 0:
        row = int(np.argmax(array < 0))
        raise ValueError(f"{name} is {array[row]} in row {row}: times are nanoseconds since the epoch, 0 or more")
    return contiguous(array.astype(np.uint64, copy=False))


def text(name: str, values: Any, rows: int | None = None) -> Column:
    """A column of text; one str stands for all rows."""
    if isinstance(values, str):
        if rows is None:
            raise TypeError(f"{name} must be a column, a value for each row, and is one str")
        return Column(Dictionary(np.zeros(rows, np.uint8), Strings.of([values])))
    column = as_column(name, values)
    if not _is_text(column.values):
        raise TypeError(f"{name} must be text: a column of S, U, str objects, Strings or a Dictionary of them")
    if rows is not None and len(column) != rows:
        raise ValueError(f"{name} has {len(column)} values for {rows} rows")
    return column


def _is_text(values: Values) -> bool:
    if isinstance(values, Dictionary):
        return _is_text(values.values)
    return isinstance(values, Strings) or (isinstance(values, np.ndarray) and values.dtype.kind in "SUO")


def attribute_columns(owner: str, attributes: Mapping[str, Any] | None, rows: int) -> Mapping[str, Column]:
    """Columns by key, each of ``rows`` values; a str, bool, int or float stands for all rows."""
    columns: dict[str, Column] = {}
    for key, values in (attributes or {}).items():
        if isinstance(values, Column) and type(key) is str and len(values) == rows:
            columns[key] = values
            continue
        name = f"attribute {key!r}" + (f" of {owner}" if owner else "")
        if not isinstance(key, str):
            raise TypeError(f"{name}: keys must be str")
        if isinstance(values, (str, bool, int, float)):
            one = Strings.of([values]) if isinstance(values, str) else [values]
            values = Dictionary(np.zeros(rows, np.uint8), one)  # noqa: PLW2901  # one value for all rows
        column = as_column(name, values)
        if len(column) != rows:
            raise ValueError(f"{name} has {len(column)} values for {rows} rows")
        columns[key] = column
    return MappingProxyType(columns)


def _offsets(name: str, values: Any) -> Array:
    array = numbers(name, values, "iu")
    if len(array) == 0:
        raise ValueError(f"{name} must be one more than there are rows, so at least one; there is none")
    return contiguous(array.astype(np.int64, copy=False))


def _counts(name: str, values: Any, rows: int) -> Array | None:
    if values is None:
        return None
    array = numbers(name, values)
    if len(array) != rows:
        raise ValueError(f"{name} has {len(array)} values for {rows} rows")
    return array


def _enum(name: str, value: Any, rows: int, shift: int) -> Array | None:
    """Numbers as OTLP has them; of the API's enumeration, whose numbers are less by ``shift``, too. One stands for all rows."""
    if value is None or (isinstance(value, np.ndarray) and value.dtype.kind != "O"):
        return _counts(name, value, rows)
    if isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str):
        return _counts(name, [_number(one, shift) for one in value], rows)
    number = _number(value, shift)
    if np.ndim(number):
        return _counts(name, number, rows)
    if not isinstance(number, (int, np.integer)) or not 0 <= number < 1 << 31:
        raise ValueError(f"{name} is {value!r}: a number as OTLP has it is needed, or one of the API's enumeration")
    return np.full(rows, number, np.uint8 if number < 1 << 8 else np.uint32)


def _number(value: Any, shift: int) -> Any:
    return value.value + shift if isinstance(value, Enum) else value


def _items(name: str, items: Any, rows: int) -> Any:
    if items is not None and len(items.offsets) != rows + 1:
        raise ValueError(f"offsets of {name} are {len(items.offsets)} for {rows} spans: one more than spans is needed")
    return items


def _ragged(owner: str, ragged: RaggedAttributes | None, rows: int) -> RaggedAttributes | None:
    if ragged is not None and len(ragged) != rows:
        of = f" of {owner}" if owner else ""
        raise ValueError(
            f"offsets of ragged attributes{of} are {len(ragged.offsets)} for {rows} rows: one more is needed"
        )
    return ragged
