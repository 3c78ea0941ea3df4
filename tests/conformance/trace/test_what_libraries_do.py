"""What libraries do to the SDK's spans beyond the API, each by hand as they do it.

docs/compatibility.md says who does it. The same by the real packages, where they can run here, are the programs in
tests/instrumentations/programs/beyond.
"""

import contextlib
import copy
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest
from opentelemetry import trace as api
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace import export as sdk_export
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

import spanwire.trace.export
from spanwire.sink import Sink
from tests.conformance.trace.libraries import OTHER, OnEnd, OnStart, exports, over_http
from tests.conformance.trace.sides import Side, both, described, same, typed


def put(span: Any, **fields: Any) -> None:
    """Private fields, by their names without the underscore."""
    for name, value in fields.items():
        setattr(span, f"_{name}", value)


WRITTEN: dict[str, Callable[[Any], Any]] = {
    "kind, as ADOT's Lambda processor, OpenLIT and hooks for Application Insights": lambda span: put(
        span, kind=SpanKind.SERVER
    ),
    "flags, as Azure Monitor's documentation filters": lambda span: put(
        span,
        context=SpanContext(
            span.context.trace_id,
            span.context.span_id,
            span.context.is_remote,
            TraceFlags(TraceFlags.DEFAULT),
            span.context.trace_state,
        ),
    ),
    "the whole context, as who continues a trace of another system": lambda span: put(span, context=OTHER),
    "start time, as MLflow and fake clocks": lambda span: put(span, start_time=5),
    "parent": lambda span: put(span, parent=OTHER),
    "no parent": lambda span: put(span, parent=None),
    "resource": lambda span: put(span, resource=span.resource.merge(Resource({"added": 1}))),
    "events": lambda span: put(span, events=[Event("mine", {"a": 1}, 7)]),
    "no events": lambda span: put(span, events=BoundedList(0)),
    "links": lambda span: put(span, links=[api.Link(OTHER, {"a": 1})]),
    "scope": lambda span: put(span, instrumentation_scope=None),
    "name": lambda span: put(span, name="other"),
    "status": lambda span: put(span, status=Status(StatusCode.ERROR, "why")),
    "attributes": lambda span: put(span, attributes=BoundedAttributes(attributes={"only": "these"}, immutable=False)),
    "an attribute": lambda span: span._attributes.__setitem__("added", 1),
    "several": lambda span: put(span, kind=SpanKind.CLIENT, start_time=5),
}


def read_back(span: Any) -> Any:
    """The child of a span that was cleared of its flags is not sampled: it has nothing to read."""
    return described(span) if isinstance(span, ReadableSpan) else span.get_span_context().trace_flags


