"""Values whose methods raise, lie or meddle. Only a hand-made span can hold most of them: the SDK cleans what it is given."""

import collections.abc
import gc
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["LIARS", "MEDDLERS", "RAISERS", "Boom", "Meddler"]


class Boom(Exception):
    """What hostile methods raise."""


def boom(*_: Any, **__: Any) -> Any:
    raise Boom("hostile")


def _type(name: str, *bases: type, **methods: Any) -> Any:
    """A class with these methods; those of abstract bases that are missing raise."""
    abstract = {method: boom for base in bases for method in getattr(base, "__abstractmethods__", ())}
    return type(name, bases, {**abstract, **methods})


def _list_that(**methods: Any) -> Any:
    return _type("HostileList", list, **methods)([1, 2])


def _sequence_that(**methods: Any) -> Any:
    return _type("HostileSequence", collections.abc.Sequence, **{"__len__": lambda self: 2, **methods})()


def _mapping_that(**methods: Any) -> Any:
    return _type("HostileMapping", collections.abc.Mapping, **{"__len__": lambda self: 2, **methods})()


def _fails_after_one(*_: Any) -> Iterator[Any]:
    yield 1
    boom()


def _items(*pairs: Any) -> Any:
    return _mapping_that(items=lambda self: iter(pairs))


# Each raises somewhere on the way, or is what no encoder can write: the attribute is lost, here and upstream.
RAISERS: dict[str, Callable[[], Any]] = {
    "list whose __iter__ raises": lambda: _list_that(__iter__=boom),
    "list whose __iter__ raises at the second item": lambda: _list_that(__iter__=_fails_after_one),
    "list whose __iter__ gives no iterator": lambda: _list_that(__iter__=lambda self: 5),
    "list that contains one such": lambda: [1, [2, _list_that(__iter__=boom)]],
    "sequence whose __getitem__ raises": lambda: _sequence_that(__getitem__=boom),
    "sequence whose __len__ raises": lambda: _sequence_that(__len__=boom, __getitem__=boom),
    "sequence of itself": lambda: _sequence_that(__getitem__=lambda self, index: self),
    "mapping whose items() raises": lambda: _mapping_that(items=boom),
    "mapping whose items() is a number": lambda: _mapping_that(items=lambda self: 3),
    "mapping whose items are no pairs": lambda: _items((1, 2, 3)),
    "mapping whose items are numbers": lambda: _items(7),
    "mapping whose __iter__ raises": lambda: _mapping_that(__iter__=boom),
    "mapping whose __getitem__ raises": lambda: _mapping_that(__iter__=lambda self: iter("ab"), __getitem__=boom),
    "mapping of itself": lambda: _mapping_that(__iter__=lambda self: iter("ab"), __getitem__=lambda self, key: self),
    "map with a key whose __str__ raises": lambda: {_type("Key", str, __str__=boom, __hash__=str.__hash__)("k"): 1},
    "map with a key whose __repr__ raises": lambda: {_type("Key", __repr__=boom)(): 1},
    "map with a key whose __str__ is no str": lambda: {_type("Key", __str__=lambda self: 3)(): 1},
    "map with a key whose __str__ has a lone surrogate": lambda: {_type("Key", __str__=lambda self: "\ud800")(): 1},
    "object whose __class__ raises": lambda: _type("NoClass", __class__=property(boom))(),
    "object whose __getattribute__ raises": lambda: _type("Closed", __getattribute__=boom)(),
    "object whose __str__ and __repr__ raise": lambda: _type("Mute", __str__=boom, __repr__=boom)(),
    "object that says it is a str": lambda: _type("Liar", __class__=property(lambda self: str))(),
    "object that says it is a float": lambda: _type("Liar", __class__=property(lambda self: float))(),
    "object that says it is a bool": lambda: _type("Liar", __class__=property(lambda self: bool))(),
    "object that says it is bytes": lambda: _type("Liar", __class__=property(lambda self: bytes))(),
    "object that says it is a list": lambda: _type("Liar", __class__=property(lambda self: list))(),
    "object that says it is a dict": lambda: _type("Liar", __class__=property(lambda self: dict))(),
    "released memoryview": lambda: _released(),
    "class": lambda: list,
    "generator": lambda: (number for number in range(3)),
}

