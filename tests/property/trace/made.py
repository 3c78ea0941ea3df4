"""Values that cannot be written as literals: a program holds their names, and each side makes its own.

`Make("deque")` in a printed program is the value itself there; ``make`` turns a program's data into live objects.
"""

import array
import collections
import enum
import fractions
import importlib.util
import types
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

__all__ = ["HOSTILE", "MAPPINGS", "PLAIN", "SUBCLASSES", "UNENCODABLE", "Boom", "Make", "make", "name_of"]


@dataclass(frozen=True)
class Make:
    """A value by its name."""

    name: str

    def __repr__(self) -> str:
        return f"Make({self.name!r})"


class Boom(Exception):
    """What hostile methods raise."""


def _boom(*_: Any, **__: Any) -> NoReturn:
    raise Boom("hostile")


class Colour(str, enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    SMALL = 1


class Text(str):
    """A str subclass whose ``__str__`` lies."""

    __slots__ = ()

    def __str__(self) -> str:
        return "not me"


class Number(int):
    """An int subclass."""


class Ratio(float):
    """A float subclass."""


class Blob(bytes):
    """A bytes subclass."""


class Shown:
    def __str__(self) -> str:
        return "shown é"


class Represented:
    def __repr__(self) -> str:
        return "<represented>"


class Bare:
    """Neither ``__str__`` nor ``__repr__``."""


class StrRaises:
    __str__ = _boom


class ReprRaises:
    __repr__ = _boom


class StrIsNoStr:
    def __str__(self) -> str:
        return 5  # type: ignore[return-value]  # noqa: PLE0307


class Slots:
    """An old sequence by protocol only: ``__len__`` and ``__getitem__`` without the ABC."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> int:
        return [10, 20][index]


class Row(Sequence[Any]):
    def __init__(self, *items: Any) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: Any) -> Any:
        return self._items[index]


class Raising(Sequence[Any]):
    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: Any) -> Any:
        if index == 1:
            _boom()
        return index


class Table(Mapping[Any, Any]):
    """A Mapping that is no dict."""

    def __init__(self, *pairs: tuple[Any, Any]) -> None:
        self._pairs = pairs

    def __len__(self) -> int:
        return len(self._pairs)

    def __iter__(self) -> Iterator[Any]:
        return (key for key, _ in self._pairs)

    def __getitem__(self, key: Any) -> Any:
        return next(value for known, value in self._pairs if known == key)


class ItemsRaise(dict[Any, Any]):
    items = _boom


class LongerThanItIs(dict[str, Any]):
    """Says that it has more entries than it gives."""

    def __len__(self) -> int:
        return super().__len__() + 3


class ItemsDiffer(dict[str, Any]):
    """Overrides ``items`` but not the dict under it."""

    def items(self) -> Any:
        return [("from.items", 1)]


class KeyWithText:
    def __str__(self) -> str:
        return "spoken key"


class FalsyKey:
    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "falsy"


class SameHash(str):
    """Text keys that all have one hash."""

    __slots__ = ()

    def __hash__(self) -> int:
        return 7

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other) is True


Point = collections.namedtuple("Point", "x y")  # noqa: PYI024

# OTLP can hold what becomes of these, and reading them back gives what the SDK gives.
PLAIN: dict[str, Callable[[], Any]] = {
    "object with __str__": Shown,
    "object with __repr__": Represented,
    "object": Bare,
    "set": lambda: {1},
    "frozenset": lambda: frozenset(["one"]),
    "complex": lambda: 1 + 2j,
    "exception": lambda: ValueError("text"),
    "Fraction": lambda: fractions.Fraction(1, 3),
    "UUID": lambda: uuid.UUID(int=5),
    "class": lambda: list,
    "StrEnum member": lambda: Colour.RED,
    "range": lambda: range(4),
    "bytearray": lambda: bytearray(b"\0ab\xff"),
    "memoryview": lambda: memoryview(b"ab"),
    "array": lambda: array.array("i", [1, 2]),
    "deque": lambda: collections.deque([1, "two", None]),
    "UserList": lambda: collections.UserList(["a", 1]),
    "UserString": lambda: collections.UserString("user"),
    "namedtuple": lambda: Point(1, "y"),
    "Row": lambda: Row(1, "b", Row()),
    "sequence by protocol": Slots,
    "UserDict": lambda: collections.UserDict({"a": 1}),
    "OrderedDict": lambda: collections.OrderedDict(b=1, a=[2]),
    "defaultdict": lambda: collections.defaultdict(list, a=[1]),
    "Counter": lambda: collections.Counter("aab"),
    "ChainMap": lambda: collections.ChainMap({"a": 1}),
    "mappingproxy": lambda: types.MappingProxyType({"a": 1}),
    "Table": lambda: Table(("a", 1), ("b", Table())),
    "dict view": lambda: {"a": 1}.keys(),
    "map with odd keys": lambda: {1: "int", None: "none", b"b": "bytes", ("t",): "tuple", "": "empty", 2.5: "float"},
    "map with a speaking key": lambda: {KeyWithText(): 1, FalsyKey(): 2, Bare(): 3},
    "map whose keys become equal": lambda: {1: "a", "1": "b", 2: "c"},
    "shared list twice": lambda: [[1]] * 2,
    "deep list": lambda: [[[["deep", {"k": [1]}]]]],
    "NaN": lambda: float("nan"),
    "mixed list": lambda: [1, "a", 2.5, None, True, b"b"],
    "long text": lambda: "x" * 5000,
    "long list": lambda: list(range(300)),
}

# Read back from bytes these are of their base types: tests/property/trace/differences.py.
SUBCLASSES: dict[str, Callable[[], Any]] = {
    "IntEnum member": lambda: Size.SMALL,
    "str subclass": lambda: Text("text"),
    "int subclass": lambda: Number(7),
    "float subclass": lambda: Ratio(1.5),
    "bytes subclass": lambda: Blob(b"\0\xff"),
    "str subclass with another hash": lambda: SameHash("same"),
    "list of subclasses": lambda: [Text("a"), Number(1), Ratio(0.5)],
}

# OTLP cannot hold these: the attribute that has one is missing.
UNENCODABLE: dict[str, Callable[[], Any]] = {
    "2**63": lambda: 2**63,
    "-2**63-1": lambda: -(2**63) - 1,
    "2**70": lambda: 2**70,
    "lone surrogate": lambda: "a\ud800",
    "list with 2**64": lambda: [1, 2**64],
    "list with a lone surrogate": lambda: ["fine", "\udc80"],
    "map with a lone surrogate": lambda: {"fine": 1, "bad": "\udfff"},
    "map with a key with a lone surrogate": lambda: {"\ud800": 1},
}

# Their methods raise.
HOSTILE: dict[str, Callable[[], Any]] = {
    "__str__ raises": StrRaises,
    "__repr__ raises": ReprRaises,
    "__str__ is no str": StrIsNoStr,
    "sequence that raises": Raising,
    "list with one that raises": lambda: [1, StrRaises()],
    "map with a value that raises": lambda: {"fine": 1, "bad": StrRaises()},
    "map with a key that raises": lambda: {StrRaises(): 1},
    "mapping whose items raise": lambda: ItemsRaise(a=1),
    "endless list": lambda: _endless(),
}


def _endless() -> list[Any]:
    inner: list[Any] = []
    inner.append(inner)
    return inner


# Given where a mapping of attributes is expected.
MAPPINGS: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "list of pairs": lambda: [("a", 1), ("b", 2)],
    "tuple of pairs": lambda: (("a", 1),),
    "empty list": list,
    "text": lambda: "abc",
    "empty text": str,
    "number": lambda: 5,
    "zero": lambda: 0,
    "False": lambda: False,
    "True": lambda: True,
    "object": Bare,
    "iterator": lambda: iter([("a", 1)]),
    "UserDict": lambda: collections.UserDict({"a": 1, "b": [1]}),
    "empty UserDict": collections.UserDict,
    "mappingproxy": lambda: types.MappingProxyType({"a": 1}),
    "empty mappingproxy": lambda: types.MappingProxyType({}),
    "OrderedDict": lambda: collections.OrderedDict(b=1, a=2),
    "ChainMap": lambda: collections.ChainMap({"a": 1}, {"b": 2}),
    "Table": lambda: Table(("a", 1), ("", 2), (3, "three")),
    "longer than it is": lambda: LongerThanItIs(a=1),
    "items differ": lambda: ItemsDiffer(a=1, b=2),
    "items raise": lambda: ItemsRaise(a=1),
    "empty, items raise": ItemsRaise,
    "subclass keys": lambda: {Text("lies"): 1, Colour.RED: 2, SameHash("one"): 3, SameHash("two"): 4, "plain": 5},
    "odd keys": lambda: {1: "int", None: "none", b"b": "bytes", "": "empty", Bare(): "object", False: "bool"},
    "keys become equal": lambda: {1: "a", "1": "b", "c": 1},
    "a key that raises": lambda: {"a": 1, StrRaises(): 2},
    "a value that raises": lambda: {"a": 1, "b": StrRaises(), "c": 3},
    "many": lambda: {f"key {number}": number for number in range(140)},
}

if importlib.util.find_spec("numpy") is not None:
    _numpy = importlib.import_module("numpy")
    PLAIN |= {
        "numpy int64": lambda: _numpy.int64(7),
        "numpy bool": lambda: _numpy.bool_(True),
        "numpy float32": lambda: _numpy.float32(0.5),
        "numpy array": lambda: _numpy.array([1, 2]),
    }
    SUBCLASSES |= {"numpy float64": lambda: _numpy.float64(2.5), "numpy str": lambda: _numpy.str_("np")}

_ALL: dict[str, Callable[[], Any]] = {
    **{f"value: {name}": maker for table in (PLAIN, SUBCLASSES, UNENCODABLE, HOSTILE) for name, maker in table.items()},
    **{f"mapping: {name}": maker for name, maker in MAPPINGS.items()},
}


def name_of(kind: str, name: str) -> Make:
    """The value called ``name`` in a program; ``kind`` is "value" or "mapping"."""
    found = Make(f"{kind}: {name}")
    assert found.name in _ALL
    return found


def make(data: Any) -> Any:
    """Fresh live objects for a program's data, so that no run sees what another did to them."""
    if isinstance(data, Make):
        return _ALL[data.name]()
    if type(data) is list:
        return [make(item) for item in data]
    if type(data) is tuple:
        return tuple(make(item) for item in data)
    if type(data) is dict:
        return {make(key): make(value) for key, value in data.items()}
    return data
