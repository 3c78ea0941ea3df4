"""Spans as Arrow tables: through pyarrow, Parquet and polars and back."""

import datetime as dt
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spanwire
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
    as_column,
    decode_columns,
)
from spanwire_bench import _workloads
from tests.columns import rows_of_columns

pa: Any = pytest.importorskip("pyarrow", reason="not applicable: no pyarrow in this environment")
pl: Any = pytest.importorskip("polars", reason="not applicable: no polars in this environment")


def decoded(name: str, count: int = 200) -> SpanColumns:
    return decode_columns(spanwire.encode_spans(_workloads.make(name, count)))


def small(**more: Any) -> SpanColumns:
    """Two spans and whatever else is given."""
    base: dict[str, Any] = {
        "trace_id": np.full((2, 16), 1, np.uint8),
        "span_id": np.full((2, 8), 2, np.uint8),
        "start": np.array([1, 2**64 - 1], np.uint64),
        "end": np.array([2, 2**63], np.uint64),
        "name": Strings.of(["first", "zweiter Span ☃"]),
        "groups": [Group({"service.name": "shop"}, "library")],
    }
    return SpanColumns(**{**base, **more})


@pytest.mark.parametrize("name", _workloads.NAMES)
@pytest.mark.parametrize("way", ["pyarrow", "parquet", "polars", "chunks"])
def test_spans_come_back_as_they_were(name: str, way: str, tmp_path: Path) -> None:
    columns = decoded(name)
    table = columns.to_arrow()
    table.validate(full=True)
    if way == "parquet":
        parquet = pytest.importorskip("pyarrow.parquet", reason="not applicable: pyarrow without Parquet")
        parquet.write_table(table, tmp_path / "spans.parquet")
        table = parquet.read_table(tmp_path / "spans.parquet")
    elif way == "polars":
        table = pl.DataFrame(columns)
        assert table.height == len(columns)
    elif way == "chunks":
        table = pa.concat_tables([table.slice(0, 70), table.slice(70, 1), table.slice(71)])
    assert rows_of_columns(SpanColumns.from_arrow(table)) == rows_of_columns(columns)


def test_the_schema_is_that_of_the_docs() -> None:
    schema = decoded("W5").to_arrow().schema
    assert {field.name: str(field.type) for field in schema if field.name not in {"attributes", "events"}} == {
        "trace_id": "fixed_size_binary[16]",
        "span_id": "fixed_size_binary[8]",
        "parent_span_id": "fixed_size_binary[8]",
        "trace_state": "large_string",
        "name": "large_string",
        "kind": "int32",
        "start": "timestamp[ns, tz=UTC]",
        "end": "timestamp[ns, tz=UTC]",
        "status_code": "int32",
        "status_message": "large_string",
        "flags": "uint32",
        "service_name": "dictionary<values=string, indices=int32, ordered=0>",
        "scope_name": "dictionary<values=string, indices=int32, ordered=0>",
        "group": "dictionary<values=binary, indices=int32, ordered=0>",
    }
    attributes = {field.name: str(field.type) for field in schema.field("attributes").type}
    assert attributes == {
        "http.request.method": "large_string",
        "url.path": "large_string",
        "http.response.status_code": "int64",
        "server.load": "double",
        "cache.hit": "bool",
    }


