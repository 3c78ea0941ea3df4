"""hypothesis strategies for attribute keys and values, from the plain to what the official encoder refuses.

Every function is cached: a strategy built again for each draw costs hypothesis more than the draw.
"""

import collections
import enum
import functools
import importlib.util
import struct
from typing import Any

from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common import _internal as official

__all__ = ["attributes", "clean_values", "keys", "names", "odd_values", "raw_attributes", "texts", "values"]

INT64_MAX = 2**63 - 1
INT64_MIN = -(2**63)


def _official_null() -> Any:
    """None where the official encoder writes it; the oldest drops the attribute that has it."""
    try:
        official._encode_value(None)
    except Exception:
        return "null"
    return None


NULL = _official_null()


class Colour(str, enum.Enum):
    """A str that is no exact str."""

    RED = "red"
    BLUE = "blå"


class Size(enum.IntEnum):
    """An int that is no exact int."""

    SMALL = 1
    HUGE = INT64_MAX


class Ratio(float):
    """A float that is no exact float."""


class Text(str):
    """A str subclass whose ``__str__`` lies: the encoder must take the characters, not the method."""

    __slots__ = ()

    def __str__(self) -> str:
        return "not me"


class Blob(bytes):
    """A bytes subclass."""


class Pairs(collections.abc.Sequence[Any]):
    """A Sequence by registration only in the abstract sense: no list, no tuple."""

    def __init__(self, *items: Any) -> None:
        self._items = items

    def __getitem__(self, index: Any) -> Any:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)


class Table(collections.abc.Mapping[Any, Any]):
    """A Mapping that is no dict."""

    def __init__(self, **items: Any) -> None:
        self._items = items

    def __getitem__(self, key: Any) -> Any:
        return self._items[key]

    def __iter__(self) -> Any:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


# Each width CPython stores strings in, both ends of each UTF-8 length, and what C code trips over.
SAMPLE_CHARACTERS = [
    "a",
    "\x7f",
    "\x80",
    "é",
    "ÿ",
    "\u0100",
    "\u07ff",
    "\u0800",
    "€",
    "\ufffd",
    "\uffff",
    "\U00010000",
    "😀",
    "\U0010ffff",
]
SAMPLE_TEXTS = [
    "",
    "\0",
    "a\0b",
    "GET",
    "GET /users/{id}",
    "naïve",
    "übergröße",
    "日本語",
    "Ωμέγα",
    "👩‍👩‍👧",
    "e\u0301",
    "\ufeffbom",
    "\u202ertl",
]
# Where the length prefix grows by a byte, and the inline copies of the fast path end.
SAMPLE_LENGTHS = [1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129]

_long_texts = st.builds(
    lambda character, length: character * length, st.sampled_from(SAMPLE_CHARACTERS), st.sampled_from(SAMPLE_LENGTHS)
)
_very_long_texts = st.builds(
    lambda character, length: character * length,
    st.sampled_from(["x", "é", "€", "😀"]),
    st.sampled_from([4096, 16383, 16384]),
)


@functools.cache
def texts() -> st.SearchStrategy[str]:
    """Text of every width, empty and NUL included, never a lone surrogate."""
    return st.one_of(
        st.sampled_from(SAMPLE_TEXTS),
        st.text(alphabet=st.characters(max_codepoint=127), max_size=12),
        st.text(alphabet=st.characters(max_codepoint=255), max_size=8),
        st.text(max_size=8),
        _long_texts,
    )


@functools.cache
def names() -> st.SearchStrategy[str]:
    """What spans, events and scopes are called."""
    return st.one_of(st.sampled_from(["GET /users/{id}", "SELECT users", "worker", "HTTP POST", "publish"]), texts())


@functools.cache
def keys() -> st.SearchStrategy[str]:
    """Attribute keys that the SDK accepts: text, not empty."""
    return st.one_of(
        st.sampled_from(["http.request.method", "url.path", "server.load", "cache.hit", "db.statement", "ключ", "k"]),
        texts().filter(bool),
    )


@functools.cache
def _ints() -> st.SearchStrategy[int]:
    boundaries = [
        0,
        1,
        -1,
        127,
        128,
        16383,
        16384,
        2**30 - 1,
        2**30,
        2**31,
        2**32,
        2**35,
        2**56,
        2**60,
        2**62,
        INT64_MAX,
        INT64_MIN,
        INT64_MIN + 1,
        -(2**30),
        -(2**60),
    ]
    return st.one_of(st.sampled_from(boundaries), st.integers(-300, 300), st.integers(INT64_MIN, INT64_MAX))


