"""Makes spans in one of many ways, again and again, and says what is left of them: run by test_leaks.py.

leaking_app.py CASE COUNT prints as JSON how resident memory went while COUNT spans were made, and how many references to what
the application holds are there now and were before.
"""

import contextlib
import contextvars
import gc
import json
import logging
import queue
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import Sink
from spanwire.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from spanwire.trace.sampling import ALWAYS_OFF

Round = Callable[[], object]
MAKERS: dict[str, Callable[[], "Case"]] = {}

SPANS_A_ROUND = 1_000
CHECKPOINTS = 10


class Case:
    """One way to make spans: ``spans`` of them by each call of ``work``."""

    def __init__(self, make: Callable[["Case"], Round], spans: int, options: dict[str, Any]) -> None:
        self.provider: Any = TracerProvider(shutdown_on_exit=False, **options)
        self.tracer: Any = self.provider.get_tracer("leaks")
        self.spans = spans
        self.watched: dict[str, Any] = {"tracer": self.tracer, "provider": self.provider}
        self.finish: Round = lambda: None
        self.work = make(self)


def case(*, spans: int = 1, **options: Any) -> Callable[[Callable[[Case], Round]], None]:
    """Under the function's name: a case with a provider of these options, whose work the function answers."""

    def keep(make: Callable[[Case], Round]) -> None:
        MAKERS[make.__name__] = lambda: Case(make, spans, options)

    return keep


def text(length: int = 30) -> str:
    """A str that nobody else holds; not ASCII, so that a cached UTF-8 form would show."""
    return "".join(chr(0x100 + number % 60) for number in range(length))


def parent_of(flags: int) -> SpanContext:
    state = TraceState([("vendor", "opaque")])
    return SpanContext(0xABC << 64, 0xDEF, is_remote=True, trace_flags=TraceFlags(flags), trace_state=state)


@case()
def w5(made: Case) -> Round:
    start, kind = made.tracer.start_as_current_span, SpanKind.SERVER
    name, key, value, number, big = "GET /users/{id}", text(), text(), 0.4217, 2**62
    made.watched |= {"name": name, "key": key, "value": value, "number": number, "big": big, "kind": kind}

    def work() -> None:
        with start(name, kind=kind) as span:
            span.set_attribute("http.request.method", "GET")
            span.set_attribute(key, value)
            span.set_attribute("http.response.status_code", 200)
            span.set_attribute("server.load", number)
            span.set_attribute("cache.hit", True)
            span.set_attribute(key, big)

    return work


@case(spans=2, sampler=ALWAYS_OFF)
def unsampled(made: Case) -> Round:
    name, key, value = text(), text(), text()
    made.watched |= {"name": name, "key": key, "value": value}

    def work() -> None:
        with made.tracer.start_as_current_span(name, attributes={key: value}) as span:
            span.set_attribute(key, value)
            span.add_event(name, {key: value})
            made.tracer.start_span(name).end()
            span.get_span_context()

    return work


@case()
def unsampled_children(made: Case) -> Round:
    parent = parent_of(0)
    context = trace.set_span_in_context(NonRecordingSpan(parent))
    made.watched |= {"parent": parent, "context": context, "trace state": parent.trace_state}

    def work() -> None:
        with made.tracer.start_as_current_span("child", context=context) as span:
            span.get_span_context()

    return work


@case(spans=2)
def remote_parents(made: Case) -> Round:
    parent = parent_of(1)
    context = trace.set_span_in_context(NonRecordingSpan(parent))
    made.watched |= {"parent": parent, "context": context, "trace state": parent.trace_state}

    def work() -> None:
        with made.tracer.start_as_current_span("child", context=context) as span:
            made.tracer.start_span("grandchild").end()
            span.get_span_context()

    return work


class Reader(SpanProcessor):
    """Looks at everything."""

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        span.set_attribute("from.processor", "value")
        _ = span.attributes, span.parent

    def on_end(self, span: ReadableSpan) -> None:
        _ = span.name, span.attributes, span.events, span.links, span.status, span.context, span.parent, span.resource


@case(spans=2)
def python_processor(made: Case) -> Round:
    processor = Reader()
    made.provider.add_span_processor(processor)
    name, key, values = text(), text(), [text(), text()]
    made.watched |= {"processor": processor, "name": name, "key": key, "values": values, "item": values[0]}

    def work() -> None:
        with made.tracer.start_as_current_span(name, attributes={key: values}) as span:
            span.set_attribute(key, values)
            made.tracer.start_span(name).end()

    return work