COLUMNS: dict[str, tuple[Any, list[object]]] = {
    "int8": (np.array([1, -2], np.int8), [1, -2]),
    "uint64": (np.array([1, 2**63 - 1], np.uint64), [1, 2**63 - 1]),
    "float32": (np.array([0.5, np.inf], np.float32), [0.5, float("inf")]),
    "bool": (np.array([True, False]), [True, False]),
    "text objects": (np.array(["grün", "b"]).astype(object), ["grün", "b"]),
    "fixed S": (np.array(["grün".encode(), b"b"]), ["grün", "b"]),
    "U": (np.array(["grün", ""]), ["grün", ""]),
    "objects": (np.array([1, None], object), [1, None]),
    "mixed objects": (np.array([1, "text"], object), [1, "text"]),
    "arrays and maps": (np.array([(1, 2), {"a": b"b"}], object), [(1, 2), {"a": b"b"}]),
    "bytes": (Binary.of([b"\xff", b""]), [b"\xff", b""]),
    "views": (Strings([4, 0], b"abcdef", [2, 3]), ["ef", "abc"]),
    "any": (AnyValues.of([(1, "x"), None]), [(1, "x"), None]),
    "masked": (Column(np.array([1, 2]), np.array([True, False])), [None, 2]),
    "masked text": (Column(Strings.of(["a", "b"]), np.array([False, True])), ["a", None]),
    "masked any": (Column(AnyValues.of([1, 2]), np.array([False, True])), [1, None]),
    "dictionary": (Dictionary([1, -1], Strings.of(["a", "b"])), ["b", None]),
    "dictionary of integers": (Dictionary(np.array([0, 0], np.uint8), [7]), [7, 7]),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_of_every_kind_comes_back(kind: str) -> None:
    column, expected = COLUMNS[kind]
    back = SpanColumns.from_arrow(small(attributes={"key": column}).to_arrow())
    assert back.attributes["key"].to_list() == expected


def test_everything_that_a_span_can_have_comes_back() -> None:
    ragged = RaggedAttributes([0, 2, 3], Strings.of(["a", "a", "b"]), AnyValues.of([1, "x", (True, None)]))
    columns = small(
        parent_span_id=np.array([[0] * 8, [9] * 8], np.uint8),
        trace_state=Strings.of(["", "a=b"]),
        kind=np.array([0, 5]),
        attributes={"": ["x", "y"]},
        ragged_attributes=ragged,
        dropped_attributes_count=np.array([0, 2**32 - 1]),
        events=Events(
            [0, 0, 2], np.array([5, 6]), Strings.of(["e", "f"]), attributes={"k": [1, 2]}, ragged_attributes=ragged
        ),
        dropped_events_count=np.array([3, 0]),
        links=Links(
            [0, 1, 1],
            np.full((1, 16), 3, np.uint8),
            np.full((1, 8), 4, np.uint8),
            flags=np.array([0x301]),
            dropped_attributes_count=np.array([1]),
        ),
        dropped_links_count=np.array([4, 0]),
        status_code=np.array([2, 0]),
        status_message=Strings.of(["failed", ""]),
        flags=np.array([0x301, 0], np.uint32),
        groups=[Group({"service.name": "a", "list": (1, 2)}, "one"), Group({"service.name": "a"}, "two"), Group()],
        group=np.array([2, 1]),
    )
    expected = rows_of_columns(columns)
    for table in (columns.to_arrow(), pl.DataFrame(columns), columns.to_arrow().to_batches()[0]):
        assert rows_of_columns(SpanColumns.from_arrow(table)) == expected


def test_a_table_of_ones_own_needs_few_columns() -> None:
    table = pa.table(
        {
            "trace_id": ["0" * 31 + "1", "0" * 31 + "2"],
            "span_id": pa.array([b"12345678", b"87654321"]),
            "name": pa.array(["a", None]).dictionary_encode(),
            "start": pa.array([dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc), None], pa.timestamp("ms", "UTC")),
            "end": pa.array([2, 3], pa.int64()),
            "attributes.flat": [1, None],
            "service_name": ["shop", "till"],
        }
    )
    columns = SpanColumns.from_arrow(table)
    assert columns.trace_id[1].tobytes().hex() == "0" * 31 + "2"
    assert columns.start.tolist() == [1_767_225_600_000_000_000, 0]
    assert columns.name is not None
    assert columns.name.to_list() == ["a", ""]
    assert columns.attributes["flat"].to_list() == [1, None]
    assert columns.group is not None
    groups = [columns.groups[at].resource_attributes["service.name"] for at in columns.group]
    assert groups == ["shop", "till"]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"nam": ["a", "b"]}, ValueError, r"columns \['nam'\] are none of spans: drop them"),
        ({"span_id": pa.array([b"1", b""])}, ValueError, "span_id has 1 bytes in row 0: 8 are needed"),
        ({"kind": ["a", "b"]}, TypeError, "kind has type string: integers are needed"),
        ({"start": [0.5, 1.0]}, TypeError, "start has type double: timestamps"),
        ({"start": [-1, 0]}, ValueError, "start is -1 in row 0"),
        ({"trace_id": [1, 2]}, TypeError, "trace_id has type int64: bytes"),
        ({"attributes.x": [dt.date(2026, 1, 1)] * 2}, TypeError, "attributes.x has type date32"),
        ({"attributes.x": [[dt.date(2026, 1, 1)]] * 2}, ValueError, "attributes.x, row 0: OTLP has no type for date"),
        ({"trace_id": pa.array([b"1" * 16, None], pa.binary(16))}, ValueError, "trace_id has 0 bytes in row 1: 16 are"),
        ({"span_id": pa.array([b"", b"1" * 8])}, ValueError, "span_id has 0 bytes in row 0: 8 are needed$"),
        ({"span_id": ["1" * 16, "g" * 16]}, ValueError, "span_id, row 1: 'g+' is no text in hexadecimal"),
        ({"parent_span_id": pa.array([b"1", None])}, ValueError, "parent_span_id has 1 bytes in row 0: 8 .*, or none"),
        ({"end": pa.array([1, 2**40], pa.timestamp("s"))}, ValueError, "end is .* in row 1: .*2262"),
        ({"name": pa.array([1, None])}, TypeError, "name has type int64: text is needed"),
        ({"events": [1, 2]}, TypeError, "events has type int64: lists of structs are needed"),
        ({"events": [[1], [2]]}, TypeError, "items of events has type int64: a struct is needed"),
        (
            {"events": pa.array([[{}], []], pa.list_(pa.struct([])))},
            ValueError,
            r"events has items without \['time', 'na",
        ),
        ({"links": [[{"span_id": b"1" * 8}], []]}, ValueError, r"links has items without \['trace_id'\]"),
        (
            {"links": [[{"trace_id": None, "span_id": b"1" * 8}], [{"trace_id": b"1" * 16, "span_id": None}]]},
            ValueError,
            "trace_id of links has 0 bytes in row 0",
        ),
        ({"ragged_attributes": [[{"value": 1}], []]}, ValueError, r"ragged_attributes has items without \['key'\]"),
        ({"ragged_attributes": [[{"key": 1, "value": 1}], []]}, TypeError, "keys of ragged attributes must be text"),
        (
            {"events": [[{"time": 1, "name": "n", "ragged_attributes": [{"key": "k"}]}], []]},
            ValueError,
            r"ragged_attributes of events has items without \['value'\]",
        ),
        ({"links": pa.array([{}] * 2, pa.map_(pa.string(), pa.int64()))}, TypeError, "links has type map"),
        ({"attributes": [1, 2]}, TypeError, "attributes has type int64: a struct is needed"),
        ({"attributes": [{"x": 1}] * 2, "attributes.x": [1, 2]}, ValueError, "attribute 'x' is there twice"),
        (
            {"attributes": pa.StructArray.from_arrays([pa.array([1, 2]), pa.array([3, 4])], ["x", "x"])},
            ValueError,
            r"attributes has several columns of one name: \['x'\]",
        ),
        ({"group": [[b""], [b""]]}, TypeError, "group has type list"),
    ],
)
def test_a_column_that_cannot_be_used_is_named(change: dict[str, Any], error: type[Exception], message: str) -> None:
    table = small().to_arrow()
    with pytest.raises(error, match=message):
        SpanColumns.from_arrow(pa.table({**{name: table[name] for name in table.column_names}, **change}))


