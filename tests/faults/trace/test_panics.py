"""Each function of the capsule's table survives a panic: it is counted, the application goes on, and so do later spans.

Needs a build with the cargo feature ``panics`` (``make asan`` makes one). The list of functions is the header's: one without an
entry here fails.
"""

import ctypes
import gc
import logging
import re
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, StatusCode, TraceFlags, TraceState

import spanwire
from spanwire import _native as _typed_native
from spanwire._facade.tracing import detached, take_frames
from spanwire._facade.tracing import keep as keep_span
from spanwire._native import FrameQueue
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import Sink
from spanwire.trace import RandomIdGenerator, SpanProcessor, TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from spanwire.trace.sampling import ALWAYS_ON, Sampler
from tests.conftest import ROOT

_native: Any = _typed_native  # what only a build with the feature has is in no stub

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(
        not hasattr(_native, "_panic_next"),
        reason="not applicable: a build without the feature `panics` (see `make asan`)",
    ),
]

HEADER = ROOT / "python" / "spanwire" / "_facade" / "spanwire_api.h"
FUNCTIONS = re.findall(r"\(\*(\w+)\)\(", HEADER.read_text(encoding="utf-8").split("uint32_t abi;")[1])

Entry = Callable[[Any], Any]
ENTRIES: dict[str, Entry] = {}


def entry(function: Entry) -> Entry:
    """What calls the table's function of this name; its argument is a live span."""
    ENTRIES[function.__name__] = function
    return function


class Asked(Sampler):
    """A sampler that native code cannot stand in for."""

    def should_sample(self, *arguments: Any, **keywords: Any) -> Any:
        return ALWAYS_ON.should_sample(*arguments, **keywords)

    def get_description(self) -> str:
        return "asked"


class OwnIds(RandomIdGenerator):  # type: ignore[misc]
    """A generator that native code cannot stand in for."""


def tracer(**keywords: Any) -> Any:
    return TracerProvider(shutdown_on_exit=False, **keywords).get_tracer("panics")


def raises_internal_error(call: Callable[[], Any]) -> None:
    with pytest.raises(RuntimeError, match=r"^spanwire: internal error while "):
        call()


@entry
def encode_spans(_: Any) -> None:
    raises_internal_error(lambda: spanwire.encode_spans([]))


@entry
def begin(_: Any) -> Any:
    with tracer().start_as_current_span("begin", attributes={"key": "value"}) as span:
        span.set_attribute("key", ["value"])
        child = tracer().start_span("child")
        assert child.get_span_context().is_valid
        assert child.is_recording()
        child.end()
    return span


@entry
def begin_as(_: Any) -> Any:
    with tracer(id_generator=OwnIds()).start_as_current_span("begin_as") as span:
        span.set_attribute("key", "value")
    return span


@entry
def new_ids(_: Any) -> Any:
    with tracer(sampler=Asked()).start_as_current_span("new_ids") as span:
        span.set_attribute("key", "value")
        child = tracer().start_span("child")
        assert child.get_span_context().is_valid
        child.end()
    return span


@entry
def set_str(span: Any) -> None:
    span.set_attribute("key", "value")


@entry
def set_int(span: Any) -> None:
    span.set_attribute("key", 1)


@entry
def set_float(span: Any) -> None:
    span.set_attribute("key", 0.5)


@entry
def set_bool(span: Any) -> None:
    span.set_attribute("key", True)


@entry
def set_value(span: Any) -> None:
    span.set_attribute("key", ["value", {"map": 1}])


@entry
def remove(span: Any) -> None:
    del span._attributes["before"]


@entry
def drop_attributes(span: Any) -> None:
    span.set_attribute("", "no key")


@entry
def add_event(span: Any) -> None:
    span.add_event("event", {"key": "value"})


@entry
def add_link(span: Any) -> None:
    span.add_link(SpanContext(1, 2, is_remote=True), {"key": "value"})


@entry
def set_name(span: Any) -> None:
    span.update_name("renamed")


@entry
def set_status(span: Any) -> None:
    span.set_status(StatusCode.ERROR, "why")


@entry
def set_trace_state(_: Any) -> Any:
    parent = SpanContext(1, 2, True, TraceFlags(1), TraceState([("vendor", "opaque")]))
    context = trace.set_span_in_context(NonRecordingSpan(parent))
    return tracer().start_span("set_trace_state", context=context)