@pytest.mark.parametrize("write", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("where", ["on_start", "running"])
def test_private_fields_of_a_running_span_are_written(write: Callable[[Any], Any], where: str) -> None:
    def scenario(side: Side) -> Any:
        exporter = InMemorySpanExporter()
        provider = side.provider(collect=False)
        if where == "on_start":
            provider.add_span_processor(OnStart(write))
        provider.add_span_processor(exports(side).BatchSpanProcessor(exporter))
        provider.add_span_processor(side.collect)
        tracer = provider.get_tracer("scope", "1.0")
        with tracer.start_as_current_span("outer"):
            span: Any = tracer.start_span("name", attributes={"first": 1}, start_time=3)
            if where == "running":
                span.add_event("before", {"a": 1})
                write(span)
            read = read_back(span)
            span.add_event("event", {"b": 2}, timestamp=9)
            span.add_link(OTHER, {"c": 3})
            span.set_attribute("later", True)
            with api.use_span(span):
                tracer.start_span("child").end()
            span.end(end_time=99)
        provider.force_flush()
        return read, [described(one)["name"] for one in exporter.get_finished_spans()], read_back(span)

    same(scenario)


# What is done to a span that has ended, before others export it.
REDACTED: dict[str, Callable[[Any], Any]] = {
    "the dict below, under its lock, as ADOT": lambda span: _adot(span),
    "the lock of the attributes opened, as Traceloop": lambda span: _traceloop(span),
    "a mappingproxy, as OpenLIT": lambda span: put(
        span, attributes=MappingProxyType({**span.attributes, "secret": "***"})
    ),
    "bounded attributes, as ADOT's exporter": lambda span: put(
        span,
        attributes=BoundedAttributes(
            maxlen=span._attributes.maxlen,
            attributes={**span._attributes, "secret": "***"},
            immutable=span._attributes._immutable,
            max_value_len=span._attributes.max_value_len,
        ),
    ),
    "attributes of events replaced": lambda span: put(span.events[0], attributes={"secret": "***"}),
    "name, kind, resource, times": lambda span: put(
        span,
        name="/shop/{id}",
        kind=SpanKind.INTERNAL,
        resource=span.resource.merge(Resource({"openinference.project.name": "p"})),
        end_time=span.end_time + 5,
    ),
    "flags cleared, so that it is not exported, as Azure Monitor's documentation": lambda span: put(
        span,
        context=SpanContext(span.context.trace_id, span.context.span_id, False, TraceFlags(TraceFlags.DEFAULT)),
    ),
}


def _matching(attributes: Any) -> None:
    with attributes._lock:
        for key in attributes._dict:
            if key == "secret":
                attributes._dict[key] = "***"


def _adot(span: Any) -> None:
    _matching(span._attributes)
    for event in span.events:
        _matching(event._attributes)
    for link in span.links:
        _matching(link.attributes)


def _traceloop(span: Any) -> None:
    attributes: Any = getattr(span, "_attributes", None)
    was_immutable = getattr(attributes, "_immutable", False)
    if was_immutable:
        attributes._immutable = False
    span._attributes["secret"] = "***"
    if was_immutable:
        attributes._immutable = True


def secretive(side: Side, provider: sdk.TracerProvider) -> None:
    span = provider.get_tracer("scope").start_span("name", attributes={"secret": "password", "a": 1})
    span.add_event("event", {"secret": "password"}, timestamp=5)
    span.add_link(OTHER, {"secret": "password"})
    span.end()
    provider.force_flush()


@pytest.mark.parametrize("redact", REDACTED.values(), ids=REDACTED)
@pytest.mark.parametrize("kind", ["batch", "simple"])
def test_what_a_processor_redacts_is_what_is_exported(redact: Callable[[Any], Any], kind: str) -> None:
    def scenario(side: Side) -> Any:
        exporter = InMemorySpanExporter()
        module = exports(side)
        provider = side.provider(collect=False)
        provider.add_span_processor(OnEnd(redact))
        provider.add_span_processor(
            module.BatchSpanProcessor(exporter) if kind == "batch" else module.SimpleSpanProcessor(exporter)
        )
        provider.add_span_processor(side.collect)
        secretive(side, provider)
        return [described(span) for span in exporter.get_finished_spans()]

    same(scenario)


def rebuilt(span: Any, **fields: Any) -> ReadableSpan:
    """As Logfire, Langfuse, LangSmith and MLflow make a span of another's fields."""
    kept = {
        "name": span.name,
        "context": span.context,
        "parent": span.parent,
        "resource": span.resource,
        "attributes": span.attributes,
        "events": span.events,
        "links": span.links,
        "kind": span.kind,
        "status": span.status,
        "start_time": span.start_time,
        "end_time": span.end_time,
        "instrumentation_scope": span.instrumentation_scope,
    }
    return ReadableSpan(**{**kept, **fields})


class Wrapping(SpanProcessor):
    """Hands on another span than it was given."""

    def __init__(self, inner: SpanProcessor) -> None:
        self.inner = inner

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self.inner.on_start(span, parent_context)
        if isinstance(span, ReadableSpan):  # Logfire's pending spans: what has begun is exported at once
            self.inner.on_end(rebuilt(span, attributes={**(span.attributes or {}), "pending": True}, end_time=5))

    def on_end(self, span: ReadableSpan) -> None:
        self.inner.on_end(rebuilt(span, attributes={**(span.attributes or {}), "secret": "***"}))


@pytest.mark.parametrize("kind", ["BatchSpanProcessor", "SimpleSpanProcessor"])
def test_a_processor_that_wraps_another_hands_on_spans_that_it_made(kind: str) -> None:
    def scenario(side: Side) -> Any:
        exporter = InMemorySpanExporter()
        provider = side.provider()
        processor = getattr(exports(side), kind)(exporter)
        provider.add_span_processor(Wrapping(processor))
        secretive(side, provider)
        processor.force_flush()
        return [described(span) for span in exporter.get_finished_spans()]

    pending, ended = same(scenario).result
    assert "pending" in str(pending["attributes"])
    assert "password" not in str(ended["attributes"])


def test_a_snapshot_of_a_running_span_is_exported_and_does_not_follow_it() -> None:
    """As Prefect and AgentOps show what is in flight."""

    def scenario(side: Side) -> Any:
        exporter = InMemorySpanExporter()
        span = side.span()
        span.set_attribute("a", 1)
        readable = span._readable_span()
        readable._end_time = 7
        readable._attributes = {**(readable._attributes or {}), "in_flight": True}
        exporter.export([readable])
        span.update_name("later")
        span.set_status(StatusCode.ERROR)
        span.set_attribute("b", 1)
        span.end()
        (kept,) = exporter.get_finished_spans()
        return kept.end_time, dict(kept.attributes or {}), span._end_time is not None

    assert same(scenario).result == (7, {"a": 1, "in_flight": True}, True)


def test_copies_are_renamed_and_retimed() -> None:
    """As LangSmith's integrations and exporters of Arize and Galileo: the original stays."""

    def scenario(side: Side) -> Any:
        side.span().end()
        (span,) = side.spans
        again: Any = copy.copy(span)
        again._name, again._end_time = "run", 9
        again._resource = again.resource.merge(Resource({"p": 1}))
        again._attributes = {"a": 1}
        return described(again), span.name

    assert same(scenario).result[1] == "name"


def test_private_fields_of_what_has_ended_are_formatted_by_the_spans_own_helpers() -> None:
    """As Langfuse masks."""

    def scenario(side: Side) -> Any:
        span = side.span()
        span.add_event("event", {"a": 1}, timestamp=5)
        span.add_link(OTHER, {"b": 2})
        span.set_attribute("c", [3])
        span.end()
        read: list[Any] = [span, side.spans[0]]
        return [
            (
                one._name,
                one._status.status_code.name,
                one._format_attributes(one._attributes),
                one._format_events(one._events),
                one._format_links(one._links),
                one._instrumentation_scope.to_json(),
                one._context.trace_id == span.get_span_context().trace_id,
                one._end_time >= one._start_time,
            )
            for one in read
        ]

    same(scenario)


def test_attributes_are_added_to_a_span_that_has_ended_by_taking_its_end_time() -> None:
    """As MLflow does with the spans of Haystack and Strands, to read them with these; it exports them itself."""

    def scenario(side: Side) -> Any:
        started: list[Any] = []
        read: list[Any] = []

        class Processor(SpanProcessor):
            def on_start(self, span: Any, parent_context: Any = None) -> None:
                started.append(span)

            def on_end(self, span: ReadableSpan) -> None:
                (live,) = started
                end, live._end_time = live._end_time, None
                attributes = live._attributes
                before, attributes._immutable = attributes._immutable, False
                live.set_attribute("mlflow.spanInputs", "[1]")
                live.set_attributes({"b": [2]})
                recording = live.is_recording()
                live._end_time, attributes._immutable = end, before
                live.set_attribute("late", 1)
                live._name = "renamed"
                read.append((dict(live.attributes), live.dropped_attributes, recording, live.is_recording()))
                read.append((live._attributes["b"], live.end_time == span.end_time))

        provider = side.provider()
        provider.add_span_processor(Processor())
        provider.get_tracer("scope").start_span("name", attributes={"a": 1}).end()
        return read

    seen = same(scenario, differ=("spans",))
    attributes, *_ = seen.result[0]
    # What other processors got shares no attributes with it, as it does with the SDK.
    assert seen.spans[0]["attributes"] == typed({"a": 1})
    assert attributes == {"a": 1, "mlflow.spanInputs": "[1]", "b": (2,)}


def test_a_resource_that_is_put_in_by_a_patched_constructor_is_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """As OpenInference's ``dangerously_using_project``: spans of ours are none of the SDK's objects."""
    original = ReadableSpan.__init__

    def patched(self: Any, *arguments: Any, **keywords: Any) -> None:
        original(self, *arguments, **keywords)
        self._resource = Resource({"openinference.project.name": "notebook"})

    monkeypatch.setattr(ReadableSpan, "__init__", patched)

    def scenario(side: Side) -> Any:
        side.span().end()
        return dict(side.spans[0].resource.attributes)

    theirs, ours = both(scenario)
    assert theirs.result == {"openinference.project.name": "notebook"}
    assert ours.result == {"service.name": "conformance"}


class Proxy:
    """A tracer in front of another, as wrapt's."""

    def __init__(self, wrapped: Any) -> None:
        self.__wrapped__ = wrapped

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)