def test_names_of_services_are_text() -> None:
    table = small().to_arrow().drop_columns(["group", "service_name"])
    with pytest.raises(TypeError, match="service_name has type int64: text is needed"):
        SpanColumns.from_arrow(table.append_column("service_name", pa.array([1, 2])))


def test_two_columns_of_one_name_are_refused() -> None:
    table = small().to_arrow()
    with pytest.raises(ValueError, match=r"the table has several columns of one name: \['name'\]"):
        SpanColumns.from_arrow(table.append_column("name", table["name"]))


def test_what_is_null_has_the_value_that_is_usual() -> None:
    table = small().to_arrow().drop_columns(["flags", "parent_span_id"])
    table = table.append_column("flags", pa.array([None, 3], pa.uint8()))
    table = table.append_column("parent_span_id", pa.array([None, b"12345678"]))
    columns = SpanColumns.from_arrow(table)
    assert columns.flags is not None
    assert columns.parent_span_id is not None
    assert columns.flags.tolist() == [0x100, 3]
    assert [one.tobytes() for one in columns.parent_span_id] == [bytes(8), b"12345678"]


def test_what_is_no_table_or_lacks_columns_is_refused() -> None:
    with pytest.raises(TypeError, match="dict is no Arrow data"):
        SpanColumns.from_arrow({})
    with pytest.raises(ValueError, match=r"columns \['end'\] are missing"):
        SpanColumns.from_arrow(small().to_arrow().drop_columns(["end"]))


