"""Columns that lie, and columns that another thread writes to: an error or bytes, never memory that is not theirs."""

import random
import re
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    decode_columns,
    encode_columns,
)

_NUMBERS = (
    0,
    0,
    1,
    2,
    5,
    63,
    64,
    65,
    127,
    255,
    -1,
    -2,
    2**31 - 1,
    -(2**31),
    2**32,
    2**62,
    2**63 - 1,
    -(2**63),
    2**64 - 1,
)
# A refusal begins with the name of what is wrong.
_REFUSAL = re.compile(
    r"(?:(?:keys|values|offsets) of )?"
    r"(?:name|trace_state|status_message|status_code|kind|flags|group|offsets|lengths|ragged attributes|links|events"
    r"|attribute '[a-c]'|Strings|Binary|AnyValues|Dictionary|Column|a mask)(?: of (?:events|links))?"
    r"(?:, different values)?(?:, row [0-9]+:| (?:has|have|must be)) .{8,}"
)
_DTYPES = ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">i4", ">i8", "<u4")


class _Drawn:
    """Arrays whose content means nothing."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)

    def ints(self, rows: int) -> Any:
        dtype = np.dtype(self._draw.choice(_DTYPES))
        wanted = np.array([self._draw.choice(_NUMBERS) & (2**64 - 1) for _ in range(rows)], np.uint64)
        array = wanted.astype(dtype.newbyteorder("=")).astype(dtype)
        return self._draw.choice([array, np.repeat(array, 3)[::3], array[::-1]])

    def offsets(self, rows: int) -> Any:
        if self._draw.random() < 0.7:  # mostly right
            steps = [self._draw.choice([0, 0, 1, 3]) for _ in range(rows - 1)]
            offsets = np.cumsum([0, *steps]).astype(self._draw.choice(["i4", "i8", "u4", "u8"]))
            if self._draw.random() < 0.4 and rows:
                offsets[self._draw.randrange(rows)] = self._draw.choice([0, 1, 99, 2**31 - 1])
            return offsets
        return self.ints(rows)

    def data(self) -> bytes:
        return self._draw.randbytes(self._draw.choice([0, 1, 7, 64, 300]))

    def texts(self, rows: int) -> Any:
        kind = self._draw.choice([Strings, Binary, AnyValues])
        if self._draw.random() < 0.5:
            return kind(self.offsets(rows), self.data(), self.offsets(rows))
        return kind(self.offsets(rows + 1), self.data())

    def column(self, rows: int, depth: int = 0) -> Any:
        width = self._draw.choice([1, 3, 8, 9, 17])
        ways: list[Callable[[], Any]] = [
            lambda: self.ints(rows),
            lambda: self.texts(rows),
            lambda: np.frombuffer(self._draw.randbytes(rows * width), f"S{width}"),
            lambda: np.frombuffer(self._draw.randbytes(rows * 4 * width), f"U{width}"),
            lambda: np.frombuffer(self._draw.randbytes(rows * 8), "f8"),
            lambda: np.frombuffer(self._draw.randbytes(rows), bool),
            lambda: self.ints(rows) if depth else Dictionary(self.ints(rows), self.column(self._draw.randint(0, 4), 1)),
            lambda: ["a"] * rows,
        ]
        values = self._draw.choice(ways)()
        if depth or self._draw.random() < 0.7:
            return values
        return Column(values, np.frombuffer(self._draw.randbytes(rows), np.uint8) < 50)

    def attributes(self, rows: int) -> dict[str, Any]:
        return {key: self.column(rows) for key in "abc"[: self._draw.randint(0, 3)]}

    def ragged(self, rows: int) -> Any:
        count = self._draw.randint(0, 9)
        if self._draw.random() < 0.5:
            return None
        return RaggedAttributes(self.offsets(rows + 1), self.texts(count), self.column(count))

    def columns(self) -> SpanColumns:
        draw = self._draw
        rows, items = draw.choice([0, 1, 5, 64, 130]), draw.randint(0, 9)
        groups = [Group({"n": str(number)}) for number in range(draw.randint(0, 3))]
        return SpanColumns(
            trace_id=np.frombuffer(draw.randbytes(rows * 16), np.uint8).reshape(rows, 16),
            span_id=np.frombuffer(draw.randbytes(rows * 8), np.uint64),
            parent_span_id=draw.choice([None, np.zeros((rows, 16), np.uint8)[:, ::2]]),
            start=np.frombuffer(draw.randbytes(rows * 8), np.uint64),
            end=np.frombuffer(draw.randbytes(rows * 8), np.uint64),
            name=self.column(rows) if draw.random() < 0.5 else "n",
            trace_state=draw.choice([None, self.texts(rows)]),
            kind=draw.choice([None, self.ints(rows)]),
            flags=draw.choice([None, self.ints(rows)]),
            status_code=draw.choice([None, None, self.ints(rows)]),
            status_message=draw.choice([None, None, self.texts(rows)]),
            attributes=self.attributes(rows),
            ragged_attributes=self.ragged(rows),
            events=None
            if draw.random() < 0.5
            else Events(
                self.offsets(rows + 1),
                np.zeros(items, np.uint64),
                self.texts(items),
                attributes=self.attributes(items),
                ragged_attributes=self.ragged(items),
            ),
            links=None
            if draw.random() < 0.5
            else Links(
                self.offsets(rows + 1),
                np.zeros((items, 16), np.uint8),
                np.zeros((items, 8), np.uint8),
                flags=draw.choice([None, self.ints(items)]),
                attributes=self.attributes(items),
            ),
            groups=groups,
            group=self.ints(rows) if groups and draw.random() < 0.5 else None,
        )


@given(st.integers(0, 2**48))
def test_columns_that_mean_nothing_are_refused_or_encoded(seed: int) -> None:
    drawn = _Drawn(seed)
    refused = None
    try:
        columns = drawn.columns()
        requests = encode_columns(columns, threads=seed % 3 + 1)
    except (TypeError, ValueError) as error:
        refused = str(error)
    if refused is not None:
        assert _REFUSAL.match(refused), refused
        return
    assert sum(len(decode_columns(bytes(request))) for request in requests) == len(columns)


@pytest.mark.parametrize("seed", range(6))
def test_a_thread_that_writes_to_the_columns_breaks_nothing(seed: int) -> None:
    rows = 20_000
    offsets = np.arange(0, 8 * (rows + 1), 8, dtype=np.int64)
    text = np.full(rows * 8, ord("a"), np.uint8)
    fixed = np.full(rows, b"abcdefghij")
    codes = np.zeros(rows, np.int32)
    wide = np.full(rows, "abc")
    items = np.arange(rows + 1, dtype=np.int64)
    numbers = np.ones(rows, np.int64)
    group = np.zeros(rows, np.int8)
    columns = SpanColumns(
        trace_id=np.ones((rows, 16), np.uint8),
        span_id=np.ones((rows, 8), np.uint8),
        start=numbers,
        end=numbers,
        name=Strings(offsets, text),
        attributes={
            "fixed": fixed,
            "dictionary": Dictionary(codes, ["a", "b" * 300]),
            "wide": wide,
            "numbers": numbers,
            "views": Strings(offsets[:-1], text, np.full(rows, 3, np.int32)),
        },
        ragged_attributes=RaggedAttributes(items, Strings(offsets, text), numbers),
        groups=[Group({"n": "a"}), Group({"n": "b"})],
        group=group,
    )
    stop = threading.Event()

    def scribble() -> None:
        draw = np.random.default_rng(seed)
        while not stop.is_set():
            at = draw.integers(0, rows, 200)
            offsets[at] += draw.integers(-9, 9, 200)
            numbers[at] = draw.integers(0, 2**62, 200)
            codes[at] = draw.integers(-1, 2, 200)
            fixed[at] = b"x" * int(draw.integers(0, 10))
            wide[at] = "é" * int(draw.integers(0, 3))
            items[at] += draw.integers(-1, 2, 200)
            group[at] = draw.integers(0, 2, 200)
            text[draw.integers(0, len(text), 50)] = draw.integers(0, 256, 50)
            if draw.random() < 0.5:  # else most would be refused at once
                offsets[:] = np.arange(0, 8 * (rows + 1), 8)
                items[:] = np.arange(rows + 1)
                text[:] = ord("a")

    writer = threading.Thread(target=scribble)
    writer.start()
    try:
        said = set()
        for number in range(60):
            try:
                encode_columns(columns, threads=number % 3 + 1, max_request_bytes=(None, 100_000)[number % 2])
            except ValueError as error:
                said.add(str(error).split(",", maxsplit=1)[0])
    finally:
        stop.set()
        writer.join()
    assert said, "nothing was changed while it was read: the test tests nothing"
