"""Spans of a native tracer, and of the SDK's, on their way through the batch processor to a real sink."""

import _thread
import http.client
import logging
import socket
import sys
import threading
import time
from types import FrameType, ModuleType
from typing import Any

import pytest
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult

from spanwire._native import FrameQueue
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from spanwire.trace.export._delivery import BatchLimits, NativeDelivery
from tests.integration.exporter.conftest import MakeExporter, counts
from tests.integration.exporter.servers import OK, ScriptedServer, answer

Provider = type[TracerProvider] | type[sdk.TracerProvider]
NATIVE_AND_SDK = pytest.mark.parametrize("provider_class", [TracerProvider, sdk.TracerProvider])
HOUR = 3_600_000.0


def provider_with(processor: sdk.SpanProcessor, provider_class: Provider = TracerProvider) -> sdk.TracerProvider:
    provider = provider_class(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return provider


class RecordOnly(Sampler):
    def should_sample(self, *args: object, **kwargs: object) -> SamplingResult:
        return SamplingResult(Decision.RECORD_ONLY)

    def get_description(self) -> str:
        return "RecordOnly"


@NATIVE_AND_SDK
def test_all_spans_arrive_and_are_counted(provider_class: Provider, sink: Sink, make_exporter: MakeExporter) -> None:
    exporter = make_exporter(sink.traces_endpoint)
    provider = provider_with(BatchSpanProcessor(exporter, schedule_delay_millis=HOUR), provider_class)
    for number in range(5000):
        with provider.get_tracer(f"scope {number % 2}").start_as_current_span("parent") as span:
            span.set_attribute("number", number)
            span.add_event("event")
    assert provider.force_flush(30_000)
    assert sink.span_count == 5000
    received = sink.spans()
    assert {span.attributes["number"] for span in received} == set(range(5000))
    account = counts(exporter)
    assert (account["accepted"], account["exported"], account["queued"]) == (5000, 5000, 0)
    provider.shutdown()


def test_a_full_batch_is_sent_long_before_the_delay_has_passed(sink: Sink, make_exporter: MakeExporter) -> None:
    exporter = make_exporter(sink.traces_endpoint)
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=HOUR, max_export_batch_size=10)
    tracer = provider_with(processor).get_tracer("tests")
    for _ in range(25):
        tracer.start_span("span").end()
    sink.wait_for(20, timeout=30)
    assert max(request.span_count for request in sink.requests()) == 10
    assert len(processor._queue) == 5
    processor.shutdown()
    assert sink.span_count == 25


def test_what_waits_is_sent_after_the_delay(sink: Sink, make_exporter: MakeExporter) -> None:
    processor = BatchSpanProcessor(make_exporter(sink.traces_endpoint), schedule_delay_millis=20)
    tracer = provider_with(processor).get_tracer("tests")
    for number in range(1, 4):
        tracer.start_span("span").end()
        sink.wait_for(number, timeout=30)
    processor.shutdown()


@NATIVE_AND_SDK
def test_spans_that_are_only_recorded_are_not_sent(
    provider_class: Provider, sink: Sink, make_exporter: MakeExporter
) -> None:
    exporter = make_exporter(sink.traces_endpoint)
    processor = BatchSpanProcessor(exporter)
    provider = provider_class(sampler=RecordOnly(), shutdown_on_exit=False)
    provider.add_span_processor(processor)
    provider.get_tracer("tests").start_span("recorded").end()
    assert processor.force_flush()
    assert processor._queue.counts()["accepted"] == 0
    provider.shutdown()
    assert sink.span_count == 0


