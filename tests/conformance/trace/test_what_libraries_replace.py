"""What libraries put in the place of parts of processors, exporters and providers that are in use, each by hand as they do it."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace import export as sdk_export
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import spanwire.trace.export
from spanwire.sink import Sink
from tests.conformance.trace.libraries import OnEnd, exports, over_http
from tests.conformance.trace.sides import Side, same


def test_resources_and_lists_of_processors_of_a_provider_are_replaced() -> None:
    """As Logfire after a fork, Laminar, Vertex AI's agents: tracers that are made later have them."""

    def scenario(side: Side) -> Any:
        seen: list[str] = []
        provider: Any = side.provider()
        before = provider.get_tracer("before")
        provider._resource = provider._resource.merge(Resource({"process.pid": 5}))
        provider.get_tracer("after").start_span("after").end()
        before.resource = provider.resource
        before.start_span("before").end()
        active = provider._active_span_processor
        with active._lock:
            active._span_processors = [*active._span_processors, OnEnd(lambda span: seen.append(span.name))]
        provider.get_tracer("list").start_span("list").end()
        with active._lock:
            active._span_processors = tuple(one for one in active._span_processors if not isinstance(one, OnEnd))
        provider.get_tracer("list").start_span("unheard").end()
        provider._active_span_processor = OnEnd(lambda span: seen.append(f"other {span.name}"))
        before.start_span("still heard by the old").end()
        provider.get_tracer("new one").start_span("new").end()
        return seen, [(span.name, span.resource.attributes.get("process.pid")) for span in side.spans]

    assert same(scenario).result[0] == ["list", "other new"]


def test_processors_derived_from_batch_processors_override_hooks() -> None:
    """As Langfuse's, MLflow's and Logfire's."""

    def scenario(side: Side) -> Any:
        seen: list[str] = []

        class Processor(exports(side).BatchSpanProcessor):  # type: ignore[misc]  # a class that is chosen when it runs
            def on_start(self, span: Any, parent_context: Any = None) -> None:
                span.set_attribute("tenant", "anna")
                super().on_start(span, parent_context)

        class Filtering(Processor):
            def on_end(self, span: ReadableSpan) -> None:
                seen.append(span.name)
                if span.name != "noise":
                    super().on_end(span)

        names = []
        for kind in (Processor, Filtering):
            exporter = InMemorySpanExporter()
            provider = side.provider(collect=False)
            provider.add_span_processor(kind(exporter))
            for name in ("noise", "kept"):
                provider.get_tracer("scope").start_span(name).end()
            provider.force_flush()
            names.append([(span.name, dict(span.attributes or {})) for span in exporter.get_finished_spans()])
        return names, seen

    names, _ = same(scenario).result
    assert names[1] == [("kept", {"tenant": "anna"})]