@entry
def end(span: Any) -> None:
    span.end()


class Reader(SpanProcessor):
    """Needs the views of spans, so that a queue beside it is fed afterwards."""

    def on_end(self, span: Any) -> None:
        assert span.context is not None


class Redacts(SpanProcessor):
    def on_end(self, span: Any) -> None:
        span._attributes = {"redacted": True}


def queued_after(processor: SpanProcessor) -> None:
    """Spans that go to a processor of Python's, then natively to a queue: what was struck is not sent, the next is."""
    with Sink() as sink:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(processor)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=sink.traces_endpoint)))
        own = provider.get_tracer("panics")
        own.start_span("struck", attributes={"key": "value"}).end()
        own.start_span("later", attributes={"key": "value"}).end()
        provider.shutdown()
        assert [span.name for span in sink.spans()] == ["later"]


@entry
def submit(_: Any) -> None:
    queued_after(Reader())


@entry
def submit_bytes(_: Any) -> None:
    queued_after(Redacts())


@entry
def wait_room(_: Any) -> None:
    processor = BatchSpanProcessor(
        InMemorySpanExporter(),
        max_queue_size=1,
        max_export_batch_size=1,
        schedule_delay_millis=3_600_000,
        queue_policy="block(60)",
    )
    processor._queue.want_reader()
    assert processor._queue.begin_reader()  # nobody reads
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    own = provider.get_tracer("panics")
    own.start_span("there").end()
    own.start_span("struck").end()
    assert len(processor._queue) == 1


@entry
def release(_: Any) -> None:
    tracer().start_span("released")
    gc.collect()


@entry
def info(span: Any) -> None:
    assert isinstance(span.name, str)


@entry
def attributes(span: Any) -> None:
    raises_internal_error(lambda: dict(span.attributes))


@entry
def events(span: Any) -> None:
    raises_internal_error(lambda: span.events)


@entry
def links(span: Any) -> None:
    raises_internal_error(lambda: span.links)


@entry
def frame(_: Any) -> None:
    table = ctypes.pythonapi.PyCapsule_GetPointer
    table.restype, table.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    address = table(_native._C_API, b"spanwire._native._C_API")
    functions = ctypes.cast(address + 8, ctypes.POINTER(ctypes.c_void_p))
    by_name = dict(zip(FUNCTIONS, functions[: len(FUNCTIONS)], strict=True))
    # Nothing in the façade calls it; it is called as the façade would, with a record that it must not look at any more.
    call = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p)(by_name["frame"])
    raises_internal_error(lambda: call(None))


def read_back() -> tuple[BatchSpanProcessor, Any]:
    """A processor with spans that an exporter in Python will be given, and what takes them out of its queue."""
    processor = BatchSpanProcessor(InMemorySpanExporter(), schedule_delay_millis=3_600_000)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    for _ in range(2):
        span = provider.get_tracer("panics").start_span("kept", attributes={"key": "value"})
        span.add_event("event")
        span.add_link(SpanContext(1, 2, is_remote=True))
        span.end()
    return processor, lambda: take_frames(processor._queue, 10)


@entry
def keep(_: Any) -> None:
    processor, take = read_back()
    assert [span.name for span in take()] == ["kept"]
    processor.shutdown()


@entry
def keep_object(_: Any) -> None:
    queue = FrameQueue()
    for name in ("struck", "later"):
        keep_span(queue, ReadableSpan(name))
    assert [span.name for span in take_frames(queue, 10)] == ["later"]


@entry
def kept_frame(_: Any) -> None:
    kept: list[Any] = []

    class Keep(SpanProcessor):
        def on_end(self, span: Any) -> None:
            raises_internal_error(lambda: detached(span))
            kept.append(detached(span))

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Keep())
    provider.get_tracer("panics").start_span("name").end()
    assert [span.name for span in kept] == ["name"]


@entry
def take_frames_(_: Any) -> None:
    processor, take = read_back()
    raises_internal_error(take)
    assert len(take()) == 2
    processor.shutdown()


def reading(read: Callable[[Any], Any]) -> None:
    """A read that fails, once."""
    processor, take = read_back()
    span, _ = take()
    with pytest.raises(RuntimeError, match=r"^spanwire: "):
        read(span)
    read(span)
    processor.shutdown()


