"""What happens to spans for which the queue has no room."""

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk import trace as sdk

from spanwire._facade.tracing import take_frames
from spanwire.sink import Sink
from spanwire.trace import SpanProcessor, TracerProvider
from spanwire.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from spanwire.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.integration.exporter.conftest import MakeExporter, counts

HOUR = 3_600_000.0
Provider = type[TracerProvider] | type[sdk.TracerProvider]
NATIVE_AND_SDK = pytest.mark.parametrize("provider_class", [TracerProvider, sdk.TracerProvider])


def started(processor: BatchSpanProcessor, provider_class: Provider = TracerProvider) -> Any:
    provider = provider_class(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return provider.get_tracer("tests")


def end_spans(tracer: Any, numbers: range) -> None:
    for number in numbers:
        tracer.start_span(f"{number}").end()


def numbers(sink: Sink) -> list[int]:
    return sorted(int(span.name) for span in sink.spans())


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


@NATIVE_AND_SDK
def test_the_newest_go_where_that_is_wanted(provider_class: Provider, sink: Sink, make_exporter: MakeExporter) -> None:
    sink.inject(status=503, times=None)
    exporter = make_exporter(sink.traces_endpoint)
    processor = BatchSpanProcessor(
        exporter,
        max_queue_size=20,
        max_export_batch_size=10,
        schedule_delay_millis=HOUR,
        queue_policy="drop_newest",
    )
    tracer = started(processor, provider_class)
    end_spans(tracer, range(10))
    wait_until(lambda: counts(exporter)["requests"] > 0)
    end_spans(tracer, range(10, 100))
    assert len(processor._queue) == 20
    sink.clear_faults()
    assert processor.force_flush()
    assert numbers(sink) == list(range(30))
    end_spans(tracer, range(100, 110))
    processor.shutdown()
    assert numbers(sink) == [*range(30), *range(100, 110)]
    assert counts(exporter)["dropped"] == {"queue_full": 70}


@NATIVE_AND_SDK
def test_threads_wait_for_room_and_nothing_is_lost(
    provider_class: Provider, sink: Sink, make_exporter: MakeExporter
) -> None:
    sink.inject(delay=0.01, times=None)
    exporter = make_exporter(sink.traces_endpoint)
    processor = BatchSpanProcessor(
        exporter,
        max_queue_size=20,
        max_export_batch_size=10,
        schedule_delay_millis=HOUR,
        queue_policy="block(60)",
    )
    tracer = started(processor, provider_class)
    threads = [
        threading.Thread(target=end_spans, args=(tracer, range(first, first + 100))) for first in range(0, 400, 100)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(processor._queue) <= 20
    processor.shutdown()
    assert numbers(sink) == list(range(400))
    assert counts(exporter)["dropped"] == {}


def test_a_wait_for_room_ends_and_then_the_span_goes(sink: Sink, make_exporter: MakeExporter) -> None:
    sink.inject(status=503, times=None)
    exporter = make_exporter(sink.traces_endpoint)
    processor = BatchSpanProcessor(
        exporter, max_queue_size=10, max_export_batch_size=5, schedule_delay_millis=HOUR, queue_policy="block(0.5)"
    )
    tracer = started(processor)
    end_spans(tracer, range(5))
    wait_until(lambda: counts(exporter)["requests"] > 0)
    end_spans(tracer, range(5, 15))
    ticks = 0
    stop = threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not stop.wait(0.001):
            ticks += 1

    ticking = threading.Thread(target=tick)
    ticking.start()
    before, start = ticks, time.monotonic()
    end_spans(tracer, range(15, 19))
    assert time.monotonic() - start >= 2
    assert ticks > before  # others have the GIL meanwhile
    stop.set()
    ticking.join()
    sink.clear_faults()
    assert processor.force_flush()
    assert numbers(sink) == list(range(15))
    assert counts(exporter)["dropped"] == {"queue_full": 4}
    processor.shutdown()


class Reads(SpanProcessor):
    """Wants a view of each span, so that it ends by the way of those."""

    def on_end(self, span: Any) -> None:
        assert span.name


class Redacts(SpanProcessor):
    """Replaces what the span has."""

    def on_end(self, span: Any) -> None:
        span._attributes = {"number": span.attributes["number"], "redacted": True}


@pytest.mark.parametrize("other", [None, Reads, Redacts])
@pytest.mark.parametrize("is_native", [True, False])
def test_a_span_that_waits_for_room_can_be_used_by_other_threads(
    other: type[SpanProcessor] | None, is_native: bool, sink: Sink, make_exporter: MakeExporter
) -> None:
    sink.inject(status=503, times=None)
    memory = InMemorySpanExporter()
    exporter: Any = make_exporter(sink.traces_endpoint) if is_native else memory
    processor = BatchSpanProcessor(
        exporter, max_queue_size=5, max_export_batch_size=5, schedule_delay_millis=HOUR, queue_policy="block(60)"
    )
    provider = TracerProvider(shutdown_on_exit=False)
    if other is not None:
        provider.add_span_processor(other())
    provider.add_span_processor(processor)
    tracer: Any = provider.get_tracer("tests")
    if not is_native:
        processor._queue.want_reader()
        assert processor._queue.begin_reader()  # who does not read yet
    spans = [tracer.start_span(str(number), attributes={"number": number}) for number in range(60)]
    ending = [threading.Thread(target=span.end) for span in spans]
    for thread in ending:
        thread.start()
    wait_until(lambda: len(processor._queue) == 5)
    for _ in range(20):
        for number, span in enumerate(spans):
            assert (span.name, span.attributes["number"]) == (str(number), number)
            assert not span.is_recording() or span.end_time is None
    if not is_native:
        while any(thread.is_alive() for thread in ending):
            memory.export(take_frames(processor._queue, 5))
            time.sleep(0.001)
        memory.export(take_frames(processor._queue, 5))
        assert sorted(int(span.name) for span in memory.get_finished_spans()) == list(range(60))
        return
    sink.clear_faults()
    for thread in ending:
        thread.join(60)
    provider.shutdown()
    assert numbers(sink) == list(range(60))
    assert counts(exporter)["dropped"] == {}


def test_who_waits_for_room_is_let_go_by_a_shutdown(sink: Sink, make_exporter: MakeExporter) -> None:
    sink.inject(status=503, times=None)
    exporter = make_exporter(sink.traces_endpoint, timeout=0.2)
    processor = BatchSpanProcessor(
        exporter, max_queue_size=2, max_export_batch_size=1, schedule_delay_millis=HOUR, queue_policy="block(60)"
    )
    tracer = started(processor)
    waiting = threading.Thread(target=end_spans, args=(tracer, range(6)))
    waiting.start()
    wait_until(lambda: len(processor._queue) == 2)
    processor.shutdown()
    waiting.join(60)
    assert not waiting.is_alive()
    processor._delivery.report()
    assert sum(counts(exporter)["dropped"].values()) == 6


def test_in_front_of_an_exporter_in_python_too() -> None:
    memory = InMemorySpanExporter()
    processor = BatchSpanProcessor(
        memory, max_queue_size=4, max_export_batch_size=2, schedule_delay_millis=HOUR, queue_policy="block(60)"
    )
    end_spans(started(processor), range(100))
    processor.shutdown()
    assert [int(span.name) for span in memory.get_finished_spans()] == list(range(100))


def test_one_that_refuses_spans_keeps_none_from_another(sink: Sink, make_exporter: MakeExporter) -> None:
    with Sink() as stuck:
        stuck.inject(status=503, times=None)
        narrow, wide = make_exporter(stuck.traces_endpoint), make_exporter(sink.traces_endpoint)
        provider = TracerProvider(shutdown_on_exit=False)
        refusing = BatchSpanProcessor(
            narrow, max_queue_size=5, max_export_batch_size=5, schedule_delay_millis=HOUR, queue_policy="drop_newest"
        )
        provider.add_span_processor(refusing)
        provider.add_span_processor(BatchSpanProcessor(wide, schedule_delay_millis=HOUR))
        end_spans(provider.get_tracer("tests"), range(50))
        stuck.clear_faults()
        provider.shutdown()
        assert numbers(sink) == list(range(50))
        assert len(numbers(stuck)) + counts(narrow)["dropped"]["queue_full"] == 50


@pytest.mark.parametrize("policy", ["", "newest", "block()", "block(-1)", "block(61)", 5, "BLOCK"])
def test_other_policies_are_refused(policy: Any) -> None:
    with pytest.raises(ValueError, match=r"queue_policy=.* is not valid; there are \"drop_oldest\""):
        BatchSpanProcessor(ConsoleSpanExporter(), queue_policy=policy)


@pytest.mark.parametrize("most", [0, -1, 9, 1.5, "4"])
def test_other_numbers_in_flight_are_refused(most: Any) -> None:
    with pytest.raises(ValueError, match=r"max_in_flight=.* is not valid; give a number"):
        BatchSpanProcessor(ConsoleSpanExporter(), max_in_flight=most)


def test_the_environment_is_asked_and_what_it_cannot_mean_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SPANWIRE_QUEUE_POLICY", "drop_newest")
    processor = BatchSpanProcessor(InMemorySpanExporter(), max_queue_size=3, max_export_batch_size=3)
    processor._queue.begin_reader()  # nobody reads
    end_spans(started(processor), range(5))
    counts = processor._queue.counts()
    assert (counts["accepted"], counts["queued"], counts["full"]) == (5, 3, 2)
    processor._queue.discard()
    monkeypatch.setenv("SPANWIRE_QUEUE_POLICY", "forget")
    monkeypatch.setenv("SPANWIRE_MAX_IN_FLIGHT", "many")
    BatchSpanProcessor(InMemorySpanExporter()).shutdown()
    policy, in_flight = [record.getMessage() for record in caplog.records]
    assert policy.startswith("Invalid SPANWIRE_QUEUE_POLICY='forget': there are \"drop_oldest\"")
    assert (
        in_flight == "Invalid SPANWIRE_MAX_IN_FLIGHT='many': a number of requests from 1 to 8 is needed; it is ignored"
    )


def test_several_requests_are_under_way_where_that_is_wanted(sink: Sink, make_exporter: MakeExporter) -> None:
    sink.inject(delay=0.3, times=None)
    exporter = make_exporter(sink.traces_endpoint)
    processor = BatchSpanProcessor(exporter, max_export_batch_size=10, schedule_delay_millis=HOUR, max_in_flight=8)
    tracer = started(processor)
    end_spans(tracer, range(80))
    assert processor.force_flush()
    assert numbers(sink) == list(range(80))
    assert counts(exporter)["connections"] > 1
    processor.shutdown()


def test_who_waits_for_room_keeps_the_queue_when_the_plan_is_changed(sink: Sink, make_exporter: MakeExporter) -> None:
    sink.inject(status=503, times=None)
    exporter = make_exporter(sink.traces_endpoint)
    processor = BatchSpanProcessor(
        exporter, max_queue_size=2, max_export_batch_size=1, schedule_delay_millis=HOUR, queue_policy="block(60)"
    )
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    end_spans(provider.get_tracer("tests"), range(1))
    wait_until(lambda: counts(exporter)["requests"] > 0)
    waiting = threading.Thread(target=end_spans, args=(provider.get_tracer("tests"), range(1, 4)))
    waiting.start()
    wait_until(lambda: len(processor._queue) == 2)
    time.sleep(0.2)
    assert waiting.is_alive()
    active: Any = provider._active_span_processor
    plan = active.plan
    planned = sys.getrefcount(processor._queue)
    plan.set_processors(())
    meanwhile = sys.getrefcount(processor._queue)
    sink.clear_faults()
    waiting.join(60)
    assert meanwhile == planned  # what the plan had was that end()'s
    plan.set_processors((processor,))
    processor.shutdown()
    assert numbers(sink) == list(range(4))