def test_a_span_is_started_by_the_method_of_the_tracers_class() -> None:
    """As OpenInference's tracer does, which gives itself for ``self``."""

    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        outer = Proxy(Proxy(tracer))
        span = tracer.__class__.start_span(outer, "name", kind=SpanKind.CLIENT, attributes={"a": 1})
        span.end()
        return isinstance(outer.__wrapped__.__wrapped__, sdk.Tracer), isinstance(tracer, api.Tracer)

    assert same(scenario).result == (True, True)


@pytest.mark.parametrize("redact", REDACTED)
@pytest.mark.parametrize("raises", [False, True])
@pytest.mark.parametrize("place", [0, 1], ids=["before the exporters", "after the first"])
def test_a_processor_that_was_added_after_the_exporters_redacts_too(redact: str, raises: bool, place: int) -> None:
    """As any must that is added to the provider that opentelemetry-instrument made."""

    def fail(_: Any) -> None:
        if raises:
            raise RuntimeError("no")

    received = []
    for module, kind in ((sdk_export, sdk), (spanwire.trace.export, spanwire.trace)):
        side = Side("sdk" if module is sdk_export else "ours", kind)
        with Sink() as sink:
            provider = side.provider(collect=False)
            first, second = (module.BatchSpanProcessor(over_http(side, sink.traces_endpoint)) for _ in range(2))
            processors = [first, *([OnEnd(fail)] if raises else []), second]
            processors.insert(place, OnEnd(REDACTED[redact]))
            for processor in processors:
                provider.add_span_processor(processor)
            with contextlib.suppress(RuntimeError):
                secretive(side, provider)
            provider.shutdown()
            received.append([described_received(span) for span in sink.spans()])
    if redact.startswith("flags cleared"):  # the SDK's exporter before it has the span by then
        assert (len(received[0]), received[1]) == (place, [])
        return
    assert received[1] == received[0]
    assert len(received[1]) == (1 if raises else 2)


@pytest.mark.parametrize("redact", [name for name in REDACTED if not name.startswith("flags cleared")])
def test_redaction_behind_a_batch_processor_of_ones_own_is_sent_too(redact: str) -> None:
    """One whose `on_end` is Python, which hands the span on to ours."""
    received = []
    for module, kind in ((sdk_export, sdk), (spanwire.trace.export, spanwire.trace)):
        side = Side("sdk" if module is sdk_export else "ours", kind)

        class Own(module.BatchSpanProcessor):  # type: ignore[misc, name-defined]  # chosen at run time
            def on_end(self, span: Any) -> None:
                super().on_end(span)

        with Sink() as sink:
            provider = side.provider(collect=False)
            provider.add_span_processor(Own(over_http(side, sink.traces_endpoint)))
            provider.add_span_processor(OnEnd(REDACTED[redact]))
            secretive(side, provider)
            provider.shutdown()
            received.append([described_received(span) for span in sink.spans()])
    assert received[1] == received[0]
    assert len(received[1]) == 1


def described_received(span: Any) -> Any:
    return (
        *(span.name, span.kind, span.attributes, span.resource_attributes),
        [(event.name, event.attributes) for event in span.events],
        [(link.trace_id, link.attributes) for link in span.links],
    )