def test_hooks_are_set_before_the_base_class_is_initialised() -> None:
    """As in any subclass whose author puts its own things first."""

    def scenario(side: Side) -> Any:
        seen: list[str] = []
        official = type(over_http(side, "http://127.0.0.1:9/v1/traces"))

        class Exporter(official):  # type: ignore[misc, valid-type]  # a class that is chosen when it runs
            def __init__(self, endpoint: str) -> None:
                self.export = self.counted
                super().__init__(endpoint)

            def counted(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
                seen.append(f"exported {len(spans)}")
                return SpanExportResult.SUCCESS

        class Processor(exports(side).BatchSpanProcessor):  # type: ignore[misc]  # likewise
            def __init__(self, exporter: SpanExporter) -> None:
                self.on_start = lambda span, parent_context=None: seen.append("dropped")
                del self.on_start
                self.on_end = self.heard
                super().__init__(exporter)

            def heard(self, span: ReadableSpan) -> None:
                seen.append(f"ended {span.name}")
                super().on_end(span)

        provider = side.provider(collect=False)
        provider.add_span_processor(Processor(Exporter("http://127.0.0.1:9/v1/traces")))
        provider.get_tracer("scope").start_span("a").end()
        provider.force_flush()
        provider.shutdown()
        return seen

    assert same(scenario).result == ["ended a", "exported 1"]


class Wrapped(SpanExporter):
    """Put in front of an exporter that is in use already, to redact or to count."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.names: list[str] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.names += [span.name for span in spans]
        result: SpanExportResult = self.inner.export(spans)
        return result


class Patched:
    """An ``on_end`` or ``export`` that is put in the place of another."""

    def __init__(self, original: Callable[[Any], Any], seen: list[Any]) -> None:
        self.original, self.seen = original, seen

    def __call__(self, given: Any) -> Any:
        self.seen.append(given)
        return self.original(given)


def in_front_of_the_exporter(processor: Any) -> list[str]:
    holder = getattr(processor, "_batch_processor", None)
    if holder is None or not hasattr(holder, "_exporter"):
        processor.span_exporter = found = Wrapped(processor.span_exporter)
    else:
        holder._exporter = found = Wrapped(holder._exporter)
    return found.names


def in_place_of_on_end(processor: Any) -> list[Any]:
    processor.on_end = found = Patched(processor.on_end, [])
    return found.seen


def in_place_of_on_start(processor: Any) -> list[Any]:
    seen: list[Any] = []
    processor.on_start = lambda span, parent_context=None: seen.append(span)
    return seen


def in_place_of_export(processor: Any) -> list[Any]:
    exporter = processor.span_exporter
    exporter.export = found = Patched(exporter.export, [])
    return found.seen


LATE: dict[str, Callable[[Any], list[Any]]] = {
    "an exporter in front, as Rhesis and agents of LiveKit": in_front_of_the_exporter,
    "on_end replaced, as Respan and users of Phoenix": in_place_of_on_end,
    "on_start replaced, as Traceloop": in_place_of_on_start,
    "export replaced": in_place_of_export,
}


@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
@pytest.mark.parametrize("kind", ["BatchSpanProcessor", "SimpleSpanProcessor"])
@pytest.mark.parametrize("when", ["before it is added", "after", "after a span"])
@pytest.mark.parametrize("sends", ["in memory", "over HTTP"])
def test_processors_and_exporters_are_patched(late: Any, kind: str, when: str, sends: str) -> None:
    def scenario(side: Side) -> Any:
        with Sink() as sink:
            exporter: Any = InMemorySpanExporter() if sends == "in memory" else over_http(side, sink.traces_endpoint)
            provider = side.provider(collect=False)
            processor = getattr(exports(side), kind)(exporter)
            seen: list[Any] = late(processor) if when == "before it is added" else []
            provider.add_span_processor(processor)
            tracer = provider.get_tracer("scope")
            if when == "after a span":
                tracer.start_span("first").end()
                provider.force_flush()
            if when != "before it is added":
                seen = late(processor)
            tracer.start_span("second").end()
            provider.force_flush()
            counted = len(seen)
            tracer.start_span("third").end()
            processor.shutdown()
            tracer.start_span("fourth").end()
            found = exporter.get_finished_spans() if sends == "in memory" else sink.spans()
            return counted, [span.name for span in found]

    seen = same(scenario, differ=("logged", "ours")).result
    assert seen[0] == 1
    assert set(seen[1]) >= {"second", "third"}


def test_what_ended_before_an_exporter_was_replaced_is_sent_by_ours() -> None:
    names = []
    for module in (sdk_export, spanwire.trace.export):
        side = Side("sdk" if module is sdk_export else "ours", sdk if module is sdk_export else spanwire.trace)
        with Sink() as sink:
            processor = module.BatchSpanProcessor(over_http(side, sink.traces_endpoint))
            provider = side.provider(collect=False)
            provider.add_span_processor(processor)
            provider.get_tracer("scope").start_span("before").end()
            seen = in_front_of_the_exporter(processor)
            provider.get_tracer("scope").start_span("after").end()
            provider.shutdown()
            names.append((seen, sorted(span.name for span in sink.spans())))
    assert names == [(["before", "after"], ["after", "before"]), (["after"], ["after", "before"])]
