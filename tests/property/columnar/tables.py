"""Random tables of spans, twice: as the SDK's spans, and as columns in layouts drawn at random. All from one seed."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from spanwire.columnar import (
    AnyValues,
    Binary,
    Column,
    Dictionary,
    Events,
    Group,
    Links,
    RaggedAttributes,
    SpanColumns,
    Strings,
)

__all__ = ["Table", "make"]

_TEXTS = (
    "",
    "GET",
    "a",
    "/users/42",
    "SELECT * FROM users WHERE id = ?",
    "naïve",
    "Ω" * 9,
    "日本語",
    "🙂",
    "x" * 127,
    "y" * 128,
    "z" * 20_000,
)
_INTS = (0, 1, -1, 127, 128, 200, 16_383, 16_384, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63))
_FLOATS = (0.0, -0.0, 1.5, float("inf"), float("-inf"), 1e300, 5e-324)


@dataclass
class Table:
    """``spans`` and ``columns`` say the same."""

    spans: list[ReadableSpan]
    columns: SpanColumns
    groups: list[tuple[Resource, InstrumentationScope]] = field(default_factory=list)


def make(seed: int, *, most_rows: int = 150) -> Table:
    """A table; equal seeds give equal ones."""
    draw = random.Random(seed)
    rows = draw.choice([0, 1, 2, 63, 64, 65, draw.randint(0, most_rows), draw.randint(0, most_rows)])
    groups = [
        (
            Resource({"service.name": draw.choice("abc")}),
            InstrumentationScope(draw.choice("st"), draw.choice(["", "1"])),
        )
        for _ in range(draw.randint(1, 4))
    ]
    group = [draw.randrange(len(groups)) for _ in range(rows)]
    if draw.random() < 0.3:
        group.sort()
    ids = [(draw.getrandbits(128) or 1, draw.getrandbits(64) or 1) for _ in range(rows)]
    parents = [draw.getrandbits(64) or 1 if draw.random() < 0.5 else 0 for _ in range(rows)]
    remote = [bool(parent) and draw.random() < 0.3 for parent in parents]
    times = [(draw.choice([0, draw.getrandbits(63)]), draw.getrandbits(63)) for _ in range(rows)]
    names = [draw.choice(_TEXTS) for _ in range(rows)]
    states = [draw.choice(["", "", "a=1", "b=2,a=1"]) for _ in range(rows)]
    kinds = [draw.choice(list(SpanKind)) for _ in range(rows)]
    codes = [draw.choice(list(StatusCode)) for _ in range(rows)]
    messages = [draw.choice(_TEXTS) if code is StatusCode.ERROR else "" for code in codes]
    attributes = _attributes(draw, rows)
    events = _items(draw, rows)
    event_attributes = _attributes(draw, sum(map(len, events)))
    links = _items(draw, rows)
    link_attributes = _attributes(draw, sum(map(len, links)))
    link_ids = [(draw.getrandbits(128) or 1, draw.getrandbits(64) or 1) for _ in range(link_attributes.rows)]
    event_names = [draw.choice(_TEXTS) for _ in range(event_attributes.rows)]
    event_times = [draw.getrandbits(63) for _ in range(event_attributes.rows)]

    spans = []
    for row in range(rows):
        trace_id, span_id = ids[row]
        context = SpanContext(trace_id, span_id, False, TraceFlags(1), TraceState.from_header([states[row]]))
        parent = SpanContext(trace_id, parents[row], remote[row]) if parents[row] else None
        resource, scope = groups[group[row]]
        spans.append(
            ReadableSpan(
                names[row],
                context,
                parent=parent,
                resource=resource,
                attributes=attributes.of(row),
                events=[Event(event_names[at], event_attributes.of(at), event_times[at]) for at in events[row]],
                links=[Link(SpanContext(*link_ids[at], False), link_attributes.of(at)) for at in links[row]],
                kind=kinds[row],
                status=Status(codes[row], messages[row] or None),
                start_time=times[row][0],
                end_time=times[row][1],
                instrumentation_scope=scope,
            )
        )
    lay = _Layouts(draw)
    columns = SpanColumns(
        trace_id=_ids([one for one, _ in ids], 16),
        span_id=_ids([one for _, one in ids], 8),
        parent_span_id=None if not any(parents) and draw.random() < 0.5 else _ids(parents, 8),
        start=lay.ints([start for start, _ in times]),
        end=lay.ints([end for _, end in times]),
        name=lay.texts(names),
        trace_state=None if not any(states) else lay.texts(states),
        kind=lay.ints([kind.value + 1 for kind in kinds]),
        status_code=lay.ints([code.value for code in codes]),
        status_message=None if not any(messages) and draw.random() < 0.5 else lay.texts(messages),
        flags=None
        if not any(remote) and draw.random() < 0.5
        else lay.ints([0x300 if one else 0x100 for one in remote]),
        attributes=attributes.columns(lay),
        ragged_attributes=attributes.ragged(lay),
        events=None
        if not any(events) and draw.random() < 0.5
        else Events(
            _offsets(events),
            np.array(event_times, np.uint64),
            lay.texts(event_names),
            attributes=event_attributes.columns(lay),
            ragged_attributes=event_attributes.ragged(lay),
        ),
        links=None
        if not any(links) and draw.random() < 0.5
        else Links(
            _offsets(links),
            _ids([one for one, _ in link_ids], 16),
            _ids([one for _, one in link_ids], 8),
            attributes=link_attributes.columns(lay),
            ragged_attributes=link_attributes.ragged(lay),
        ),
        groups=[Group(*one) for one in groups],
        group=lay.ints(group),
    )
    return Table(spans, columns, groups)


@dataclass
class _Attributes:
    """Columns by key (None: absent), and ragged attributes behind them."""

    rows: int
    by_key: dict[str, list[Any]]
    others: list[list[tuple[str, Any]]]

    def of(self, row: int) -> dict[str, Any]:
        dense = {key: values[row] for key, values in self.by_key.items() if values[row] is not None}
        return {**dense, **dict(self.others[row])}

    def columns(self, lay: "_Layouts") -> dict[str, Any]:
        return {key: lay.column(values) for key, values in self.by_key.items()}

    def ragged(self, lay: "_Layouts") -> RaggedAttributes | None:
        if not any(self.others):
            return None
        flat = [pair for row in self.others for pair in row]
        sizes = np.cumsum([0, *map(len, self.others)])
        return RaggedAttributes(sizes, lay.texts([key for key, _ in flat]), AnyValues.of(value for _, value in flat))


def _attributes(draw: random.Random, rows: int) -> _Attributes:
    by_key = {}
    for number in range(draw.randint(0, 6)):
        pool = draw.choice(
            [_TEXTS, _INTS, _INTS[:9], _FLOATS, (True, False), (b"", b"\x00\xff", b"b" * 200), ("GET",), (7,)]
        )
        absent = draw.choice([0, 0, 0.3, 1])
        key = draw.choice(["k", "http.request.method", "Ω", "l" * 130]) + str(number)
        by_key[key] = [None if draw.random() < absent else draw.choice(pool) for _ in range(rows)]
    others: list[list[tuple[str, Any]]] = [[] for _ in range(rows)]
    if draw.random() < 0.4:
        for row in others:
            for number in range(draw.choice([0, 0, 1, 3])):
                value = draw.choice(
                    [draw.choice(_TEXTS), draw.choice(_INTS), ("a", "b"), (1, 2), True, {"m": {"n": 1}}]
                )
                row.append((f"r{number}", value))
    return _Attributes(rows, by_key, others)


def _items(draw: random.Random, rows: int) -> list[range]:
    if draw.random() < 0.5:
        return [range(0) for _ in range(rows)]
    items, at = [], 0
    for _ in range(rows):
        count = draw.choice([0, 0, 1, 3])
        items.append(range(at, at + count))
        at += count
    return items


def _offsets(items: Sequence[range]) -> Any:
    return np.array([0, *np.cumsum([len(item) for item in items])], np.int64)


def _ids(numbers: Sequence[int], width: int) -> Any:
    joined = b"".join(number.to_bytes(width, "big") for number in numbers)
    return np.frombuffer(joined, np.uint8).reshape(len(numbers), width)


class _Layouts:
    """The same values in memory of many shapes."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw

    def _odd(self, array: Any) -> Any:
        """The array as it is, big-endian, strided, backwards or misaligned."""
        ways: list[Callable[[], Any]] = [
            lambda: array,
            lambda: array,
            lambda: array.astype(array.dtype.newbyteorder(">")),
            lambda: np.repeat(array, 2)[::2],
            lambda: array[::-1].copy()[::-1],
            lambda: _misaligned(array),
        ]
        return self._draw.choice(ways)()

    def ints(self, values: Sequence[int]) -> Any:
        fitting = [
            dtype
            for dtype in (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64)
            if all(np.iinfo(dtype).min <= value <= np.iinfo(dtype).max for value in values)
        ]
        return self._odd(np.array(values, self._draw.choice(fitting)))

    def texts(self, values: Sequence[str]) -> Any:
        encoded = [value.encode() for value in values]
        width = max(map(len, encoded), default=0)
        layouts: list[Callable[[], Any]] = [
            lambda: Strings.of(values),
            lambda: list(values),
            lambda: _views(Strings, encoded),
            lambda: self._dictionary(values, Strings.of),
        ]
        if width < 1000 and all(value and not value.endswith("\0") for value in values):
            layouts += [lambda: self._odd(np.array(encoded or [b""])), lambda: self._odd(np.array(values or [""]))]
        if not values:
            layouts = layouts[:2]
        return self._draw.choice(layouts)()

    def column(self, values: Sequence[Any]) -> Any:
        """A column with what is not None, in any layout that can hold it."""
        there = [value for value in values if value is not None]
        mask = np.array([value is None for value in values], bool)
        kind: Any = type(there[0]) if there else str
        if self._draw.random() < 0.15:
            return list(values) if values else Strings.of([])
        empty: Any = kind()
        filled: list[Any] = [empty if value is None else value for value in values]
        column: Any
        if kind is str:
            column = self.texts(filled)
        elif kind is bytes:
            column = Binary.of(filled) if self._draw.random() < 0.5 else _views(Binary, filled)
        elif kind is bool:
            column = self._odd(np.array(filled, bool))
        elif kind is int:
            column = self._dictionary(filled, np.array) if self._draw.random() < 0.2 else self.ints(filled)
        else:
            column = self._odd(np.array(filled, np.float64))
        if not mask.any() and self._draw.random() < 0.7:
            return column
        if isinstance(column, np.ndarray) and self._draw.random() < 0.5:
            return np.ma.MaskedArray(column, mask)
        return Column(column, mask)

    def _dictionary(self, values: Sequence[Any], make: Callable[[Any], Any]) -> Dictionary:
        different = list(dict.fromkeys(values)) or list(values)
        codes = [different.index(value) for value in values]
        return Dictionary(self.ints(codes), make(different))


def _misaligned(array: Any) -> Any:
    memory = np.zeros(array.nbytes + 1, np.uint8)
    memory[1:] = np.frombuffer(array.tobytes(), np.uint8)
    return memory[1:].view(array.dtype) if array.dtype.itemsize else array


def _views(kind: type[Strings] | type[Binary], values: Sequence[bytes]) -> Any:
    """Values in reverse order in one buffer."""
    data = b"".join(reversed(values))
    ends = np.cumsum([len(value) for value in reversed(values)]).tolist()
    starts = [0, *ends[:-1]][::-1] if values else []
    lengths = [len(value) for value in values]
    return kind(np.array(starts, np.int64), data, np.array(lengths, np.int32))
