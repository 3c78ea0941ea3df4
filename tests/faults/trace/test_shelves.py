"""Spans and scopes are used again when they are done with: nothing of a span shows in the next one in its place."""

import gc
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

import spanwire
from spanwire.trace import ReadableSpan, SpanProcessor, TracerProvider
from spanwire.trace.sampling import ALWAYS_OFF

SHELF = 64  # objects of a type that wait at most
STATE = TraceState([("vendor", "1")])
REMOTE = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1), trace_state=STATE)


@pytest.fixture(autouse=True)
def _no_gc() -> Iterator[None]:
    """What others have left is freed before, and not between two spans here, whose places it would take."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def provider() -> Iterator[TracerProvider]:
    made = TracerProvider(shutdown_on_exit=False)
    yield made
    made.shutdown()


@pytest.fixture
def tracer(provider: TracerProvider) -> Any:
    return provider.get_tracer("shelves")


def seen(span: Any) -> dict[str, Any]:
    """All that can be read of a span but its ids and times."""
    read = {
        name: getattr(span, name)
        for name in ("name", "kind", "parent", "events", "links", "dropped_attributes", "dropped_events")
    }
    return {
        **read,
        "status": (span.status.status_code, span.status.description),
        "attributes": dict(span.attributes),
        "state": span.get_span_context().trace_state,
        "recording": span.is_recording(),
        "end": span.end_time,
        "resource": span.resource,
        "scope": span.instrumentation_scope,
    }


def fill(tracer: Any) -> Any:
    """A span with one of everything, not ended."""
    context = trace.set_span_in_context(trace.NonRecordingSpan(REMOTE))
    span = tracer.start_span(
        "full", context, SpanKind.CONSUMER, {"start": 1}, [Link(REMOTE, {"link": 1})], record_exception=False
    )
    span.set_attributes({f"key{number}": "x" * 50 for number in range(100)})
    span.add_event("event", {"a": [1, 2]})
    span.record_exception(ValueError("no"))
    span.set_status(Status(StatusCode.ERROR, "bad"))
    span.update_name("renamed")
    return span


@pytest.mark.parametrize("ended", [True, False], ids=["ended", "never ended"])
def test_nothing_of_a_span_shows_in_the_next_one(tracer: Any, ended: bool) -> None:
    first = tracer.start_span("plain")
    expected = seen(first)
    del first
    for _ in range(3):
        span = fill(tracer)
        assert span.attributes["key99"]
        if ended:
            span.end()
        address = id(span)
        del span
        again = tracer.start_span("plain")
        assert id(again) == address, "not used again: this test would prove nothing"
        assert seen(again) == expected
        assert (again.get_span_context().trace_id, again.get_span_context().span_id) != (1, 2)
        again.end()
        del again


def test_a_recorded_span_after_an_unsampled_one_and_the_other_way_round(tracer: Any) -> None:
    off: Any = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False).get_tracer("off")
    for _ in range(3):
        with tracer.start_as_current_span("on") as span:
            span.set_attribute("a", 1)
            assert dict(span.attributes) == {"a": 1}
        address = id(span)
        del span
        unsampled = off.start_span("off")
        assert id(unsampled) == address
        assert not unsampled.is_recording()
        unsampled.set_attribute("a", 1)
        with pytest.raises(AttributeError):
            _ = unsampled.attributes
        del unsampled


def test_a_span_that_somebody_keeps_is_not_used_again(provider: TracerProvider, tracer: Any) -> None:
    kept: list[ReadableSpan] = []

    class Keep(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            kept.append(span)

    provider.add_span_processor(Keep())
    for number in range(3 * SHELF):
        with tracer.start_as_current_span(f"span {number}") as span:
            span.set_attribute("number", number)
    assert [(span.name, span.attributes) for span in kept] == [
        (f"span {number}", {"number": number}) for number in range(3 * SHELF)
    ]


def test_many_that_are_freed_at_once_and_more_than_wait(tracer: Any) -> None:
    for _ in range(3):
        spans = [tracer.start_span(f"span {number}", attributes={"n": number}) for number in range(3 * SHELF)]
        scopes = [tracer.start_as_current_span("scope") for _ in range(3 * SHELF)]
        assert len({span.get_span_context().span_id for span in spans}) == len(spans)
        assert all(span.attributes["n"] == number for number, span in enumerate(spans))
        del spans, scopes


def test_a_weak_reference_dies_with_its_span(tracer: Any) -> None:
    told: list[Any] = []
    span = tracer.start_span("span")
    reference = weakref.ref(span, told.append)
    del span
    assert reference() is None
    assert told == [reference]
    assert weakref.getweakrefcount(tracer.start_span("next")) == 0


def test_what_runs_when_a_span_goes_may_make_and_free_spans(tracer: Any) -> None:
    """Its parent's context is the last reference to an object whose __del__ starts more spans than the shelf holds."""
    made = []

    class Last(SpanContext):  # a tuple with a __dict__
        def __del__(self) -> None:
            made.append([tracer.start_span("from __del__") for _ in range(2 * SHELF)])
            made.clear()

    for _ in range(5):
        parent = Last(1, 2, is_remote=True, trace_flags=TraceFlags(1), trace_state=STATE)
        context = trace.set_span_in_context(trace.NonRecordingSpan(parent))
        del parent
        span = tracer.start_span("span", context)
        span.end()
        del context, span
    with tracer.start_as_current_span("after") as span:
        assert span.name == "after"


