"""The thread in front of an exporter in Python: batches, bounds, flushes, counts, forks, and what is held meanwhile."""

import gc
import os
import signal
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

import spanwire
from spanwire.trace import SpanProcessor, TracerProvider
from spanwire.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from spanwire.trace.export.in_memory_span_exporter import InMemorySpanExporter

HOUR = 3_600_000.0


class Exporter(SpanExporter):
    """Keeps the numbers of the spans of each batch; waits where it is told to."""

    def __init__(self, answer: Callable[[], SpanExportResult] = lambda: SpanExportResult.SUCCESS) -> None:
        self.batches: list[list[Any]] = []
        self.answer = answer
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.entered.set()
        self.open.wait(30)
        self.batches.append([(span.attributes or {}).get("number") for span in spans])
        return self.answer()

    @property
    def numbers(self) -> list[Any]:
        return [number for batch in self.batches for number in batch]


@pytest.fixture
def destination() -> Iterator[str]:
    """A class of exporters of the test's own, by its name, whose books must balance."""
    name = "Exporter"
    before = account(name)
    yield name
    now = account(name)
    assert now["queued"] == 0
    assert now["accepted"] == now["exported"] + sum(now["dropped"].values())
    assert now["accepted"] >= before["accepted"]


def account(name: str) -> dict[str, Any]:
    nothing: dict[str, Any] = {"accepted": 0, "exported": 0, "queued": 0, "requests": 0, "dropped": {}}
    found: dict[str, Any] = spanwire.stats()["traces"].get(name, nothing)
    return found


def since(name: str, before: dict[str, Any]) -> dict[str, Any]:
    now = account(name)
    dropped = {reason: count - before["dropped"].get(reason, 0) for reason, count in now["dropped"].items()}
    changed = {key: now[key] - before[key] for key in ("accepted", "exported", "queued", "requests")}
    return {**changed, "dropped": {reason: count for reason, count in dropped.items() if count}}


def provider_of(
    processor: sdk.SpanProcessor, provider_class: type[sdk.TracerProvider] = TracerProvider
) -> sdk.TracerProvider:
    provider = provider_class(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return provider


def end_spans(provider: sdk.TracerProvider, numbers: range) -> None:
    tracer = provider.get_tracer("tests")
    for number in numbers:
        tracer.start_span("span", attributes={"number": number}).end()


BOTH = pytest.mark.parametrize("provider_class", [TracerProvider, sdk.TracerProvider])


@BOTH
def test_all_spans_are_exported_in_order_in_batches_of_512(
    provider_class: type[sdk.TracerProvider], destination: str
) -> None:
    before, exporter = account(destination), Exporter()
    provider = provider_of(BatchSpanProcessor(exporter, schedule_delay_millis=HOUR), provider_class)
    exporter.open.clear()
    end_spans(provider, range(1200))
    exporter.open.set()
    assert provider.force_flush(30_000)
    assert exporter.numbers == list(range(1200))
    assert max(len(batch) for batch in exporter.batches) <= 512
    assert since(destination, before) == {
        "accepted": 1200,
        "exported": 1200,
        "queued": 0,
        "requests": len(exporter.batches),
        "dropped": {},
    }
    provider.shutdown()


def test_a_full_batch_is_exported_before_the_delay_and_what_waits_after_it() -> None:
    exporter = Exporter()
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=2_000, max_export_batch_size=5)
    provider = provider_of(processor)
    end_spans(provider, range(7))
    deadline = time.monotonic() + 30
    while len(exporter.numbers) < 7 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert exporter.batches == [[0, 1, 2, 3, 4], [5, 6]]
    provider.shutdown()


@BOTH
def test_over_the_bound_the_oldest_go_and_are_counted(
    provider_class: type[sdk.TracerProvider], destination: str
) -> None:
    before, exporter = account(destination), Exporter()
    processor = BatchSpanProcessor(exporter, max_queue_size=10, max_export_batch_size=5, schedule_delay_millis=HOUR)
    provider = provider_of(processor, provider_class)
    exporter.open.clear()
    end_spans(provider, range(5))
    assert exporter.entered.wait(30)
    end_spans(provider, range(5, 20))
    assert since(destination, before)["queued"] == 15
    exporter.open.set()
    assert provider.force_flush()
    assert exporter.numbers == [0, 1, 2, 3, 4, *range(10, 20)]
    assert since(destination, before) == {
        "accepted": 20,
        "exported": 15,
        "queued": 0,
        "requests": 3,
        "dropped": {"queue_full": 5},
    }
    provider.shutdown()


def refuse() -> SpanExportResult:
    return SpanExportResult.FAILURE


def fail() -> SpanExportResult:
    raise OSError("on purpose")


@pytest.mark.parametrize(("answer", "reason"), [(refuse, "refused"), (fail, "raised")])
def test_what_an_exporter_does_not_take_is_counted(
    answer: Callable[[], SpanExportResult], reason: str, destination: str
) -> None:
    before = account(destination)
    provider = provider_of(BatchSpanProcessor(Exporter(answer)))
    end_spans(provider, range(3))
    assert provider.force_flush()
    assert since(destination, before)["dropped"] == {reason: 3}
    provider.shutdown()
    end_spans(provider, range(2))
    assert since(destination, before)["dropped"] == {reason: 3, "shutdown": 2}


def test_a_flush_keeps_to_its_time_while_the_exporter_hangs(destination: str) -> None:
    before, exporter = account(destination), Exporter()
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=HOUR)
    provider = provider_of(processor)
    exporter.open.clear()
    end_spans(provider, range(3))
    start = time.monotonic()
    assert not processor.force_flush(200)
    assert 0.1 < time.monotonic() - start < 10  # a hang guard: 0.2 s
    exporter.open.set()
    assert processor.force_flush(30_000)
    assert since(destination, before)["exported"] == 3
    provider.shutdown()


