"""What spans have any number of: events, links, attributes that fit no column."""

from collections.abc import Mapping
from typing import Any

from spanwire.columnar._columns import _Fixed, as_column
from spanwire.columnar._fields import attribute_columns, counts, ids, offsets_of, text, times

__all__ = ["Events", "Links", "RaggedAttributes", "items_of", "ragged_of"]


class RaggedAttributes(_Fixed):
    """Attributes that fit no column: any number for each row.

    :param offsets: n + 1 integers: row i has the attributes ``offsets[i]`` to ``offsets[i + 1]``.
    :param keys: text, a value for each attribute.
    :param values: a column, a value for each attribute; :class:`AnyValues` where types differ.
    """

    __slots__ = ("keys", "offsets", "values")

    def __init__(self, offsets: Any, keys: Any, values: Any) -> None:
        self.offsets = offsets_of("offsets of ragged attributes", offsets)
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
        self.offsets = offsets_of("offsets of events", offsets)
        self.time = times("time of events", time)
        rows = len(self.time)
        self.name = text("name of events", name, rows)
        self.attributes = attribute_columns("events", attributes, rows)
        self.ragged_attributes = ragged_of("events", ragged_attributes, rows)
        self.dropped_attributes_count = counts("dropped_attributes_count of events", dropped_attributes_count, rows)
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
        self.offsets = offsets_of("offsets of links", offsets)
        self.trace_id = ids("trace_id of links", trace_id, 16)
        rows = len(self.trace_id)
        self.span_id = ids("span_id of links", span_id, 8, rows)
        self.trace_state = None if trace_state is None else text("trace_state of links", trace_state, rows)
        self.flags = counts("flags of links", flags, rows)
        self.attributes = attribute_columns("links", attributes, rows)
        self.ragged_attributes = ragged_of("links", ragged_attributes, rows)
        self.dropped_attributes_count = counts("dropped_attributes_count of links", dropped_attributes_count, rows)
        self._made()

    def __len__(self) -> int:
        """How many links."""
        return len(self.trace_id)


def items_of(name: str, items: Any, rows: int, kind: type[Events | Links]) -> Any:
    if items is not None and not isinstance(items, kind):
        raise TypeError(f"{name} must be {kind.__name__}, not {type(items).__name__}")
    if items is not None and len(items.offsets) != rows + 1:
        raise ValueError(f"offsets of {name} are {len(items.offsets)} for {rows} spans: one more than spans is needed")
    return items


def ragged_of(owner: str, ragged: Any, rows: int) -> RaggedAttributes | None:
    of = f" of {owner}" if owner else ""
    if ragged is not None and not isinstance(ragged, RaggedAttributes):
        raise TypeError(f"ragged_attributes{of} must be RaggedAttributes, not {type(ragged).__name__}")
    if ragged is not None and len(ragged) != rows:
        raise ValueError(
            f"offsets of ragged attributes{of} are {len(ragged.offsets)} for {rows} rows: one more is needed"
        )
    return ragged