def test_the_collector_does_not_see_scopes_that_wait(tracer: Any) -> None:
    scope_type = type(tracer.start_as_current_span("scope"))

    def scopes() -> int:
        return sum(type(found) is scope_type for found in gc.get_objects())

    before = scopes()
    many = [tracer.start_as_current_span("scope") for _ in range(10)]
    assert scopes() == before + 10
    del many
    assert scopes() == before


def test_a_scope_in_a_cycle_is_collected(tracer: Any) -> None:
    class Node:
        def __init__(self) -> None:
            self.scope = tracer.start_as_current_span("scope", attributes={"node": self})

    reference = weakref.ref(Node())
    gc.collect()
    assert reference() is None


def test_a_scope_begins_anew(tracer: Any) -> None:
    class Unlike(Sampler):
        def should_sample(self, *args: Any, **_: Any) -> SamplingResult:
            return SamplingResult(Decision.RECORD_AND_SAMPLE, {"sampled": True})

        def get_description(self) -> str:
            return "unlike"

    other: Any = TracerProvider(sampler=Unlike(), shutdown_on_exit=False).get_tracer("other")
    for _ in range(3):
        scope = tracer.start_as_current_span("one", attributes={"a": 1}, kind=SpanKind.CLIENT, end_on_exit=False)
        with scope as span:
            assert (span.kind, dict(span.attributes)) == (SpanKind.CLIENT, {"a": 1})
        assert span.is_recording()
        address = id(scope)
        del scope, span
        scope = other.start_as_current_span("two")
        assert id(scope) == address
        with scope as span:
            assert (span.name, span.kind, dict(span.attributes)) == ("two", SpanKind.INTERNAL, {"sampled": True})
        assert not span.is_recording()
        del scope, span


def test_a_scope_that_was_refused_spoils_none(tracer: Any) -> None:
    """Its constructor raises, but what it was called for waits on the shelf from then on."""
    scope_type = type(tracer.start_as_current_span("scope"))
    with pytest.raises(TypeError, match="Scopes are made by"):
        scope_type()
    with tracer.start_as_current_span("after") as span:
        assert span.is_recording()


def test_a_large_record_does_not_stay(tracer: Any) -> None:
    """A span's record waits with it, unless it has grown: then it is cut to size in the pool."""
    spans = [tracer.start_span("small") for _ in range(SHELF)]
    for span in spans:
        span.end()
    del spans, span
    pooled = spanwire.stats()["trace"]["pooled_records"]
    span = tracer.start_span("large")
    span.set_attribute("a", "x" * 1_000_000)
    span.end()
    del span
    assert spanwire.stats()["trace"]["pooled_records"] == pooled + 1


def test_threads_that_use_them_in_turn(tracer: Any) -> None:
    failures = []

    def work(mine: int) -> None:
        for number in range(2_000):
            with tracer.start_as_current_span("outer") as outer:
                outer.set_attribute("thread", mine)
                with tracer.start_as_current_span("inner") as inner:
                    inner.set_attribute("number", number)
                    if dict(inner.attributes) != {"number": number} or dict(outer.attributes) != {"thread": mine}:
                        failures.append((mine, number))

    threads = [threading.Thread(target=work, args=(mine,)) for mine in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