# Strange, and yet the official encoder writes them.
LIARS: dict[str, Callable[[], Any]] = {
    "str whose methods raise": lambda: _type(
        "Str", str, __str__=boom, __len__=boom, __eq__=boom, __hash__=boom, encode=boom
    )("text"),
    "int whose methods raise": lambda: _type(
        "Int", int, __int__=boom, __index__=boom, __eq__=boom, __hash__=boom, __bool__=boom
    )(7),
    "float whose methods raise": lambda: _type("Float", float, __float__=boom, __eq__=boom, __hash__=boom)(1.5),
    "bytes whose methods raise": lambda: _type(
        "Bytes", bytes, __bytes__=boom, __len__=boom, __iter__=boom, __eq__=boom
    )(b"\0"),
    "tuple that iterates otherwise": lambda: _type("Tuple", tuple, __iter__=lambda self: iter(["other"]))((1, 2)),
    "list that iterates otherwise": lambda: _list_that(__iter__=lambda self: iter([True, "x"])),
    "list whose __len__ lies": lambda: _list_that(__len__=lambda self: 99),
    "list whose __len__ and __getitem__ raise": lambda: _list_that(__len__=boom, __getitem__=boom),
    "dict whose items() lies": lambda: _type("Dict", dict, items=lambda self: [("other", 1)])(a=1),
    "dict whose __iter__ and __getitem__ raise": lambda: _type("Dict", dict, __iter__=boom, __getitem__=boom)(a=1),
    "sequence that ends by IndexError": lambda: _sequence_that(
        __getitem__=lambda self, index: [1, 2, 3][index], __len__=boom
    ),
    "mapping with a doubled key": lambda: _items(("k", 1), ("k", 2)),
    "mapping with pairs that are lists": lambda: _items(["k", 1], "xy"),
    "object that says it is an int": lambda: _type(
        "Liar", __class__=property(lambda self: int), __index__=lambda self: 5
    )(),
    "object that says it is a list and can be iterated": lambda: _type(
        "Liar", __class__=property(lambda self: list), __iter__=lambda self: iter([1, 2])
    )(),
    "map with keys that print alike": lambda: {
        1: "int",
        "1": "str",
        _type("Key", __str__=lambda self: "1")(): "object",
    },
}


def _released() -> memoryview:
    view = memoryview(b"ab")
    view.release()
    return view


class Meddler(list[Any]):
    """A list that changes its surroundings while it is iterated."""

    def __init__(self, meddle: Callable[[Any], Any]) -> None:
        super().__init__([1])
        self.span: Any = None
        self.meddle = meddle

    def __iter__(self) -> Iterator[Any]:
        yield "before"
        self.meddle(self.span)
        gc.collect(0)
        yield "after"


def _forget_instance(span: Any) -> None:
    vars(span).clear()


def _shrink(span: Any) -> None:
    span._attributes.clear()


def _grow(span: Any) -> None:
    for number in range(1000):
        span._attributes[f"grown {number}"] = "x" * number


def _swap_lists(span: Any) -> None:
    span._events = ()
    span._links = []
    span._attributes = None


def _become_other_class(span: Any) -> None:
    span.__class__ = type("Other", (type(span),), {})


def _rename(span: Any) -> None:
    span._name = "renamed"
    span._context = None
    span._resource = None


# What a value does to the span that it is in, while that span is encoded.
MEDDLERS: dict[str, Callable[[Any], Any]] = {
    "clears the attributes": _shrink,
    "adds a thousand attributes": _grow,
    "empties the instance": _forget_instance,
    "replaces events, links and attributes": _swap_lists,
    "changes the span's class": _become_other_class,
    "replaces name, context and resource": _rename,
    "deletes the status": lambda span: delattr(span, "_status"),
    "raises": lambda span: boom(),
}
