"""Links: which are kept, and what they carry."""

from typing import Any

import pytest
from opentelemetry import trace as api
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import INVALID_SPAN_CONTEXT, Link, SpanContext, TraceFlags, TraceState

from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import SimpleSpanProcessor
from tests.conformance.trace.sides import Side, both, described, same
from tests.ids import without_addresses

VALID = SpanContext(0x1234, 0x56, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("k", "v")]))
NO_SPAN_ID = SpanContext(0x1234, 0, is_remote=False)
WITH_STATE = SpanContext(0, 0, is_remote=False, trace_state=TraceState([("k", "v")]))


@pytest.mark.parametrize(
    "context, attributes, kept",
    [
        (VALID, None, True),
        (VALID, {"a": 1}, True),
        (INVALID_SPAN_CONTEXT, None, False),
        (INVALID_SPAN_CONTEXT, {}, False),
        (INVALID_SPAN_CONTEXT, {"a": 1}, True),
        (NO_SPAN_ID, None, False),
        (WITH_STATE, None, True),
        (None, {"a": 1}, False),
    ],
)
def test_a_link_is_kept_when_valid_or_with_attributes_or_trace_state(context: Any, attributes: Any, kept: bool) -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        begun = tracer.start_span("name", links=[Link(context, attributes)])
        span = tracer.start_span("name")
        span.add_link(context, attributes)
        begun.end()
        span.end()
        return len(begun.links), len(span.links)

    assert same(scenario).result == (kept, kept)


def test_ids_flags_remoteness_and_trace_state_of_a_link_are_kept() -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        span.add_link(VALID, {"a": [1]})
        span.end()
        return span.links[0].context == VALID

    seen = same(scenario)
    assert seen.result is True
    assert seen.spans[0]["links"][0][1]["state"] == [("k", "v")]


@pytest.mark.parametrize(
    "links", [None, (), [], [None], [Link(VALID)], (Link(VALID, {"a": 1}), None)], ids=without_addresses
)
def test_links_at_the_start(links: Any) -> None:
    def scenario(side: Side) -> Any:
        span = side.tracer().start_span("name", links=links)
        with side.tracer().start_as_current_span("name", links=links) as other:
            pass
        span.end()
        return len(span.links), len(other.links)

    count = len([link for link in links or () if link])
    assert same(scenario).result == (count, count)


def test_a_link_can_be_to_a_span_of_ours() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        first = tracer.start_span("first")
        with tracer.start_as_current_span("second", links=[Link(first.get_span_context())]) as second:
            second.add_link(first.get_span_context())
        first.end()
        return [link.context == first.get_span_context() for link in second.links]

    assert same(scenario).result == [True, True]


def test_links_and_events_come_back_equal_but_are_new_objects() -> None:
    """Difference: they are read back from bytes, so that identity is lost."""

    def scenario(side: Side) -> Any:
        link = Link(VALID, {"a": 1})
        span = side.tracer().start_span("name", links=[link])
        span.add_event("event", {"b": 2})
        return described(span), span.links[0] is link, span.events[0] is span.events[0]

    theirs, ours = both(scenario)
    assert ours.result[0] == theirs.result[0]
    assert theirs.result[1:] == (True, True)
    assert ours.result[1:] == (False, False)


class Duck:
    """Says that it is valid, and has nothing else of a span context."""

    is_valid = True
    trace_state = None


STRANGE = [
    SpanContext(1, 2, is_remote=False, trace_state="a=b"),  # type: ignore[arg-type]
    SpanContext(1, 2, is_remote=False, trace_state=[1, 2]),  # type: ignore[arg-type]
    SpanContext(1.5, 2, is_remote=False),  # type: ignore[arg-type]
    SpanContext(1, 2, is_remote=False, trace_flags="sampled"),  # type: ignore[arg-type]
    Duck(),
]


@pytest.mark.parametrize("context", STRANGE, ids=["state: str", "state: list", "id: float", "flags: str", "no context"])
def test_a_link_whose_context_is_none_is_kept_as_far_as_it_can_be_sent(context: Any) -> None:
    """Difference: the SDK keeps it whole, and then cannot export the batch."""

    def scenario(side: Side) -> Any:
        span = side.tracer(collect=False).start_span("name", links=[Link(context)])
        span.add_link(context, {"a": 1})
        span.end()
        return [dict(link.attributes) for link in span.links]

    theirs, ours = both(scenario)
    assert (ours.raised, ours.result) == (None, theirs.result) == (None, [{}, {"a": 1}])


@pytest.mark.parametrize(
    "ids, sent",
    [
        ((1 << 128, 2), (0, 2)),
        ((1, 1 << 64), (1, 0)),
        ((1 << 128 | 1, 1 << 70 | 2), (0, 0)),
        ((-1, 2), (0, 2)),
        ((1, -7), (1, 0)),
        ((2**128 - 1, 2**64 - 1), (2**128 - 1, 2**64 - 1)),
    ],
)
def test_an_id_of_a_link_that_otlp_cannot_hold_becomes_zero(ids: tuple[int, int], sent: tuple[int, int]) -> None:
    """Difference: the SDK cannot export the batch. Read back it is what was given, on both sides."""

    def scenario(side: Side) -> Any:
        span = side.tracer(collect=False).start_span("name")
        span.add_link(SpanContext(*ids, is_remote=False), {"a": 1})
        span.end()
        return [(link.context.trace_id, link.context.span_id) for link in span.links]

    theirs, ours = both(scenario)
    assert theirs.result == ours.result == [ids]
    assert len(ours.ours) == (sent != ids)
    provider = TracerProvider(shutdown_on_exit=False)
    with Sink() as sink:
        provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(sink.http_endpoint + "/v1/traces")))
        provider.get_tracer("name").start_span("name", links=[Link(SpanContext(*ids, is_remote=False), {"a": 1})]).end()
        ((link,),) = [span.links for span in sink.spans()]
    assert (int(link.trace_id, 16), int(link.span_id, 16)) == sent


@pytest.mark.parametrize("context", STRANGE[:3], ids=["state: str", "state: list", "id: float"])
def test_a_strange_parent_does_not_keep_a_span_from_starting(context: Any) -> None:
    def scenario(side: Side) -> Any:
        parent = api.set_span_in_context(api.NonRecordingSpan(context))
        tracer = side.tracer(collect=False, sampler=ALWAYS_ON)
        with tracer.start_as_current_span("name", context=parent) as span:
            return span.is_recording(), span.parent is context

    theirs, ours = both(scenario)
    assert (ours.raised, ours.result) == (None, theirs.result)