@functools.cache
def _floats() -> st.SearchStrategy[float]:
    nan_with_payload = struct.unpack("<d", b"\x01\x00\x00\x00\x00\x00\xf8\xff")[0]
    boundaries = [
        0.0,
        -0.0,
        0.42,
        float("inf"),
        float("-inf"),
        float("nan"),
        nan_with_payload,
        5e-324,
        1.7976931348623157e308,
    ]
    return st.one_of(st.sampled_from(boundaries), st.floats())


@functools.cache
def _scalars() -> st.SearchStrategy[Any]:
    return st.one_of(
        texts(),
        _ints(),
        st.booleans(),
        _floats(),
        st.binary(max_size=20),
        st.just(NULL),
        st.sampled_from(
            [Colour.RED, Colour.BLUE, Size.SMALL, Size.HUGE, Ratio(1.5), Text("text"), Blob(b"\0\xff"), True, False]
        ),
    )


def _containers(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(children, max_size=4),
        st.lists(children, max_size=4).map(tuple),
        st.dictionaries(
            st.one_of(
                texts(), st.sampled_from([1, None, True, b"b", 2.5, ("t", 1), Colour.RED, Size.SMALL, Text("lies")])
            ),
            children,
            max_size=4,
        ),
    )


@functools.cache
def _unusual_containers() -> st.SearchStrategy[Any]:
    makers: list[Any] = [
        lambda: range(4),
        lambda: range(0),
        lambda: bytearray(b"\0ab\xff"),
        lambda: memoryview(b"ab"),
        lambda: collections.deque([1, "two", NULL]),
        lambda: collections.UserList(["a", 1]),
        lambda: collections.UserDict({"a": 1}),
        lambda: collections.OrderedDict(b=1, a=[2]),
        lambda: collections.defaultdict(list, a=[1]),
        lambda: collections.ChainMap({"a": 1}, {"b": 2}),
        lambda: Pairs(1, "b", Pairs()),
        lambda: Table(a=1, b=Table()),
    ]
    return st.sampled_from(makers).map(lambda make: make())


def _numpy_scalars() -> list[Any]:
    if importlib.util.find_spec("numpy") is None:
        return []
    numpy = importlib.import_module("numpy")
    # float64 is a float; the others are neither int nor float and are refused or turned into text by the SDK.
    return [
        numpy.float64(2.5),
        numpy.int64(7),
        numpy.bool_(True),
        numpy.float32(0.5),
        numpy.str_("np"),
        numpy.array([1, 2]),
    ]


@functools.cache
def clean_values() -> st.SearchStrategy[Any]:
    """Values that the official encoder writes."""
    nested = st.recursive(_scalars(), _containers, max_leaves=6)
    return st.one_of(_scalars(), _scalars(), nested, _containers(_scalars()), _unusual_containers())


@functools.cache
def odd_values() -> st.SearchStrategy[Any]:
    """Values that make the official encoder drop the attribute they are in (or, through the SDK, become text)."""
    makers: list[Any] = [
        lambda: INT64_MAX + 1,
        lambda: INT64_MIN - 1,
        lambda: 2**70,
        lambda: -(2**200),
        lambda: "\ud800",
        lambda: "ok\udfff",
        lambda: object(),
        lambda: {1, 2},
        lambda: 1j,
        lambda: ValueError("text"),
        lambda: iter([1]),
        lambda: type,
        lambda: [1, 2**64],
        lambda: ["fine", "\udc80"],
        lambda: {"fine": 1, "bad": "\ud800"},
        lambda: {"\ud800": 1},
        lambda: [[[object()]]],
    ]
    makers += [lambda scalar=scalar: scalar for scalar in _numpy_scalars()]
    return st.sampled_from(makers).map(lambda make: make())


@functools.cache
def values() -> st.SearchStrategy[Any]:
    """Anything a user may set, mostly sane."""
    return st.one_of(*[clean_values()] * 18, odd_values(), _very_long_texts)


@functools.cache
def attributes(max_size: int = 6) -> st.SearchStrategy[dict[str, Any]]:
    """Attributes as a user passes them to the SDK."""
    return st.dictionaries(keys(), values(), max_size=max_size)


@functools.cache
def raw_attributes(max_size: int = 5) -> st.SearchStrategy[dict[Any, Any]]:
    """Attributes as only a hand-made span can hold them: nothing has cleaned the keys."""
    odd_keys = st.sampled_from(["", "\ud800", b"bytes", b"\xff", None, 3, True, Colour.RED, Text("subclass"), ("t",)])
    return st.dictionaries(st.one_of(keys(), keys(), keys(), odd_keys), values(), max_size=max_size)
