"""Attribute values: what is kept of what was given, in type and order, and what is said about it."""

import array
import collections
import decimal
import enum
import fractions
import time
import types
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from opentelemetry.trace import SpanKind

from tests.conformance.trace.sides import IS_NEWEST, Side, both, same, typed
from tests.ids import without_addresses


class Text:
    def __str__(self) -> str:
        return "by __str__"


class Shown:
    def __repr__(self) -> str:
        return "by __repr__"


class Plain:
    __slots__ = ()


class Numbers(Sequence[int]):
    def __getitem__(self, index: Any) -> Any:
        return [1, 2, 3][index]

    def __len__(self) -> int:
        return 3


class Pairs(Mapping[str, int]):
    def __getitem__(self, key: str) -> int:
        return {"a": 1, "b": 2}[key]

    def __iter__(self) -> Iterator[str]:
        return iter(["a", "b"])

    def __len__(self) -> int:
        return 2


class Color(enum.Enum):
    RED = 1


VALUES: dict[str, Any] = {
    "str": "GET",
    "empty str": "",
    "str beyond ASCII": "grüße, 世界 🌍",
    "str with a zero": "a\0b",
    "true": True,
    "false": False,
    "int": 200,
    "zero": 0,
    "negative int": -1,
    "largest int": 2**63 - 1,
    "smallest int": -(2**63),
    "float": 0.42,
    "negative zero": -0.0,
    "infinity": float("inf"),
    "bytes": b"\0\xff",
    "empty bytes": b"",
    "none": None,
    "list": ["a", "b"],
    "tuple": (1, 2),
    "empty list": [],
    "mixed list": [1, "a", 2.0, True, None, b"x"],
    "nested lists": [[1, [2, [3]]], [], ["x"]],
    "mapping": {"a": 1, "b": "x"},
    "empty mapping": {},
    "nested mappings": {"a": {"b": {"c": [1, {"d": None}]}}},
    "mappings in a list": [{"a": 1}, {}],
    "range": range(3),
    "deque is no sequence": collections.deque([1, 2]),
    "bytearray": bytearray(b"ab"),
    "memoryview": memoryview(b"ab"),
    "array": array.array("i", [1, 2]),
    "sequence of a class": Numbers(),
    "mapping of a class": Pairs(),
    "mapping proxy": types.MappingProxyType({"a": 1}),
    "named tuple": time.struct_time(range(9)),
    "ordered dict": collections.OrderedDict(b=1, a=2),
    "set": {1},
    "enum": Color.RED,
    "decimal": decimal.Decimal("1.50"),
    "fraction": fractions.Fraction(1, 3),
    "uuid": uuid.UUID(int=5),
    "class with __str__": Text(),
    "class with __repr__": Shown(),
    "class with neither": Plain(),
    "neither, in a list": [Plain(), 1],
    "a type": int,
    "mapping with an int key": {1: "one", "b": 2},
    "mapping with an empty key": {"": 1, "b": 2},
    "mapping with a key without text": {Plain(): 1, "b": 2},
    "mapping whose keys become equal": {1: "int", "1": "str"},
    "complex": 1j,
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_set_attribute_keeps_what_the_sdk_keeps(value: Any) -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        returned = span.set_attribute("key", value)
        live = typed(span.attributes)
        span.end()
        return returned, live, typed(span.attributes)

    seen = same(scenario)

    assert seen.raised is None
    assert len(seen.spans[0]["attributes"]) == 1
    assert seen.spans[0]["attributes"] == seen.result[1]


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_set_attributes_keeps_what_the_sdk_keeps(value: Any) -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        span.set_attributes({"before": 1, "key": value, "after": 2})
        span.end()

    seen = same(scenario)

    assert [key for (_, key), _ in seen.spans[0]["attributes"]] == ["before", "key", "after"]


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_attributes_at_the_start_keep_what_the_sdk_keeps(value: Any) -> None:
    def scenario(side: Side) -> None:
        side.tracer().start_span("name", attributes={"key": value, "last": 1}).end()

    assert len(same(scenario).spans[0]["attributes"]) == 2


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_attributes_of_events_and_links_keep_what_the_sdk_keeps(value: Any) -> None:
    def scenario(side: Side) -> None:
        span = side.span()
        span.add_event("event", {"key": value})
        span.add_link(span.get_span_context(), {"key": value})
        span.end()

    seen = same(scenario)

    assert len(seen.spans[0]["events"]) == len(seen.spans[0]["links"]) == 1


def test_sequences_become_tuples_and_a_bytearray_a_tuple_of_ints() -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        span.set_attributes({"list": ["a"], "bytearray": bytearray(b"ab"), "nested": [[1]]})
        return dict(span.attributes)

    assert same(scenario).result == {"list": ("a",), "bytearray": (97, 98), "nested": ((1,),)}


def test_other_types_become_text_with_a_warning_or_none_without_one_of_their_own() -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        span.set_attributes({"text": Text(), "repr": Shown(), "none": Plain()})
        return dict(span.attributes)

    seen = same(scenario)

    assert seen.result == {"text": "by __str__", "repr": "by __repr__", "none": None}
    assert [name for name, _, _ in seen.logged] == ["opentelemetry.attributes"] * 3
    assert "Invalid type" in seen.texts[0]


def test_what_was_given_can_change_later_without_changing_the_span() -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        given: Any = {"list": [1], "map": {"a": [1]}}
        span.set_attributes(given)
        given["list"].append(2)
        given["map"]["a"].append(2)
        return typed(span.attributes)

    assert same(scenario).result == typed({"list": (1,), "map": {"a": (1,)}})


def test_setting_a_key_again_replaces_the_value_and_moves_the_key_to_the_end() -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        for key, value in [("a", 1), ("b", 2), ("c", 3), ("a", "again"), ("b", 2)]:
            span.set_attribute(key, value)
        return list(span.attributes.items())

    assert same(scenario).result == [("c", 3), ("a", "again"), ("b", 2)]


def test_set_attributes_moves_what_was_there_to_the_end() -> None:
    def scenario(side: Side) -> Any:
        span = side.tracer().start_span("name", attributes={"a": 1, "b": 2, "c": 3})
        span.set_attributes({"d": 4, "a": 5})
        return list(span.attributes.items())

    assert same(scenario).result == [("b", 2), ("c", 3), ("d", 4), ("a", 5)]


@pytest.mark.parametrize("key", [1, None, b"bytes", "", 1.5, ("a",), Plain()], ids=without_addresses)
def test_set_attribute_drops_a_key_that_is_no_str(key: Any) -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        span.set_attribute("kept", 1)
        span.set_attribute(key, 2)
        span.end()
        return dict(span.attributes), span.dropped_attributes

    if isinstance(key, Plain):  # its repr has an address, the same for both
        assert "Plain" in repr(key)
    assert same(scenario).result == ({"kept": 1}, 1)


@pytest.mark.parametrize("key", [1, b"bytes", 1.5, ("a",), Text()], ids=lambda key: type(key).__name__)
def test_set_attributes_makes_a_key_that_is_no_str_one(key: Any) -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        span.set_attributes({key: 1, "b": 2})
        span.end()
        return dict(span.attributes)

    seen = same(scenario)

    assert seen.result == {str(key): 1, "b": 2}
    assert "Invalid type" in seen.texts[0]


@pytest.mark.parametrize("key", [None, "", 0, Plain()], ids=lambda key: type(key).__name__)
def test_set_attributes_drops_an_empty_key_and_one_without_text(key: Any) -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        span.set_attributes({key: 1, "b": 2})
        span.end()
        return dict(span.attributes), span.dropped_attributes

    assert same(scenario).result == ({"b": 2}, 1)


@pytest.mark.parametrize(
    "attributes", [None, {}, [], (), [("a", 1)], "text", 5, {"a"}, Pairs()], ids=lambda value: repr(value)[:12]
)
def test_set_attributes_takes_and_refuses_what_the_sdk_does(attributes: Any) -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        try:
            span.set_attributes(attributes)
        except Exception as error:
            return type(error), typed(span.attributes)
        return typed(span.attributes)

    assert same(scenario).result is not None


def test_keyword_arguments_have_the_sdks_names() -> None:
    def scenario(side: Side) -> None:
        tracer = side.tracer()
        span = tracer.start_span(
            name="name",
            context=None,
            kind=SpanKind.CLIENT,
            attributes={"a": 1},
            links=None,
            start_time=5,
            record_exception=False,
            set_status_on_exception=False,
        )
        span.set_attribute(key="k", value=1)
        span.set_attributes(attributes={"l": 2})
        span.add_event(name="e", attributes={"m": 3}, timestamp=6)
        span.add_link(context=span.get_span_context(), attributes={"n": 4})
        span.update_name(name="new")
        span.record_exception(exception=ValueError("x"), attributes={"o": 5}, timestamp=7, escaped=True)
        span.set_status(status=span.status, description=None)
        span.end(end_time=8)

    assert same(scenario).spans[0]["name"] == "new"


def test_subclasses_of_str_int_float_and_bytes_come_back_as_the_base_type() -> None:
    """Difference: read back from bytes, a value has its base type. What is sent is the same."""

    class MyText(str):
        __slots__ = ()

    class MyInt(enum.IntEnum):
        ONE = 1

    class MyFloat(float):
        __slots__ = ()

    class MyBytes(bytes):
        __slots__ = ()

    def scenario(side: Side) -> Any:
        span = side.span()
        given = {
            "text": MyText("x"),
            "int": MyInt.ONE,
            "float": MyFloat(0.5),
            "list": [MyText("y")],
            "b": MyBytes(b"z"),
        }
        span.set_attributes(given)
        return dict(span.attributes), [type(value).__name__ for value in span.attributes.values()]

    theirs, ours = both(scenario)

    assert ours.result[0] == theirs.result[0] == {"text": "x", "int": 1, "float": 0.5, "list": ("y",), "b": b"z"}
    assert theirs.result[1] == ["MyText", "MyInt", "MyFloat", "tuple", "MyBytes"]
    assert ours.result[1] == ["str", "int", "float", "tuple", "bytes"]


@pytest.mark.parametrize("value", [2**63, -(2**70), "\ud800", [1, 2**70], {"a": "\udfff"}], ids=ascii)
def test_a_value_that_otlp_cannot_hold_is_lost_when_set_with_a_line_in_the_log(value: Any) -> None:
    """Difference: the SDK keeps it, and the exporter then drops it or the batch."""

    def scenario(side: Side) -> Any:
        span = side.span()
        span.set_attributes({"before": 1, "bad": value, "after": 2})
        span.set_attribute("bad too", value)
        span.end()
        return list(span.attributes)

    theirs, ours = both(scenario)

    assert theirs.result == ["before", "bad", "after", "bad too"]
    assert ours.result == ["before", "after"]
    assert len(ours.ours) == 1 and "cannot be sent by OTLP" in ours.ours[0]


def test_a_value_that_otlp_cannot_hold_removes_what_the_key_had() -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        span.set_attribute("key", 1)
        span.set_attribute("key", 2**70)
        return list(span.attributes)

    assert both(scenario)[1].result == []


def test_deep_nesting_is_refused_as_the_sdk_refuses_it() -> None:
    value: Any = "deepest"
    for _ in range(100_000):
        value = [value]

    def scenario(side: Side) -> Any:
        span = side.span()
        span.set_attribute("key", value)

    try:
        theirs, ours = both(scenario)
        assert theirs.raised is not None and theirs.raised[0] == "RecursionError"
        assert ours.raised is not None and ours.raised[0] == "RecursionError"
    finally:
        while isinstance(value, list):  # freeing it at once would recurse too
            value = value[0]


@pytest.mark.skipif(not IS_NEWEST, reason="not applicable: an older SDK differs from the newest itself")
@pytest.mark.parametrize("make", ["int64", "float64", "float32", "bool_", "str_", "array"])
def test_numpy_scalars_behave_as_with_the_sdk(make: str) -> None:
    numpy = pytest.importorskip("numpy", reason="not applicable: numpy is optional and not installed")
    value = numpy.array([1, 2]) if make == "array" else getattr(numpy, make)(1)

    def scenario(side: Side) -> Any:
        span = side.span()
        span.set_attribute("key", value)
        span.end()
        return span.attributes["key"]

    # float64 is a float and str_ a str: subclasses come back as the base type.
    theirs, ours = both(scenario)
    assert ours.result == theirs.result
    assert ours.logged == theirs.logged
