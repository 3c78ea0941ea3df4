"""``SpanColumns``: many spans as columns."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spanwire.columnar._columns import _Fixed, numbers
from spanwire.columnar._fields import attribute_columns, counts, enum_numbers, ids, text, times
from spanwire.columnar._group import Group, groups_of
from spanwire.columnar._items import Events, Links, RaggedAttributes, items_of, ragged_of

if TYPE_CHECKING:
    from spanwire import _native

__all__ = ["LOCAL_PARENT", "SpanColumns"]

LOCAL_PARENT = 0x100
"""``Span.flags`` of a span whose parent is known not to be remote: what the official encoder writes for such spans."""


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
        self.kind = enum_numbers("kind", kind, rows, 1)
        self.attributes = attribute_columns("", attributes, rows)
        self.ragged_attributes = ragged_of("", ragged_attributes, rows)
        self.dropped_attributes_count = counts("dropped_attributes_count", dropped_attributes_count, rows)
        self.events = items_of("events", events, rows, Events)
        self.dropped_events_count = counts("dropped_events_count", dropped_events_count, rows)
        self.links = items_of("links", links, rows, Links)
        self.dropped_links_count = counts("dropped_links_count", dropped_links_count, rows)
        self.status_code = enum_numbers("status_code", status_code, rows, 0)
        self.status_message = None if status_message is None else text("status_message", status_message, rows)
        self.flags = counts("flags", flags, rows)
        self.groups = groups_of(groups)
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
