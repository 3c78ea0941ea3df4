"""Processors written in Python: what they are told, in which order, and what they may do."""

import threading
from typing import Any

import pytest
from opentelemetry import context as context_api
from opentelemetry import trace as api
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace import (
    ConcurrentMultiSpanProcessor,
    ReadableSpan,
    SpanProcessor,
    TracerProvider,
    sampling,
)
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import spanwire.trace
from tests.conformance.trace.sides import Side, described, same


class Diary(SpanProcessor):
    """Writes down what it is told."""

    def __init__(self, name: str, lines: list[Any]) -> None:
        self.name, self.lines = name, lines

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self.lines.append((self.name, "start", span.name, span.is_recording(), parent_context))

    def _on_ending(self, span: Any) -> None:
        self.lines.append((self.name, "ending", span.name, span.is_recording(), span.end_time is not None))

    def on_end(self, span: ReadableSpan) -> None:
        self.lines.append((self.name, "end", span.name, isinstance(span, ReadableSpan), span.end_time is not None))

    def shutdown(self) -> None:
        self.lines.append((self.name, "shutdown"))

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        self.lines.append((self.name, "flush", 0 < timeout_millis <= 30_000))
        return True


def test_every_hook_is_called_in_the_order_in_which_processors_were_added() -> None:
    def scenario(side: Side) -> Any:
        lines: list[Any] = []
        provider = side.provider(collect=False)  # a flush of the base class is None with older SDKs
        for name in ("first", "second"):
            provider.add_span_processor(Diary(name, lines))
        provider.get_tracer("scope").start_span("name").end()
        flushed = provider.force_flush()
        provider.shutdown()
        return lines, flushed

    lines, flushed = same(scenario).result
    assert flushed is True
    assert [line[:2] for line in lines] == [
        (name, hook) for hook in ("start", "ending", "end", "flush", "shutdown") for name in ("first", "second")
    ]


def test_on_start_gets_the_parent_context_as_it_was_given() -> None:
    def scenario(side: Side) -> Any:
        seen: list[Any] = []

        class Processor(SpanProcessor):
            def on_start(self, span: Any, parent_context: Any = None) -> None:
                seen.append(parent_context)

        provider = side.provider()
        provider.add_span_processor(Processor())
        tracer = provider.get_tracer("scope")
        context = context_api.set_value("key", "value", context_api.Context())
        tracer.start_span("implicit")
        tracer.start_span("explicit", context=context)
        with tracer.start_as_current_span("current", context=context):
            pass
        return seen, [item is context for item in seen]

    assert same(scenario).result == ([None, {"key": "value"}, {"key": "value"}], [False, True, True])


def test_on_start_sees_attributes_and_links_and_may_add_more() -> None:
    def scenario(side: Side) -> Any:
        seen: list[Any] = []

        class Processor(SpanProcessor):
            def on_start(self, span: Any, parent_context: Any = None) -> None:
                seen.append((dict(span.attributes), len(span.links), span.start_time))
                span.set_attribute("added", [1])
                span.update_name("renamed")
                span.add_event("event")

        provider = side.provider()
        provider.add_span_processor(Processor())
        link = api.Link(api.SpanContext(1, 2, is_remote=False))
        tracer = provider.get_tracer("scope")
        tracer.start_span("name", attributes={"a": 1}, links=[link], start_time=5).end()
        return seen

    seen = same(scenario)
    assert seen.result == [({"a": 1}, 1, 5)]
    assert seen.spans[0]["name"] == "renamed"


def test_the_span_is_not_current_yet_in_on_start_and_no_more_in_on_end() -> None:
    def scenario(side: Side) -> Any:
        seen: list[Any] = []

        class Processor(SpanProcessor):
            def on_start(self, span: Any, parent_context: Any = None) -> None:
                seen.append(api.get_current_span() is span)

            def on_end(self, span: ReadableSpan) -> None:
                seen.append(api.get_current_span() is api.INVALID_SPAN)

        provider = side.provider()
        provider.add_span_processor(Processor())
        with provider.get_tracer("scope").start_as_current_span("name"):
            pass
        return seen

    assert same(scenario).result == [False, True]


def test_a_span_is_immutable_in_on_ending_and_says_so() -> None:
    def scenario(side: Side) -> Any:
        seen: list[Any] = []

        class Processor(SpanProcessor):
            def _on_ending(self, span: Any) -> None:
                span.set_attribute("late", 1)
                span.update_name("late")
                seen.append((dict(span.attributes), span.name, span.is_recording()))

        provider = side.provider()
        provider.add_span_processor(Processor())
        provider.get_tracer("scope").start_span("name").end()
        return seen

    seen = same(scenario)
    assert seen.result == [({}, "name", False)]
    assert seen.texts == ["Setting attribute on ended span.", "Tried calling update_name on an ended span."]