class Discard(SpanExporter):
    def export(self, spans: Sequence[Any]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


@case()
def python_exporter(made: Case) -> Round:
    exporter = Discard()
    made.provider.add_span_processor(SimpleSpanProcessor(exporter))
    made.watched |= {"exporter": exporter}

    def work() -> None:
        with made.tracer.start_as_current_span("exported") as span:
            span.set_attribute("key", "value")

    return work


@case(spans=1_000)
def native_queue(made: Case) -> Round:
    """Frames wait natively, and go to a sink that keeps little."""
    sink = Sink(max_bytes=1 << 20)
    sink.start()
    made.provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=sink.traces_endpoint)))

    def work() -> None:
        for _ in range(1_000):
            with made.tracer.start_as_current_span("queued") as span:
                span.set_attribute("key", "value")
        assert made.provider.force_flush(60_000)

    def finish() -> None:
        made.provider.shutdown()
        assert sink.span_count > 20_000
        sink.close()

    made.finish = finish
    return work


@case(spans=500)
def python_batches(made: Case) -> Round:
    made.provider.add_span_processor(BatchSpanProcessor(Discard()))

    def work() -> None:
        for _ in range(500):
            with made.tracer.start_as_current_span("queued") as span:
                span.set_attribute("key", "value")
        assert made.provider.force_flush(60_000)

    made.finish = made.provider.shutdown
    return work


@case(spans=2, span_limits=SpanLimits(max_events=4, max_links=2))
def events_links_exceptions(made: Case) -> Round:
    name, key, value = text(), text(), text()
    linked, error = parent_of(1), ValueError(text())
    description = text()
    links = [trace.Link(linked, {key: value}), trace.Link(linked)]
    made.watched |= {"name": name, "key": key, "value": value, "linked": linked, "error": error, "link": links[0]}
    made.watched |= {"description": description, "links": links}

    def work() -> None:
        span = made.tracer.start_span(name, links=links)
        span.add_event(name, {key: value, "list": [value, value]}, 2**61)
        span.add_link(linked, {key: value})
        span.record_exception(error, {key: value})
        span.set_status(Status(StatusCode.ERROR, description))
        span.update_name(name)
        span.end()
        try:
            with made.tracer.start_as_current_span(name):
                raise LookupError(name)
        except LookupError:
            pass

    return work


@case(span_limits=SpanLimits(max_attributes=6, max_attribute_length=20))
def complex_values(made: Case) -> Round:
    value = text(40)
    tree: dict[str, Any] = {
        "list": [value, 1, None, [2.5, True]],
        "map": {value: {"inner": (value,)}},
        "bytes": b"\x00" * 40,
    }
    refused, lone, huge = object(), "\ud800", 2**70

    class Raises:
        def __str__(self) -> str:
            raise LookupError

        __repr__ = __str__

    class Text(str):
        __slots__ = ()

    raises, own = Raises(), Text(text())
    made.watched |= {"value": value, "tree": tree, "refused": refused, "lone": lone, "huge": huge, "raises": raises}
    made.watched |= {"own text": own, "list": tree["list"], "bytes": tree["bytes"]}

    def work() -> None:
        span = made.tracer.start_span("complex", attributes=tree)
        span.set_attributes(tree)
        span.set_attribute("tree", tree)
        span.set_attribute(value, value)
        span.set_attribute(own, own)
        for odd in (refused, lone, huge, None, ()):
            span.set_attribute("odd", odd)
        with contextlib.suppress(LookupError):
            span.set_attribute("raises", raises)
        span.set_attribute("", value)
        span.end()
        span.set_attribute("after the end", value)

    return work


@case(spans=2)
def never_ended(made: Case) -> Round:
    name, key, value = text(), text(), text()
    made.watched |= {"name": name, "key": key, "value": value}

    def work() -> None:
        span = made.tracer.start_span(name, attributes={key: value, "big": "x" * 3_000})
        span.add_event(name, {key: value})
        with trace.use_span(span):
            made.tracer.start_span(name)
        span.get_span_context()

    return work


@case(spans=4)
def abandoned_scopes(made: Case) -> Round:
    name, attributes = text(), {text(): text()}
    made.watched |= {"name": name, "attributes": attributes}
    tracer = made.tracer

    def enter() -> None:
        scope = tracer.start_as_current_span(name, attributes=attributes)
        scope.__enter__()

    def generator() -> Any:
        with tracer.start_as_current_span(name):
            yield trace.get_current_span()

    def work() -> None:
        tracer.start_as_current_span(name, attributes=attributes)  # never entered
        contextvars.copy_context().run(enter)
        contextvars.copy_context().run(enter)
        steps = generator()
        contextvars.copy_context().run(next, steps)
        steps.close()  # in another context than it was entered in
        with tracer.start_as_current_span(name):
            contextvars.copy_context()

    return work


