"""hypothesis strategies for what spans are made of: contexts, trace states, resources, scopes, links, times.

Strategies are built once and kept: one that is built again for each draw costs more than the draw.
"""

import functools
from typing import Any, TypeVar

from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags, TraceState

from tests.property.values import attributes, names, texts

__all__ = [
    "below",
    "chance",
    "kinds",
    "optional",
    "pick",
    "pool",
    "resources",
    "scopes",
    "span_contexts",
    "times",
    "trace_states",
]

T = TypeVar("T")

SCHEMA_URLS = [None, "", "https://opentelemetry.io/schemas/1.30.0", "https://example.org/schéma"]
NOW = 1_764_000_000_000_000_000

kinds = st.sampled_from(list(SpanKind))


@functools.cache
def below(end: int) -> st.SearchStrategy[int]:
    """An index under ``end``."""
    return st.integers(0, end - 1)


@functools.cache
def chance(percent: int) -> st.SearchStrategy[bool]:
    """True in about ``percent`` of the draws; shrinks to False."""
    return st.integers(0, 99).map(lambda roll: roll >= 100 - percent)


@functools.cache
def optional(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An item or None."""
    return st.one_of(st.none(), items)


def pick(draw: st.DrawFn, items: list[T]) -> T:
    """One of items that were themselves drawn."""
    return items[draw(below(len(items)))]


def _equal_copy(item: Any) -> Any:
    """Another object; not by ``copy.deepcopy``, for which the oldest SDK's attributes are too much."""
    attributes = dict(item.attributes or {})
    if isinstance(item, Resource):
        return Resource(attributes, item.schema_url)
    return InstrumentationScope(item.name, item.version, item.schema_url, attributes)


def pool(draw: st.DrawFn, items: st.SearchStrategy[T], max_size: int) -> list[T]:
    """A few items, now and then with an equal copy that is another object."""
    found = [draw(items) for _ in range(1 + draw(below(max_size)))]
    if draw(chance(30)):
        found.append(_equal_copy(found[0]))
    return found


@functools.cache
def times() -> st.SearchStrategy[int]:
    """Nanoseconds since the epoch, near now or at an edge of the field."""
    return st.one_of(st.integers(NOW, NOW + 10**12), st.sampled_from([0, 1, 127, 2**31, 2**63 - 1, 2**63, 2**64 - 1]))


@functools.cache
def trace_states() -> st.SearchStrategy[TraceState]:
    """Trace states as propagators make them, the empty one included."""
    state_keys = st.from_regex(r"[a-z][a-z0-9_\-*/]{0,9}", fullmatch=True)
    state_values = st.from_regex(r"[!-+\--<>-~]{1,12}", fullmatch=True)
    return st.one_of(
        st.just(TraceState()),
        st.just(TraceState([("vendor", "opaque")])),
        st.lists(st.tuples(state_keys, state_values), max_size=4, unique_by=lambda pair: pair[0]).map(TraceState),
    )


@functools.cache
def span_contexts(valid: bool = True) -> st.SearchStrategy[SpanContext]:
    """Contexts, remote or local, with any flags and trace state; ids of every length in bits."""
    low = 1 if valid else 0
    return st.builds(
        SpanContext,
        st.one_of(st.integers(low, 2**128 - 1), st.sampled_from([low, 2**30, 2**64, 2**127, 2**128 - 1])),
        st.one_of(st.integers(low, 2**64 - 1), st.sampled_from([low, 2**30, 2**60, 2**63, 2**64 - 1])),
        st.booleans(),
        st.sampled_from([0, 1, 1, 2, 3, 255]).map(TraceFlags),
        st.one_of(st.none(), st.none(), trace_states()),
    )


@functools.cache
def resources() -> st.SearchStrategy[Resource]:
    """Resources; two draws may be equal and yet distinct objects, or equal but for the type of a value."""
    lookalikes = st.sampled_from(
        [{"a": 1}, {"a": True}, {"a": 1.0}, {"a": "1"}, {"a": 1, "b": 2}, {"b": 2, "a": 1}, {}]
    )
    usual = st.just({"service.name": "shop", "service.instance.id": "42"})
    drawn = st.dictionaries(texts().filter(bool), st.one_of(texts(), st.integers(), st.booleans()), max_size=3)
    return st.builds(Resource, st.one_of(lookalikes, usual, drawn), st.sampled_from(SCHEMA_URLS))


@functools.cache
def scopes() -> st.SearchStrategy[InstrumentationScope]:
    """Instrumentation scopes with and without version, schema URL and attributes."""
    return st.builds(
        InstrumentationScope,
        st.one_of(st.sampled_from(["", "shop", "shop.db"]), names()),
        st.sampled_from([None, "", "1.0", "1.0-β"]),
        st.sampled_from(SCHEMA_URLS),
        st.one_of(st.none(), st.sampled_from([{"a": 1}, {"a": True}, {"a": 1.0}, {"b": [1, 2]}]), attributes(2)),
    )