def test_arrow_arrays_are_columns() -> None:
    assert as_column("x", pa.array([1, None, 3])).to_list() == [1, None, 3]
    assert as_column("x", pa.chunked_array([["a"], ["b", None]])).to_list() == ["a", "b", None]
    assert as_column("x", pl.Series(["a", None])).to_list() == ["a", None]
    assert as_column("x", pa.array(["a", "b", "c"]).slice(1)).to_list() == ["b", "c"]
    assert as_column("x", pa.array([[1, 2], None])).to_list() == [(1, 2), None]
    assert as_column("x", pa.array(["a", "b", "a"]).dictionary_encode()).to_list() == ["a", "b", "a"]


def test_without_pyarrow_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.split(".")[0] == "pyarrow" or name.startswith(
            ("spanwire.columnar._arrow", "spanwire.columnar._pyarrow")
        ):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    import spanwire.columnar as package

    for name in ("_arrow", "_arrow_arrays", "_pyarrow", "_pandas"):
        monkeypatch.delattr(package, name, raising=False)
    with pytest.raises(ImportError, match=r"Arrow data needs pyarrow: pip install 'spanwire\[arrow\]'"):
        small().to_arrow()


def test_strings_that_are_not_utf8_or_out_of_bounds_are_refused() -> None:
    with pytest.raises(ValueError, match="UTF8"):
        small(attributes={"key": Strings([0, 1, 2], b"\xff\xff")}).to_arrow()
    with pytest.raises(ValueError, match=r"value 1 is 5 bytes from 1 on, outside of data, which has 2 bytes"):
        small(attributes={"key": Strings([0, 1], b"ab", [1, 5])}).to_arrow()
    with pytest.raises(ValueError, match="value 0 is -1 bytes from 1 on"):
        small(attributes={"key": Strings([1, 0, 1], b"ab")}).to_arrow()


def test_groups_of_a_table_are_requests_and_nothing_else(tmp_path: Path) -> None:
    table = small().to_arrow()
    at = table.schema.get_field_index("group")
    file = tmp_path / "spans"
    file.write_bytes(bytes(spanwire.columnar.encode_columns(small())[0]))
    for value, text in [
        (str(file), "group has values of type str: a request as bytes is needed"),  # the name of a file is not read
        (1, "group has values of type int"),
        (b"", "group has a request of 0 groups: one is needed"),
        (b"\xff", "malformed OTLP"),
    ]:
        with pytest.raises((TypeError, ValueError), match=text):
            SpanColumns.from_arrow(table.set_column(at, "group", pa.array([value] * 2)))


@pytest.mark.parametrize("group", [[0, 1], [-1, 0], np.array([0, 2**63], np.uint64)])
def test_groups_that_are_not_there_are_in_no_table(group: Any) -> None:
    with pytest.raises(ValueError, match=r"group, row .: .*, but there are 1 groups"):
        small(group=group).to_arrow()