def test_all_processors_get_one_readable_span_that_equals_the_span() -> None:
    def scenario(side: Side) -> Any:
        seen: list[Any] = []

        class Processor(SpanProcessor):
            def on_end(self, span: ReadableSpan) -> None:
                seen.append(span)

        provider = side.provider()
        for _ in range(2):
            provider.add_span_processor(Processor())
        span = provider.get_tracer("scope").start_span("name", attributes={"a": 1})
        span.add_event("event", {"b": [2]})
        span.end()
        first, second = seen
        return (
            first is second,
            described(first) == described(span),
            hasattr(first, "set_attribute"),
            hasattr(first, "end"),
        )

    assert same(scenario).result == (True, True, False, False)


REDACTIONS: dict[str, Any] = {
    "attributes replaced by a dict": lambda span: setattr(span, "_attributes", {"only": "this"}),
    "attributes replaced by bounded ones": lambda span: setattr(
        span, "_attributes", BoundedAttributes(attributes={**span.attributes, "secret": "***"})
    ),
    "attributes removed": lambda span: setattr(span, "_attributes", None),
    "the dict below changed in place": lambda span: span._attributes._dict.pop("secret"),
    "name replaced": lambda span: setattr(span, "_name", "redacted"),
    "events emptied": lambda span: setattr(span, "_events", ()),
    "an event's attributes replaced": lambda span: setattr(span._events[0], "_attributes", {"redacted": True}),
    "links emptied": lambda span: setattr(span, "_links", ()),
    "resource replaced": lambda span: setattr(span, "_resource", span.resource.merge(span.resource)),
    "status replaced": lambda span: setattr(span, "_status", api.Status(api.StatusCode.ERROR, "redacted")),
    "several": lambda span: span.__setattr__("_attributes", {}) or span.__setattr__("_name", "x"),
}


@pytest.mark.parametrize("redact", REDACTIONS.values(), ids=REDACTIONS)
def test_a_processor_can_redact_in_on_end_and_later_ones_see_it(redact: Any) -> None:
    def scenario(side: Side) -> Any:
        class Redacting(SpanProcessor):
            def on_end(self, span: ReadableSpan) -> None:
                redact(span)

        exporter = InMemorySpanExporter()
        provider = side.provider(collect=False)
        provider.add_span_processor(Redacting())
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        provider.add_span_processor(side.collect)
        span = provider.get_tracer("scope").start_span("name", attributes={"secret": "password", "a": 1})
        span.add_event("event", {"secret": "password"})
        span.add_link(span.get_span_context(), {"secret": "password"})
        span.end()
        (exported,) = exporter.get_finished_spans()
        return described(exported)

    assert same(scenario).result["kind"] is api.SpanKind.INTERNAL


def test_a_processor_that_raises_stops_the_others_as_with_the_sdk() -> None:
    def scenario(side: Side) -> Any:
        class Failing(SpanProcessor):
            def on_end(self, span: ReadableSpan) -> None:
                raise RuntimeError("no")

        provider = side.provider(collect=False)
        provider.add_span_processor(Failing())
        provider.add_span_processor(side.collect)
        span = provider.get_tracer("scope").start_span("name")
        try:
            span.end()
        finally:
            assert not span.is_recording()

    seen = same(scenario)
    assert seen.raised == ("RuntimeError", "no")
    assert seen.spans == []


def test_a_processor_that_raises_at_the_start_reaches_the_caller_as_with_the_sdk() -> None:
    def scenario(side: Side) -> Any:
        class Failing(SpanProcessor):
            def on_start(self, span: Any, parent_context: Any = None) -> None:
                raise RuntimeError("no")

        provider = side.provider()
        provider.add_span_processor(Failing())
        try:
            with provider.get_tracer("scope").start_as_current_span("name"):
                pass
        finally:
            assert api.get_current_span() is api.INVALID_SPAN

    assert same(scenario).raised == ("RuntimeError", "no")


def test_processors_added_later_are_heard_by_tracers_and_spans_that_exist() -> None:
    def scenario(side: Side) -> Any:
        provider = side.provider(collect=False)
        span = provider.get_tracer("scope").start_span("name")
        provider.add_span_processor(side.collect)
        span.end()

    assert len(same(scenario).spans) == 1


def test_a_processor_that_overrides_nothing_is_harmless() -> None:
    def scenario(side: Side) -> None:
        provider = side.provider()
        provider.add_span_processor(SpanProcessor())
        provider.get_tracer("scope").start_span("name").end()

    assert len(same(scenario).spans) == 1


def test_a_hook_put_on_an_instance_is_called() -> None:
    def scenario(side: Side) -> Any:
        seen: list[str] = []
        processor = SpanProcessor()
        processor.on_end = lambda span: seen.append(span.name)  # type: ignore[method-assign]
        provider = side.provider()
        provider.add_span_processor(processor)
        provider.get_tracer("scope").start_span("name").end()
        return seen

    assert same(scenario).result == ["name"]


