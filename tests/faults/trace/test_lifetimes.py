"""What lives how long: a span as long as somebody holds it, what was given to a span no longer than the call."""

import contextvars
import gc
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import opentelemetry.sdk.trace
import pytest
from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

import spanwire.trace
from spanwire.trace import SpanProcessor, TracerProvider
from spanwire.trace.sampling import ALWAYS_OFF, ALWAYS_ON


class Text(str):
    """A str that can be referenced weakly."""

    __slots__ = ("__weakref__",)


class List(list[Any]):
    """A list that can be referenced weakly."""


class Map(dict[str, Any]):
    """A dict that can be referenced weakly."""


class Failure(Exception):
    """An exception that can be referenced weakly."""


class Opaque:
    """Of a type that no attribute can have."""


@pytest.fixture
def _no_gc() -> Any:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def provider_of(sampler: Any = ALWAYS_ON) -> Any:
    return TracerProvider(sampler=sampler, shutdown_on_exit=False)


@pytest.mark.usefixtures("_no_gc")
@pytest.mark.parametrize("sampler", [ALWAYS_ON, ALWAYS_OFF], ids=["sampled", "unsampled"])
@pytest.mark.parametrize("ended", [True, False])
def test_a_span_dies_with_its_last_reference(sampler: Any, ended: bool) -> None:
    tracer = provider_of(sampler).get_tracer("lifetimes")
    span = tracer.start_span("dies", attributes={"key": ["value"]})
    span.add_event("event", {"key": "value"})
    span.record_exception(ValueError())
    span.get_span_context()
    with trace.use_span(span):
        tracer.start_span("child").end()
        assert trace.get_current_span() is span
    if ended:
        span.end()
    told: list[object] = []
    watched = weakref.ref(span, told.append)
    assert watched() is span
    del span
    assert watched() is None
    assert told == [watched]


@pytest.mark.usefixtures("_no_gc")
def test_the_span_of_a_scope_dies_when_the_scope_is_left() -> None:
    tracer = provider_of().get_tracer("lifetimes")
    for _ in range(50):
        with tracer.start_as_current_span("scope") as span:
            watched = weakref.ref(span)
            del span
            assert watched() is trace.get_current_span()
        assert watched() is None


@pytest.mark.usefixtures("_no_gc")
def test_a_context_that_is_held_holds_its_span_and_no_other() -> None:
    tracer = provider_of().get_tracer("lifetimes")
    with tracer.start_as_current_span("outer") as outer, tracer.start_as_current_span("inner") as inner:
        held = context_api.get_current()
        copied = contextvars.copy_context()
    of_outer, of_inner = weakref.ref(outer), weakref.ref(inner)
    del outer, inner
    assert of_outer() is None
    assert of_inner() is not None
    del held
    assert of_inner() is not None
    del copied
    assert of_inner() is None


@pytest.mark.usefixtures("_no_gc")
@pytest.mark.parametrize("live", [True, False], ids=["live", "ended"])
def test_nothing_given_to_a_span_is_kept_by_it(live: bool) -> None:
    tracer = provider_of().get_tracer("lifetimes")
    given: dict[str, Any] = {
        "name": Text("span"),
        "key": Text("key"),
        "value": Text("välue"),
        "list": List([1, Text("item")]),
        "map": Map(inner=List([2])),
        "opaque": Opaque(),
        "attributes": Map(at="start"),
        "event": Text("event"),
        "event attributes": Map(key=Text("of event")),
        "description": Text("description"),
        "new name": Text("new name"),
        "link attributes": Map(key="of link"),
    }
    linked = trace.SpanContext(1, 2, is_remote=True)
    span = tracer.start_span(given["name"], attributes=given["attributes"])
    span.set_attribute(given["key"], given["value"])
    for name in ("list", "map", "opaque"):
        span.set_attribute(name, given[name])
    span.add_event(given["event"], given["event attributes"])
    span.add_link(linked, given["link attributes"])
    span.set_status(StatusCode.ERROR, given["description"])
    span.update_name(given["new name"])
    error = Failure("recorded")
    span.record_exception(error)
    given["exception"] = error
    del error
    if not live:
        span.end()
    watched = {name: weakref.ref(item) for name, item in given.items()}
    given.clear()
    assert {name for name, reference in watched.items() if reference() is not None} == set()
    assert span.name == "new name"
    assert span.attributes["key"] == "välue"
    assert [event.name for event in span.events] == ["event", "exception"]


@pytest.mark.usefixtures("_no_gc")
def test_what_raised_in_a_scope_is_not_kept() -> None:
    tracer = provider_of().get_tracer("lifetimes")

    def work() -> "tuple[weakref.ref[BaseException], weakref.ref[Opaque]]":
        local = Opaque()
        error = Failure("raised")
        references = weakref.ref[BaseException](error), weakref.ref(local)
        try:
            with tracer.start_as_current_span("scope"):
                raise error
        except Failure:
            pass
        finally:
            error.__traceback__ = None
            del error
        return references

    assert [reference() for reference in work()] == [None, None]