@case(spans=3)
def captured_contexts(made: Case) -> Round:
    key, value = text(), text()
    foreign = context_api.set_value(key, value)
    made.watched |= {"key": key, "value": value, "foreign": foreign}
    held: list[Any] = []

    def work() -> None:
        held.clear()
        with made.tracer.start_as_current_span("outer"):
            held.append(contextvars.copy_context())
            with made.tracer.start_as_current_span("inner"):
                held.append(context_api.get_current())
        token = context_api.attach(foreign)
        with made.tracer.start_as_current_span("foreign"):
            held.append(context_api.get_current())
        context_api.detach(token)

    def finish() -> None:
        held.clear()

    made.finish = finish
    return work


@case(spans=200)
def other_threads(made: Case) -> Round:
    """Spans and scopes that one thread makes and another ends, or lets go of."""
    name, value = text(), text()
    made.watched |= {"name": name, "value": value}
    handed: queue.SimpleQueue[Any] = queue.SimpleQueue()
    back: queue.SimpleQueue[None] = queue.SimpleQueue()

    def other() -> None:
        while (spans := handed.get()) is not None:
            for number, span in enumerate(spans):
                with trace.use_span(span):
                    span.set_attribute("value", value)
                if number % 3:
                    span.end()
            spans = None
            span = None
            back.put(None)

    threads = [threading.Thread(target=other, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()

    def work() -> None:
        for _ in threads:
            handed.put([made.tracer.start_span(name) for _ in range(50)])
        for _ in threads:
            back.get()

    def finish() -> None:
        for _ in threads:
            handed.put(None)
        for thread in threads:
            thread.join()

    made.finish = finish
    return work


@case(spans=20)
def short_threads(made: Case) -> Round:

    def use() -> None:
        for _ in range(5):
            with made.tracer.start_as_current_span("outer") as span:
                span.set_attribute("key", "value")
        made.tracer.start_as_current_span("left open").__enter__()

    def work() -> None:
        threads = [threading.Thread(target=use) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return work


@case()
def reading_back(made: Case) -> Round:
    name, key, value = text(), text(), text()
    linked = parent_of(1)
    made.watched |= {"name": name, "key": key, "value": value, "linked": linked}

    def read(span: Any) -> None:
        _ = span.name, span.kind, span.status, span.start_time, span.end_time, span.parent, span.context, span.resource
        _ = dict(span.attributes), list(span.events), list(span.links), span.dropped_attributes, repr(span)
        _ = span.instrumentation_scope, span._attributes, isinstance(span, trace.Span)

    def work() -> None:
        span = made.tracer.start_span(name, attributes={key: value, "list": [value, 1]}, links=[trace.Link(linked)])
        span.add_event(name, {key: value})
        read(span)
        span.end()
        read(span)
        span.to_json()

    return work


@case(spans=2)
def decorated(made: Case) -> Round:
    name, value = text(), text()
    made.watched |= {"name": name, "value": value}

    @made.tracer.start_as_current_span(name)  # type: ignore[untyped-decorator]
    def function(argument: str) -> str:
        return argument

    @made.tracer.start_as_current_span(name)  # type: ignore[untyped-decorator]
    async def coroutine(argument: str) -> str:
        return argument

    def work() -> None:
        function(value)
        with contextlib.suppress(StopIteration):
            coroutine(value).send(None)

    return work


@case(spans=3)
def tracers_asked_for_again(made: Case) -> Round:
    """As with the SDK a provider keeps one for each scope; asking again leaves nothing."""
    numbers = iter(range(10**9))

    def work() -> None:
        tracer = made.provider.get_tracer(f"tracer {next(numbers) % 50}", "1.0", attributes={"key": "value"})
        span = tracer.start_span("kept")
        with tracer.start_as_current_span("other"):
            del tracer
        ended = made.tracer.start_span("ended")
        ended.end()
        _ = span.attributes, span.resource, ended.attributes

    return work


def resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


def references(watched: dict[str, Any]) -> dict[str, int]:
    gc.collect()
    return {name: sys.getrefcount(item) for name, item in watched.items()}


def main(name: str, count: int) -> None:
    logging.disable()  # the messages about odd values
    made = MAKERS[name]()
    work = made.work
    rounds = max(SPANS_A_ROUND // made.spans, 1)
    for _ in range(rounds * 20):  # caches fill, whatever is imported late is imported
        work()
    before, none = references(made.watched), sys.getrefcount(None)
    resident, memory = [resident_bytes()], [sys.getallocatedblocks()]
    for _ in range(CHECKPOINTS):
        for _ in range(max(count // made.spans // CHECKPOINTS, 1)):
            work()
        gc.collect()
        resident.append(resident_bytes())
        memory.append(sys.getallocatedblocks())
    after, none = references(made.watched), sys.getrefcount(None) - none
    made.finish()
    print(json.dumps({"resident": resident, "blocks": memory, "before": before, "after": after, "none": none}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