def test_a_subclass_that_filters_in_on_end_is_asked(sink: Sink, make_exporter: MakeExporter) -> None:
    class Filter(BatchSpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            if span.name != "health":
                super().on_end(span)

    processor = Filter(make_exporter(sink.traces_endpoint))
    tracer = provider_with(processor).get_tracer("tests", "1.0")
    for name in ("health", "order", "health"):
        tracer.start_span(name).end()
    processor.shutdown()
    assert [span.name for span in sink.spans()] == ["order"]


def test_beside_another_processor_both_get_the_spans(sink: Sink, make_exporter: MakeExporter) -> None:
    seen: list[str] = []

    class Seeing(sdk.SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            seen.append(span.name)

    provider = provider_with(Seeing())
    provider.add_span_processor(BatchSpanProcessor(make_exporter(sink.traces_endpoint)))
    provider.get_tracer("tests").start_span("span").end()
    provider.shutdown()
    assert seen == ["span"]
    assert [span.name for span in sink.spans()] == ["span"]


@NATIVE_AND_SDK
def test_shutdown_sends_what_waits_and_later_spans_are_told_and_counted(
    provider_class: Provider, sink: Sink, make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = make_exporter(sink.traces_endpoint)
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=HOUR)
    tracer = provider_with(processor, provider_class).get_tracer("tests")
    # The SDK's logger keeps back a line that it has just said.
    for log_filter in logging.getLogger("opentelemetry.sdk._shared_internal").filters:
        vars(log_filter).pop("last_log", None)
    tracer.start_span("in time").end()
    with caplog.at_level(logging.INFO):
        processor.shutdown()
        processor.shutdown()
        assert caplog.text == ""
        tracer.start_span("late").end()
    assert "Shutdown called, ignoring Span." in caplog.text
    assert [span.name for span in sink.spans()] == ["in time"]
    assert counts(exporter)["dropped"] == {"shutdown": 1}
    assert processor.force_flush() is False


def test_shutdown_before_any_span_is_quiet(make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture) -> None:
    exporter = make_exporter("http://127.0.0.1:1/v1/traces")
    processor = BatchSpanProcessor(exporter)
    assert processor.force_flush(0)
    processor.shutdown()
    assert caplog.text == ""


def test_a_full_queue_drops_the_oldest_counts_them_and_warns(
    make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture
) -> None:
    go_on = threading.Event()
    with ScriptedServer([lambda connection: go_on.wait(60) and answer(OK)(connection)]) as server:
        exporter = make_exporter(server.endpoint)
        processor = BatchSpanProcessor(exporter, max_queue_size=10, max_export_batch_size=5, schedule_delay_millis=HOUR)
        tracer = provider_with(processor).get_tracer("tests")
        for _ in range(5):
            tracer.start_span("first").end()
        while len(processor._queue):  # until the thread has taken them
            time.sleep(0.001)
        for _ in range(17):
            tracer.start_span("span").end()
        assert counts(exporter)["dropped"] == {"queue_full": 7}
        end = time.monotonic() + 60  # the worker counts them first, and tells them then
        while "the queue was full, 7 went. " not in caplog.text and time.monotonic() < end:
            counts(exporter)
        assert "the queue was full, 7 went. " in caplog.text
        go_on.set()
        processor.shutdown()
    account = counts(exporter)
    assert (account["accepted"], account["exported"], account["dropped"]) == (22, 15, {"queue_full": 7})


def test_an_interrupt_while_drops_are_told_loses_none_of_them(make_exporter: MakeExporter) -> None:
    """A signal handler that raises may come between any two lines."""
    exporter = make_exporter("http://127.0.0.1:1/v1/traces")
    limits = BatchLimits(1_000, 1 << 40)  # the worker sleeps
    delivery = NativeDelivery(exporter, FrameQueue(max_spans=1), delay_seconds=HOUR, limits=limits, metrics=None)
    ended: Any = TracerProvider(shutdown_on_exit=False).get_tracer("tests").start_span("span")
    ended.end()
    emitted = 0
    for stop_at in range(1, 30):
        lines = 0

        def interrupt(frame: FrameType, event: str, _: Any, stop_at: int = stop_at) -> Any:
            nonlocal lines
            if not frame.f_code.co_filename.endswith("_delivery.py"):
                return None
            lines += event == "line"
            if lines == stop_at:
                raise KeyboardInterrupt
            return interrupt

        for _ in range(10):
            delivery.emit(ended._readable_span())
            emitted += 1
        sys.settrace(interrupt)
        try:
            delivery.report()
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(None)
    delivery.shutdown(0)
    account = counts(exporter)
    assert account["accepted"] == emitted == sum(account["dropped"].values())


@pytest.mark.parametrize("_", range(20))
def test_every_span_that_ends_during_a_shutdown_is_counted_once(
    _: int, sink: Sink, make_exporter: MakeExporter
) -> None:
    exporter = make_exporter(sink.traces_endpoint)
    processor = BatchSpanProcessor(exporter, max_queue_size=50, max_export_batch_size=5, schedule_delay_millis=HOUR)
    tracer = provider_with(processor).get_tracer("tests")
    shut_down = threading.Event()
    ended: list[int] = []
    looks: list[bool] = []

    def balanced() -> bool:
        account = counts(exporter)
        dropped: int = sum(account["dropped"].values())
        return bool(account["accepted"] == account["exported"] + account["queued"] + dropped)

    def work() -> None:
        count = 0
        while not shut_down.is_set() or count < 300:
            tracer.start_span("span").end()
            count += 1
            if count % 50 == 0:
                looks.append(balanced())
        ended.append(count)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    sink.wait_for(1, timeout=30)
    processor.shutdown()
    shut_down.set()
    for thread in threads:
        thread.join()
    assert len(ended) == 4 and all(looks) and balanced()
    account = counts(exporter)
    assert (account["accepted"], account["queued"]) == (sum(ended), 0)


@pytest.mark.parametrize("call", ["force_flush", "shutdown"])
def test_a_backend_that_does_not_answer_holds_flush_and_shutdown_no_longer_than_they_may(
    call: str, make_exporter: MakeExporter
) -> None:
    go_on = threading.Event()
    with ScriptedServer([lambda _: go_on.wait(60) and False]) as server:
        exporter = make_exporter(server.endpoint, timeout=50)
        processor = BatchSpanProcessor(exporter, schedule_delay_millis=HOUR)
        provider_with(processor).get_tracer("tests").start_span("span").end()
        assert processor._delivery is not None
        assert processor.force_flush(50) is False
        if call == "shutdown":
            processor._delivery.shutdown(50)
            while counts(exporter)["queued"]:  # until the worker has seen that it is interrupted
                time.sleep(0.001)
            assert sum(counts(exporter)["dropped"].values()) == 1
        go_on.set()
        processor.shutdown()


@pytest.mark.parametrize("is_in_python", [False, True])
def test_where_gevent_has_replaced_threads_none_of_them_is_used(
    is_in_python: bool, sink: Sink, make_exporter: MakeExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    class Monkey(ModuleType):
        def is_module_patched(self, name: str) -> bool:
            return name == "threading"

        def get_original(self, module: str, name: str) -> object:
            asked.append((module, name))
            return _thread.start_new_thread

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a greenlet would block all others while it waits")

    monkeypatch.setitem(sys.modules, "gevent.monkey", Monkey("gevent.monkey"))
    exporter = make_exporter(sink.traces_endpoint)
    if is_in_python:  # a thread of Python's calls it
        exporter.export = exporter.export  # type: ignore[method-assign]
    processor = BatchSpanProcessor(exporter)
    tracer = provider_with(processor).get_tracer("tests")
    with monkeypatch.context() as patched:
        patched.setattr(threading, "Thread", refuse)
        tracer.start_span("span").end()
    assert processor.force_flush()
    assert asked == ([("_thread", "start_new_thread")] if is_in_python else [])
    assert sink.span_count == 1
    processor.shutdown()


def test_flush_works_from_many_threads_while_spans_are_made(sink: Sink, make_exporter: MakeExporter) -> None:
    exporter = make_exporter(sink.traces_endpoint)
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=HOUR)
    tracer = provider_with(processor).get_tracer("tests")
    results: list[bool] = []

    def work() -> None:
        for _ in range(20):
            for _ in range(50):
                tracer.start_span("span").end()
            results.append(processor.force_flush(30_000))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 160
    assert sink.span_count == 8000 == counts(exporter)["exported"]
    processor.shutdown()


def test_sending_uses_nothing_of_pythons_that_an_instrumentation_could_trace(
    sink: Sink, make_exporter: MakeExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def traced(*_: object, **__: object) -> None:
        raise AssertionError("an instrumentation would make a span of this")

    processor = BatchSpanProcessor(make_exporter(sink.traces_endpoint))
    tracer = provider_with(processor).get_tracer("tests")
    monkeypatch.setattr(socket, "socket", traced)
    monkeypatch.setattr(http.client.HTTPConnection, "__init__", traced)
    tracer.start_span("span").end()
    processor.shutdown()
    assert sink.span_count == 1


def test_a_span_sent_natively_is_the_span_that_the_sdk_would_send(sink: Sink, make_exporter: MakeExporter) -> None:
    def make(provider: sdk.TracerProvider) -> None:
        tracer = provider.get_tracer("tests", "1.0", "https://schema", {"scope": "attribute"})
        span = tracer.start_span("span", start_time=1_000)
        span.set_attribute("text", "ä")
        span.set_attribute("list", [1, 2])
        span.add_event("event", {"n": 1.5}, timestamp=2_000)
        span.end(3_000)

    for provider_class in (TracerProvider, sdk.TracerProvider):
        processor = BatchSpanProcessor(make_exporter(sink.traces_endpoint, w3c_flags=True))
        make(provider_with(processor, provider_class))
        processor.shutdown()
    ours, theirs = sink.spans()

    for name in ("name", "kind", "attributes", "start_time", "end_time", "flags", "dropped_attributes_count"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert [(event.name, event.attributes) for event in ours.events] == [
        (event.name, event.attributes) for event in theirs.events
    ]