@entry
def frame_info(_: Any) -> None:
    reading(lambda span: span.name)


@entry
def frame_attributes(_: Any) -> None:
    reading(lambda span: span.attributes["key"])


@entry
def frame_events(_: Any) -> None:
    reading(lambda span: span.events)


@entry
def frame_links(_: Any) -> None:
    reading(lambda span: span.links)


# The façade's function has that name here.
ENTRIES["take_frames"] = ENTRIES.pop("take_frames_")


def panics() -> int:
    count: int = spanwire.stats()["trace"]["panics"]
    return count


def test_every_function_of_the_table_is_tried() -> None:
    assert len(FUNCTIONS) > 20
    assert sorted(ENTRIES) == sorted(FUNCTIONS)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "spanwire")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_panic_is_counted_and_later_spans_work(name: str) -> None:
    provider, memory = TracerProvider(shutdown_on_exit=False), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    own = provider.get_tracer("panics")
    live = tracer().start_span("live", attributes={"before": 1})
    before = panics()

    _native._panic_next(name)
    struck = ENTRIES[name](live)
    assert panics() == before + 1

    # Whatever was struck takes every call.
    for span in (live, struck):
        if span is None:
            continue
        for use in ENTRIES.values():
            if use.__name__.startswith(("set_", "add_")):
                use(span)
        span.get_span_context()
        assert span.is_recording() in {True, False}
        span.end()
    del live, struck, span

    outer: Any
    with own.start_as_current_span("outer", attributes={"list": [1, 2]}) as outer:
        outer.add_event("event", {"key": "value"})
        own.start_span("inner").end()
        outer.set_attributes({"text": "välue", "int": 1, "float": 0.5, "bool": True})
        outer.set_status(StatusCode.ERROR, "why")
    finished: tuple[Any, ...] = memory.get_finished_spans()
    inner, outer = finished
    assert inner.parent == outer.context and outer.context.is_valid and outer.parent is None
    assert dict(outer.attributes) == {"list": (1, 2), "text": "välue", "int": 1, "float": 0.5, "bool": True}
    assert [event.name for event in outer.events] == ["event"]
    assert panics() == before + 1


def test_a_span_whose_beginning_panicked_has_no_ids_of_the_one_before_it() -> None:
    own = tracer()
    before = own.start_span("before")
    ids = before.get_span_context()
    before.end()
    address = id(before)
    del before

    _native._panic_next("begin")
    struck = own.start_span("struck")
    assert id(struck) == address, "not used again: this test would prove nothing"
    assert not struck.get_span_context().is_valid
    child = own.start_span("child", trace.set_span_in_context(struck))
    assert child.parent is None
    assert child.get_span_context().trace_id != ids.trace_id


@pytest.mark.parametrize("keywords", [{}, {"id_generator": OwnIds()}], ids=["begin", "begin_as"])
def test_a_record_that_was_half_begun_has_one_owner(keywords: dict[str, Any]) -> None:
    """The panic comes when the span's spare record, or one of the pool, was taken already."""
    own, before = tracer(**keywords), panics()
    for spare in (True, False):
        spans = [own.start_span("before", attributes={"key": "value"}) for _ in range(200)]
        for span in spans:
            if spare:
                span.end()
        del spans, span
        struck = []
        for _ in range(100):
            _native._panic_next("new_record")
            struck.append(own.start_span("struck"))
        assert not any(span.is_recording() for span in struck)
        del struck
    assert panics() == before + 200
    spans = [own.start_span(f"span {number}", attributes={"number": number}) for number in range(400)]
    assert [(span.name, span.attributes["number"]) for span in spans] == [(f"span {n}", n) for n in range(400)]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="not applicable: /proc is Linux's")
def test_a_record_whose_release_panicked_is_freed() -> None:
    own, large, before = tracer(), "x" * 8_000_000, panics()

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()

    start = resident()
    for _ in range(40):
        span = own.start_span("struck", attributes={"key": large})
        _native._panic_next("release")
        del span
    assert panics() == before + 40
    # 320 MB were lost. AddressSanitizer keeps 64 MB of what is freed.
    assert resident() - start < 160_000_000