def with_memory() -> tuple[Any, Any]:
    provider, memory = provider_of(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    return provider, memory


def in_memory() -> list[Any]:
    """Spans point to their tracer's parts, and the provider points to the spans through its exporter."""
    provider, memory = with_memory()
    tracer = provider.get_tracer("cycle")
    with tracer.start_as_current_span("outer"):
        tracer.start_span("inner").end()
    assert len(memory.get_finished_spans()) == 2
    return [provider, tracer, memory]


def processor_of_itself() -> list[Any]:
    class Keeps(SpanProcessor):
        def __init__(self) -> None:
            self.kept: list[Any] = []

        def on_start(self, span: Any, parent_context: Any = None) -> None:
            self.kept += [span, parent_context]

        def on_end(self, span: Any) -> None:
            self.kept += [span, span.attributes]

    provider, processor = provider_of(), Keeps()
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("cycle")
    processor.kept += [provider, tracer]
    with tracer.start_as_current_span("outer", attributes={"key": "value"}) as span:
        processor.kept.append(contextvars.copy_context())
    return [provider, tracer, processor, span]


def attributes_of_a_resource() -> list[Any]:
    from opentelemetry.sdk.resources import Resource

    resource = Resource({"key": "value"})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    tracer = provider.get_tracer("cycle")
    span = tracer.start_span("span")
    resource.__dict__["kept"] = [provider, tracer]
    return [provider, tracer, resource, span]


@pytest.mark.parametrize(
    "make",
    [in_memory, processor_of_itself, attributes_of_a_resource],
    ids=lambda make: make.__name__,
)
def test_a_dropped_provider_is_collected(make: Callable[[], list[Any]]) -> None:
    made = make()
    watched = {f"{type(item).__name__}": weakref.ref(item) for item in made}
    made.clear()
    del made
    gc.collect()
    assert {name for name, reference in watched.items() if reference() is not None} == set()


def test_a_provider_whose_processor_keeps_live_spans_is_collected_once_they_have_ended() -> None:
    """Spans are no part of garbage collection, which would cost each of them; so until its end one keeps its processors."""
    provider, memory = with_memory()
    span = provider.get_tracer("cycle").start_span("live")
    memory.kept = span
    watched = weakref.ref(memory)
    del provider, memory
    gc.collect()
    assert watched() is not None
    span.end()
    del span
    gc.collect()
    assert watched() is None


def test_a_provider_leaves_no_more_than_the_sdks() -> None:
    """Which leaves some: it registers functions to be called at a fork, and those cannot be taken back."""

    def left(make: Callable[..., Any]) -> int:
        def work() -> None:
            make(shutdown_on_exit=False).get_tracer("left").start_span("never ended")

        for _ in range(1_000):
            work()
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(2_000):
            work()
        gc.collect()
        return sys.getallocatedblocks() - before

    assert left(TracerProvider) < left(opentelemetry.sdk.trace.TracerProvider) + 1_000


def test_a_kept_span_can_be_read_after_its_provider_is_gone() -> None:
    provider, memory = with_memory()
    tracer = provider.get_tracer("gone", "1.2")
    span = tracer.start_span("kept", attributes={"key": "value"})
    live = tracer.start_span("live")
    span.end()
    (view,) = memory.get_finished_spans()
    watched = weakref.ref(memory)
    live.end()
    del provider, tracer, memory, live
    gc.collect()
    assert watched() is None
    for kept in (span, view):
        assert (kept.name, dict(kept.attributes)) == ("kept", {"key": "value"})
        assert (kept.instrumentation_scope.name, kept.resource.attributes["telemetry.sdk.name"]) == (
            "gone",
            "opentelemetry",
        )
        assert "kept" in kept.to_json()


def test_a_scope_in_a_cycle_is_collected() -> None:
    """Its arguments may refer to it."""
    tracer = provider_of().get_tracer("cycle")
    held = Map()
    scope = tracer.start_as_current_span("scope", attributes=held)
    held["scope"] = scope
    watched = weakref.ref(held)
    del held, scope
    gc.collect()
    assert watched() is None


def test_a_weakref_callback_may_make_spans_while_its_span_is_dropped() -> None:
    tracer = provider_of().get_tracer("lifetimes")
    seen: list[str] = []

    def dropped(_: object) -> None:
        with tracer.start_as_current_span("in callback") as inner:
            seen.append(inner.name)
            assert trace.get_current_span() is inner

    for _ in range(100):
        with tracer.start_as_current_span("outer"):
            with tracer.start_as_current_span("watched") as span:
                watched = weakref.ref(span, dropped)
                del span
            assert watched() is None
            assert trace.get_current_span().name == "outer"  # type: ignore[attr-defined]
    assert seen == ["in callback"] * 100
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_spans_are_freed_wherever_their_last_reference_goes() -> None:
    """In a thread, by the collector, in the finalizer of something else."""
    tracer = provider_of().get_tracer("lifetimes")
    watched = []

    class Holder:
        def __init__(self) -> None:
            self.span = tracer.start_span("held", attributes={"key": "value" * 100})
            self.itself = self
            watched.append(weakref.ref(self.span))

        def __del__(self) -> None:
            self.span.set_attribute("finalizing", True)
            self.span.end()

    def work() -> None:
        for _ in range(200):
            Holder()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gc.collect()
    assert len(watched) == 1_600
    assert [reference() for reference in watched] == [None] * 1_600


def test_spans_have_no_dict_and_refuse_new_attributes() -> None:
    """Or they could be part of a cycle that nothing collects."""
    for sampler in (ALWAYS_ON, ALWAYS_OFF):
        span = provider_of(sampler).get_tracer("lifetimes").start_span("span")
        assert not hasattr(span, "__dict__")
        with pytest.raises(AttributeError):
            span.itself = span
        assert type(span) is spanwire.trace.Span
