"""What becomes a column, what is seen of later changes, and text that is none where it is easily overlooked."""

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from opentelemetry.trace import SpanKind, StatusCode

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


def columns(rows: int = 2, **fields: Any) -> SpanColumns:
    usual: dict[str, Any] = {
        "trace_id": np.ones((rows, 16), np.uint8),
        "span_id": np.ones((rows, 8), np.uint8),
        "start": np.ones(rows, np.uint64),
        "end": np.ones(rows, np.uint64),
        "name": "n",
    }
    return SpanColumns(**{**usual, **fields})


def there_and_back(values: Any) -> list[object]:
    [request] = encode_columns(columns(attributes={"k": values}))
    return decode_columns(bytes(request)).attribute("k")


def test_text_of_rows_in_another_order_is_checked() -> None:
    rows, bad = 128, 100
    # The first 64 rows written are 0, 100, 1 … 63 without 5: as many as from row 0 to row 63.
    group = np.ones(rows, np.uint8)
    group[[0, bad]] = 0
    group[5] = 2
    names = np.full(rows, b"a name", "S8")
    names[bad] = b"\xff"
    table = columns(rows, name=names, groups=[Group({"g": number}) for number in range(3)], group=group)
    with pytest.raises(ValueError, match="name, row 100: no UTF-8"):
        encode_columns(table)


def test_text_that_lies_beyond_the_last_offset_is_checked() -> None:
    # Where nothing is, offsets may be anything, falling ones too.
    texts = Strings(np.array([0, 100, 10]), b"a" * 10 + b"\xff" * 90)
    table = columns(attributes={"k": Column(texts, np.array([False, True]))})
    with pytest.raises(ValueError, match="attribute 'k', row 0: no UTF-8"):
        encode_columns(table)


def test_sequences_of_one_length_are_values() -> None:
    assert there_and_back([[1, 2], [3, 4]]) == [(1, 2), (3, 4)]
    assert there_and_back([["a"], ["b"]]) == [("a",), ("b",)]


def test_large_integers_do_not_become_floats() -> None:
    with pytest.raises(ValueError, match=r"attribute 'k', row 0: .*beyond 64 bits"):
        there_and_back([2**63, 1])
    assert there_and_back([2**63 - 1, 1]) == [2**63 - 1, 1]


@pytest.mark.parametrize("value", [300, 2, SpanKind.CLIENT])
def test_one_number_stands_for_all_rows(value: Any) -> None:
    table = columns(kind=value)
    assert table.kind is not None and set(table.kind) == {3 if value is SpanKind.CLIENT else value}


def test_enumerations_may_be_values() -> None:
    table = columns(kind=[SpanKind.SERVER, 3], status_code=[StatusCode.ERROR, StatusCode.OK])
    assert table.kind is not None and table.kind.tolist() == [2, 3]
    assert table.status_code is not None and table.status_code.tolist() == [2, 1]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"kind": "SERVER"}, "kind is 'SERVER': a number as OTLP has it"),
        ({"kind": -1}, "kind is -1: a number"),
        ({"status_code": 1.5}, "status_code is 1.5: a number"),
        ({"start": np.array([1.5, 2], object)}, "start, row 0: 1.5 is no integer"),
        ({"end": [1, 2**64]}, "end, row 1: 18446744073709551616 is beyond"),
        ({"dropped_events_count": [1, None]}, "dropped_events_count, row 1: None is no integer"),
    ],
)
def test_what_are_no_numbers_is_told_by_name(fields: dict[str, Any], text: str) -> None:
    with pytest.raises((TypeError, ValueError), match=text):
        columns(**fields)


def test_span_ids_may_be_the_numbers_that_contexts_have() -> None:
    number = 0x0102030405060708
    for dtype in (">u8", "<u8"):
        assert bytes(columns(span_id=np.array([number, 1], dtype)).span_id[0]) == number.to_bytes(8, "big")


def test_columns_of_any_kind_can_be_pickled() -> None:
    table = columns(
        attributes={
            "objects": np.array(["x", None], object),
            "masked": np.ma.MaskedArray([1, 2], [True, False]),
            "few": Dictionary([0, -1], ["a"]),
            "any": AnyValues.of([(1, 2), None]),
            "bytes": Binary.of([b"1", b""]),
            "one": 1.5,
        },
        ragged_attributes=RaggedAttributes([0, 0, 1], ["k"], ["v"]),
        events=Events([0, 1, 1], [1], ["e"], attributes={"k": [1]}),
        links=Links([0, 0, 1], np.ones((1, 16), np.uint8), np.ones((1, 8), np.uint8), flags=[3]),
        groups=[Group({"a": 1}, "scope")],
    )
    again = pickle.loads(pickle.dumps(table))
    assert encode_columns(again) == encode_columns(table)
    assert list(again.attributes) == list(table.attributes)


def test_objects_are_those_that_were_given() -> None:
    objects, numbers = np.array(["x", "y"], object), np.array([1, 2])
    table = columns(attributes={"objects": objects, "numbers": numbers})
    objects[0], numbers[0] = "changed", 7
    [request] = encode_columns(table)
    decoded = decode_columns(bytes(request))
    assert decoded.attribute("objects") == ["x", "y"] == table.attribute("objects")
    assert decoded.attribute("numbers") == [7, 2] == table.attribute("numbers")


def test_no_part_can_be_exchanged() -> None:
    # The encoder's description of the columns is made once.
    parts: list[tuple[Any, str]] = [
        (Column(np.ones(2)), "values"),
        (Column(np.ma.MaskedArray([1, 2], [True, False])), "mask"),
        (Dictionary([0], ["a"]), "codes"),
        (Strings.of(["a"]), "data"),
        (RaggedAttributes([0, 1], ["k"], ["v"]), "values"),
        (columns(attributes={"k": [1, 2]}).attributes["k"], "values"),
    ]
    for part, name in parts:
        with pytest.raises(AttributeError, match=f"{name} of .* is checked when it is made"):
            setattr(part, name, np.ones(2))


def test_limits_beyond_the_machine_are_none() -> None:
    assert len(encode_columns(columns(), max_request_bytes=2**80, threads=sys.maxsize + 1)) == 1


def test_messages_that_are_none_are_refused() -> None:
    # A table from a file can hold any bytes.
    values = AnyValues([0, 2, 4], b"\x18\x01\xff\xff")
    with pytest.raises(ValueError, match=r"attribute 'k', row 1: .*a value cut short at byte 0"):
        encode_columns(columns(attributes={"k": values}))
    with pytest.raises(ValueError, match=r"values of ragged attributes, row 1: .*a value cut short"):
        encode_columns(columns(ragged_attributes=RaggedAttributes([0, 1, 2], ["k", "l"], values)))


def test_without_numpy_it_is_told_how_to_get_it() -> None:
    program = "import sys; sys.modules['numpy'] = None; import spanwire.columnar"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stderr.endswith("ImportError: spanwire.columnar needs numpy: pip install 'spanwire[numpy]'\n")
