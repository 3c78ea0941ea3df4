"""hypothesis strategies for whole batches of finished spans: made by the real SDK, built by hand, and foreign.

Everything here can be encoded by the official encoder (single attributes of a batch may be refused by it), so bytes can be
compared. What makes it give up on a whole batch is in tests/conformance/encode.
"""

import functools
from typing import Any

from hypothesis import strategies as st
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, Status, StatusCode

from tests.official import quiet
from tests.property.foreign import as_foreign, as_subclass, materialised, with_changed_instance
from tests.property.parts import below, chance, kinds, optional, pick, pool, resources, scopes, span_contexts, times
from tests.property.sdk_spans import sdk_batches
from tests.property.values import attributes, names, raw_attributes, texts

__all__ = ["batches", "hand_made_batches", "sdk_batches"]

_disguises = st.sampled_from([None] * 12 + [as_foreign, as_subclass, materialised, with_changed_instance])


@functools.cache
def _any_attributes() -> st.SearchStrategy[Any]:
    """Each kind of object that a hand-made span, event or link may hold as its attributes."""

    def bounded(drawn: dict[str, Any], limit: int | None) -> BoundedAttributes:
        with quiet():
            return BoundedAttributes(limit, drawn)

    return st.one_of(st.none(), raw_attributes(), st.builds(bounded, attributes(), st.sampled_from([None, 0, 1, 3])))


@functools.cache
def _sequence_of(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A tuple, a list or the SDK's own list, which counts what it lost."""
    drawn = st.lists(items, min_size=1, max_size=3)
    bounded = st.builds(BoundedList.from_seq, st.sampled_from([None, 0, 1, 2]), drawn)
    return st.one_of(st.just(()), st.just(()), st.just([]), drawn, drawn.map(tuple), bounded)


@functools.cache
def _events() -> st.SearchStrategy[Any]:
    return _sequence_of(st.builds(Event, optional(names()), _any_attributes(), times()))


@functools.cache
def _links() -> st.SearchStrategy[Any]:
    return _sequence_of(st.builds(Link, span_contexts(valid=False), _any_attributes()))


@functools.cache
def _statuses() -> st.SearchStrategy[Any]:
    def make(code: StatusCode, description: str | None) -> Status:
        with quiet():
            return Status(code, description)

    return st.one_of(st.none(), st.builds(make, st.sampled_from(list(StatusCode)), optional(texts())))


def _hand_made_span(
    draw: st.DrawFn, known_resources: list[Resource], known_scopes: list[InstrumentationScope | None]
) -> ReadableSpan:
    return ReadableSpan(
        draw(optional(names())),
        context=draw(span_contexts(valid=False)),
        parent=draw(optional(span_contexts(valid=False))),
        resource=pick(draw, known_resources),
        attributes=draw(_any_attributes()),
        events=draw(_events()),
        links=draw(_links()),
        kind=draw(kinds),
        status=draw(_statuses()),
        start_time=draw(optional(times())),
        end_time=draw(optional(times())),
        instrumentation_scope=None if draw(chance(40)) else pick(draw, known_scopes),
    )


@st.composite
def hand_made_batches(draw: st.DrawFn, max_spans: int = 8) -> list[ReadableSpan]:
    """Spans built without a tracer: nothing has cleaned their values, and every field may be absent."""
    with quiet():
        known_resources = pool(draw, resources(), 3)
        known_scopes = [None, *pool(draw, scopes(), 3)]
        return [_hand_made_span(draw, known_resources, known_scopes) for _ in range(draw(below(max_spans + 1)))]


@st.composite
def batches(draw: st.DrawFn, max_traces: int = 8) -> list[Any]:
    """What an exporter may be given: spans of both kinds in any order, a few of them foreign or tampered with."""
    spans: list[Any] = draw(sdk_batches(max_traces))
    if draw(chance(40)):
        for span in draw(hand_made_batches(4)):
            spans.insert(draw(below(len(spans) + 1)), span)
    return [disguise(span) if (disguise := draw(_disguises)) is not None else span for span in spans]