def test_unsampled_spans_are_not_told_and_record_only_ones_are() -> None:
    def scenario(side: Side) -> Any:
        lines: list[Any] = []
        for decision in sampling.Decision:
            provider = side.provider(sampler=sampling.StaticSampler(decision))
            provider.add_span_processor(Diary(decision.name, lines))
            provider.get_tracer("scope").start_span("name").end()
        return [line[:2] for line in lines]

    hooks = ["start", "ending", "end"]
    expected = [(name, hook) for name in ("RECORD_ONLY", "RECORD_AND_SAMPLE") for hook in hooks]
    assert same(scenario).result == expected


def test_record_only_spans_are_not_exported_by_the_sdks_processors() -> None:
    def scenario(side: Side) -> Any:
        exporter = InMemorySpanExporter()
        provider = side.provider(sampler=sampling.StaticSampler(sampling.Decision.RECORD_ONLY))
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        span = provider.get_tracer("scope").start_span("name")
        recording = span.is_recording()
        span.end()
        return recording, exporter.get_finished_spans()

    assert same(scenario).result == (True, ())


def test_the_concurrent_processor_calls_from_its_threads() -> None:
    def scenario(side: Side) -> Any:
        threads: set[str] = set()

        class Processor(SpanProcessor):
            def on_end(self, span: ReadableSpan) -> None:
                threads.add(threading.current_thread().name.split("-")[0])

        active = ConcurrentMultiSpanProcessor(2)
        provider = side.provider(active_span_processor=active)
        provider.add_span_processor(Processor())
        span = provider.get_tracer("scope").start_span("name")
        span.end()
        provider.shutdown()
        active._executor.shutdown()
        return threads, provider._active_span_processor is active

    seen = same(scenario)
    assert seen.result == ({"ThreadPoolExecutor"}, True)
    assert len(seen.spans) == 1


def test_the_sdks_own_list_of_processors_works_as_the_active_one() -> None:
    def scenario(side: Side) -> Any:
        provider = side.provider(active_span_processor=sdk.SynchronousMultiSpanProcessor())  # type: ignore[no-untyped-call]
        provider.get_tracer("scope").start_span("name").end()

    assert len(same(scenario).spans) == 1


def test_libraries_can_read_and_replace_the_list_of_processors() -> None:
    def scenario(side: Side) -> Any:
        lines: list[Any] = []
        provider: TracerProvider = side.provider()
        tracer = provider.get_tracer("scope")
        read = provider._active_span_processor._span_processors == (side.collect,)
        provider._active_span_processor._span_processors = (Diary("new", lines),)
        tracer.start_span("name").end()
        provider._active_span_processor._span_processors += (side.collect,)
        tracer.start_span("name").end()
        return read, type(provider._active_span_processor._span_processors), [line[:2] for line in lines]

    seen = same(scenario)
    assert seen.result[:2] == (True, tuple)
    assert len(seen.spans) == 1


def test_our_active_processor_is_the_sdks_by_type_and_by_behaviour() -> None:
    lines: list[Any] = []
    active = spanwire.trace.SynchronousMultiSpanProcessor()
    assert isinstance(active, sdk.SynchronousMultiSpanProcessor)
    active.add_span_processor(Diary("a", lines))
    active.add_span_processor(Diary("b", lines))

    span: Any = TracerProvider(shutdown_on_exit=False).get_tracer("scope").start_span("name")
    active.on_start(span)
    active.on_end(span._readable_span())

    assert [line[:2] for line in lines] == [("a", "start"), ("b", "start"), ("a", "end"), ("b", "end")]


def test_a_flush_that_fails_or_takes_too_long_is_false() -> None:
    def scenario(side: Side) -> Any:
        class Failing(SpanProcessor):
            def force_flush(self, timeout_millis: int = 30_000) -> bool:
                return False

        lines: list[Any] = []
        provider = side.provider()
        provider.add_span_processor(Failing())
        provider.add_span_processor(Diary("later", lines))
        return provider.force_flush(), lines, provider.force_flush(0)

    assert same(scenario).result == (False, [("later", "flush", True)], False)


def test_a_span_can_be_ended_by_another_thread() -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        thread = threading.Thread(target=span.end)
        thread.start()
        thread.join()
        return span.is_recording()

    seen = same(scenario)
    assert seen.result is False
    assert len(seen.spans) == 1


def test_spans_within_a_processor_are_spans_of_their_own() -> None:
    def scenario(side: Side) -> Any:
        provider = side.provider()

        class Processor(SpanProcessor):
            def on_end(self, span: ReadableSpan) -> None:
                if span.name == "name":
                    provider.get_tracer("other").start_span("inner").end()

        provider.add_span_processor(Processor())
        provider.get_tracer("scope").start_span("name").end()
        return [span.name for span in side.spans]

    assert same(scenario).result == ["name", "inner"]


def test_a_processor_that_ends_the_span_in_on_start() -> None:
    def scenario(side: Side) -> Any:
        provider = side.provider()

        class Processor(SpanProcessor):
            def on_start(self, span: Any, parent_context: Any = None) -> None:
                span.end()

        provider.add_span_processor(Processor())
        with provider.get_tracer("scope").start_as_current_span("name") as span:
            span.set_attribute("a", 1)

    assert same(scenario).texts == ["Setting attribute on ended span.", "Calling end() on an ended span."]
