"""What cannot be encoded is refused by a text that names the column, the row and the cause."""

from typing import Any

import numpy as np
import pytest

from spanwire.columnar import (
    AnyValues,
    Column,
    Dictionary,
    Events,
    Group,
    Links,
    RaggedAttributes,
    SpanColumns,
    Strings,
    encode_columns,
)

ROWS = 70  # more than a block


def columns(**fields: Any) -> SpanColumns:
    usual: dict[str, Any] = {
        "trace_id": np.ones((ROWS, 16), np.uint8),
        "span_id": np.ones((ROWS, 8), np.uint8),
        "start": np.ones(ROWS, np.uint64),
        "end": np.ones(ROWS, np.uint64),
        "name": "n",
    }
    return SpanColumns(**{**usual, **fields})


def at(row: int, value: Any, other: Any, dtype: Any = object) -> Any:
    """``value`` in one row, ``other`` in the rest."""
    array = np.empty(ROWS, dtype)
    array[:] = other
    array[row] = value
    return array


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        (
            "trace_id",
            np.ones((ROWS, 15), np.uint8),
            r"trace_id has dtype uint8 and shape \(70, 15\): uint8 of shape \(n, 16\)",
        ),
        ("trace_id", np.ones((ROWS, 16)), "trace_id has dtype float64"),
        ("span_id", np.ones((ROWS - 1, 8), np.uint8), "span_id has 69 rows, but there are 70"),
        ("start", np.full(ROWS, -1), "start is -1 in row 0: times are nanoseconds since the epoch"),
        ("start", np.ones(ROWS, float), "start has dtype float64: integers are needed"),
        ("start", np.ones(3, np.uint64), "start has 3 values for 70 spans"),
        ("name", np.ones(ROWS), "name must be text"),
        ("name", ["a"], "name has 1 values for 70 rows"),
        ("kind", np.ones(ROWS, float), "kind has dtype float64: integers are needed"),
        ("attributes", {"k": np.ones((ROWS, 2))}, r"attribute 'k' has shape \(70, 2\): one dimension is needed"),
        ("attributes", {"k": np.ones(3)}, "attribute 'k' has 3 values for 70 rows"),
        ("attributes", {"k": np.ones(ROWS, complex)}, "attribute 'k' has dtype complex128, which OTLP cannot hold"),
        ("attributes", {"k": np.ones(ROWS, "M8[ns]")}, "attribute 'k' has dtype datetime64.*times as integers"),
        ("attributes", {"k": object()}, "attribute 'k': object is no column"),
        ("attributes", {3: np.ones(ROWS)}, "keys must be str"),
        ("group", np.zeros(ROWS, int), "group says which of groups each span is of, but groups is empty"),
        ("events", Events([0], [], Strings.of([])), "offsets of events are 1 for 70 spans"),
        ("start", at(3, 2**40, 1, "M8[s]"), "start is 36812-.* in row 3: outside of .*2262"),
        ("end", at(66, -(2**40), 1, "M8[D]"), "end is -.* in row 66: outside of"),
        ("end", at(69, "NaT", 1, "M8[s]"), "end is NaT in row 69"),
        ("events", 5, "events must be Events, not int"),
        (
            "events",
            Links([0], np.empty((0, 16), np.uint8), np.empty((0, 8), np.uint8)),
            "events must be Events, not Links",
        ),
        ("links", [5], "links must be Links, not list"),
        ("ragged_attributes", 5, "ragged_attributes must be RaggedAttributes, not int"),
        ("groups", ["x"], r"groups\[0\] must be a Group, not str"),
        ("groups", 5, "groups must be a sequence of Group, not int"),
        ("attributes", 5, "attributes must be a mapping of keys to columns, not int"),
        ("attributes", {"\ud800": 1}, r"attribute '\\ud800': .* surrogates not allowed"),
        ("attributes", {"k": "\ud800"}, "attribute 'k': .* surrogates not allowed"),
        ("name", "\ud800", "name: .* surrogates not allowed"),
        ("name", 5, "name: int is no column"),
    ],
)
def test_wrong_shapes_and_types_are_refused_when_the_columns_are_made(field: str, value: Any, text: str) -> None:
    with pytest.raises((TypeError, ValueError), match=text):
        columns(**{field: value})


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"attributes": {"k": at(66, b"\xff", b"a", "S4")}}, "attribute 'k', row 66: no UTF-8 at byte 0"),
        ({"attributes": {"k": at(3, b"\xc3", b"a", "S2")}}, "attribute 'k', row 3: no UTF-8"),
        ({"name": at(66, "\ud800", "a", "U2")}, r"name, row 66: lone surrogate U\+D800"),
        ({"name": at(66, "a\ud800", "a")}, "name, row 66: .*surrogates not allowed"),
        (
            {"attributes": {"k": at(69, 2**63, 1, np.uint64)}},
            "attribute 'k', row 69: 9223372036854775808 is beyond 64 bits",
        ),
        ({"attributes": {"k": at(5, 2**70, 1)}}, "attribute 'k', row 5: integer beyond 64 bits"),
        ({"attributes": {"k": at(5, object(), 1)}}, "attribute 'k', row 5: OTLP has no type for object"),
        (
            {"attributes": {"k": Dictionary(at(68, 9, 0, int), ["a", "b"])}},
            "attribute 'k', row 68: code 9, but there are 2",
        ),
        (
            {"attributes": {"k": Dictionary(np.zeros(ROWS, int), at(1, b"\xff", b"a", "S1")[:2])}},
            "'k', different values, row 1: no UTF-8",
        ),
        (
            {"attributes": {"k": Strings(np.arange(0, 71), b"a" * 69)}},
            "attribute 'k', row 69: its offsets say 69:70, and there are 69 bytes",
        ),
        ({"name": Strings(at(7, -1, 0, int), b"", np.zeros(ROWS, int))}, "name, row 7: its offsets say -1:-1"),
        ({"name": Strings(at(7, 2**63 - 1, 0, int), b"", at(7, 2**63 - 1, 0, int))}, "name, row 7: its offsets say"),
        ({"kind": at(65, -1, 1, int)}, "kind, row 65: -1 is no number of 32 bits"),
        ({"flags": at(65, 2**40, 1, int)}, "flags, row 65: 1099511627776 is no number of 32 bits"),
        ({"status_code": at(2, -5, 1, np.int8)}, "status_code, row 2: -5 is no number"),
        ({"groups": [Group()], "group": at(64, 1, 0, int)}, "group, row 64: 1, but there are 1 groups"),
        ({"groups": [Group()], "group": at(64, -1, 0, int)}, "group, row 64: -1, but there are 1 groups"),
        (
            {"events": Events([*at(3, 9, 0, int).tolist(), 0], [], Strings.of([]))},
            "offsets of events, row 2: its offsets say 0:9, and there are 0",
        ),
        ({"events": Events([0] * 70 + [2], [1, 2], np.array([b"a", b"\xff"]))}, "name of events, row 1: no UTF-8"),
        (
            {"links": Links([0] * 70 + [1], np.ones((1, 16), np.uint8), np.ones((1, 8), np.uint8), flags=[2**33])},
            "flags of links, row 0: 8589934592",
        ),
        (
            {"ragged_attributes": RaggedAttributes([0] * 70 + [1], [b"\xff".decode("utf-8", "surrogateescape")], [1])},
            "keys of ragged attributes, row 0: .*surrogates not allowed",
        ),
        (
            {"ragged_attributes": RaggedAttributes([0] * 69 + [1, 0], ["a"], [1])},
            "offsets of ragged attributes, row 69: its offsets say 1:0",
        ),
    ],
)
def test_wrong_values_are_refused_by_column_and_row(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        encode_columns(columns(**fields))


@pytest.mark.parametrize("threads", [1, 3])
def test_the_first_wrong_row_is_named_whatever_the_threads(threads: int) -> None:
    rows = 20_000
    numbers = np.zeros(rows, np.uint64)
    numbers[[700, 19_000]] = 2**64 - 1
    many = SpanColumns(
        trace_id=np.ones((rows, 16), np.uint8),
        span_id=np.ones((rows, 8), np.uint8),
        start=np.ones(rows, int),
        end=np.ones(rows, int),
        name="n",
        attributes={"k": numbers},
    )
    with pytest.raises(ValueError, match="row 700: "):
        encode_columns(many, threads=threads)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"max_request_bytes": 0}, "max_request_bytes is 0: a whole number above 0"),
        ({"max_request_bytes": 40}, r"span, row 0: its \d+ bytes and the heads do not fit max_request_bytes=40"),
        ({"threads": 0}, "threads is 0: a whole number above 0"),
        ({"threads": "2"}, "threads is '2'"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        encode_columns(columns(), **arguments)


@pytest.mark.parametrize(
    ("resource", "scope", "text"),
    [
        (5, None, "resource must be a Resource or a mapping of its attributes, not int"),
        (None, 5, "scope must be an InstrumentationScope or its name, not int"),
    ],
)
def test_what_is_no_resource_or_scope_is_refused(resource: Any, scope: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        encode_columns(columns(), resource, scope)
    with pytest.raises(TypeError, match=text):
        Group(resource, scope)


@pytest.mark.parametrize("unit", ["D", "s", "ms", "us", "ns", "ps"])
def test_times_of_any_unit_are_nanoseconds(unit: str) -> None:
    made = columns(end=np.array(["1970-01-02"] * ROWS, f"M8[{unit}]"))
    assert set(made.end.tolist()) == {86_400 * 10**9}


def test_what_is_absent_may_be_anything() -> None:
    mask = np.zeros(ROWS, bool)
    mask[66] = True
    for values in (
        at(66, b"\xff", b"a", "S1"),
        at(66, 2**64 - 1, 1, np.uint64),
        Dictionary(at(66, 9, 0, int), ["a"]),
        Strings(at(66, 99, 0, int), b"a", at(66, 99, 0, int)),
        at(66, "\ud800", "a", "U2"),
    ):
        table = columns(attributes={"k": Column(values, mask), "l": np.ma.MaskedArray(at(66, 1, 0, int), mask)})
        assert sum(map(len, encode_columns(table))) > 0


def test_what_was_checked_stays() -> None:
    table = columns(attributes={"k": np.ones(ROWS)})
    with pytest.raises(AttributeError, match="name of SpanColumns is checked when it is made"):
        table.name = columns().name
    with pytest.raises(TypeError):
        table.attributes["l"] = Column(np.ones(3))  # type: ignore[index]


def test_results_are_read_only_and_outlive_the_columns() -> None:
    [request] = encode_columns(columns(), {"service.name": "shop"}, "scope")
    assert request.readonly
    before = bytes(request)
    for _ in range(10):
        encode_columns(columns(name="other"))
    assert bytes(request) == before


def test_values_of_any_type_are_python_objects_again() -> None:
    values = ["a", 1, 1.5, True, b"b", None, ("a", "b"), {"k": (1, None)}]
    assert AnyValues.of(values).to_list() == values
    with pytest.raises(ValueError, match="values, row 1: OTLP has no type for object"):
        AnyValues.of(["a", object()])