def test_an_exporter_may_call_its_processor() -> None:
    answers: list[object] = []

    class Calling(Exporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            answers.append(processor.force_flush())
            processor.shutdown()
            return super().export(spans)

    exporter = Calling()
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=HOUR)
    provider = provider_of(processor)
    end_spans(provider, range(3))
    assert provider.force_flush(30_000)
    assert answers == [False]
    assert exporter.numbers == [0, 1, 2]


@BOTH
def test_a_forked_child_exports_its_own_spans_only(provider_class: type[sdk.TracerProvider], destination: str) -> None:
    exporter = Exporter()
    provider = provider_of(BatchSpanProcessor(exporter, schedule_delay_millis=HOUR), provider_class)
    end_spans(provider, range(3))
    child = os.fork()
    if child == 0:  # pragma: no cover  # the child's coverage is nobody's
        signal.alarm(60)
        end_spans(provider, range(10, 12))
        is_right = provider.force_flush() and exporter.numbers == [10, 11]
        counted = account(destination)
        os._exit(0 if is_right and (counted["accepted"], counted["exported"]) == (2, 2) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert provider.force_flush()
    assert exporter.numbers == [0, 1, 2]
    provider.shutdown()


def test_spans_that_wait_or_are_kept_hold_no_span_object() -> None:
    exporter, memory = Exporter(), InMemorySpanExporter()
    provider = provider_of(BatchSpanProcessor(exporter, schedule_delay_millis=HOUR))
    provider.add_span_processor(SimpleSpanProcessor(memory))
    span = provider.get_tracer("tests").start_span("span", attributes={"number": 1})
    span.end()
    gone = weakref.ref(span)
    del span
    assert gone() is None
    (kept,) = memory.get_finished_spans()
    assert (kept.name, dict(kept.attributes or {})) == ("span", {"number": 1})
    provider.shutdown()
    assert exporter.numbers == [1]


class Redacted:
    """A processor's change, after which a span is queued as an object and no longer as its bytes."""

    def __init__(self, every: int) -> None:
        self.every = every
        self.views: list[weakref.ref[Any]] = []

    def processor(self) -> SpanProcessor:
        redacted = self

        class Redact(SpanProcessor):
            def on_end(self, span: Any) -> None:
                if span.attributes["number"] % redacted.every == 0:
                    span._name = "redacted"
                    redacted.views.append(weakref.ref(span))

        return Redact()


def test_spans_as_bytes_and_as_objects_keep_one_order_and_one_bound(destination: str) -> None:
    before, exporter, redacted = account(destination), Exporter(), Redacted(every=3)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(redacted.processor())
    provider.add_span_processor(
        BatchSpanProcessor(exporter, max_queue_size=100, max_export_batch_size=100, schedule_delay_millis=HOUR)
    )
    exporter.open.clear()
    end_spans(provider, range(100))  # a full batch, which the exporter holds
    assert exporter.entered.wait(30)
    end_spans(provider, range(100, 350))
    exporter.open.set()
    provider.shutdown()
    assert exporter.numbers == [*range(100), *range(250, 350)]
    assert since(destination, before)["dropped"] == {"queue_full": 150}
    assert len(redacted.views) == 117


def test_an_exported_object_is_let_go_of() -> None:
    exporter, redacted = Exporter(), Redacted(every=1)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(redacted.processor())
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=HOUR))
    end_spans(provider, range(10))
    assert provider.force_flush()
    end_spans(provider, range(10, 11))  # the queue frees what it was asked to at its next call
    assert provider.force_flush()
    gc.collect()
    assert [view() for view in redacted.views[:10]] == [None] * 10
    provider.shutdown()


class Marked(Resource):
    """One that can be referred to weakly."""


def test_what_frames_are_read_with_goes_when_the_last_of_them_and_the_provider_are_gone() -> None:
    memory = InMemorySpanExporter()
    resource = Marked({"a": 1})
    provider = TracerProvider(shutdown_on_exit=False, resource=resource)
    provider.add_span_processor(BatchSpanProcessor(memory, schedule_delay_millis=HOUR))
    gone = weakref.ref(resource)
    del resource
    provider.get_tracer("tests").start_span("span").end()
    provider.shutdown()
    del provider
    gc.collect()
    (span,) = memory.get_finished_spans()
    assert span.resource is gone()
    del span
    memory.clear()
    gc.collect()
    assert gone() is None


class Finalized:
    """Ends a span when it is freed."""

    def __init__(self, tracer: Any) -> None:
        self.tracer = tracer

    def __del__(self) -> None:
        self.tracer.start_span("last words", attributes={"number": "last words"}).end()


def test_what_dropped_spans_hold_may_end_spans_when_it_is_freed(destination: str) -> None:
    class Tag(SpanProcessor):
        def on_end(self, span: Any) -> None:
            if span.name == "span":
                span._tag = Finalized(tracer)

    before, exporter, panics = account(destination), Exporter(), spanwire.stats()["trace"]["panics"]
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Tag())
    processor = BatchSpanProcessor(exporter, max_queue_size=2, max_export_batch_size=1, schedule_delay_millis=HOUR)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("tests")
    exporter.open.clear()
    end_spans(provider, range(50))
    exporter.open.set()
    assert processor.force_flush()
    provider.shutdown()
    gc.collect()
    counted = since(destination, before)
    assert counted["dropped"]["queue_full"] > 0
    assert counted["accepted"] >= 50
    assert spanwire.stats()["trace"]["panics"] == panics
